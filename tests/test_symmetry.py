"""Noether charges: conserved where they must be, and forced as they must be where a symmetry is broken."""

import pickle

import numpy as np
import pytest
import scipy.linalg
import sympy

import noetherlib as nl
from noetherlib.models import drift_diffusion, maier_stein, ornstein_uhlenbeck
from noetherlib.symmetry import AffineSymmetry

x_, y_, t_ = sympy.symbols("x y t")
FW, OM = "freidlin-wentzell", "onsager-machlup"
R2 = x_**2 + y_**2
SPIN = nl.System.from_sympy(  # invariant under rotation, not a gradient
    [(1 - R2) * x_ - (1 + R2 / 2) * y_, (1 - R2) * y_ + (1 + R2 / 2) * x_], (x_, y_), 0.3
)
rng = np.random.default_rng(11)
X2, V2, TIMES = rng.normal(size=(40, 2)), rng.normal(size=(40, 2)), rng.uniform(0.1, 2, 40)
X1, V1 = X2[:, :1], V2[:, :1]


def order(errors):
    errors = np.asarray(errors)
    return np.log2(errors[:-1] / errors[1:])


def relative_spread(path, charge):
    """Spread of a rotation's charge, against the largest momentum times the largest radius."""
    scale = np.linalg.norm(path.momentum, axis=-1).max() * np.linalg.norm(path.x, axis=-1).max()
    return np.ptp(charge) / scale


# ---- exact on the mesh ---------------------------------------------------------------------------


@pytest.mark.parametrize("functional", [FW, OM])
@pytest.mark.parametrize("n", [50, 2000])
def test_angular_momentum_in_the_plane(functional, n):
    path = nl.least_action_path(SPIN, [1, 0], [-0.5, 1.2], np.linspace(0, 3, n), functional)
    J = nl.charge(path, nl.rotation(0, 1))
    assert relative_spread(path, J) <= 1e-11
    assert J.exact and J.shape == (n,) and J.t is path.t
    np.testing.assert_array_equal(
        nl.invariance_defect(SPIN, nl.rotation(0, 1), X2, V2, 0.0, functional).round(12), 0
    )

    # what one would write first, on the midpoints, is conserved to O(h**2) alone
    mid, v = (path.x[1:] + path.x[:-1]) / 2, np.diff(path.x, axis=0) / np.diff(path.t)[:, None]
    p = (v - SPIN.drift(mid, 0.0)) / (2 * 0.3)
    naive = relative_spread(path, mid[:, 0] * p[:, 1] - mid[:, 1] * p[:, 0])
    assert naive > 1e-3 if n == 50 else naive > 1e-6


COUPLING = np.zeros(
    (10, 10)
)  # three groups of coordinates, each turning freely, that feel each other's radii
for rows, columns, strength in ((0, 0, -1), (0, 1, 0.5), (1, 1, -1), (1, 2, -0.3), (2, 2, -1), (2, 0, 1)):
    groups = (slice(0, 3), slice(3, 6), slice(6, 10))
    COUPLING[groups[rows], groups[columns]] = strength


def shells(x, t):
    return x * (1 + x**2 @ COUPLING.T)


def shells_jacobian(x, t):
    return (1 + x**2 @ COUPLING.T)[..., None] * np.eye(10) + 2 * x[..., :, None] * COUPLING * x[..., None, :]


@pytest.mark.parametrize("n", [50, 2000])
def test_every_plane_of_ten_dimensions(n):
    system = nl.System(shells, 0.4, 10, shells_jacobian)
    a, b = np.random.default_rng(0).normal(size=(2, 10)) / 2
    path = nl.least_action_path(system, a, b, np.linspace(0, 1, n), FW)
    assert path.converged and path.kind == "minimum"
    for group in (range(3), range(3, 6), range(6, 10)):
        for i in group:
            for j in group:
                if i != j:
                    J = nl.charge(path, nl.rotation(i, j))
                    assert relative_spread(path, J) <= 1e-11 and J.exact
    broken = nl.charge(path, nl.rotation(0, 5))
    assert relative_spread(path, broken) > 1e-3 and not broken.exact


