"""Free transition time: quasi-potentials against potentials, known values, and changes of coordinates."""

import numpy as np
import pytest
import sympy

import noetherlib as nl
from noetherlib.models import double_well, maier_stein, multistable_decision, ornstein_uhlenbeck

x_, y_, t_ = sympy.symbols("x y t")
ARC = np.stack([np.linspace(-1, 0, 50), 0.4 * np.sin(np.pi * np.linspace(0, 1, 50))], axis=-1)


def order(errors):
    errors = np.abs(errors)
    return np.log2(errors[:-1] / errors[1:])


def gradient_system(V, state, D):
    return nl.System.from_sympy([-V.diff(s) for s in state], state, D)


# ---- uphill in a potential costs the difference over D, downhill nothing -------------------------


@pytest.mark.parametrize(
    "V, D, start, end",
    [
        (x_**4 / 4 - x_**2 / 2, 0.1, [-1], [0]),
        ((x_**2 - 1) ** 2 / 4 + (y_ - x_**2) ** 2, 0.2, [-1, 1], [0, 0]),
        (x_**2 + x_ * y_ + y_**2, 0.3, [0, 0], [1, 1]),
    ],
    ids=["well", "bent valley", "bowl"],
)
def test_a_potential(V, D, start, end):
    state = (x_, y_)[: len(start)]
    system = gradient_system(V, state, D)
    height = (
        float(V.subs(dict(zip(state, end, strict=True))) - V.subs(dict(zip(state, start, strict=True)))) / D
    )
    actions = [nl.geometric_path(system, start, end, n).action for n in (50, 100, 200, 400)]
    np.testing.assert_allclose(actions[-1], height, rtol=1e-4)
    if not np.allclose(actions, height, rtol=1e-12):  # a straight line through a parabola is exact
        np.testing.assert_allclose(order(np.array(actions[-3:]) - height), 2, atol=0.15)
    down = nl.geometric_path(system, end, start, 200)
    assert abs(down.action) < 1e-6 * height


def test_noise_that_differs_by_direction():
    # f = -D grad V: the density is exp(-V) and the cost uphill V
    D = np.array([[0.5, 0.2], [0.2, 0.3]])
    V = (x_**2 - 1) ** 2 / 4 + (y_ - x_**2) ** 2
    f = -sympy.Matrix(D) * sympy.Matrix([V.diff(x_), V.diff(y_)])
    system = nl.System.from_sympy(list(f), (x_, y_), D)
    geo = nl.geometric_path(system, [-1, 1], [0, 0], 400)
    assert geo.converged
    np.testing.assert_allclose(geo.action, 0.25, rtol=1e-4)


def test_multiplicative_noise():
    # in one dimension the cost is the integral of -f/D uphill
    system = nl.System.from_sympy([-x_], [x_], (1 + x_**2) / 2)
    np.testing.assert_allclose(nl.geometric_path(system, 0, 2.0, 400).action, np.log(5.0), rtol=1e-5)


@pytest.mark.parametrize("n", [3, 20, 200])
def test_ornstein_uhlenbeck(n):
    geo = nl.geometric_path(ornstein_uhlenbeck(2, 1.0, 0.5), [0, 0], [1, 2], n)
    np.testing.assert_allclose(geo.action, 5 / (2 * 0.5), rtol=1e-12)
    np.testing.assert_allclose(geo.x, np.linspace([0, 0], [1, 2], n), atol=1e-9)


def test_linear_systems_that_turn():
    # the cost from the fixed point is x C^-1 x / 2 with C the stationary covariance
    A, D = np.array([[1.0, 2.0], [-1.5, 0.8]]), np.array([[0.5, 0.1], [0.1, 0.3]])
    from scipy.linalg import solve_continuous_lyapunov

    C = solve_continuous_lyapunov(A, 2 * D)
    end = np.array([1.0, 0.5])
    geo = nl.geometric_path(ornstein_uhlenbeck(2, A, D), end * 1e-3, end, 400)
    assert geo.converged
    np.testing.assert_allclose(geo.action, end @ np.linalg.solve(C, end) / 2, rtol=5e-3)


# ---- Maier and Stein -----------------------------------------------------------------------------


