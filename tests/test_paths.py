"""Least-action paths against closed forms, other computations, and their own laws."""

import warnings

import numpy as np
import pytest
import sympy
from scipy.integrate import solve_bvp

import noetherlib as nl
from noetherlib.lagrangian import Lagrangian, Mesh
from noetherlib.lagrangian.banded import is_definite, log_determinant, pack, solve, solve_indefinite
from noetherlib.models import (
    double_well,
    drift_diffusion,
    maier_stein,
    multistable_decision,
    ornstein_uhlenbeck,
)

x_, y_, t_ = sympy.symbols("x y t")
FW, OM = "freidlin-wentzell", "onsager-machlup"


def order(errors):
    """Powers of the step that the errors fall with, for meshes that double."""
    errors = np.asarray(errors)
    return np.log2(errors[:-1] / errors[1:])


def stretched(T, n):
    """A mesh whose steps differ by a factor of four, and which halves when n - 1 doubles."""
    s = np.linspace(0, 1, n)
    return T * (s + 0.6 * s**2) / 1.6


# ---- closed forms --------------------------------------------------------------------------------


def ou_path(t, x0, x1, T):
    return (x1 - x0 * np.exp(-T)) * np.sinh(t) / np.sinh(T) + x0 * np.exp(-t)


@pytest.mark.parametrize("functional", [FW, OM])
def test_ornstein_uhlenbeck_path(functional):
    system, errors = ornstein_uhlenbeck(1, 1.0, 1.0), []
    for n in (250, 500, 1000):
        t = np.linspace(0, 10, n)
        path = nl.least_action_path(system, -1, 2, t, functional)
        assert path.converged and path.kind == "minimum"
        errors.append(np.abs(path.x[:, 0] - ou_path(t, -1, 2, 10)).max())
    assert errors[-1] <= 1e-5
    np.testing.assert_allclose(order(errors), 2, atol=0.1)


def test_ornstein_uhlenbeck_action():
    k, D, T, x0, x1 = 0.7, 0.3, 3.0, -1.0, 2.0
    system = ornstein_uhlenbeck(1, k, D)
    exact = k * (x1 - x0 * np.exp(-k * T)) ** 2 / (2 * D * (1 - np.exp(-2 * k * T)))
    errors = []
    for n in (101, 201, 401):
        t = np.linspace(0, T, n)
        fw, om = (nl.least_action_path(system, x0, x1, t, f) for f in (FW, OM))
        # for a linear drift the half divergence is a constant: it moves the action and nothing else
        np.testing.assert_allclose(om.action - fw.action, -k * T / 2, rtol=1e-12)
        np.testing.assert_allclose(om.x, fw.x, atol=1e-12)
        np.testing.assert_allclose(om.energy - fw.energy, k / 2, rtol=1e-10)
        errors.append(abs(fw.action - exact))
    assert errors[-1] < 1e-5 * exact
    np.testing.assert_allclose(order(errors), 2, atol=0.05)


def test_drift_diffusion():
    v, D, T = 0.1, 0.5, 1.0
    t = np.linspace(0, T, 1000)
    for functional in FW, OM:
        path = nl.least_action_path(drift_diffusion(v, D), 0.5, -1, t, functional)
        np.testing.assert_allclose(path.momentum, -1.6, rtol=0, atol=1e-12)
        np.testing.assert_allclose(path.x[:, 0], 0.5 - 1.5 * t, atol=1e-12)
        np.testing.assert_allclose(path.action, (-1.5 - v * T) ** 2 / (4 * D * T), rtol=1e-12)
        np.testing.assert_allclose(path.energy, D * 1.6**2 - v * 1.6, rtol=1e-10)