def test_exactness_needs_neither_even_times_nor_uniform_noise():
    t = np.cumsum(np.random.default_rng(2).uniform(0.01, 0.1, 60))
    twist = nl.System.from_sympy(  # all rotation-symmetric: drift with a clock, noise of time and state
        [-y_ * sympy.cos(t_) - x_ * R2, x_ * sympy.cos(t_) - y_ * R2], (x_, y_), (1 + t_) * (1 + R2 / 3), t_
    )
    path = nl.least_action_path(twist, [1, 0], [0.2, 1], t, FW)
    J = nl.charge(path, nl.rotation(0, 1))
    assert path.converged and relative_spread(path, J) < 1e-13 and J.exact
    assert np.ptp(path.energy) > np.abs(path.energy).max()  # its clock is not free


def test_charges_of_batches():
    x1 = np.random.default_rng(1).normal(size=(3, 2, 2))
    paths = nl.least_action_path(SPIN, [1, 0], x1, np.linspace(0, 1, 30))
    J, E = nl.charge(paths, nl.rotation(0, 1)), nl.charge(paths, nl.time_translation())
    assert J.shape == (3, 2, 30) and E.shape == (3, 2, 29)
    assert np.ptp(J, axis=-1).max() < 1e-12
    np.testing.assert_allclose(nl.charge(paths[2, 1], nl.rotation(0, 1)), J[2, 1], atol=1e-12)
    np.testing.assert_allclose(E, -paths.energy)
    lhs, rhs = nl.charge_balance(paths, nl.translation([1, 2]))
    np.testing.assert_allclose(lhs, rhs, atol=1e-11 * np.abs(rhs).max())


# ---- algebras with clocks and gauges -------------------------------------------------------------

v, D, k = 0.3, 0.5, 0.7
make = nl.Symmetry.from_sympy
ONE = dict(state=[x_], time=t_)
FREE = {
    "translation": nl.translation(1.0),
    "boost": make([t_], gauge=(x_ - v * t_) / (2 * D), **ONE),
    "time": nl.time_translation(),
    "dilation": make([x_ + v * t_], tau=2 * t_, **ONE),
    "conformal": make([t_ * x_], tau=t_**2, gauge=(x_ - v * t_) ** 2 / (4 * D), **ONE),
}


@pytest.mark.parametrize("name", FREE)
def test_the_algebra_of_drift_diffusion(name):
    symmetry, system = FREE[name], drift_diffusion(v, D)
    np.testing.assert_allclose(nl.invariance_defect(system, symmetry, X1, V1, TIMES, FW), 0, atol=1e-10)
    path = nl.least_action_path(system, 0.5, -1, np.cumsum(rng.uniform(0.01, 0.1, 100)))
    J = nl.charge(path, symmetry)
    assert np.ptp(J) < 1e-11 * max(1, np.abs(J).max())
    assert J.exact == symmetry.keeps_time  # clocks are never claimed to be exact
    assert J.shape == ((100,) if symmetry.keeps_time else (99,))


up, down = sympy.exp(k * t_), sympy.exp(-k * t_)
LINEAR = {
    "decaying": make([down], **ONE),
    "growing": make([up], gauge=k * x_ * up / D, **ONE),
    "clock down": make([-k * x_ * down**2], tau=down**2, **ONE),
    "clock up": make([k * x_ * up**2], tau=up**2, gauge=k**2 * x_**2 * up**2 / D, **ONE),
    "numeric": nl.Symmetry(lambda x, t: 0 * x + np.exp(-k * t)[..., None]),
    "numeric, gauge": nl.Symmetry(
        lambda x, t: 0 * x + np.exp(k * t)[..., None], gauge=lambda x, t: k * x[..., 0] * np.exp(k * t) / D
    ),
    "numeric, clock": nl.Symmetry(
        lambda x, t: -k * x * np.exp(-2 * k * t)[..., None], tau=lambda x, t: np.exp(-2 * k * t)
    ),
}


