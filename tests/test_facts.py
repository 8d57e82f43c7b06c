"""What a system is: declared, or seen at the states and times in use, never guessed."""

import pickle
import warnings

import numpy as np
import pytest
import sympy

import noetherlib as nl
from noetherlib.system import Flow
from noetherlib.system.learn import Untouched, Used, without

FW = "freidlin-wentzell"
T2 = np.linspace(0, 2, 401)


def switched(x, t):
    """Noise that begins to depend on the state at t = 1."""
    return 1 + (t > 1) * x[..., 0] ** 2


SWITCHED = nl.System(lambda x, t: -x, switched, 1)


def test_noise_that_changes_later_has_the_right_action():
    x, h = T2[:, None], np.diff(T2)
    mid, s = (x[1:] + x[:-1]) / 2, (T2[1:] + T2[:-1]) / 2
    by_hand = (h * (1 + mid[:, 0]) ** 2 / (4 * switched(mid, s))).sum()
    assert nl.action(SWITCHED, x, T2, FW) == pytest.approx(by_hand, rel=1e-13)
    assert by_hand == pytest.approx(1.0624, abs=1e-4)
    with pytest.raises(ValueError, match="onsager-machlup.*depend"):
        nl.action(SWITCHED, x, T2)


def test_noise_that_changes_later_is_simulated_as_a_loop_does():
    n, rng = 100_000, np.random.default_rng(5)
    x = np.ones((n, 1))
    for t, h in zip(T2, np.diff(T2)):
        x = x - x * h + np.sqrt(2 * h * switched(x, t))[:, None] * rng.standard_normal((n, 1))
    for method in (None, "euler-maruyama"):
        ours = nl.simulate(SWITCHED, 1.0, T2, n, rng=1, save="final", method=method).x[:, -1, 0]
        # the variance has heavy tails: compare it within the spread of ten parts
        parts = [y.reshape(10, -1).var(axis=1) for y in (ours, x[:, 0])]
        error = np.hypot(*(p.std(ddof=1) / np.sqrt(10) for p in parts))
        assert abs(parts[0].mean() - parts[1].mean()) < 4 * error
        assert parts[0].mean() > 2  # what does not see the state gives 1.17


def pulse(x, t):
    """A push for 4 < t < 5 alone."""
    return x - x**3 + 2.0 * ((t > 4) & (t < 5))[..., None]


def test_a_drift_that_acts_for_a_while_is_not_autonomous():
    system = nl.System(pulse, 0.1, 1)
    with pytest.raises(ValueError, match="autonomous=True"):
        nl.geometric_path(system, -1, 0)
    assert not system.facts.autonomous(np.zeros((3, 1)), 0.0)


def test_a_pulse_symmetric_about_the_middle_keeps_its_time():
    """Where the clock may not move, refining finds the action of the fine even mesh."""
    T = 8.0
    system = nl.System(lambda x, t: -x + 3 * np.exp(-8 * (np.asarray(t)[..., None] - T / 2) ** 2), 0.2, 1)
    path = nl.least_action_path(system, 0.0, 0.0, np.linspace(0, T, 81), FW)
    fine = nl.least_action_path(system, 0.0, 0.0, np.linspace(0, T, 4001), FW)
    better = nl.refine(path, 1e-4)
    assert better.converged and abs(better.action - fine.action) < 2e-4


def test_declared_autonomous_a_drift_may_look_at_the_time():
    def f(x, t):
        return x - x**3 + 0 * np.asarray(t)[..., None]

    looks = nl.System(f, 0.1, 1)
    with pytest.raises(ValueError, match="autonomous=True"):
        nl.geometric_path(looks, -1, 0)
    declared = nl.System(f, 0.1, 1, autonomous=True)
    assert nl.geometric_path(declared, -1, 0).action == pytest.approx(2.5, rel=1e-4)


def test_a_declaration_that_is_wrong_is_an_error():
    x, t = np.linspace(-1, 1, 11)[:, None], np.linspace(0, 1, 11)
    lies = nl.System(lambda x, t: -x, lambda x, t: 1 + x[..., 0] ** 2 + 0.1 * x[..., 0], 1, additive=True)
    with pytest.raises(ValueError, match="additive=True"):
        nl.action(lies, x, t, FW)
    driven = nl.System(lambda x, t: -x + np.asarray(t)[..., None], 1.0, 1, autonomous=True)
    with pytest.raises(ValueError, match="autonomous=True.*drift"):
        driven.facts.autonomous(x, t)