def test_energy_and_angular_momentum_as_published():
    # the paper prints four times the energy and twice the angular momentum of these conventions
    system = ornstein_uhlenbeck(2, 1.0, 1.0)
    published = {
        1: (11.58498657546097, -6.8073450259145725),
        10: (1.31913832379857e-07, -0.0007263988776968766),
    }
    for T, values in published.items():
        found = []
        for n in (2001, 4001):
            path = nl.least_action_path(system, [-2, 2], [2, 2], np.linspace(0, T, n), FW)
            L = nl.charge(path, nl.rotation(0, 1)).values
            assert np.ptp(L) < 1e-11
            # uncertain by roundoff where the path rests
            found.append([4 * np.median(path.energy), 2 * L.mean()])
        extrapolated = (4 * np.array(found[1]) - found[0]) / 3
        np.testing.assert_allclose(extrapolated, values, rtol=1e-9, atol=1e-13)


def test_a_clock_in_the_drift():
    # around the noiseless motion m(t) the path is that of the undriven system
    k, w, D, T, x0, x1 = 0.8, 3.0, 0.4, 2.0, 0.3, -1.0
    driven = nl.System.from_sympy([-k * x_ + sympy.sin(w * t_)], [x_], D, t_)
    numeric = nl.System(lambda x, t: -k * x + np.sin(w * t)[..., None], D, 1)
    errors = []
    for n in (101, 201, 401):
        t = stretched(T, n)
        particular = (k * np.sin(w * t) - w * np.cos(w * t)) / (k**2 + w**2)
        m = particular + (x0 - particular[0]) * np.exp(-k * t)
        exact = m + (x1 - m[-1]) * np.sinh(k * t) / np.sinh(k * T)
        path = nl.least_action_path(driven, x0, x1, t, FW)
        errors.append(
            [
                np.abs(path.x[:, 0] - exact).max(),
                abs(path.action - k * (x1 - m[-1]) ** 2 / (2 * D * (1 - np.exp(-2 * k * T)))),
            ]
        )
        np.testing.assert_allclose(nl.least_action_path(numeric, x0, x1, t, FW).x, path.x, atol=1e-8)
    np.testing.assert_allclose(order(errors), 2, atol=0.1)


def test_a_clock_in_the_noise():
    # without drift the path is straight in the clock of the noise
    T, jump = 2.0, np.array([1.0, -2.0])
    ratio = np.array([[1.0, 0.3], [0.3, 0.5]])
    systems = [
        nl.System(lambda x, t: 0 * x, lambda x, t: (1 + t**2)[..., None, None] * ratio, 2),
        nl.System.from_sympy([0, 0], (x_, y_), (1 + t_**2) * sympy.Matrix(ratio), t_),
    ]
    clock = T + T**3 / 3
    for system in systems:
        errors = []
        for n in (51, 101, 201):
            t = stretched(T, n)
            path = nl.least_action_path(system, [0, 0], jump, t)
            exact = (t + t**3 / 3)[:, None] / clock * jump
            errors.append(
                [
                    np.abs(path.x - exact).max(),
                    abs(path.action - jump @ np.linalg.solve(ratio, jump) / (4 * clock)),
                ]
            )
            assert np.ptp(path.momentum, axis=0).max() < 1e-12
        np.testing.assert_allclose(order(errors), 2, atol=0.1)


class Spring:
    """A well U = w**2 |x|**2 / 2 with the derivatives it is asked for."""

    def __init__(self, w, given):
        self.w = w
        if "gradient" in given:
            self.gradient = lambda x, t: w**2 * x
        if "hessian" in given:
            self.hessian = lambda x, t: np.broadcast_to(w**2 * np.eye(x.shape[-1]), x.shape + x.shape[-1:])

    def __call__(self, x, t):
        return self.w**2 * (x**2).sum(axis=-1) / 2


@pytest.mark.parametrize("given", [(), ("gradient",), ("gradient", "hessian")], ids=len)
def test_any_potential(given):
    D, w, T, x0, x1 = 0.3, 1.2, 2.0, np.array([1.0, 0.0]), np.array([-0.5, 2.0])
    kappa = w * np.sqrt(2 * D)
    free = nl.System(lambda x, t: 0 * x, D, 2)
    action = kappa * ((x0 @ x0 + x1 @ x1) * np.cosh(kappa * T) - 2 * x0 @ x1) / (4 * D * np.sinh(kappa * T))
    errors = []
    for n in (101, 201, 401):
        t = stretched(T, n)
        path = nl.least_action_path(free, x0, x1, t, Spring(w, given))
        exact = (np.outer(np.sinh(kappa * (T - t)), x0) + np.outer(np.sinh(kappa * t), x1)) / np.sinh(
            kappa * T
        )
        assert path.converged and path.kind == "minimum" and isinstance(path.functional, Spring)
        errors.append([np.abs(path.x - exact).max(), abs(path.action - action)])
    np.testing.assert_allclose(order(errors), 2, atol=0.1)