@pytest.mark.parametrize("name", LINEAR)
def test_the_algebra_of_ornstein_uhlenbeck(name):
    symmetry, system = LINEAR[name], ornstein_uhlenbeck(1, k, D)
    np.testing.assert_allclose(nl.invariance_defect(system, symmetry, X1, V1, TIMES, FW), 0, atol=1e-10)
    spreads = []
    for n in (101, 201, 401):
        J = nl.charge(nl.least_action_path(system, 0.5, -1, np.linspace(0, 2, n), FW), symmetry)
        spreads.append(np.ptp(J))
        assert not J.exact  # not on the mesh, however fine
    np.testing.assert_allclose(order(spreads), 2, atol=0.05)


def test_the_divergence_does_not_care_for_clocks():
    # OM adds the constant -k/2 to the Lagrangian, which a stretched clock turns into a forcing
    clock = LINEAR["clock down"]
    defect = nl.invariance_defect(ornstein_uhlenbeck(1, k, D), clock, X1, V1, TIMES, OM)
    np.testing.assert_allclose(defect, -k / 2 * -2 * k * np.exp(-2 * k * TIMES), rtol=1e-10)


def test_values_of_the_generators():
    s = FREE["conformal"]
    x, t = X1, TIMES
    np.testing.assert_allclose(s.xi(x, t), t[:, None] * x)
    np.testing.assert_allclose(s.tau(x, t), t**2)
    np.testing.assert_allclose(s.gauge(x, t), (x[:, 0] - v * t) ** 2 / (4 * D))
    xi, tau, gauge = s.rates(x, V1, t)
    np.testing.assert_allclose(xi, x + t[:, None] * V1)
    np.testing.assert_allclose(tau, 2 * t)
    np.testing.assert_allclose(gauge, (x[:, 0] - v * t) * (V1[:, 0] - v) / (2 * D))
    turn = nl.rotation(0, 1)
    np.testing.assert_array_equal(turn.xi(X2, 0.0), np.stack([-X2[:, 1], X2[:, 0]], axis=-1))
    assert turn.keeps_time and not s.keeps_time and nl.time_translation().tau(X2, 0.0).tolist() == [1.0] * 40


def test_numeric_rates_are_as_good_as_exact_ones():
    expressions = [sympy.sin(x_ * y_) + t_**2, sympy.exp(-(x_**2)) * t_], sympy.cos(y_) * t_, x_ * y_ * t_
    exact = make(*expressions, state=(x_, y_), time=t_)
    rough = nl.Symmetry(exact.xi, exact.tau, exact.gauge)
    for a, b in zip(exact.rates(X2, V2, TIMES), rough.rates(X2, V2, TIMES), strict=True):
        np.testing.assert_allclose(b, a, atol=1e-9)


# ---- broken symmetries ---------------------------------------------------------------------------

TILTED = maier_stein([0.5, 0.3], beta=3.0)
MATRIX = np.array([[1, 0.3], [-0.2, 0.5]])
AFFINE = {
    "translation": nl.translation([1, -2]),
    "rotation": nl.rotation(0, 1),
    "affine, no isometry": AffineSymmetry(MATRIX, [0.1, 0.2]),
    "affine, numeric": nl.Symmetry(lambda x, t: x @ MATRIX.T + 0.3),
}
OTHERS = {
    "time": nl.time_translation(),
    "quadratic": nl.Symmetry(lambda x, t: x**2),
    "clock": nl.Symmetry(lambda x, t: np.sin(t)[..., None] * x),
    "cubic gauge": nl.Symmetry(lambda x, t: x, gauge=lambda x, t: x[..., 0] ** 3),
    "tau of the state": nl.Symmetry(lambda x, t: x, tau=lambda x, t: x[..., 1] + t),
}
PUSHED = nl.System.from_sympy(
    [x_ - x_**3 - 3 * x_ * y_**2 + sympy.sin(t_), -(1 + x_**2) * y_],
    (x_, y_),
    [[0.5 + x_**2 / 9, t_ / 20], [t_ / 20, 0.3]],
    t_,
)