def test_what_was_seen_and_turns_out_otherwise_is_an_error():
    def D(x, t):
        return 1.0 if np.max(t) < 1 else 1 + x[..., 0] ** 2

    system = nl.System(lambda x, t: -x, D, 1)
    x = np.linspace(0, 1, 5)[:, None]
    assert system.noise(x, np.linspace(0, 0.5, 5))[1] is True
    with pytest.raises(ValueError, match="additive=False"):
        system.noise(x, np.linspace(0.5, 1.5, 5))


def test_nothing_is_tried_where_nobody_asked():
    """A D that raises far from the data, and one that would raise in the constructor."""

    def D(x, t):
        if np.abs(x).max() > 3:
            raise RuntimeError("far from the data")
        return 1 + 0.1 * x[..., 0] ** 2

    system = nl.System(lambda x, t: -x, D, 1)
    path = nl.least_action_path(system, -1.0, 1.0, np.linspace(0, 1, 51), FW)
    assert path.converged
    nl.System(lambda x, t: 1 / 0, lambda x, t: 1 / 0, 3)  # not a single call


def test_printing_says_what_is_known():
    system = nl.System(lambda x, t: -x, lambda x, t: 1 + t, 1)
    assert "additive unknown" in repr(system)
    nl.action(system, np.zeros((5, 1)), np.linspace(0, 1, 5), FW)
    assert "additive (seen at 4 states, t from 0.125 to 0.875)" in repr(system)
    assert repr(nl.models.maier_stein(0.1)) == (
        "<System of dimension 2: additive (declared), autonomous (declared), linear unknown>"
    )


def test_an_untouched_array_may_be_asked_for_its_shape_alone():
    time = Untouched((3, 2))
    assert np.shape(time) == (3, 2) and time.ndim == 2
    uses = [
        lambda: time + 1,
        lambda: 1 - time,
        lambda: np.sin(time),
        lambda: np.asarray(time),
        lambda: time[0],
        lambda: float(time),
        lambda: bool(time),
        lambda: time > 1,
        lambda: np.where(time, 1, 2),
        lambda: len(time),
        lambda: [*time],
        lambda: time.mean(),
        lambda: np.stack([time, time]),
        lambda: time == 0,
    ]
    for use in uses:
        with pytest.raises(Used):
            use()
    assert without(lambda t: t + 1, time) is None and without(lambda t: t.ndim, time) == 2


def test_symbolic_systems_know_their_facts():
    x, t = sympy.symbols("x t")
    for drift, D, facts in (
        (-x, 1, (True, True, True)),
        (-x + sympy.sin(t), 1 + t, (True, False, False)),
        (-(x**3), 1 + x**2, (False, True, False)),
    ):
        system = nl.System.from_sympy(drift, x, D, t)
        assert (system.additive, system.flow.autonomous, system.flow.linear) == facts


class Quartic(Flow):
    """One class of mathematics is a model."""

    dim, autonomous, diffusion = 1, True, 0.3

    def drift(self, x, t):
        return -(x**3)


def test_a_flow_is_a_model():
    system = nl.System.of(Quartic())
    assert nl.geometric_path(system, 0, 1).action == pytest.approx(0.25 / 0.3, rel=1e-4)
    copy = pickle.loads(pickle.dumps(system))
    np.testing.assert_array_equal(copy.drift([2.0], 0.0), [-8.0])
    with pytest.raises(ValueError, match="flow must be a Flow"):
        nl.System.of(lambda x: x)


def test_a_force_that_was_not_asked_yet_is_not_taken_for_one_that_uses_the_time():
    system = nl.models.underdamped(lambda q, t: q - q**3, 0.5, 0.1)
    states = np.linspace([-1, 0], [1, 0.5], 7)
    assert system.facts.autonomous(states, np.linspace(0, 1, 7))
    driven = nl.models.underdamped(lambda q, t: np.sin(t)[..., None] - q, 0.5, 0.1)
    assert not driven.facts.autonomous(states, np.linspace(0, 1, 7))


@pytest.mark.parametrize("name", ["additive", "autonomous"])
def test_a_fact_is_true_false_or_not_declared(name):
    with pytest.raises(ValueError, match=f"{name} must be True, False or None"):
        nl.System(lambda x, t: -x, 1.0, 1, **{name: "yes"})


def test_results_cannot_be_changed_and_print_one_line():
    t = np.linspace(0, 1, 11)
    path = nl.least_action_path(nl.models.double_well(0.1), -1, 1, t)
    geo = nl.geometric_path(nl.models.double_well(0.1), -1, 0, 20)
    points = nl.fixed_points(nl.models.double_well(0.1), (-2, 2))
    for result in (path, geo, points[0], nl.simulate(nl.models.double_well(0.1), 0, t, 5)):
        assert "\n" not in repr(result) and "array(" not in repr(result) and len(repr(result)) < 200
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert result == result and result != path or result is path
