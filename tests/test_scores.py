"""Noisy densities: closed forms, exact derivatives, the heat equation, the probability flow."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noetherlib.scores import Empirical, GaussianMixture, Ring, probability_flow
from noetherlib.system.derivatives import differentiate

rng = np.random.default_rng(7)
MEANS = rng.normal(size=(4, 3))
COVARIANCES = np.array([[[1.0, 0.3], [0.3, 0.5]], [[0.2, 0.0], [0.0, 0.9]], [[0.3, -0.1], [-0.1, 0.3]]])
DENSITIES = {
    "ring": Ring(2.0, 0.55),
    "circle": Ring(2.0, 0.0),
    "round": GaussianMixture(MEANS, widths=[0.3, 0.5, 0.7, 1.0]),
    "alike": GaussianMixture(MEANS, widths=0.4),
    "oblique": GaussianMixture(rng.normal(size=(3, 2)), covariances=COVARIANCES, weights=[1, 2, 3]),
    "points": Empirical(rng.normal(size=(30, 3))),
    "kernels": Empirical(rng.normal(size=(30, 1)), width=0.2, weights=np.arange(1, 31)),
}


@pytest.fixture(params=DENSITIES, scope="module")
def density(request):
    return DENSITIES[request.param]


def close(a, b, rtol):
    np.testing.assert_allclose(a, b, rtol=0, atol=rtol * np.abs(b).max())


@pytest.mark.parametrize("t", [0.4, 1.5])
def test_each_derivative_is_the_slope_of_the_one_before(density, t):
    x = 2 * np.random.default_rng(0).normal(size=(5, 8, density.dim))

    def slope(function):
        return differentiate(function, x, t)

    close(density.score(x, t), slope(density.log_density), 1e-8)
    close(density.score_jacobian(x, t), slope(density.score), 1e-8)
    close(density.score_hessian(x, t), slope(density.score_jacobian), 1e-8)
    close(density.divergence_hessian(x, t), slope(density.divergence_gradient), 1e-8)
    close(density.divergence(x, t), np.trace(density.score_jacobian(x, t), axis1=-2, axis2=-1), 1e-13)
    close(density.divergence_gradient(x, t), np.einsum("...iil->...l", density.score_hessian(x, t)), 1e-13)
    if hasattr(density, "score_hessian_along"):
        p = np.random.default_rng(1).normal(size=x.shape)
        whole = np.einsum("...i,...ijl->...jl", p, density.score_hessian(x, t))
        close(density.score_hessian_along(x, t, p), whole, 1e-12)


def test_heat_equation(density):
    # d/dt log p = t (div s + |s|^2) is dp/dt = t laplacian(p)
    x, t, h = 2 * np.random.default_rng(1).normal(size=(50, density.dim)), 0.7, 1e-5
    rate = (density.log_density(x, t + h) - density.log_density(x, t - h)) / (2 * h)
    close(t * (density.divergence(x, t) + (density.score(x, t) ** 2).sum(axis=-1)), rate, 1e-8)


@pytest.mark.parametrize("name", ["ring", "circle", "oblique"])
def test_normalised_in_the_plane(name):
    grid = np.linspace(-9, 9, 361)
    x = np.stack(np.meshgrid(grid, grid), axis=-1)
    assert np.exp(DENSITIES[name].log_density(x, 0.6)).sum() * 0.05**2 == pytest.approx(1, abs=1e-9)


def test_normalised_on_the_line():
    x = np.linspace(-9, 9, 3601)[:, None]
    assert np.exp(DENSITIES["kernels"].log_density(x, 0.3)).sum() * 0.005 == pytest.approx(1, abs=1e-9)


def test_one_gaussian_is_linear():
    mean, cov, t = np.array([1.0, -2.0]), COVARIANCES[0], 0.8
    density, x = GaussianMixture([mean], covariances=cov), rng.normal(size=(6, 2))
    precision = np.linalg.inv(cov + t**2 * np.eye(2))
    away = x - mean
    close(density.score(x, t), -away @ precision, 1e-14)
    close(density.score_jacobian(x, t), np.broadcast_to(-precision, (6, 2, 2)), 1e-14)
    assert np.abs(density.score_hessian(x, t)).max() < 1e-14
    expected = -np.einsum("ni,ij,nj->n", away, precision, away) / 2 + np.log(np.linalg.det(precision)) / 2
    close(density.log_density(x, t), expected - np.log(2 * np.pi), 1e-14)


def test_many_points_on_a_circle_are_the_ring():
    angle = np.arange(400) * 2 * np.pi / 400
    points = Empirical(2 * np.stack([np.cos(angle), np.sin(angle)], axis=-1))
    ring, x = Ring(2.0, 0.0), rng.normal(size=(20, 2))
    for name in ("log_density", "score", "score_jacobian", "score_hessian", "divergence_hessian"):
        close(getattr(points, name)(x, 0.5), getattr(ring, name)(x, 0.5), 1e-12)


def test_covariances_and_widths_agree():
    widths, x = np.array([0.3, 0.5, 0.7, 1.0]), rng.normal(size=(20, 3))
    turned = GaussianMixture(MEANS, covariances=widths[:, None, None] ** 2 * np.eye(3))
    for name in ("log_density", "score", "score_jacobian", "score_hessian", "divergence_gradient"):
        close(getattr(turned, name)(x, 0.5), getattr(DENSITIES["round"], name)(x, 0.5), 1e-12)


def test_named_limits():
    ring, x = Ring(5.0, 0.55), np.array([[3.0, -1.0], [0.0, 0.0], [4.0, 3.0]])
    close(ring.score(x, 1e3), -x / (0.55**2 + 1e6), 2e-5)
    r, v = 5.0, 0.05**2
    small = Ring(5.0, 0.05).score(np.array([3.6, 4.8]), 0.0) @ [0.6, 0.8]  # at r = 6
    assert small == pytest.approx((5 - 6) / v - 1 / 12, rel=1e-6)
    assert (Ring(5.0, 0.05).score(np.array([r, 0.0]), 0.0)[0]) == pytest.approx(-1 / (2 * r), rel=1e-3)
    data = rng.normal(size=(50, 3))
    near = data[:5] + 1e-4
    close(Empirical(data).score(near, 1e-3), (data[:5] - near) / 1e-6, 1e-12)
    close(Empirical(data).score(near, 1e4), (data.mean(axis=0) - near) / 1e8, 1e-6)


@pytest.mark.parametrize("name", DENSITIES)
@pytest.mark.parametrize("t", [1e-6, 1e-3, 1.0, 1e3])
def test_finite_at_any_noise_and_distance(name, t):
    density = DENSITIES[name]
    x = np.random.default_rng(2).normal(size=(40, density.dim)) * np.logspace(-8, 6, 40)[:, None]
    x[0] = 0
    for method in (
        "log_density",
        "score",
        "score_jacobian",
        "score_hessian",
        "divergence",
        "divergence_gradient",
        "divergence_hessian",
    ):
        assert np.isfinite(getattr(density, method)(x, t)).all(), method


@pytest.mark.parametrize("a", [1e-9, 0.3, 0.999, 1.001, 7.0, 29.9, 30.1, 1e3, 1e12])
def test_ring_against_many_digits(a):
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(60):
        y = mpmath.mpf(a) ** 2

        def log_bessel(y):
            root = mpmath.sqrt(y)
            return mpmath.log(mpmath.besseli(0, root, maxterms=10**6))

        ratio = mpmath.besseli(1, mpmath.sqrt(y)) / mpmath.besseli(0, mpmath.sqrt(y)) / mpmath.sqrt(y)
        # radius 1, width 1, t = 0: a is the distance from the centre
        x = np.array([a, 0.0])
        ring = Ring(1.0, 1.0)
        assert ring.score(x, 0.0)[0] == pytest.approx(float((ratio - 1) * mpmath.mpf(a)), rel=1e-14)
        curvature = (1 - 2 * ratio - y * ratio**2) / y
        expected = float(ratio - 1 + y * curvature)
        assert ring.score_jacobian(x, 0.0)[0, 0] == pytest.approx(expected, rel=1e-13)


def test_digits_sized_data():
    local = np.random.default_rng(3)
    data = local.integers(0, 17, size=(1800, 64)) / 16.0
    points = Empirical(data)
    x = data[:12] + 0.05 * local.normal(size=(12, 64))
    for t in (1e-6, 1e-3, 0.05, 0.5, 5.0, 1e3):
        score = points.score(x, t)
        assert np.isfinite(score).all() and np.isfinite(points.score_jacobian(x[:2], t)).all()
        # straightforward sums where they do not overflow
        squares = ((x[:, None] - data) ** 2).sum(axis=-1) / (2 * t**2)
        w = np.exp(-(squares - squares.min(axis=1, keepdims=True)))
        mean = w @ data / w.sum(axis=1, keepdims=True)
        close(score, (mean - x) / t**2, 1e-9)
    high = local.normal(size=64) * 3
    jacobian = points.score_jacobian(high, 2.0)
    direction = local.normal(size=64)
    slope = (points.score(high + 1e-5 * direction, 2.0) - points.score(high - 1e-5 * direction, 2.0)) / 2e-5
    close(jacobian @ direction, slope, 1e-8)


def test_log_density_by_a_data_point_at_small_noise():
    # |x - m|**2 from scalar products would be wrong by the roundoff of |m|**2: here 1e6 times its size
    data, t = rng.normal(size=(100, 64)) * 16, 1e-6
    away = np.zeros(64)
    away[:2] = 2.0**-20, 2.0**-21
    x = data[3] + away
    expected = -np.log(100) - 32 * np.log(2 * np.pi * t**2) - ((x - data[3]) ** 2).sum() / (2 * t**2)
    assert Empirical(data).log_density(x, t) == pytest.approx(expected, rel=1e-12)


def test_blocks_do_not_show(monkeypatch):
    points, x = DENSITIES["points"], rng.normal(size=(7, 11, 3))
    t = np.linspace(0.1, 2, 11)
    whole = [points.score(x, t), points.score_jacobian(x, t), points.log_density(x, t)]
    monkeypatch.setattr("noetherlib.scores.mixture.BLOCK", 1)
    parts = [points.score(x, t), points.score_jacobian(x, t), points.log_density(x, t)]
    for a, b in zip(whole, parts):
        close(a, b, 1e-13)


def test_noise_levels_broadcast(density):
    x, t = np.random.default_rng(4).normal(size=(5, 3, density.dim)), np.array([0.5, 1.0, 2.0])
    together = density.score(x, t)
    assert together.shape == x.shape
    for k in range(3):
        close(together[:, k], density.score(x[:, k], t[k]), 1e-13)
    assert density.score_jacobian(x[0, 0], t).shape == (3, density.dim, density.dim)


def test_samples_have_the_mean_log_density_of_the_density(density):
    # E[score] = 0 and E[div s + |s|^2] = 0 under p itself: two identities of exact samples
    n, t = 20_000, 0.6
    x = density.sample(n, t, rng=11)
    score = density.score(x, t)
    stein = density.divergence(x, t) + (score**2).sum(axis=-1)
    for values in (*score.T, stein, (x * score).sum(axis=-1) + density.dim):
        assert abs(values.mean()) < 4.5 * values.std() / np.sqrt(n)
    np.testing.assert_array_equal(x, density.sample(n, t, rng=11))


def test_ring_samples_have_the_rice_mean_square():
    n, t = 50_000, 1.0
    squares = (Ring(5.0, 0.55).sample(n, t, rng=5) ** 2).sum(axis=-1)
    assert abs(squares.mean() - (25 + 2 * (0.55**2 + 1))) < 4 * squares.std() / np.sqrt(n)


def test_pickles(density):
    x = np.zeros((2, density.dim)) + 0.3
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(density)).score(x, 0.5), density.score(x, 0.5))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(-3, 3))
def test_rotating_the_data_rotates_the_score(seed, angle):
    local = np.random.default_rng(seed)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    means, x = local.normal(size=(3, 2)), local.normal(size=(5, 2))
    a = GaussianMixture(means, covariances=COVARIANCES)
    b = GaussianMixture(means @ turn.T, covariances=turn @ COVARIANCES @ turn.T)
    close(b.score(x @ turn.T, 0.3), a.score(x, 0.3) @ turn.T, 1e-12)
    close(b.score_jacobian(x @ turn.T, 0.3), turn @ a.score_jacobian(x, 0.3) @ turn.T, 1e-12)


# ---- probability flow --------------------------------------------------------------------------


@pytest.mark.parametrize("t", [np.geomspace(20, 0.01, 30), np.geomspace(0.01, 20, 30), np.linspace(3, 0, 10)])
def test_flow_of_gaussian_data_is_closed(t):
    s = 0.7
    x = rng.normal(size=(4, 5, 2))
    y = probability_flow(GaussianMixture([[0.0, 0.0]], widths=s), x, t)
    assert y.shape == (4, 5, len(t), 2)
    scale = np.sqrt((s**2 + t**2) / (s**2 + t[0] ** 2))
    np.testing.assert_allclose(y, x[..., None, :] * scale[:, None], rtol=1e-8, atol=1e-10)


def test_flow_returns():
    ring, x = Ring(5.0, 0.55), 6 * rng.normal(size=(20, 2))
    t = np.geomspace(10, 0.05, 12)
    there = probability_flow(ring, x, t)
    back = probability_flow(ring, there[:, -1], t[::-1])
    np.testing.assert_allclose(back[:, ::-1], there, rtol=1e-6, atol=1e-6)
    angle = np.arctan2(there[..., 1], there[..., 0])
    assert np.abs(angle - angle[:, :1]).max() < 1e-9  # radial: the ring's flow has no angular momentum


def test_flow_keeps_the_density():
    # change of variables: log p(x(t), t) changes by minus the integral of the velocity's divergence
    density = DENSITIES["oblique"]
    t = np.geomspace(3, 0.1, 2001)
    path = probability_flow(density, rng.normal(size=(3, 2)), t)
    log_p = density.log_density(path, t)
    rate = density.divergence(path, t) * t**2  # in the clock log t
    integral = ((rate[:, 1:] + rate[:, :-1]) / 2 * np.diff(np.log(t))).sum(axis=1)
    np.testing.assert_allclose(log_p[:, -1] - log_p[:, 0], integral, atol=1e-4)


def test_flow_takes_samples_to_samples():
    density, n = DENSITIES["alike"], 3000
    end = probability_flow(density, density.sample(n, 4.0, rng=3), [4.0, 0.3], rtol=1e-6, atol=1e-8)[:, -1]
    score = density.score(end, 0.3)
    stein = density.divergence(end, 0.3) + (score**2).sum(axis=-1)
    for values in (*score.T, stein):
        assert abs(values.mean()) < 4 * values.std() / np.sqrt(n)


def test_flow_of_a_plain_function():
    y = probability_flow(lambda x, t: -x / (1 + t**2), np.ones(1), [1.0, 2.0])
    assert y[-1, 0] == pytest.approx(np.sqrt(5 / 2), rel=1e-9)


# ---- bad input ---------------------------------------------------------------------------------

BAD = {
    "radius": lambda: Ring(0.0, 0.5),
    "width": lambda: Ring(1.0, -0.5),
    "means": lambda: GaussianMixture([1.0, 2.0], widths=1),
    "widths": lambda: GaussianMixture([[1.0, 2.0]], widths=[1, 2]),
    "covariances or widths": lambda: GaussianMixture([[1.0, 2.0]]),
    "covariances must be symmetric": lambda: GaussianMixture([[1.0, 2.0]], covariances=[[1, 0.5], [0, 1]]),
    "covariances must have no negative": lambda: GaussianMixture([[1.0, 2.0]], covariances=[[1, 2], [2, 1]]),
    r"covariances must be \(2, 2\)": lambda: GaussianMixture([[1.0, 2.0]], covariances=np.eye(3)),
    "weights": lambda: GaussianMixture([[1.0], [2.0]], widths=1, weights=[1, 0]),
    "data": lambda: Empirical([1.0, 2.0]),
    "data must be finite": lambda: Empirical([[1.0], [np.nan]]),
    "x must have the state": lambda: Ring(1, 1).score(np.zeros(3), 1.0),
    "x must be finite": lambda: Ring(1, 1).score([np.inf, 0], 1.0),
    "t is the noise level": lambda: Ring(1, 1).score([1, 0], -1.0),
    "t is the noise level and must be positive": lambda: Empirical([[1.0]]).score([1.0], 0.0),
    "t must broadcast": lambda: Ring(1, 1).score(np.zeros((4, 2)), np.ones(3)),
    "n must be": lambda: Ring(1, 1).sample(0, 1.0, 0),
    "t must be one number": lambda: Ring(1, 1).sample(1, [1.0], 0),
    "rng": lambda: Ring(1, 1).sample(1, 1.0, None),
    r"t must be strictly monotone, got t\[1\] = 2.0": lambda: probability_flow(
        Ring(1, 1), [1.0, 0], [1.0, 2.0, 2.0]
    ),
    "t must be noise levels": lambda: probability_flow(Ring(1, 1), [1.0, 0], [1.0, -1.0]),
    "t must be .* at least two": lambda: probability_flow(Ring(1, 1), [1.0, 0], [1.0]),
    "score must have": lambda: probability_flow(3, [1.0, 0], [1.0, 2.0]),
    "score.*shape": lambda: probability_flow(lambda x, t: x[0], [1.0, 0], [1.0, 2.0]),
    "score.*not finite": lambda: probability_flow(lambda x, t: x * np.nan, [1.0, 0], [1.0, 2.0]),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()
