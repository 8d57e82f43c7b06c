"""The zoo: derivatives, fixed points, and what each model is known for."""

import pickle

import numpy as np
import pytest

from noetherlib import models
from noetherlib.scores import Empirical, GaussianMixture, Ring
from noetherlib.system.derivatives import differentiate

MIXTURE = GaussianMixture([[0.0, 1.0], [1.0, 0.0]], widths=[0.3, 1.0])
SYSTEMS = {
    "drift_diffusion": (models.drift_diffusion(0.1, 0.5), 0.0),
    "ornstein_uhlenbeck": (models.ornstein_uhlenbeck(2, [[1.0, 0.5], [-0.5, 2.0]], [0.5, 1.0]), 0.0),
    "multistable, smooth": (models.multistable_decision(threshold=0.2, width=0.3, time_constant=0.7), 0.0),
    "double_well": (models.double_well(0.1), 0.0),
    "maier_stein": (models.maier_stein(0.1), 0.0),
    "reverse, ring": (models.reverse_diffusion(Ring(2.0, 0.5), 3.0), 1.7),
    "reverse, mixture": (models.reverse_diffusion(MIXTURE, 3.0), 1.7),
    "reverse, points": (models.reverse_diffusion(Empirical(np.eye(3)), 3.0), np.linspace(0, 2.5, 12)),
}


@pytest.fixture(params=SYSTEMS)
def case(request):
    system, t = SYSTEMS[request.param]
    return system, 1.3 * np.random.default_rng(0).normal(size=(12, system.dim)), np.asarray(t)


def close(a, b, rtol):
    np.testing.assert_allclose(a, b, rtol=0, atol=rtol * np.abs(b).max() + 1e-12)


def test_each_derivative_is_the_slope_of_the_one_before(case):
    system, x, t = case
    close(system.jacobian(x, t), differentiate(system.drift, x, t), 1e-8)
    close(system.hessian(x, t), differentiate(system.jacobian, x, t), 1e-8)
    close(system.divergence(x, t), np.trace(system.jacobian(x, t), axis1=-2, axis2=-1), 1e-12)
    close(system.divergence_gradient(x, t), np.einsum("...iil->...l", system.hessian(x, t)), 1e-12)
    close(system.divergence_hessian(x, t), differentiate(system.divergence_gradient, x, t), 1e-8)


def test_pickles(case):
    system, x, t = case
    copy = pickle.loads(pickle.dumps(system))
    for name in ("drift", "jacobian", "hessian", "divergence", "divergence_hessian", "diffusion"):
        np.testing.assert_array_equal(getattr(copy, name)(x, t), getattr(system, name)(x, t))


# ---- multistable decision ----------------------------------------------------------------------


def test_the_published_drift():
    x = np.array([3.0, 1.495])
    s = 1 / (1 + np.exp(-(x - 1.5) / 0.01))
    expected = [1.25 + 2 * s[0] - 0.9 * s[1] - x[0], 1.25 + 2 * s[1] - 0.9 * s[0] - x[1]]
    system = models.multistable_decision()
    close(system.drift(x, 0.0), np.array(expected), 1e-14)
    close(system.diffusion(x, 0.0), 0.16 * np.eye(2), 1e-15)


def fixed_points(system, starts):
    """Roots by plain Newton from many starts, each once."""
    x = starts
    for _ in range(80):
        x = x - np.linalg.solve(system.jacobian(x, 0.0), system.drift(x, 0.0)[..., None])[..., 0]
    kept = x[(np.abs(system.drift(x, 0.0)).max(axis=1) < 1e-11) & (np.abs(x).max(axis=1) < 10)]
    return np.unique(kept.round(6), axis=0)


def test_nine_fixed_points():
    wide, narrow = np.linspace(0, 4, 41), np.linspace(1.45, 1.55, 41)
    boxes = [(a, b) for a in (wide, narrow) for b in (wide, narrow)]
    starts = [np.stack(np.meshgrid(*box), axis=-1).reshape(-1, 2) for box in boxes]
    system = models.multistable_decision()
    points = fixed_points(system, np.concatenate(starts))
    assert len(points) == 9
    unstable = (np.linalg.eigvals(system.jacobian(points, 0.0)).real > 0).sum(axis=1)
    assert sorted(unstable) == [0] * 4 + [1] * 4 + [2]
    stable = points[unstable == 0]
    expected = np.array([[0.35, 3.25], [1.25, 1.25], [2.35, 2.35], [3.25, 0.35]])
    np.testing.assert_allclose(stable, expected, atol=1e-6)
    assert (1.5 - stable[1]).max() == pytest.approx(0.25, abs=1e-6)  # hardly metastable: near both thresholds


def test_the_sigmoid_is_stable_far_out():
    system = models.multistable_decision(width=1e-4)
    x = np.array([[-1e6, 1e6], [1e300, -1e300]])
    assert np.isfinite(system.drift(x, 0.0)).all()
    assert np.isfinite(system.jacobian(x, 0.0)).all() and np.isfinite(system.hessian(x, 0.0)).all()


def test_the_decision_is_not_a_gradient():
    jacobian = models.multistable_decision(width=0.5).jacobian(np.array([1.6, 0.7]), 0.0)
    assert abs(jacobian[0, 1] - jacobian[1, 0]) > 0.1


# ---- double well, Maier-Stein ------------------------------------------------------------------