def test_half_the_divergence_as_a_potential_is_onsager_machlup():
    well, t = double_well(0.2), np.linspace(0, 3, 201)
    om = nl.least_action_path(well, -1, 1, t, OM)
    same = nl.least_action_path(well, -1, 1, t, lambda x, t: (1 - 3 * x[..., 0] ** 2) / 2)
    np.testing.assert_allclose(same.x, om.x, atol=1e-6)
    np.testing.assert_allclose(same.action, om.action, rtol=1e-11)
    assert abs(nl.least_action_path(well, -1, 1, t, FW).x - om.x).max() > 0.01


# ---- noise that depends on the state -------------------------------------------------------------


def test_multiplicative_noise_is_additive_in_its_own_coordinate():
    # D = (1 + x**2) / 2: y = arsinh x has unit noise, and FW needs no Ito term
    given = [
        nl.System.from_sympy([-x_], [x_], (1 + x_**2) / 2),
        nl.System(lambda x, t: -x, lambda x, t: (1 + x**2) / 2, 1, jacobian=lambda x, t: -np.ones((1, 1))),
    ]
    plain = nl.System.from_sympy([-sympy.tanh(x_)], [x_], 0.5)
    for system in given:
        errors = []
        for n in (101, 201, 401):
            t = stretched(2.0, n)
            path = nl.least_action_path(system, -1.0, 2.0, t, FW)
            other = nl.least_action_path(plain, np.arcsinh(-1.0), np.arcsinh(2.0), t, FW)
            assert path.converged and path.kind == "minimum"
            errors.append([np.abs(np.arcsinh(path.x) - other.x).max(), abs(path.action - other.action)])
        assert np.max(errors[-1]) < 1e-5
        np.testing.assert_allclose(order(errors), 2, atol=0.1)


def test_onsager_machlup_refuses_multiplicative_noise():
    system = nl.System(lambda x, t: -x, lambda x, t: 1 + x[..., 0] ** 2, 1)
    t = np.linspace(0, 1, 11)
    for call in (
        lambda: nl.least_action_path(system, 0, 1, t),
        lambda: nl.action(system, np.zeros((11, 1)), t),
    ):
        with pytest.raises(ValueError, match='functional "onsager-machlup" needs noise that does not depend'):
            call()


TURNING = nl.System.from_sympy(  # all at once: a rotating drift with a clock, full noise of state and time
    [y_ - x_**3 / 3 + sympy.sin(t_), -x_ - y_ / 2],
    (x_, y_),
    [[1 + x_**2 / 4, sympy.sin(t_) / 4], [sympy.sin(t_) / 4, 1 + y_**2 / 4]],
    t_,
)


