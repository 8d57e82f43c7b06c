"""Systems learned from samples: against scipy and closed forms, error bars that hold, and what is told."""

import pickle
import warnings

import numpy as np
import pytest
from scipy.interpolate import RBFInterpolator

import noetherlib as nl

FW = "freidlin-wentzell"
T = np.linspace(0, 6, 41)
ENDS = [-1.0, 0.0], [1.0, 0.0]


def drift(x, t):
    """Two wells, the sides steeper outside."""
    return np.stack([x[..., 0] - x[..., 0] ** 3, -x[..., 1] * (1 + x[..., 0] ** 2)], axis=-1)


TRUE = nl.System(drift, 0.2, 2)
BEST = nl.least_action_path(TRUE, *ENDS, T, FW)


def field(n=150, noise=0.3, seed=0):
    """A system from n velocities seen around the wells, with errors."""
    rng = np.random.default_rng(seed)
    x = rng.uniform([-1.5, -1], [1.5, 1], (n, 2))
    return nl.System.from_samples(x, velocity=drift(x, 0) + noise * rng.normal(size=x.shape), diffusion=0.2)


def recordings(count, time=150.0, seed=3):
    """Records of the two wells, four to a system."""
    t = np.linspace(0, time, round(50 * time) + 1)

    def starts(rng, n):
        return rng.choice([-1.0, 1.0], size=(n, 1)) * [1.0, 0.0]

    return t, nl.simulate(TRUE, starts, t, 4 * count, rng=seed).x


LEARNED = field()


# ---- the spline ----------------------------------------------------------------------------------


def test_the_spline_is_scipys():
    flow, at = LEARNED.flow, np.random.default_rng(1).uniform(-0.8, 0.8, (3, 20, 2))
    inward, velocity = flow.spline.frame.inward, drift(flow.x, 0)
    a, polynomial = flow.spline.through(velocity, 0.7)
    ours = flow.spline.kernels(at.reshape(-1, 2), a, 0) + polynomial.vector(at.reshape(-1, 2), 0)
    scipys = RBFInterpolator(inward(flow.x), velocity, smoothing=0.7, kernel="quintic")
    np.testing.assert_allclose(ours, scipys(inward(at.reshape(-1, 2))), atol=1e-11)


def test_cross_validation_is_what_leaving_out_gives():
    flow, values = LEARNED.flow, drift(LEARNED.flow.x, 0)
    u = flow.spline.frame.inward(flow.x)
    unforeseen = flow.spline.unforeseen(values, 0.7)
    for out in 3, 77:
        kept = np.arange(len(u)) != out
        rest = RBFInterpolator(u[kept], values[kept], smoothing=0.7, kernel="quintic")
        np.testing.assert_allclose(unforeseen[out], values[out] - rest(u[out : out + 1])[0], atol=1e-10)


@pytest.mark.parametrize("kind", ["field", "series"])
def test_derivatives(kind):
    system = LEARNED
    if kind == "series":
        t, x = recordings(1, time=50.0)
        system = nl.System.from_samples(x, t=t)
    bare, x = nl.System(system.drift, 0.2, 2), np.random.default_rng(2).uniform(-0.8, 0.8, (3, 5, 2))
    np.testing.assert_allclose(system.jacobian(x, 0), bare.jacobian(x, 0), atol=1e-8)
    np.testing.assert_allclose(system.hessian(x, 0), bare.hessian(x, 0), atol=1e-4)
    with_slopes = nl.System(system.drift, 0.2, 2, system.jacobian, system.hessian)
    expected = with_slopes.divergence_hessian(x, 0)
    np.testing.assert_allclose(system.divergence_hessian(x, 0), expected, atol=1e-5)


def test_a_quadratic_field_is_met_exactly():
    x = np.random.default_rng(3).normal(size=(40, 2)) * [3.0, 0.1]
    velocity = np.stack([x[:, 0] * x[:, 1] - 1, 2 * x[:, 0] - x[:, 1] ** 2], axis=-1)
    system = nl.System.from_samples(x, velocity=velocity, diffusion=0.1)
    np.testing.assert_allclose(system.drift(x, 0), velocity, atol=1e-8)
    assert np.abs(system.flow.errors).max() < 1e-8


def test_a_smooth_field_without_errors_is_met_closely():
    system = field(n=300, noise=0.0)
    x = np.random.default_rng(4).uniform(-0.9, 0.9, (100, 2))
    np.testing.assert_allclose(system.drift(x, 0), drift(x, 0), atol=1e-3)
    path = nl.least_action_path(system, *ENDS, T, FW)
    assert path.action == pytest.approx(BEST.action, abs=1e-3)
    assert nl.path_spread(path, 5).error < 1e-3