def test_double_well_and_maier_stein_rest_where_they_say():
    well, stein = models.double_well(0.1), models.maier_stein(0.1)
    assert (well.drift(np.array([[-1.0], [0.0], [1.0]]), 0.0) == 0).all()
    points = np.array([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    assert (stein.drift(points, 0.0) == 0).all()
    unstable = (np.linalg.eigvals(stein.jacobian(points, 0.0)) > 0).sum(axis=1)
    assert unstable.tolist() == [0, 1, 0]


def test_maier_stein_is_a_gradient_for_beta_one_alone():
    x = np.random.default_rng(1).normal(size=(5, 2))
    for beta, gradient in ((1.0, True), (10.0, False)):
        jacobian = models.maier_stein(0.1, beta).jacobian(x, 0.0)
        assert np.allclose(jacobian, np.swapaxes(jacobian, -1, -2)) == gradient


# ---- reverse diffusion -------------------------------------------------------------------------


def test_reverse_drift_and_diffusion():
    ring, t_max = Ring(5.0, 0.55), 10.0
    system = models.reverse_diffusion(ring, t_max)
    s, x = np.linspace(0, 9.9, 7), np.random.default_rng(2).normal(size=(7, 2)) * 5
    t = t_max - s
    close(system.drift(x, s), 2 * t[:, None] * ring.score(x, t), 1e-15)
    close(system.diffusion(x, s), t[:, None, None] * np.eye(2), 1e-15)
    assert system.additive is True and system.constant_diffusion is None


@pytest.mark.parametrize("data", [Ring(2.0, 0.5), MIXTURE])
def test_reverse_fokker_planck(data):
    """``d/ds q = -div(f q) + D laplacian(q)`` holds for q(x, s) = p(x, t_max - s)."""
    system, s, h = models.reverse_diffusion(data, 3.0), 1.8, 1e-5
    x, t = 2 * np.random.default_rng(3).normal(size=(40, 2)), 1.2
    score, divergence = data.score(x, t), data.divergence(x, t)
    left = (data.log_density(x, t - h) - data.log_density(x, t + h)) / (2 * h)
    right = -system.divergence(x, s) - (system.drift(x, s) * score).sum(axis=-1)
    right += t * (divergence + (score**2).sum(axis=-1))
    close(left, right, 1e-8)


def test_reverse_process_is_the_forward_one_backwards():
    """``L_OM,reverse(x, -v, s) - L_OM,forward(x, v, t)`` is d/dt log p along the path: same bridges."""
    data, t_max, t = Ring(2.0, 0.5), 3.0, 1.2
    system, s = models.reverse_diffusion(data, t_max), t_max - t
    local = np.random.default_rng(4)
    x, v = 2 * local.normal(size=(2, 30, 2))
    forward = (v**2).sum(axis=-1) / (4 * t)
    reverse = ((-v - system.drift(x, s)) ** 2).sum(axis=-1) / (4 * t) + system.divergence(x, s) / 2
    score = data.score(x, t)
    total = t * (data.divergence(x, t) + (score**2).sum(axis=-1)) + (v * score).sum(axis=-1)
    close(reverse - forward, total, 1e-12)


def test_reverse_diffusion_makes_data_of_noise():
    """Euler-Maruyama of the reverse process ends with the ring's second moment, within the error bar."""
    ring, n = Ring(5.0, 0.55), 4000
    levels = np.geomspace(20.0, 0.05, 300)
    system = models.reverse_diffusion(ring, 20.0)
    local = np.random.default_rng(5)
    x = ring.sample(n, 20.0, local)
    for t, lower in zip(levels[:-1], levels[1:]):
        # over a step in t**2 the noise has variance t**2 - lower**2 exactly
        noise = np.sqrt(t**2 - lower**2) * local.standard_normal(x.shape)
        x = x + system.drift(x, 20.0 - t) * (t**2 - lower**2) / (2 * t) + noise
    squares = (x**2).sum(axis=-1)
    expected = 25 + 2 * (0.55**2 + 0.05**2)
    assert abs(squares.mean() - expected) < 4 * squares.std() / np.sqrt(n) + 0.01 * expected


def test_reverse_diffusion_of_a_plain_function():
    system = models.reverse_diffusion(lambda x, t: -x / (1 + t**2)[..., None], 2.0, dim=3)
    x = np.ones((4, 3))
    close(system.drift(x, 0.5), -2 * 1.5 * x / (1 + 1.5**2), 1e-14)
    close(system.jacobian(x, 0.5), np.broadcast_to(-3 / 3.25 * np.eye(3), (4, 3, 3)), 1e-9)


def test_reverse_diffusion_ends_at_the_data():
    system = models.reverse_diffusion(Ring(5.0, 0.55), 2.0)
    assert (system.drift(np.ones(2), 2.0) == 0).all()
    with pytest.raises(ValueError, match="t_max"):
        system.drift(np.ones(2), 2.1)
    with pytest.raises(ValueError, match="noise level"):
        models.reverse_diffusion(Empirical(np.eye(2)), 2.0).drift(np.ones(2), 2.0)


BAD = {
    "velocity": lambda: models.drift_diffusion([1.0, 2.0], 1.0),
    "rate": lambda: models.ornstein_uhlenbeck(2, np.eye(3), 1.0),
    "baseline": lambda: models.multistable_decision(baseline=[1.0, 2.0]),
    "inhibition": lambda: models.multistable_decision(inhibition=np.nan),
    "width": lambda: models.multistable_decision(width=0.0),
    "time_constant": lambda: models.multistable_decision(time_constant=-1.0),
    "diffusion": lambda: models.double_well(-1.0),
    "diffusion must be positive semi-definite": lambda: models.maier_stein(-np.eye(2)),
    "beta": lambda: models.maier_stein(0.1, beta="ten"),
    "score": lambda: models.reverse_diffusion(1.0, 2.0),
    "t_max": lambda: models.reverse_diffusion(Ring(1, 1), 0.0),
    "dim": lambda: models.reverse_diffusion(lambda x, t: -x, 2.0),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()