@pytest.mark.parametrize(
    "system, functional",
    [
        (TURNING, FW),
        (TURNING, lambda x, t: x[..., 0] ** 2 * x[..., 1] / 5 + t),
        (maier_stein(0.5), OM),
        (maier_stein([0.5, 0.2]), FW),
        (maier_stein([[0.5, 0.2], [0.2, 0.3]]), OM),
        (nl.System(maier_stein(0.5).drift, lambda x, t: 1 + x**2, 2), FW),
    ],
    ids=["full", "full, U", "om", "diagonal", "matrix", "numeric"],
)
def test_derivatives_of_the_discrete_action(system, functional):
    # the action itself, differenced node by node
    rng = np.random.default_rng(3)
    t = np.cumsum(rng.uniform(0.1, 0.3, 7))
    x = np.cumsum(rng.normal(size=(7, 2)), axis=0) / 2
    mesh = Mesh(Lagrangian(system, functional), t)

    def varied(inner):
        return mesh.action(np.concatenate([x[:1], inner.reshape(-1, 2), x[-1:]]))

    def gradient(inner):
        return mesh.gradient(mesh.terms(np.concatenate([x[:1], inner.reshape(-1, 2), x[-1:]]), 1)).ravel()

    flat, h = x[1:-1].ravel(), 1e-5
    rise = [(varied(flat + e) - varied(flat - e)) / (2 * h) for e in h * np.eye(10)]
    scale = np.abs(rise).max()
    np.testing.assert_allclose(gradient(flat), rise, atol=1e-7 * scale)
    bend = np.array([(gradient(flat + e) - gradient(flat - e)) / (2 * h) for e in h * np.eye(10)])
    terms = mesh.terms(x, 1)
    diagonal, upper = mesh.blocks(terms, mesh.lagrangian.bend(terms))
    dense = np.zeros((10, 10))
    for k in range(5):
        dense[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] = diagonal[k]
        if k < 4:
            dense[2 * k : 2 * k + 2, 2 * k + 2 : 2 * k + 4] = upper[k]
            dense[2 * k + 2 : 2 * k + 4, 2 * k : 2 * k + 2] = upper[k].T
    np.testing.assert_allclose(dense, bend, atol=2e-5 * np.abs(bend).max())


def test_against_a_boundary_value_solver():
    # Hamilton's equations of the double well: x' = f + 2 D p, p' = -f' p + U'
    D, T = 0.2, 3.0
    for functional, slope in ((FW, 0), (OM, -3)):
        paths = [
            nl.least_action_path(double_well(D), -1, 1, np.linspace(0, T, n), functional) for n in (201, 401)
        ]
        solution = solve_bvp(
            lambda t, z, slope=slope: np.stack(
                [z[0] - z[0] ** 3 + 2 * D * z[1], -(1 - 3 * z[0] ** 2) * z[1] + slope * z[0]]
            ),
            lambda a, b: np.array([a[0] + 1, b[0] - 1]),
            paths[0].t,
            # OM has two paths of the same action, each the other run backwards: start near ours
            np.stack([paths[0].x[:, 0], paths[0].momentum[:, 0]]),
            tol=1e-10,
            max_nodes=20000,
        )
        assert solution.success
        errors = []
        for path in paths:
            x, p = solution.sol(path.t)
            errors.append([np.abs(path.x[:, 0] - x).max(), np.abs(path.momentum[:, 0] - p).max()])
        assert np.max(errors[-1]) < 1e-4
        np.testing.assert_allclose(order(errors), 2, atol=0.1)


# ---- conservation on the mesh --------------------------------------------------------------------

R2 = x_**2 + y_**2
SPIN = nl.System.from_sympy(  # invariant under rotation, not a gradient
    [(1 - R2) * x_ - (1 + R2 / 2) * y_, (1 - R2) * y_ + (1 + R2 / 2) * x_], (x_, y_), 0.3
)


@pytest.mark.parametrize("functional", [FW, OM])
def test_energy_is_conserved_to_second_order(functional):
    spreads = []
    for n in (201, 401, 801):
        path = nl.least_action_path(SPIN, [1, 0], [-0.5, 1.2], np.linspace(0, 3, n), functional)
        spreads.append(np.ptp(path.energy))
    np.testing.assert_allclose(order(spreads), 2, atol=0.1)


def minus_slope(system, x0, x1, s, T, guess, relative=1e-4):
    """``-dS/dT`` of the discrete action on the mesh ``s T``, by central differences of fourth order."""

    def action(factor):
        path = nl.least_action_path(system, x0, x1, s * T * factor, FW, guess=guess)
        assert path.converged
        return path.action

    e = relative
    return -(8 * (action(1 + e) - action(1 - e)) - (action(1 + 2 * e) - action(1 - 2 * e))) / (12 * e * T)