def test_maier_stein():
    values = [
        nl.geometric_path(maier_stein(0.5), [-1, 0], [0, 0], n, guess=ARC).action for n in (100, 200, 400)
    ]
    np.testing.assert_allclose(order(np.diff(values)), 2, atol=0.15)
    np.testing.assert_allclose(values[-1] + (values[-1] - values[-2]) / 3, 0.34004, atol=5e-6)
    # for beta = 1 there is a potential
    np.testing.assert_allclose(
        nl.geometric_path(maier_stein(0.5, 1.0), [-1, 0], [0, 0], 400).action, 0.5, rtol=1e-5
    )


def test_long_given_times_come_down_to_it():
    geo = nl.geometric_path(maier_stein(0.5), [-1, 0], [0, 0], 800, guess=ARC)
    actions = []
    for T in (5, 10, 20):
        t = np.linspace(0, T, 800)
        guess = np.stack([np.interp(t / T, np.linspace(0, 1, 50), c) for c in ARC.T], axis=-1)
        actions.append(
            nl.refine(nl.least_action_path(maier_stein(0.5), [-1, 0], [0, 0], t, "fw", guess), 1e-6).action
        )
    excess = np.array(actions) - geo.action
    assert (excess > -1e-5).all() and (np.diff(actions) < 0).all() and excess[-1] < 2e-5


def test_the_curve():
    geo = nl.geometric_path(maier_stein(0.5), [-1, 0], [0, 0], 200, guess=ARC)
    assert geo.t is None and geo.converged and geo.x.shape == (200, 2) and geo.arclength.shape == (200,)
    steps = np.linalg.norm(np.diff(geo.x, axis=0), axis=1)
    np.testing.assert_allclose(np.diff(geo.arclength), steps)
    assert steps.max() < 1.35 * steps.min()
    np.testing.assert_array_equal(geo.x[[0, -1]], [[-1, 0], [0, 0]])


@pytest.mark.parametrize("angle, scale, rate", [(0.7, 1.0, 1.0), (0.0, 3.0, 1.0), (-2.0, 0.2, 50.0)])
def test_other_coordinates_and_clocks_give_the_same_cost(angle, scale, rate):
    c, s = np.cos(angle), np.sin(angle)
    Q = scale * np.array([[c, -s], [s, c]])
    old, back = maier_stein([0.5, 0.3]), np.linalg.inv(Q)
    new = nl.System(
        lambda y, t: rate * old.drift(y @ back.T, t) @ Q.T,
        rate * Q @ np.diag([0.5, 0.3]) @ Q.T,
        2,
        lambda y, t: rate * Q @ old.jacobian(y @ back.T, t) @ back,
        lambda y, t: rate * np.einsum("ai,...ijl,jb,lc->...abc", Q, old.hessian(y @ back.T, t), back, back),
    )
    a = nl.geometric_path(old, [-1, 0], [0, 0], 300, guess=ARC)
    b = nl.geometric_path(new, Q @ [-1, 0], [0, 0], 300, guess=ARC @ Q.T)
    assert a.converged and b.converged
    np.testing.assert_allclose(b.action, a.action, rtol=3e-6)
    np.testing.assert_allclose(b.x, a.x @ Q.T, atol=1e-3 * scale)


def test_a_drift_alone_will_do():
    exact = maier_stein(0.5)
    a, b = (
        nl.geometric_path(s, [-1, 0], [0, 0], 100, guess=ARC) for s in (exact, nl.System(exact.drift, 0.5, 2))
    )
    assert b.converged
    np.testing.assert_allclose(b.action, a.action, rtol=1e-8)


def test_curves_through_an_attractor():
    # f = -x: with z**2 as the coordinate the metric |x|**2 is flat, so that
    # S = (|z1**2 - z0**2| + |z1|**2 - |z0|**2) / 4 D; more than a right angle apart, through the origin
    D, z0, system = 0.1, 1.0, ornstein_uhlenbeck(2, 1.0, 0.1)
    for angle, size in ((1.0, 1.0), (2.0, 1.0), (2.5, 0.7), (np.pi, 1.2)):
        z1 = size * np.exp(1j * angle)
        through = angle > np.pi / 2
        exact = size**2 / (2 * D) if through else (abs(z1**2 - z0) + size**2 - 1) / (4 * D)
        geo = nl.geometric_path(system, [1.0, 0.0], [z1.real, z1.imag], 100)
        assert geo.converged and abs(geo.action - exact) <= geo.error + 1e-9
        assert np.allclose(geo.x[list(geo.joints)], 0, atol=1e-9) and (angle != 2.0 or geo.joints)


# ---- what it refuses ----


