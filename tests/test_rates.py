"""Rates of escape, against the generator's, against simulation and against closed forms."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

import noetherlib as nl
from noetherlib.rates.taylor import curvature, next_order

double_well, maier_stein = nl.models.double_well, nl.models.maier_stein
STRENGTHS = 0.1, 0.05, 0.025


def swirl(D, c):
    """``f = (-1 + c J) grad V``: it turns along the level sets of V = x**4/4 - x**2/2 + y**2/2."""
    M = np.array([[-1.0, c], [-c, -1.0]])

    def slope(x):
        return np.stack([x[..., 0] ** 3 - x[..., 0], x[..., 1]], axis=-1)

    return nl.System(lambda x, t: slope(x) @ M.T, D, 2)


def on_a_grid(system, box, shape):
    """Half the gap: two equal wells, each left at the rate; with its error."""
    slow = nl.generator(system, box, shape).spectrum(2)
    return -slow.values[1].real / 2, slow.error[1] / 2


def box(D):
    """Around the wells, as far as noise goes."""
    across = 5.5 * np.sqrt(D)
    return [(-min(1.8, 1 + 3.5 * np.sqrt(D)), min(1.8, 1 + 3.5 * np.sqrt(D))), (-across, across)]


def falls_linearly(deviations):
    """Deviations at noise strengths that halve, which are to be O(D) once the barrier is high."""
    assert abs(deviations[-1]) < 0.6 * abs(deviations[-2])


# ---- with a potential ----------------------------------------------------------------------------


def test_kramers():
    deviations = []
    for D in STRENGTHS:
        answer = nl.escape_rate(double_well(D), -1.0, 0.0)
        np.testing.assert_allclose(answer.rate, np.sqrt(2) / (2 * np.pi) * np.exp(-1 / (4 * D)), rtol=1e-9)
        np.testing.assert_allclose(answer.error / answer.rate, 1.5 * D, rtol=1e-6)  # by hand
        assert answer.method == "gradient" and answer.excess == 0
        exact, grid = on_a_grid(double_well(D), (-2, 2), 200)
        assert abs(answer.rate - exact) < 2 * answer.error + 3 * grid
        deviations.append(answer.rate / exact - 1)
    falls_linearly(deviations)
    np.testing.assert_allclose(deviations[-1] / 0.025, 1.5, rtol=0.25)


def test_the_next_order_is_that_of_the_integrals():
    # the integral of exp(-phi) around the well, phi to fourth order, with weak noise
    D, P = 0.002, np.array([[2 / 0.002]])
    well = quad(lambda y: np.exp(-(y**2 + y**3 + y**4 / 4) / D), -0.4, 0.4, epsabs=0)[0]
    part = next_order(double_well(D), np.array([1.0]), P, np.array([[D]]))
    np.testing.assert_allclose(well / np.sqrt(np.pi * D), 1 + part, atol=10 * part**2)
    assert part > 1e-3


def test_eyring_and_kramers():
    # V = u**4/4 - u**2/2 + v**2 (1 + u**2) / 2: Hessians (2, 2) and (-1, 1)
    deviations = []
    for D in STRENGTHS:
        answer = nl.escape_rate(maier_stein(D, 1.0), [-1, 0], [0, 0])
        np.testing.assert_allclose(answer.rate, 2 / (2 * np.pi) * np.exp(-1 / (4 * D)), rtol=1e-9)
        exact, grid = on_a_grid(maier_stein(D, 1.0), box(D), (100, 80))
        assert abs(answer.rate - exact) < 2 * answer.error + 3 * grid
        deviations.append(answer.rate / exact - 1)
    falls_linearly(deviations)


@pytest.mark.parametrize("friction", [0.3, 1.0, 10.0])
def test_inertia(friction):
    kT = 0.05
    system = nl.models.underdamped(lambda x, t: x - x**3, friction, kT)
    answer = nl.escape_rate(system, [-1, 0], [0, 0])
    growth = np.sqrt(friction**2 / 4 + 1) - friction / 2
    exact = growth / (2 * np.pi) * np.sqrt(2) * np.exp(-1 / (4 * kT))
    np.testing.assert_allclose(answer.rate, exact, rtol=1e-6)
    assert answer.method == "underdamped" and 0 < answer.error < 0.2 * answer.rate


def test_strong_friction_is_kramers():
    slow = nl.escape_rate(nl.models.underdamped(lambda x, t: x - x**3, 100.0, 0.05), [-1, 0], [0, 0])
    fast = nl.escape_rate(double_well(0.05), -1, 0)
    np.testing.assert_allclose(slow.rate * 100, fast.rate, rtol=2e-4)


def test_noise_that_differs_between_the_coordinates():
    # y = a x makes the noise anisotropic and leaves the rate
    a = np.array([[2.0, 0.0], [0.5, 0.4]])
    for c in (0.0, 0.7):
        old, back = swirl(0.05, c), np.linalg.inv(a)
        new = nl.System(lambda y, t, f=old.drift, back=back: f(y @ back.T, t) @ a.T, 0.05 * a @ a.T, 2)
        rates = [nl.escape_rate(s, start, [0, 0]) for s, start in ((old, [-1, 0]), (new, a @ [-1, 0]))]
        np.testing.assert_allclose(rates[1].rate, rates[0].rate, rtol=2e-3)
        np.testing.assert_allclose(rates[1].error, rates[0].error, rtol=2e-2)
        assert {r.method for r in rates} == {"path" if c else "gradient"}


# ---- without one ---------------------------------------------------------------------------------


@pytest.mark.parametrize("c", [0.3, 1.0])
def test_turning_along_the_level_sets(c):
    # phi = V / D still and div f = 0: only the growth at the saddle changes, to sqrt(1 + c**2)
    D = 0.05
    answer = nl.escape_rate(swirl(D, c), [-1, 0], [0, 0])
    exact = np.sqrt(1 + c**2) / (2 * np.pi) * np.sqrt(2) * np.exp(-1 / (4 * D))
    assert answer.method == "path" and abs(answer.excess) < 3e-3
    np.testing.assert_allclose(answer.rate, exact, rtol=3e-3)
    on_grid, error = on_a_grid(swirl(D, c), box(D), (120, 90))
    assert abs(answer.rate - on_grid) < 2 * answer.error + 3 * error


def excess_of_maier_stein(beta):
    """Along the axis: ``q = D phi_vv`` by itself, and F = q - (1 + u**2)."""

    def slope(u, state):
        q, _ = state
        speed = u**3 - u
        bend = 2 * (1 + u**2) * q - 2 * q**2 + 2 * beta * u**2 * (u**2 - 1)
        return np.array([bend, q - (1 + u**2)]) / speed

    # near u = -1 the regular solution is q = 2 + a (1 + u), with 2 a = -4 a - 4 beta, and F = (a + 2) (1 + u)
    d, a = 1e-3, -2 * beta / 3
    solved = solve_ivp(slope, (-1 + d, -1e-4), [2 + a * d, (a + 2) * d / 2], rtol=1e-10, atol=1e-12)
    return solved.y[1, -1]


@pytest.mark.parametrize("beta", [1.5, 3.0])
def test_the_excess_of_maier_stein(beta):
    answer = nl.escape_rate(maier_stein(0.05, beta), [-1, 0], [0, 0])
    np.testing.assert_allclose(answer.excess, excess_of_maier_stein(beta), atol=0.01)
    np.testing.assert_allclose(answer.barrier, 5, rtol=1e-4)
    np.testing.assert_allclose(answer.prefactor, np.exp(-answer.excess) / np.pi, rtol=1e-3)


def test_maier_stein_on_a_grid():
    deviations = []
    for D in STRENGTHS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", nl.NotWeak)
            answer = nl.escape_rate(maier_stein(D, 3.0), [-1, 0], [0, 0])
        exact, grid = on_a_grid(maier_stein(D, 3.0), box(D), (100, 80))
        assert abs(answer.rate - exact) < 2 * answer.error + 3 * grid
        deviations.append(answer.rate / exact - 1)
    falls_linearly(deviations)


def test_a_path_given():
    system = maier_stein(0.05, 3.0)
    geo = nl.geometric_path(system, [-1, 0], [0, 0], 200)
    given, found = (nl.escape_rate(system, [-1, 0], [0, 0], g) for g in (geo, None))
    np.testing.assert_allclose(given.rate, found.rate, rtol=5e-3)


def test_paths_to_both_sides_of_a_saddle_of_the_action():
    # beta = 10: the axis is no minimum, and each of two equal curves has the rate
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", nl.NotWeak)
        answer = nl.escape_rate(maier_stein(0.03, 10.0), [-1, 0], [0, 0])
    np.testing.assert_allclose(answer.barrier, 0.17002 / 0.03, rtol=3e-4)
    exact, grid = on_a_grid(maier_stein(0.03, 10.0), box(0.03), (120, 100))
    assert abs(2 * answer.rate - exact) < 2 * answer.error + 3 * grid


def test_a_path_that_is_no_minimum_is_refused():
    system = maier_stein(0.05, 10.0)
    geo = nl.geometric_path(system, [-1, 0], [0, 0], 100)
    axis = next(one for one in geo.others if one.kind == "saddle")
    np.testing.assert_allclose(axis.action, 5, rtol=1e-3)
    for other, match in (
        (axis, "a saddle: a cheaper path leaves"),
        (replace(geo, converged=False), "geo must have converged"),
        (replace(geo, joints=(50,)), "passes 1 other"),
    ):
        with pytest.raises(ValueError, match=match):
            nl.escape_rate(system, [-1, 0], [0, 0], other)


def test_the_error_of_the_action_counts():
    system = maier_stein(0.05, 3.0)
    geo = nl.geometric_path(system, [-1, 0], [0, 0], 200)
    rough = nl.escape_rate(system, [-1, 0], [0, 0], replace(geo, error=0.5))
    fine = nl.escape_rate(system, [-1, 0], [0, 0], replace(geo, error=0.0))
    np.testing.assert_allclose((rough.error - fine.error) / fine.rate, np.expm1(0.5))
    with pytest.warns(nl.NotWeak, match="not known whether geo is a minimum"):
        nl.escape_rate(system, [-1, 0], [0, 0], replace(geo, kind="undetermined"))


# ---- beside simulations --------------------------------------------------------------------------


@pytest.mark.parametrize("D", [0.125, 0.1, 0.08])
def test_a_simulation_with_a_potential(D):
    n, t = 1000, np.arange(0, 40, 0.02)
    ens = nl.simulate(double_well(D), -1.0, t, n, rng=2, save="final")
    compare(nl.escape_rate(double_well(D), -1.0, 0.0), ens.x[:, -1, 0] > 0, t[-1])


@pytest.mark.parametrize("D", [0.07, 0.06, 0.05])
def test_a_simulation_without_a_potential(D):
    n, t, system = 1000, np.arange(0, 60, 0.02), maier_stein(D, 3.0)
    ens = nl.simulate(system, [-1.0, 0.0], t, n, rng=3, save="final")
    compare(nl.escape_rate(system, [-1, 0], [0, 0]), ens.x[:, -1, 0] > 0, t[-1])


def compare(answer, gone, t):
    """Of two equal wells left at the rate k, a share ``(1 - exp(-2 k t)) / 2`` is in the other one."""
    share = gone.mean()
    rate = -np.log(1 - 2 * share) / (2 * t)
    error = np.sqrt(share * (1 - share) / len(gone)) / (1 - 2 * share) / t
    assert error < 0.2 * rate
    assert abs(rate - answer.rate) < 2 * answer.error + 4 * error


# ---- doubts and refusals -------------------------------------------------------------------------


def test_noise_that_is_not_weak_is_told():
    with pytest.warns(nl.NotWeak, match="the next order in D is 60% of this rate"):
        answer = nl.escape_rate(double_well(0.4), -1.0, 0.0)
    assert answer.error > 0.5 * answer.rate
    assert "\n" not in repr(answer) and "gradient" in repr(answer)
    with pytest.raises(AttributeError):
        answer.rate = 0.0


def test_fixed_points_will_do():
    stable, _, top = nl.fixed_points(double_well(0.05), (-2, 2))
    assert nl.escape_rate(double_well(0.05), stable, top).rate == pytest.approx(
        nl.escape_rate(double_well(0.05), -1.0, 0.0).rate
    )


def test_curvature_of_linear_systems():
    K, D = np.array([[1.0, 2.0], [-1.5, 0.8]]), np.array([[0.5, 0.1], [0.1, 0.3]])
    P = curvature(-K, D, "attractor")
    np.testing.assert_allclose(K @ np.linalg.inv(P) + np.linalg.inv(P) @ K.T, 2 * D, atol=1e-12)
    with pytest.raises(ValueError, match="saddle must be a point where"):
        curvature(np.array([[1.0, 0.0], [0.0, -1.0]]), np.array([[1.0, 0.3], [0.3, 1.0]]), "saddle")


def test_where_it_does_not_apply():
    three = nl.models.multistable_decision()
    source = next(p for p in nl.fixed_points(three, (-1, 5)) if p.kind == "source")
    system = maier_stein(0.05)
    for attractor, saddle, match in [
        ([-0.5, 0], [0, 0], "attractor must be a fixed point of the drift, which is 0.375"),
        ([0, 0], [0, 0], "attractor must be stable, and 1 directions grow"),
        ([-1, 0], [1, 0], "saddle must have one direction that grows, and has 0"),
        ([-1, 0], [0.1, 0], "saddle must be a fixed point"),
        ([-1], [0, 0], "attractor must have the state"),
        ([-1, 0], [[0, 0]], "saddle must be one state"),
    ]:
        with pytest.raises(ValueError, match=match):
            nl.escape_rate(system, attractor, saddle)
    with pytest.raises(ValueError, match="saddle must have one direction that grows, and has 2"):
        nl.escape_rate(three, [2.35, 2.35], source)
    with pytest.raises(ValueError, match="system must have noise that is constant"):
        nl.escape_rate(nl.System(lambda x, t: x - x**3, lambda x, t: 1 + x**2, 1), -1.0, 0.0)
    with pytest.raises(ValueError, match="system must not depend on time"):
        nl.escape_rate(nl.System(lambda x, t: (x - x**3) * (1 + 0 * t), 0.1, 1), -1.0, 0.0)
    with pytest.raises(ValueError, match="system must be a System"):
        nl.escape_rate(None, -1.0, 0.0)
    geo = nl.geometric_path(maier_stein(0.05, 3.0), [1, 0], [0, 0], 50)
    with pytest.raises(ValueError, match="geo must run from the attractor to the saddle"):
        nl.escape_rate(maier_stein(0.05, 3.0), [-1, 0], [0, 0], geo)
    with pytest.raises(ValueError, match="geo must be a GeometricPath"):
        nl.escape_rate(maier_stein(0.05, 3.0), [-1, 0], [0, 0], geo.x)

    # noise on the force alone, but not that of one temperature in a potential
    def drift(x, t):
        return np.stack([x[..., 0] - x[..., 0] ** 3 + x[..., 1], -x[..., 1]], axis=-1)

    odd = nl.System(drift, [0, 0.1], 2)
    with pytest.raises(ValueError, match="system must have noise on every variable, or be a particle"):
        nl.escape_rate(odd, [-1, 0], [0, 0])