@pytest.mark.parametrize(
    "system, functional",
    [
        (TILTED, FW),
        (TILTED, OM),
        (PUSHED, FW),
        (PUSHED, lambda x, t: x[..., 0] * np.cos(t)),
    ],
    ids=["fw", "om", "pushed", "pushed, U"],
)
def test_both_sides_of_the_balance(system, functional):
    paths = [
        nl.least_action_path(system, [-1, 0], [0.5, 0.5], np.linspace(0, 2, n), functional)
        for n in (201, 401)
    ]
    assert all(path.converged for path in paths)
    for name, symmetry in AFFINE.items():
        lhs, rhs = nl.charge_balance(paths[0], symmetry)
        assert np.abs(rhs).max() > 0.1 and lhs.shape == rhs.shape == (200,)
        np.testing.assert_allclose(lhs, rhs, rtol=0, atol=1e-9 * np.abs(rhs).max(), err_msg=name)
    for name, symmetry in OTHERS.items():
        errors = []
        for path in paths:
            lhs, rhs = nl.charge_balance(path, symmetry)
            errors.append(np.abs(lhs - rhs).max())
            assert (
                lhs.shape == rhs.shape == ((len(path.t) - 1,) if symmetry.keeps_time else (len(path.t) - 2,))
            )
        np.testing.assert_allclose(order(errors), 2, atol=0.25, err_msg=name)
        assert not nl.charge(paths[0], symmetry).exact


def test_the_forcing_is_the_one_derived():
    # dJ/dt = -p.L_xi f + xi.grad U for an isometry, + p (AD + DA^T) p for another affine map
    D2, x, t = np.diag([0.5, 0.3]), X2, 0.0
    f, J = TILTED.drift(x, t), TILTED.jacobian(x, t)
    p = (V2 - f) @ np.linalg.inv(D2) / 2
    for A, b in ((np.zeros((2, 2)), np.array([1.0, -2.0])), (MATRIX, np.array([0.1, 0.2]))):
        xi = x @ A.T + b
        lie = np.einsum("kil,kl->ki", J, xi) - f @ A.T
        expected = -np.sum(p * lie, axis=1) + np.einsum("ki,ij,kj->k", p, A @ D2 + D2 @ A.T, p)
        found = nl.invariance_defect(TILTED, AffineSymmetry(A, b), x, V2, t, FW)
        np.testing.assert_allclose(found, expected, atol=1e-10)
        slope = np.sum(xi * TILTED.divergence_gradient(x, t), axis=1) / 2
        found = nl.invariance_defect(TILTED, AffineSymmetry(A, b), x, V2, t, OM)
        np.testing.assert_allclose(found, expected + slope, atol=1e-10)
    # dE/dt = p.df/dt + p D' p - dU/dt, with the opposite sign for the charge of time translation
    t = TIMES
    found = nl.invariance_defect(PUSHED, nl.time_translation(), x, V2, t, lambda x, t: x[..., 0] * np.cos(t))
    D2 = PUSHED.diffusion(x, t)
    p = np.linalg.solve(D2, (V2 - PUSHED.drift(x, t))[..., None])[..., 0] / 2
    rate = p[:, 0] * np.cos(t) + 2 * p[:, 0] * p[:, 1] / 20 + x[:, 0] * np.sin(t)
    np.testing.assert_allclose(found, -rate, atol=1e-9)


# ---- the result, and what is refused -------------------------------------------------------------