@pytest.mark.parametrize(
    "system, x0, x1",
    [
        (SPIN, [1, 0], [-0.5, 1.2]),
        (double_well(0.2), [-1], [1]),
        (maier_stein(0.5), [-1, 0], [0.5, 0.5]),
    ],
    ids=["spin", "well", "maier-stein"],
)
def test_hamilton_jacobi_is_exact_on_the_mesh(system, x0, x1):
    T, s = 3.0, stretched(1.0, 41)  # coarse on purpose: no small h is asked for
    path = nl.least_action_path(system, x0, x1, s * T, FW)
    mean = path.energy @ np.diff(path.t) / T
    np.testing.assert_allclose(minus_slope(system, x0, x1, s, T, path.x, 1e-3), mean, rtol=1e-8)


# ---- the hard cases ------------------------------------------------------------------------------

THREE = multistable_decision(diffusion=1.0)
ENDS = [3, 0.1], [0.1, 3]


@pytest.mark.parametrize("T, energy", [(1, 4.04), (4, None), (10, 0.0140), (15, None), (40, None)])
def test_three_attractors(T, energy):
    start = nl.least_action_path(THREE, *ENDS, np.linspace(0, T, 200), FW)
    assert start.converged and start.kind == "minimum"
    tol = 1e-6 if T <= 15 else 1e-4
    path = nl.refine(start, tol)
    assert path.converged and path.error <= tol
    mean = path.energy @ np.diff(path.t) / T
    if energy:
        assert abs(mean - energy) < 0.005 * energy
    tolerance = 1e-6 if T <= 15 else 1e-3  # there it is the difference of actions that runs out of digits
    np.testing.assert_allclose(minus_slope(THREE, *ENDS, path.t / T, T, path.x), mean, rtol=tolerance)
    if T <= 15:  # and on meshes of their own, to three digits: the mean of E over the interval, by Simpson
        e = 0.01
        longer, shorter = (
            nl.refine(nl.least_action_path(THREE, *ENDS, np.linspace(0, T * f, 200), FW), tol)
            for f in (1 + e, 1 - e)
        )
        sides = [p.energy @ np.diff(p.t) / p.t[-1] for p in (longer, shorter)]
        np.testing.assert_allclose(
            (shorter.action - longer.action) / (2 * e * T), (sum(sides) + 4 * mean) / 6, rtol=1e-3
        )


def test_long_times_with_multiplicative_noise():
    noisy = nl.System(
        THREE.drift, lambda x, t: 1 + (x**2).sum(axis=-1) / 20, 2, THREE.jacobian, THREE.hessian
    )
    t = np.linspace(0, 15, 200)
    path = nl.least_action_path(noisy, *ENDS, t, FW)
    assert path.converged and path.kind == "minimum" and path.action < nl.action(THREE, path.x, t, FW)
    fine = nl.refine(path, 1e-3)
    assert fine.converged and fine.error <= 1e-3


def test_the_published_mesh_is_too_coarse():
    coarse = nl.least_action_path(THREE, *ENDS, np.linspace(0, 40, 50), FW)
    assert nl.refine(coarse, 1e-3).action > 1.1 * coarse.action


S = np.linspace(0, 1, 1000)
ARC = np.stack([-np.cos(np.pi * S), 0.4 * np.sin(np.pi * S)], axis=-1)
LINE = np.stack([2 * S - 1, 0 * S], axis=-1)
WELLS = maier_stein(0.5), [-1, 0], [1, 0], 10 * S, FW


def test_saddles_are_called_saddles():
    saddle = nl.least_action_path(*WELLS, guess=LINE)
    assert saddle.converged and saddle.kind == "saddle" and np.abs(saddle.x[:, 1]).max() < 1e-12
    minimum = nl.least_action_path(*WELLS, guess=ARC)
    assert minimum.converged and minimum.kind == "minimum" and minimum.action < saddle.action - 0.1


def test_several_guesses():
    best = nl.least_action_path(*WELLS, guesses=[LINE, ARC, ARC * [1, -1]])
    assert best.kind == "minimum" and [p.kind for p in best.others] == ["minimum", "saddle"]
    actions = [best.action, *(p.action for p in best.others)]
    assert actions == sorted(actions) and actions[2] > actions[0] + 0.1
    np.testing.assert_allclose(np.abs(best.x), np.abs(best.others[0].x), atol=1e-7)  # mirror images
    np.testing.assert_allclose(best.action, best.others[0].action, rtol=1e-12)