@pytest.mark.parametrize("functional", ["onsager-machlup", "om", lambda x, t: 0 * x[..., 0]])
def test_only_freidlin_wentzell_has_a_free_time(functional):
    with pytest.raises(ValueError, match="functional must be .* no lower bound, since waiting"):
        nl.geometric_path(maier_stein(0.5), [-1, 0], [0, 0], functional=functional)


def test_a_clock_is_refused():
    for system in (
        nl.System.from_sympy([-x_ + sympy.sin(sympy.pi * t_)], [x_], 1.0, t_),
        nl.System(lambda x, t: -x, lambda x, t: 1 + t**2, 1),
        nl.System(lambda x, t: -x * np.exp(-t)[..., None], 1.0, 1),
    ):
        with pytest.raises(ValueError, match="system must not depend on time"):
            nl.geometric_path(system, 0, 1)


@pytest.mark.parametrize(
    "name, values",
    [
        ("x0", [None, np.nan, [0, 0, 0], [[0, 0], [1, 1]], "a", [1j, 0], 0.0]),
        ("x1", [None, [np.inf, 0], [0], [[0, 0], [1, 1]], [-1, 0]]),
        ("n_points", [2, 0, -1, 2.5, "3", None, True]),
        ("functional", ["freidlin", 1, [1], None]),
        ("guess", [[0, 0], np.zeros((5, 3)), np.full((5, 2), np.nan), [[1, 2], [3]], np.zeros((2, 5, 2))]),
        ("tol", [0, -1, np.nan, "a", [1, 2]]),
        ("max_iter", [-1, 1.5, None]),
        ("system", [None, "ou", maier_stein]),
    ],
)
def test_bad_input(name, values):
    for value in values:
        with pytest.raises(ValueError, match=name):
            nl.geometric_path(**{"system": maier_stein(0.5), "x0": [-1, 0], "x1": [0, 0]} | {name: value})


# ---- fixed points --------------------------------------------------------------------------------


def test_fixed_points_of_three_attractors():
    system = multistable_decision()
    points = nl.fixed_points(system, (-1, 5))
    assert [p.kind for p in points] == ["stable"] * 4 + ["saddle", "saddle", "source", "saddle", "saddle"]
    stable = [p.x for p in points if p.stable]
    np.testing.assert_allclose(stable, [[0.35, 3.25], [1.25, 1.25], [2.35, 2.35], [3.25, 0.35]], atol=1e-9)
    for p in points:
        assert np.abs(system.drift(p.x, 0.0)).max() < 1e-10 * np.abs(system.jacobian(p.x, 0.0)).max()
        np.testing.assert_allclose(np.poly(p.eigenvalues), np.poly(system.jacobian(p.x, 0.0)), rtol=1e-9)


def test_fixed_points_of_others():
    assert [(p.kind, *p.x.round(9)) for p in nl.fixed_points(double_well(0.1), (-2, 2))] == [
        ("stable", -1),
        ("stable", 1),
        ("source", 0),
    ]
    wells = nl.fixed_points(maier_stein(0.1), [(-2, 2), (-1, 1)])
    np.testing.assert_allclose([p.x for p in wells], [[-1, 0], [1, 0], [0, 0]], atol=1e-9)
    assert [p.kind for p in wells] == ["stable", "stable", "saddle"]
    assert [p.kind for p in nl.fixed_points(nl.System.from_sympy([y_, -x_], (x_, y_), 1.0), (-1, 1))] == [
        "marginal"
    ]
    assert nl.fixed_points(nl.System.from_sympy([1 + x_**2], [x_], 1.0), (-1, 1)) == []
    assert nl.fixed_points(double_well(0.1), (0.5, 2))[0].x.round(9) == 1
    moving = nl.System.from_sympy([t_ - x_], [x_], 1.0, t_)
    assert nl.fixed_points(moving, (-3, 3), t=2.0)[0].x.round(9) == 2


@pytest.mark.parametrize(
    "name, values",
    [
        ("box", [None, 1.0, (1, -1), (1, 1), [(0, 1)], (0, np.inf), "ab", [(0, 1)] * 3, (0, 1j)]),
        ("t", [None, np.nan, [0, 1], "a", 1j]),
        ("starts", [0, -1, 1.5, None]),
        ("system", [None, 1.0]),
    ],
)
def test_bad_input_for_fixed_points(name, values):
    for value in values:
        with pytest.raises(ValueError, match=name):
            nl.fixed_points(**{"system": maier_stein(0.5), "box": (-1, 1)} | {name: value})