def test_a_charge_is_an_array():
    path = nl.least_action_path(SPIN, [1, 0], [-0.5, 1.2], np.linspace(0, 3, 21))
    J = nl.charge(path, nl.rotation(0, 1))
    assert type(J.values) is np.ndarray and np.shares_memory(J.values, J)
    assert type(J + 1) is np.ndarray and isinstance(J.mean(), float) and isinstance(float(J[0]), float)
    assert J[1:].exact is None and J[1:].t is None and J.exact and len(J.t) == 21
    np.testing.assert_allclose(np.mean(J), J.values.mean())


def test_a_path_that_did_not_converge_has_no_exact_charge():
    with pytest.warns(nl.NotConverged):
        path = nl.least_action_path(SPIN, [1, 0], [-0.5, 1.2], np.linspace(0, 3, 21), max_iter=1)
    assert not nl.charge(path, nl.rotation(0, 1)).exact


def test_bad_generators():
    for bad in (None, 1.0, "x", [1, 0]):
        with pytest.raises(ValueError, match="xi"):
            nl.Symmetry(bad)
    for bad in ("x", [1.0, 2.0], np.nan, 1j, np.inf):
        with pytest.raises(ValueError, match="tau"):
            nl.Symmetry(lambda x, t: x, tau=bad)
    for bad in (1.0, "x", [1.0, 2.0]):
        with pytest.raises(ValueError, match="gauge"):
            nl.Symmetry(lambda x, t: x, gauge=bad)
    for bad in (None, 0.0, [0, 0], [1, np.nan], "x", [[1, 0], [0, 1]], [1j, 0]):
        with pytest.raises(ValueError, match="direction"):
            nl.translation(bad)
    for bad in (-1, 1.0, None, "0", True, np.nan):
        with pytest.raises(ValueError, match="i must be"):
            nl.rotation(bad, 2)
        with pytest.raises(ValueError, match="j must be"):
            nl.rotation(2, bad)
    with pytest.raises(ValueError, match="i and j must be different"):
        nl.rotation(1, 1)
    for bad, name in (([x_], "xi"), ([x_, y_, 0], "xi"), ([x_, sympy.Symbol("a")], "got also a")):
        with pytest.raises(ValueError, match=name):
            make(bad, state=(x_, y_), time=t_)


def test_generators_of_another_dimension():
    path = nl.least_action_path(drift_diffusion(v, D), 0, 1, np.linspace(0, 1, 11))
    for symmetry in (nl.rotation(0, 1), nl.translation([1, 0]), make([x_, y_], state=(x_, y_))):
        for call in (nl.charge, nl.charge_balance):
            with pytest.raises(ValueError):
                call(path, symmetry)
    for name in ("xi", "tau", "gauge"):
        wrong = nl.Symmetry(**{"xi": lambda x, t: x, name: lambda x, t: np.zeros(7)})
        with pytest.raises(ValueError, match=rf"{name}\(x, t\) must return shape"):
            nl.charge(path, wrong)


# ---- a ring of units, and whose fault a changing charge is -------------------------------------------------


def circulant(n, seed=5):
    """A stable linear drift that knows no place on the ring."""
    row = np.random.default_rng(seed).normal(size=n) / n
    return np.stack([np.roll(row, i) for i in range(n)]) - 2 * np.eye(n)


def ring_path(n, drift=None, times=41, **options):
    angles = 2 * np.pi * np.arange(n) / n
    start, end = np.cos(angles) + 0.3 * np.cos(2 * angles), np.cos(angles - 1) + 0.3 * np.sin(2 * angles)
    system = (
        nl.models.ornstein_uhlenbeck(n, -circulant(n), 0.1) if drift is None else nl.System(drift, 0.1, n)
    )
    return nl.least_action_path(system, start, end, np.linspace(0, 2, times), **options)


