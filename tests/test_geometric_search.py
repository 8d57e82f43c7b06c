"""Free transition time where the straight line misleads: windings, saddles, corners, chaos, D singular."""

import warnings

import numpy as np
import pytest
import sympy
from scipy.linalg import solve_continuous_lyapunov

import noetherlib as nl
from noetherlib.models import double_well, maier_stein, multistable_decision, ornstein_uhlenbeck

ARC = np.stack([np.linspace(-1, 0, 50), 0.4 * np.sin(np.pi * np.linspace(0, 1, 50))], axis=-1)


def stuart_landau(omega):
    def drift(x, t):
        radius = np.sum(x**2, axis=-1, keepdims=True)
        return x * (1 - radius) + omega * np.stack([-x[..., 1], x[..., 0]], axis=-1)

    return nl.System(drift, 0.1, 2, autonomous=True)


def lorenz():
    a, b, c = state = sympy.symbols("a b c")
    drift = [10 * (b - a), a * (28 - c) - b, a * b - sympy.Rational(8, 3) * c]
    return nl.System.from_sympy(drift, state, 0.5)


def is_honest(geo, exact):
    return geo.converged and abs(geo.action - exact) <= geo.error + 1e-9 * abs(exact)


# ---- the least, not just some minimum or saddle --------------------------------------------------


@pytest.mark.parametrize("beta, most", [(10.0, 0.3401), (5.0, 0.4831)])
def test_the_axis_of_maier_and_stein_is_left(beta, most):
    geo = nl.geometric_path(maier_stein(0.5, beta), [-1, 0], [0, 0])
    assert geo.action <= most and geo.converged and geo.kind == "minimum"
    axis = next(one for one in geo.others if one.kind == "saddle")
    np.testing.assert_allclose(axis.action, 0.5, rtol=1e-3)
    mirrored = next(one for one in geo.others if one.kind == "minimum")
    np.testing.assert_allclose(mirrored.action, geo.action, rtol=2e-3)
    assert np.sign(mirrored.x[25, 1]) == -np.sign(geo.x[100, 1])


def test_the_error_of_maier_and_stein():
    system = maier_stein(0.5)
    finest = nl.geometric_path(system, [-1, 0], [0, 0], 1600)
    for n in (25, 50, 100, 200):
        geo = nl.geometric_path(system, [-1, 0], [0, 0], n)
        assert is_honest(geo, finest.action) and geo.error < 2e-3 * geo.action


@pytest.mark.parametrize("omega", [0.0, 1.0, 5.0, 20.0, 100.0])
def test_from_a_limit_cycle_to_its_centre(omega):
    # -V/D with V = r**4/4 - r**2/2: turning costs nothing
    geo = nl.geometric_path(stuart_landau(omega), [1, 0], [0, 0], 400)
    assert is_honest(geo, 2.5) and geo.error < 5e-3 and len(geo.x) >= 400


def test_wherever_on_the_limit_cycle():
    assert is_honest(nl.geometric_path(stuart_landau(5.0), [0.6, 0.8], [0, 0]), 2.5)


def test_to_a_state_inside_a_limit_cycle():
    # from the cycle to r = 0.5: V(0.5) - V(1) = 0.25 - 1/8 + 1/64
    geo = nl.geometric_path(stuart_landau(5.0), [1, 0], [0.0, 0.5], 200)
    assert is_honest(geo, 10 * (0.25 - 1 / 8 + 1 / 64))


def test_chaos_is_not_passed_off_as_known():
    rest = np.sqrt(72.0)
    with pytest.warns(nl.NotConverged, match="it still falls as more time is given"):
        geo = nl.geometric_path(lorenz(), [rest, rest, 27], [-rest, -rest, 27], 400, max_iter=20)
    assert geo.action <= 17.37 and not geo.converged and geo.error >= geo.action


@pytest.mark.parametrize("turn", [0.5, 2.0, 10.0, 40.0])
def test_foci(turn):
    A, D = np.array([[-1.0, turn], [-turn, -0.8]]), np.array([[0.5, 0.1], [0.1, 0.3]])
    end = np.array([1.0, 0.5])
    exact = end @ np.linalg.solve(solve_continuous_lyapunov(A, -2 * D), end) / 2
    assert is_honest(nl.geometric_path(ornstein_uhlenbeck(2, -A, D), [0, 0], end), exact)
    # and into an unstable one: the same backwards
    assert is_honest(nl.geometric_path(ornstein_uhlenbeck(2, A, D), end, [0, 0]), exact)


def test_from_well_to_well():
    # the way down from the saddle is free, and the curve has a corner there
    geo = nl.geometric_path(maier_stein(0.5), [-1, 0], [1, 0])
    climb = nl.geometric_path(maier_stein(0.5), [-1, 0], [0, 0])
    assert abs(geo.action - climb.action) <= geo.error + climb.error
    np.testing.assert_allclose(np.abs(geo.x).min(axis=0), 0, atol=0.02)
    assert is_honest(nl.geometric_path(double_well(0.1), -1, 1), 2.5)


def test_legs_over_fixed_points():
    three = multistable_decision()
    points = nl.fixed_points(three, (-1, 5))
    low, saddle = points[1].x, points[7].x
    direct = nl.geometric_path(three, points[2].x, saddle)
    assert direct.kind == "minimum" and not direct.joints
    onward = nl.geometric_path(three, points[2].x, points[3].x)
    assert onward.converged and abs(onward.action - direct.action) < onward.error + direct.error + 1e-3
    assert np.isfinite(low).all()