# ---- error bars ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["field", "series"])
def test_error_bars_of_action_and_path_hold(kind):
    """Over 24 data sets (truth - estimate) / error has mean 0 and a standard deviation near 1.

    Its own standard error is 0.15, and 20 refits add a tenth; what smoothing bends is in no error bar.
    """
    n, actions, middles = 24, [], []
    t, x = recordings(n) if kind == "series" else (None, None)
    for k in range(n):
        system = field(seed=k) if t is None else nl.System.from_samples(x[4 * k : 4 * k + 4], t=t)
        path = nl.least_action_path(system, *ENDS, T, FW)
        spread = nl.path_spread(path, 20, rng=k)
        assert spread.lost == 0
        actions.append((path.action - BEST.action) / spread.error)
        middles.append((path.x[20] - BEST.x[20]) / spread.x_error[20])
    for pulls in (np.array(actions), *np.transpose(middles)):
        assert abs(pulls.mean()) < 0.7 and 0.6 < pulls.std() < 1.7
        assert np.abs(pulls).max() < 5


def test_refits_move_the_action_as_the_envelope_theorem_says():
    system = field(n=400, noise=0.05)
    path = nl.least_action_path(system, *ENDS, T, FW)
    spread = nl.path_spread(path, 12, rng=5)
    mid = (path.x[1:] + path.x[:-1]) / 2
    p = (np.diff(path.x, axis=0) / np.diff(T)[:, None] - system.drift(mid, 0)) / (2 * 0.2)
    seeds = np.random.SeedSequence(5).spawn(12)
    first = [
        -np.diff(T)
        @ (p * (system.flow.refit(np.random.default_rng(s)).drift(mid, 0) - system.drift(mid, 0))).sum(1)
        for s in seeds
    ]
    moved = spread.actions - path.action
    assert np.corrcoef(first, moved)[0, 1] > 0.99
    assert np.std(first) == pytest.approx(np.std(moved), rel=0.1)


def test_a_spread_can_be_repeated():
    path = nl.least_action_path(LEARNED, *ENDS, T, FW)
    one, other = (nl.path_spread(path, 3, rng=1) for _ in range(2))
    np.testing.assert_array_equal(one.x, other.x)
    np.testing.assert_array_equal(one.x[:, [0, -1]], np.broadcast_to(ENDS, (3, 2, 2)))
    assert (one.x_error[[0, -1]] == 0).all() and "refits" in repr(one)


def test_the_estimated_noise_is_within_its_error_and_refits_vary_it():
    t, x = recordings(1)
    system = nl.System.from_samples(x, t=t)
    found = system.flow.estimates.diffusion
    assert (np.abs(found.matrix - 0.2 * np.eye(2)) < 4 * found.error).all()
    rng = np.random.default_rng(0)
    drawn = np.stack([system.flow.refit(rng).diffusion for _ in range(200)])
    np.testing.assert_allclose(drawn.std(axis=0), found.error, rtol=0.25)


def test_noise_that_depends_on_the_state_is_refitted_too():
    def D(x, t):
        return 0.1 * (1 + x[..., 0] ** 2)

    t = np.linspace(0, 100, 5001)
    x = nl.simulate(nl.System(lambda x, t: -x, D, 1), 0.0, t, 8, rng=1).x
    with pytest.warns(UserWarning, match="D depends on the state"):
        system = nl.System.from_samples(x, t=t)
    at = np.linspace(-0.5, 0.5, 5)[:, None]
    draws = [nl.System.of(system.flow.refit(np.random.default_rng(k))).diffusion(at, 0) for k in range(30)]
    off = system.diffusion(at, 0)[:, 0, 0] - 0.1 * (1 + at[:, 0] ** 2)
    assert (np.abs(off) < 5 * np.std(draws, axis=0)[:, 0, 0]).all() and np.abs(off).max() < 0.02


# ---- outside the data ----------------------------------------------------------------------------


def test_what_leaves_the_data_is_told():
    t, far = np.linspace(0, 6, 41), [3.0, 0.0]
    with pytest.warns(nl.OutsideData, match=r"least_action_path: .* outside the data, as around \("):
        path = nl.least_action_path(LEARNED, ENDS[0], far, t, FW)
    with pytest.warns(nl.OutsideData, match="action: "):
        nl.action(LEARNED, path.x, t, FW)
    with pytest.warns(nl.OutsideData, match="simulate: "):
        nl.simulate(LEARNED, far, np.linspace(0, 0.01, 3), 5)
    with pytest.warns(nl.OutsideData, match="geometric_path: "):
        nl.geometric_path(LEARNED, [0.9, 0.0], far, 20)