@pytest.mark.parametrize("n", [3, 4, 11, 12])
def test_ring_shift_turns_the_kth_harmonic_k_times_as_fast(n):
    angles, shift = 2 * np.pi * np.arange(n) / n, nl.ring_shift(n)
    for k in range((n + 1) // 2):
        np.testing.assert_allclose(shift.xi(np.cos(k * angles)), k * np.sin(k * angles), atol=1e-12)
        np.testing.assert_allclose(shift.xi(np.sin(k * angles)), -k * np.cos(k * angles), atol=1e-12)
    turned = scipy.linalg.expm(2 * np.pi / n * shift.matrix)
    states = rng.normal(size=(5, n))
    if n % 2 == 0:  # the pattern (-1)^i has no partner, and stays
        pattern = (-1.0) ** np.arange(n)
        assert not shift.xi(pattern).any() or np.abs(shift.xi(pattern)).max() < 1e-12
        states -= np.outer(states @ pattern, pattern) / n
    np.testing.assert_allclose(states @ turned.T, np.roll(states, 1, axis=-1), atol=1e-12)
    np.testing.assert_allclose(scipy.linalg.expm(2 * np.pi * shift.matrix), np.eye(n), atol=1e-11)


@pytest.mark.parametrize("n", [11, 12])
def test_ring_shift_is_conserved_to_roundoff_by_every_linear_ring(n):
    path = ring_path(n)
    J = nl.charge(path, nl.ring_shift(n))
    assert J.exact and np.abs(J.values).max() > 1
    assert np.ptp(J.values) < 1e-10 * np.abs(J.values).max()
    assert nl.charge_balance(path, nl.ring_shift(n)).verdict == "symmetry"


def test_the_first_harmonic_alone_is_told_to_be_the_wrong_generator():
    n = 12
    angles = 2 * np.pi * np.arange(n) / n
    uneven = circulant(n) + np.diag(0.5 * np.cos(angles))  # the ring is broken
    path = ring_path(n, lambda x, t: x @ uneven.T)
    balance = nl.charge_balance(path, nl.ring_shift(n))
    assert balance.verdict == "broken" and "not a symmetry of this system" in str(balance)
    np.testing.assert_allclose(*balance, atol=1e-6 * np.abs(balance[1]).max())
    first = np.outer(np.sin(angles), np.cos(angles)) - np.outer(np.cos(angles), np.sin(angles))
    tanh = ring_path(n, lambda x, t: np.tanh(2 * x) @ circulant(n).T - x)
    assert nl.charge_balance(tanh, nl.affine(first * 2 / n)).verdict == "broken"


def test_the_balance_tells_a_coarse_mesh_and_an_unfinished_path_from_a_broken_symmetry():
    with pytest.warns(nl.NotConverged):
        unfinished = ring_path(12, max_iter=0)
    assert nl.charge_balance(unfinished, nl.ring_shift(12)).verdict == "not converged"
    driven = nl.System.from_sympy([x_ - x_**3 + sympy.cos(40 * t_) / 2], (x_,), 0.1, t_)
    verdicts = [
        nl.charge_balance(
            nl.least_action_path(driven, -1, 1, np.linspace(0, 4, n)), nl.time_translation()
        ).verdict
        for n in (31, 1601)
    ]
    assert verdicts == ["unresolved", "broken"]
    steady = nl.least_action_path(nl.models.double_well(0.2), -1, 1, np.linspace(0, 4, 31))
    assert nl.charge_balance(steady, nl.time_translation()).verdict == "symmetry"  # J varies as h^2


def test_a_balance_pickles_and_prints_no_array():
    balance = nl.charge_balance(ring_path(4), nl.ring_shift(4))
    again = pickle.loads(pickle.dumps(balance))
    assert repr(again) == repr(balance) and len(repr(balance)) < 200
    np.testing.assert_array_equal(again[0], balance[0])


@pytest.mark.parametrize("n", [2, 0, -3, 4.5, True, "4"])
def test_ring_shift_refuses_what_is_no_ring(n):
    with pytest.raises(ValueError, match="n must be an integer of at least 3"):
        nl.ring_shift(n)