def test_what_was_given_is_never_beaten_by_what_comes_back():
    system = maier_stein(0.5)
    for guess in (ARC, ARC * [1, -1], np.linspace([-1, 0], [0, 0], 9)):
        geo = nl.geometric_path(system, [-1, 0], [0, 0], 100, guess=guess)
        assert geo.action <= 0.3402
    # of two equal ones, the one that was asked for
    assert nl.geometric_path(system, [-1, 0], [0, 0], 100, guess=ARC).x[50, 1] > 0.1
    assert nl.geometric_path(system, [-1, 0], [0, 0], 100, guess=ARC * [1, -1]).x[50, 1] < -0.1


def test_guesses():
    system = maier_stein(0.5)
    geo = nl.geometric_path(system, [-1, 0], [0, 0], 100, guesses=[None, ARC, ARC * [1, -1]])
    assert geo.x[50, 1] > 0.1 and [one.kind for one in geo.others] == ["minimum", "saddle"]
    assert [one.action for one in geo.others] == sorted(one.action for one in geo.others)
    for bad in (ARC, "abc", 1.0, [np.zeros((3, 3))], [np.full((3, 2), np.nan)]):
        with pytest.raises(ValueError, match="guesses"):
            nl.geometric_path(system, [-1, 0], [0, 0], guesses=bad)


# ---- refine --------------------------------------------------------------------------------------


def test_refine():
    system = maier_stein(0.5)
    geo = nl.geometric_path(system, [-1, 0], [0, 0], 50)
    fine = nl.refine(geo, 1e-5)
    assert fine.converged and fine.error <= 1e-5 < geo.error and len(fine.x) > 200
    assert abs(fine.action - 0.3400413) < fine.error + 5e-6 and fine.kind == geo.kind
    assert nl.refine(geo, 1.0) is geo
    with pytest.warns(nl.NotConverged, match="with an error of"):
        assert not nl.refine(geo, 1e-12, max_points=300).converged


def test_refine_a_curve_with_corners_and_one_that_winds():
    D, end = 0.1, np.array([np.cos(2.0), np.sin(2.0)])
    joined = nl.geometric_path(ornstein_uhlenbeck(2, 1.0, D), [1, 0], end, 100)
    assert is_honest(nl.refine(joined, 1e-8), 5.0)
    winding = nl.geometric_path(stuart_landau(5.0), [1, 0], [0, 0.5], 200)
    assert winding.duration > 1
    fine = nl.refine(winding, winding.error / 2)
    assert is_honest(fine, 10 * (0.25 - 1 / 8 + 1 / 64)) and fine.error <= winding.error / 2


# ---- noise on some variables ---------------------------------------------------------------------


def test_noise_on_one_variable_of_a_linear_system():
    A, D = np.array([[-0.5, 1.0], [-1.0, -0.3]]), np.diag([0.0, 0.2])
    end = np.array([0.7, -0.4])
    exact = end @ np.linalg.solve(solve_continuous_lyapunov(A, -2 * D), end) / 2
    geo = nl.geometric_path(nl.models.ornstein_uhlenbeck(2, -A, D), [0, 0], end)
    assert is_honest(geo, exact) and geo.kind != "saddle" and geo.duration > 1


def test_inertia():
    # the energy over kT, whatever the friction
    system = nl.models.underdamped(lambda x, t: x - x**3, 1.0, 0.1)
    geo = nl.geometric_path(system, [-1, 0], [0, 0], 100)
    assert is_honest(geo, 2.5)


def test_what_noise_cannot_reach():
    system = nl.System(lambda x, t: -x, [0.0, 1.0], 2, autonomous=True)
    with pytest.raises(ValueError, match="out of reach of the noise"):
        nl.geometric_path(system, [0, 0], [1, 1])


# ---- what is said --------------------------------------------------------------------------------


def test_one_line():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", nl.NotConverged)
        for geo in (
            nl.geometric_path(maier_stein(0.5), [-1, 0], [0, 0]),
            nl.geometric_path(maier_stein(0.5), [-1, 0], [0, 0], max_iter=0),
        ):
            assert "\n" not in repr(geo) and "+-" in repr(geo) and len(repr(geo)) < 200
    assert not geo.converged and geo.kind == "undetermined"


def test_a_drift_that_is_not_finite():
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="drift must be finite"):
        nl.geometric_path(nl.System(lambda x, t: -1 / x, 1.0, 1), -1, 1, guess=[[-1], [0], [1]])


def test_a_potential_along_the_curve_alone_proves_nothing():
    """Steep steps between flat parts: the climb inside the basin is not the cheapest, however rounded."""
    model = nl.models.multistable_decision()
    saddles = [p.x for p in nl.fixed_points(model, (0, 4)) if p.kind == "saddle"]
    end = min(saddles, key=lambda x: np.linalg.norm(x - [1.48, 1.15]))
    for digits in (12, 8):
        geo = nl.geometric_path(model, [3.25, 0.35], end.round(digits), n_points=400)
        assert 0.16 * geo.action == pytest.approx(1.2717, abs=0.16 * geo.error + 1e-3)