def test_rests_outside_the_data_are_told():
    x = np.random.default_rng(0).uniform(-0.5, 0.5, (40, 1))
    system = nl.System.from_samples(x, velocity=x**2 - 4, diffusion=0.1)
    with pytest.warns(nl.OutsideData, match="fixed_points: 100.0% of the states"):
        assert len(nl.fixed_points(system, (-3, 3))) == 2


def test_a_gap_in_the_data_is_outside():
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(size=(200, 2)) * 0.1 + centre for centre in ([-1, 0], [1, 0])])
    system = nl.System.from_samples(x, velocity=drift(x, 0), diffusion=0.2)
    assert system.flow.support(np.array([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])).tolist() == [
        True,
        False,
        True,
    ]
    with pytest.warns(nl.OutsideData):
        nl.least_action_path(system, *ENDS, T, FW)


def test_inside_nothing_is_told():
    with warnings.catch_warnings():
        warnings.simplefilter("error", nl.OutsideData)
        nl.least_action_path(LEARNED, *ENDS, T, FW)
        assert len(nl.fixed_points(LEARNED, [(-1.2, 1.2), (-0.8, 0.8)], starts=64)) == 3


def test_copies_know_where_the_data_were():
    other = pickle.loads(pickle.dumps(LEARNED))
    x = np.array([[0.3, 0.1], [5.0, 5.0]])
    np.testing.assert_array_equal(other.drift(x, 0), LEARNED.drift(x, 0))
    assert other.flow.support(x).tolist() == [True, False]


# ---- refused -------------------------------------------------------------------------------------

X = np.random.default_rng(0).normal(size=(30, 2))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (dict(diffusion=0.1), "t .* or velocity .* must be given"),
        (dict(t=np.arange(30.0), velocity=X, diffusion=0.1), "and not both"),
        (dict(velocity=X), "diffusion must be given with velocity"),
        (dict(t=np.arange(30.0), diffusion=0.1), "estimated from a series"),
        (dict(velocity=X[:, :1], diffusion=0.1), "one shape"),
        (dict(velocity=X * np.nan, diffusion=0.1), "velocity must be finite"),
        (dict(velocity=X, diffusion=-0.1), "diffusion must be positive semi-definite"),
        (dict(t=np.arange(29.0)), r"x must be \(n_paths, 29, dim\)"),
    ],
)
def test_bad_samples_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        nl.System.from_samples(X, **options)


def test_too_few_too_many_or_flat_states_are_refused():
    with pytest.raises(ValueError, match="12 to 4000 states, got 11"):
        nl.System.from_samples(X[:11], velocity=X[:11], diffusion=0.1)
    many = np.zeros((4001, 2))
    with pytest.raises(ValueError, match="got 4001"):
        nl.System.from_samples(many, velocity=many, diffusion=0.1)
    flat = X * [1.0, 0.0]
    with pytest.raises(ValueError, match="spread in every direction"):
        nl.System.from_samples(flat, velocity=X, diffusion=0.1)


def test_spreads_of_what_knows_no_samples_are_refused():
    with pytest.raises(ValueError, match="System.from_samples"):
        nl.path_spread(BEST)
    batch = nl.least_action_path(LEARNED, np.array([ENDS[0], [-0.9, 0.0]]), ENDS[1], T, FW)
    with pytest.raises(ValueError, match="single converged one"):
        nl.path_spread(batch)
    with pytest.raises(ValueError, match="n_refits"):
        nl.path_spread(batch[0], 1)


def test_a_fitted_diffusion_that_is_negative_is_told():
    """Almost no noise near the centre, with a kink: no polynomial of degree four follows."""

    def hole(x, t):
        return 0.002 + np.maximum(np.abs(x[..., :1]) - 0.5, 0.0)

    system, t = nl.System(lambda x, t: -x, hole, 1), np.linspace(0, 10, 1001)
    ens = nl.simulate(system, np.linspace(-1.5, 1.5, 40)[:, None], t, 40, rng=0, method="euler-maruyama")
    told = pytest.warns(UserWarning, match="negative eigenvalue at .* of the recorded states, worst around")
    with pytest.warns(UserWarning, match="D depends on the state"), told:
        learned = nl.System.from_samples(ens.x, t=t)
    share = np.mean(learned.diffusion(ens.x[:, :-1].reshape(-1, 1), 0.0) < 0)
    assert share > 0.5