def test_an_unconverged_path_says_so():
    with pytest.warns(nl.NotConverged, match="1 of 1 paths did not converge, after up to 3 steps"):
        path = nl.least_action_path(*WELLS, guess=ARC, max_iter=3)
    assert not path.converged and path.n_iter == 3
    # and comes last among others
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # an action without lower bound: waiting far up the axis u = 0 gains for ever
        lost = nl.least_action_path(*WELLS[:-1], OM, guesses=[ARC, LINE])
    assert [p.converged for p in (lost, *lost.others)] == sorted(
        (p.converged for p in (lost, *lost.others)), reverse=True
    )


@pytest.mark.parametrize("n, height", [(101, 0.4), (161, 0.39), (201, 0.4001), (202, 0.5), (401, 0.4)])
def test_a_path_without_least_action_is_followed_to_where_it_goes(n, height):
    """The lowest that was found is returned, however it went on from there."""
    t, s = np.linspace(0, 10, n), np.linspace(0, np.pi, n)
    arc = np.stack([-np.cos(s), height * np.sin(s)], axis=-1)
    with pytest.warns(nl.NotConverged, match="ran off to infinity, where this action has no lower bound"):
        path = nl.least_action_path(maier_stein(0.5), [-1, 0], [1, 0], t, guess=arc)
    assert np.abs(path.x).max() > 1e6 and path.action < -1e12 and not path.converged


def test_no_iteration_at_all():
    with pytest.warns(nl.NotConverged):
        path = nl.least_action_path(*WELLS, guess=ARC, max_iter=0)
    np.testing.assert_array_equal(path.x[1:-1], ARC[1:-1])
    assert path.n_iter == 0 and not path.converged


# ---- derivatives by differences ------------------------------------------------------------------


@pytest.mark.parametrize("functional", [FW, OM])
def test_a_system_of_its_drift_alone(functional):
    exact, t = SPIN, np.linspace(0, 3, 301)
    rough = nl.System(lambda x, t: SPIN.drift(x, t), 0.3, 2)
    a, b = (nl.least_action_path(s, [1, 0], [-0.5, 1.2], t, functional) for s in (exact, rough))
    assert b.converged and b.kind == a.kind == "minimum"
    np.testing.assert_allclose(b.x, a.x, atol=1e-6)
    np.testing.assert_allclose(b.action, a.action, rtol=1e-9)


# ---- batches -------------------------------------------------------------------------------------


@pytest.mark.parametrize("functional", [FW, OM])
def test_a_batch_is_a_loop(functional):
    rng = np.random.default_rng(5)
    x0, x1 = np.array([-1, 0]) + 0.2 * rng.normal(size=(2, 5, 3, 2))
    t = np.linspace(0, 2, 60)
    batch = nl.least_action_path(maier_stein(0.5, 3.0), x0, x1, t, functional)
    assert batch.x.shape == (5, 3, 60, 2) and batch.action.shape == (5, 3) and batch.converged.all()
    assert batch.momentum.shape == batch.x.shape and batch.energy.shape == (5, 3, 59) and len(batch) == 5
    for i in range(5):
        for k in range(3):
            one, member = (
                nl.least_action_path(maier_stein(0.5, 3.0), x0[i, k], x1[i, k], t, functional),
                batch[i, k],
            )
            np.testing.assert_allclose(member.x, one.x, atol=1e-12)
            assert member.kind == one.kind and member.converged == one.converged
            np.testing.assert_allclose([member.action, member.n_iter], [one.action, one.n_iter], rtol=1e-12)


