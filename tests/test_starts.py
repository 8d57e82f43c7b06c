"""Paths that cost nothing are found, drifts that jump or kink are told, and nan stays nan."""

import warnings

import numpy as np
import pytest
import sympy

import noetherlib as nl
from noetherlib.lagrangian import Lagrangian, Mesh
from noetherlib.paths.breaks import NotSmooth, find_breaks

FW, OM = "freidlin-wentzell", "onsager-machlup"


def lorenz(x, t):
    a, b, c = np.moveaxis(x, -1, 0)
    return np.stack([10 * (b - a), a * (28 - c) - b, a * b - 8 / 3 * c], axis=-1)


def test_the_noiseless_flow_costs_nothing():
    from scipy.integrate import solve_ivp

    flow = solve_ivp(lambda s, y: lorenz(y, s), (0, 1), [1, 1, 20], rtol=1e-11, atol=1e-11)
    t, system = np.linspace(0, 1, 501), nl.System(lorenz, 0.5, 3)
    path = nl.least_action_path(system, [1, 1, 20], flow.y[:, -1], t, FW)
    assert path.converged and path.kind == "minimum" and 0 <= path.action < 1e-5
    batch = nl.least_action_path(system, [1, 1, 20], flow.y[:, -1] + [[0.0], [0.1]], t, FW)
    np.testing.assert_allclose(batch.action[0], path.action, atol=1e-9)
    assert batch.converged.all() and batch.action[1] < 0.1


def test_a_jump_under_the_path_is_found_told_and_smoothed():
    system = nl.System(lambda x, t: -np.sign(x), 1.0, 1)
    with pytest.warns(NotSmooth, match=r"a jump under 1 of 1 paths.*x\[0\] = "):
        path = nl.least_action_path(system, -1, 1, np.linspace(0, 4, 401), FW)
    assert path.kind != "minimum" and abs(path.action - 1.0) < path.error < 0.05


def test_a_kink_under_the_path_is_told():
    x = sympy.Symbol("x")
    bent = nl.System.from_sympy([-x + sympy.Piecewise((2 * x, x > 0.3), (0.6, True))], [x], 0.5)
    with pytest.warns(NotSmooth, match="a kink under"):
        path = nl.least_action_path(bent, -1, 1, np.linspace(0, 2, 101), FW)
    assert path.converged and path.kind == "undetermined"
    with warnings.catch_warnings():  # off the kink there is none
        warnings.simplefilter("error")
        assert nl.least_action_path(bent, -1, 0, np.linspace(0, 2, 101), FW).kind == "minimum"


def test_steep_is_not_a_jump():
    steep = nl.System(lambda x, t: -np.tanh(200 * x), 1.0, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", nl.NotConverged)
        warnings.simplefilter("error", NotSmooth)
        nl.least_action_path(steep, -1, 1, np.linspace(0, 4, 51), FW)


def test_what_is_known_to_be_smooth():
    x, y, t = sympy.symbols("x y t")
    for f in (x - y**3, sympy.Rational(1, 3) * x * y + sympy.sin(t), 2 * y - 1):
        assert nl.System.from_sympy([f, x], [x, y], 1.0).flow.smooth is True
    for f in (abs(x) * y, sympy.Piecewise((x, y > 0), (0, True)), sympy.sqrt(x), 1 / x, sympy.floor(y)):
        assert nl.System.from_sympy([f, x], [x, y], 1.0).flow.smooth is None
    assert nl.System(lambda x, t: -x, 1.0, 1).flow.smooth is None
    assert nl.models.multistable_decision().flow.smooth is None  # a sigmoid may be as steep as a jump
    assert nl.models.underdamped(nl.System(lambda x, t: -x, 1.0, 1), 1.0, 1.0).flow.smooth is None


@pytest.mark.parametrize("slope", [0, -1])
def test_a_jump_between_equal_slopes_is_not_linear(slope):
    """Dry friction, without and with viscous: the derivative is the same number on both sides."""
    x = sympy.Symbol("x")
    dry = sympy.Piecewise((slope * x - 1, x > 0), (slope * x + 1, True))
    said = nl.System.from_sympy([dry], [x], 0.5)
    plain = nl.System(lambda x, t: slope * x + np.where(x > 0, -1.0, 1.0), 0.5, 1)
    assert said.linear is None and said.flow.smooth is None
    t, ends = np.linspace(0, 2, 101), []
    for system in (said, plain):
        with pytest.warns(NotSmooth, match="a jump under"):
            ends.append(nl.least_action_path(system, -1, 1, t, FW))
    np.testing.assert_allclose(ends[0].action, ends[1].action, rtol=1e-6)
    end = nl.simulate(said, [0.0], t, 4000, rng=0).x[:, -1, 0]
    assert abs(end.mean()) < 4 * end.std() / 4000**0.5 and end.std() < 0.8
    np.testing.assert_array_equal(end, nl.simulate(plain, [0.0], t, 4000, rng=0).x[:, -1, 0])


@pytest.mark.parametrize(
    "system",
    [
        nl.models.double_well(1.0),
        nl.models.maier_stein(1.0),
        nl.models.fitzhugh_nagumo(),
        nl.models.underdamped(nl.models.double_well(1.0), 1.0, 1.0),
        nl.models.ornstein_uhlenbeck(2, 1.0, 1.0),
    ],
)
def test_what_says_that_it_is_smooth_has_no_breaks(system, monkeypatch):
    assert system.flow.smooth is True
    monkeypatch.setattr(system.flow, "smooth", None)
    x = 3 * np.random.default_rng(0).normal(size=(20, 9, system.dim))
    assert find_breaks(Mesh(Lagrangian(system, FW), np.linspace(0, 1, 9)), x) == [[]] * 20


def test_advice_about_max_is_right():
    x, u = sympy.Symbol("x"), sympy.Symbol("u", real=True)
    for symbol in (x, u):
        with pytest.raises(ValueError, match="as Piecewise"):
            nl.System.from_sympy([sympy.Max(symbol, 0)], [symbol], 1.0).hessian(np.ones(1), 0.0)
    advised = nl.System.from_sympy([sympy.Piecewise((x, x > 0), (0, True))], [x], 1.0)
    np.testing.assert_array_equal(advised.hessian(np.ones(1), 0.0), [[[0.0]]])


def test_a_state_that_is_no_number_has_no_drift():
    x = sympy.Symbol("x")
    rectified = nl.System.from_sympy([sympy.Piecewise((x, x > 0), (0, True))], [x], 1.0)
    states = np.array([[-1.0], [np.nan], [2.0]])
    np.testing.assert_array_equal(rectified.drift(states, 0.0), [[0.0], [np.nan], [2.0]])
    np.testing.assert_array_equal(rectified.jacobian(states, 0.0)[:, 0], [[0.0], [np.nan], [1.0]])


def test_a_finer_mesh_takes_no_more_steps_of_the_noiseless_flow():
    calls = []

    def drift(x, t):
        calls.append(len(np.shape(t)))
        return x - x**3

    def count(n):
        t = np.linspace(0, 4, n)
        calls.clear()
        system = nl.System(drift, 0.5, 1, additive=True, autonomous=True)
        nl.least_action_path(system, -1.0, 1.0, t, "fw")
        return len(calls)

    assert count(4001) < 1.2 * count(1001)