def test_leading_axes_broadcast():
    t, system = np.linspace(0, 1, 21), ornstein_uhlenbeck(2, 1.0, 1.0)
    x0, x1 = np.random.default_rng(0).normal(size=(2, 4, 2))
    fan = nl.least_action_path(system, x0[:, None], x1, t)
    assert fan.x.shape == (4, 4, 21, 2)
    np.testing.assert_allclose(fan[1, 2].x, nl.least_action_path(system, x0[1], x1[2], t).x, atol=1e-13)
    guess = np.zeros((3, 1, 21, 2))
    wide = nl.least_action_path(system, x0[0], x1, t, guesses=[guess, None])
    assert wide.x.shape == (3, 4, 21, 2) and wide.others[0].x.shape == (3, 4, 21, 2)
    np.testing.assert_array_equal(nl.action(system, wide.x, t), wide.action)
    assert isinstance(nl.action(system, wide.x[0, 0], t), float)


def test_no_path_at_all_is_refused():
    with pytest.raises(ValueError, match=r"x0, x1 and guess must hold at least one path, got .* \(0,\)"):
        nl.least_action_path(SPIN, np.zeros((0, 2)), [1, 0], np.linspace(0, 1, 11))


def test_single_paths_are_not_batches():
    path = nl.least_action_path(ornstein_uhlenbeck(1, 1.0, 1.0), 0, 1, np.linspace(0, 1, 5))
    with pytest.raises(TypeError):
        len(path)
    with pytest.raises(IndexError):
        path[0]
    assert path.x.shape == (5, 1) and "5 times" in repr(path) and np.shape(path.action) == ()


# ---- refine --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "system, x0, x1, T, functional",
    [
        (ornstein_uhlenbeck(1, 1.0, 1.0), -1, 2, 10, FW),
        (SPIN, [1, 0], [-0.5, 1.2], 3, OM),
        (maier_stein(0.5), [-1, 0], [0.3, 0.5], 5, FW),
        (THREE, *ENDS, 5, FW),
    ],
    ids=["ou", "spin", "maier-stein", "three"],
)
def test_the_error_of_refine_is_honest(system, x0, x1, T, functional):
    start = nl.least_action_path(system, x0, x1, np.linspace(0, T, 60), functional)
    much_finer = nl.refine(start, 1e-8).action
    for tol in (1e-3, 1e-5):
        path = nl.refine(start, tol)
        missed = abs(path.action - much_finer)
        assert path.error <= tol and missed <= 1.2 * path.error + 2e-8
        assert path.error < 300 * missed + 1e-7  # an estimate and no mere bound
        np.testing.assert_array_equal(path.t[[0, -1]], [0, T])
        assert (np.diff(path.t) > 0).all() and len(path.t) >= 60


@pytest.mark.parametrize("T", [1, 5, 10, 20, 40])
@pytest.mark.parametrize("functional", [FW, OM])
def test_refine_from_a_mesh_that_sees_nothing_of_the_steps(functional, T):
    """Between far attractors, over sigmoids a hundred times steeper than the first meshes can tell."""
    system = multistable_decision()
    ends = [0.35, 3.25], [3.25, 0.35]
    best = None
    for n in (50, 201):
        start = nl.least_action_path(system, *ends, np.linspace(0, T, n), functional)
        rough = nl.refine(start, 1e-2)
        fine = nl.refine(rough, 1e-4)
        best = nl.refine(fine, 1e-5).action if best is None else best
        for path, tol in ((rough, 1e-2), (fine, 1e-4)):
            assert path.converged and abs(path.action - best) <= path.error + 1e-5 <= tol + 1e-5
            assert path.kind == "minimum" or T == 40  # there roundoff may hide the sign


def test_refine_puts_points_where_they_are_needed():
    path = nl.refine(nl.least_action_path(THREE, *ENDS, np.linspace(0, 20, 100), FW), 1e-4)
    even = nl.least_action_path(THREE, *ENDS, np.linspace(0, 20, len(path.t)), FW)
    best = nl.refine(path, 1e-6).action
    assert abs(even.action - best) > 30 * abs(path.action - best)


def test_refine_of_a_driven_system_leaves_its_clock_alone():
    driven = nl.System(lambda x, t: x - x**3 + 0.4 * np.sin(2 * np.pi * np.asarray(t))[..., None], 0.1, 1)
    start = nl.least_action_path(driven, -1, 1, np.linspace(0, 8, 60), FW)
    path, best = nl.refine(start, 1e-3), nl.refine(start, 1e-6)
    assert path.converged and abs(path.action - best.action) <= path.error <= 1e-3
    straight = nl.least_action_path(driven, -1, 1, np.linspace(0, 8, 8001), FW, guess=resampled(path, 8001))
    np.testing.assert_allclose(best.action, straight.action, atol=2e-6)


def resampled(path, n):
    t = np.linspace(path.t[0], path.t[-1], n)
    return np.stack([np.interp(t, path.t, column) for column in path.x.T], axis=-1)


def test_refine_without_a_tolerance_estimates_the_error_of_the_mesh_as_it_is():
    path = nl.least_action_path(THREE, *ENDS, np.linspace(0, 5, 100), FW)
    judged = nl.refine(path, np.inf)
    assert judged.t is path.t and judged.x is path.x and path.error is None
    assert abs(path.action - nl.refine(path, 1e-6).action) <= judged.error < 1.0
    again = nl.refine(path, 2 * judged.error)  # good enough: the same path
    assert again.t is path.t and again.error <= 2 * judged.error


class Lorenz:
    """sigma = 10, rho = 28, beta = 8/3."""

    offset = np.sqrt(72.0)

    @staticmethod
    def drift(v, t):
        x, y, z = np.moveaxis(v, -1, 0)
        return np.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z], axis=-1)


def test_refine_gives_a_path_up_that_does_not_converge():
    """Each finer mesh costs twice as much and tells no more: it stops, with the path of lowest action."""
    ends, t = (
        (np.array([sign, sign, 0]) * Lorenz.offset + [0, 0, 27] for sign in (1, -1)),
        np.linspace(0, 8, 33),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", nl.NotConverged)
        path = nl.least_action_path(nl.System(Lorenz.drift, 0.5, 3), *ends, t, FW, max_iter=40)
    with pytest.warns(nl.NotConverged, match=r"stopped: the path given did not converge, nor does one with"):
        finer = nl.refine(path, 1e-3)
    assert not finer.converged and finer.action <= path.action and finer.error > 1e-3
    assert len(finer.t) < 10 * len(t)


def test_refine_warns_when_it_may_not_go_on():
    path = nl.least_action_path(THREE, *ENDS, np.linspace(0, 20, 100), FW)
    with pytest.warns(nl.NotConverged, match="refine: error"):
        assert nl.refine(path, 1e-8, max_points=150).error > 1e-8


# ---- linear algebra ------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [1, 2, 3])
def test_band_matrices(d):
    rng, m = np.random.default_rng(d), 6
    diagonal = rng.normal(size=(m, d, d))
    diagonal = diagonal + np.swapaxes(diagonal, -1, -2)
    upper = rng.normal(size=(m - 1, d, d))
    dense = np.zeros((m * d, m * d))
    for k in range(m):
        dense[k * d : k * d + d, k * d : k * d + d] = diagonal[k]
        if k < m - 1:
            dense[k * d : k * d + d, (k + 1) * d : (k + 2) * d] = upper[k]
            dense[(k + 1) * d : (k + 2) * d, k * d : k * d + d] = upper[k].T
    right = rng.normal(size=(m, d))
    band = pack(diagonal, upper)
    before = band.copy()
    np.testing.assert_allclose(solve_indefinite(band, right).ravel(), np.linalg.solve(dense, right.ravel()))
    assert solve(band, right) is None and not is_definite(band) and np.isnan(log_determinant(band))
    shift = 1 - np.linalg.eigvalsh(dense).min()
    band, dense = pack(diagonal + shift * np.eye(d), upper), dense + shift * np.eye(m * d)
    np.testing.assert_allclose(solve(band, right).ravel(), np.linalg.solve(dense, right.ravel()), rtol=1e-10)
    np.testing.assert_allclose(log_determinant(band), np.linalg.slogdet(dense)[1])
    assert is_definite(band)
    np.testing.assert_array_equal(pack(diagonal, upper), before)  # nothing was overwritten
