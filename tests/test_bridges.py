"""Bridges: exact laws where there are any, Noether's theorem in the mean, measured orders, honest refusals.

Every comparison with samples has its error bar and its seed.
"""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from scipy.linalg import eigh_tridiagonal, expm, solve_continuous_lyapunov

from noetherlib import models
from noetherlib.bridges import PoorMixing, bridge_ensemble, fluctuations, transition_density
from noetherlib.bridges.expansion import Expansion
from noetherlib.paths import NotConverged, least_action_path
from noetherlib.simulation import simulate
from noetherlib.system import System

SPIRAL = models.ornstein_uhlenbeck(2, [[1.0, 0.8], [-0.5, 0.6]], [[0.5, 0.1], [0.1, 0.3]])
A, B = np.array([1.0, -0.5]), np.array([0.3, 0.8])
TURN = np.array([[0.0, -1.0], [1.0, 0.0]])  # xi(x) = TURN x


class LimitCycle:
    """dx = k x (1 - |x|^2) + omega TURN x: symmetric under rotations, no gradient."""

    def __init__(self, omega, k):
        self.spin, self.k = omega * TURN, k

    def drift(self, x, t):
        return self.k * x * (1 - (x * x).sum(-1, keepdims=True)) + x @ self.spin.T

    def jacobian(self, x, t):
        r2 = (x * x).sum(-1)[..., None, None]
        return self.k * ((1 - r2) * np.eye(2) - 2 * x[..., :, None] * x[..., None, :]) + self.spin

    def hessian(self, x, t):
        one = np.einsum("ij,...l->...ijl", np.eye(2), x)
        return -2 * self.k * (one + np.moveaxis(one, -1, -2) + np.moveaxis(one, -1, -3))


def limit_cycle(D, omega=1.0, k=2.0):
    flow = LimitCycle(omega, k)
    return System(flow.drift, D, 2, flow.jacobian, flow.hessian)


def disguised(system):
    """A linear system that is not known to be one."""
    return System(system.drift, system.constant_diffusion, system.dim, system.jacobian, system.hessian)


def assert_mean(x, ess, expected, bound=4.0):
    """The mean of the samples, within ``bound`` standard errors wherever there is noise."""
    error = x.std(axis=0) / np.sqrt(ess)
    free = error > 1e-12
    miss = np.abs(x.mean(axis=0) - expected)
    assert (miss[free] / error[free]).max() < bound
    np.testing.assert_allclose(miss[~free], 0, atol=1e-12)


# ---- linear systems: drawn from the exact law --------------------------------------------------------


def linear_bridge(A, D, x0, x1, t):
    """Means and covariances at ``t`` by conditioning on the end; another road: Lyapunov's equation."""
    stationary = solve_continuous_lyapunov(A, -2 * D)

    def moments(T):
        phi = expm(A * T)
        return phi, stationary - phi @ stationary @ phi.T

    end, cov_end = moments(t[-1] - t[0])
    means, covs = [], []
    for s in t:
        phi, cov = moments(s - t[0])
        later = expm(A * (t[-1] - s))
        gain = cov @ later.T @ np.linalg.inv(cov_end)
        means.append(phi @ x0 + gain @ (x1 - end @ x0))
        covs.append(cov - gain @ later @ cov)
    return np.array(means), np.array(covs)


@pytest.mark.parametrize("t", [np.linspace(0, 2, 21), np.array([0.5, 0.6, 1.3, 2.5])], ids=["even", "not"])
def test_linear_bridges_have_the_exact_law(t):
    b = bridge_ensemble(SPIRAL, A, B, t, 40_000, rng=1)
    assert (b.chain, b.acceptance, b.autocorrelation_time, b.ess) == ("exact", 1, 1, 40_000)
    assert b.x.shape == (40_000, len(t), 2)
    mean, cov = linear_bridge(SPIRAL.linear[0], SPIRAL.constant_diffusion, A, B, t)
    assert_mean(b.x, b.ess, mean)
    q = b.x - mean
    assert_mean(q[..., :, None] * q[..., None, :], b.ess, cov)


def test_drift_drops_out_of_the_drift_diffusion_bridge():
    t = np.array([0.0, 0.1, 0.5, 0.7, 2.0])
    systems = models.drift_diffusion(5.0, 0.5), models.drift_diffusion(0.0, 0.5)
    fast, slow = (bridge_ensemble(system, 0.0, 1.0, t, 20_000, rng=2) for system in systems)
    np.testing.assert_allclose(fast.x, slow.x, atol=1e-10)
    assert_mean(slow.x[..., 0], slow.ess, t / 2)
    assert_mean((slow.x[..., 0] - t / 2) ** 2, slow.ess, t * (2 - t) / 2)


def test_an_unstable_system_over_a_long_time():
    system = models.ornstein_uhlenbeck(1, -1.0, 0.1)
    t = np.linspace(0, 30, 61)
    b = bridge_ensemble(system, 1.0, 1.0, t, 20_000, rng=3)
    # far from the ends the bridge is stationary, with the variance D/k of the reversed, stable process
    assert_mean(b.x[:, 30, 0] ** 2, b.ess, 0.1)


# ---- the sampler against laws known otherwise --------------------------------------------------------


@pytest.mark.parametrize("chain", ["euler-maruyama", "midpoint"])
def test_the_sampler_on_a_disguised_linear_system(chain):
    t = np.linspace(0, 2, 21)
    b = bridge_ensemble(disguised(SPIRAL), A, B, t, 4000, rng=4, chain=chain)
    c = bridge_ensemble(SPIRAL, A, B, t, 4000, rng=5, chain=chain)
    assert 0.7 < b.acceptance < 1 and b.ess > 1500 and c.ess == 4000
    both = b.x - b.x.mean(axis=0), c.x - c.x.mean(axis=0)
    assert_mean(b.x - c.x, 1 / (1 / b.ess + 1 / c.ess) * 2, 0)
    assert_mean(both[0] ** 2 - both[1] ** 2, 1 / (1 / b.ess + 1 / c.ess) * 2, 0)


def kernel(to, start, h, D, chain):
    """Transition density of one step of the double well."""
    if chain == "euler-maruyama":
        at, jacobian = start, 1.0
    else:
        at = (to + start) / 2
        jacobian = np.abs(1 - h / 2 * (1 - 3 * at**2))
    surprise = to - start - h * (at - at**3)
    return jacobian * np.exp(-(surprise**2) / (4 * D * h)) / np.sqrt(4 * np.pi * D * h)


def quadrature_bridge(x0, x1, t, D, chain):
    """Mean and variance at the inner times: Chapman-Kolmogorov with the trapezoidal rule (spectral here)."""
    g = np.linspace(-2.6, 2.6, 521)
    h = t[1] - t[0]
    K = kernel(g[:, None], g[None, :], h, D, chain) * (g[1] - g[0])
    forward, backward = [kernel(g, x0, h, D, chain)], [kernel(x1, g, h, D, chain)]
    for _ in t[3:]:
        forward.append(K @ forward[-1])
        backward.append(backward[-1] @ K)
    law = np.array(forward) * np.array(backward[::-1])
    law /= law.sum(axis=1, keepdims=True)
    mean = law @ g
    return mean, law @ g**2 - mean**2


@pytest.mark.parametrize(
    "D, T, seed, chain",
    [
        (0.02, 2.0, 1, "euler-maruyama"),
        (0.1, 5.0, 2, "euler-maruyama"),
        (0.25, 3.0, 3, "euler-maruyama"),
        (0.02, 2.0, 4, "midpoint"),
        (0.25, 3.0, 5, "midpoint"),
    ],
)
def test_double_well_against_quadrature(D, T, seed, chain):
    t = np.linspace(0, T, int(10 * T) + 1)
    b = bridge_ensemble(models.double_well(D), -1.0, 1.0, t, 2000, rng=seed, chain=chain)
    mean, var = quadrature_bridge(-1.0, 1.0, t, D, chain)
    assert b.ess > 800
    inner = b.x[:, 1:-1, 0]
    assert_mean(inner, b.ess, mean)
    assert_mean((inner - mean) ** 2, b.ess, var)


def test_limit_cycle_against_rejection():
    """Exact rejection: simulate all steps but the last, accept by the density of that one. No window."""
    D, n, h = 0.15, 16, 0.1
    t, system, x1 = np.arange(n + 1) * h, limit_cycle(D), np.array([-0.6, 0.7])
    free = simulate(system, [1.0, 0.0], t[:-1], 150_000, rng=6, method="euler-maruyama").x
    miss = x1 - free[:, -1] - h * system.drift(free[:, -1], 0.0)
    u = np.random.default_rng(7).random(len(free))
    kept = free[u < np.exp(-(miss**2).sum(axis=1) / (4 * D * h))]
    assert len(kept) > 3000
    b = bridge_ensemble(system, [1.0, 0.0], x1, t, 4000, rng=8)
    ours = b.x[:, :-1]
    for f in (lambda x: x, np.square, lambda x: x[..., :1] * x[..., 1:]):
        difference = f(ours).mean(axis=0) - f(kept).mean(axis=0)
        error = np.sqrt(f(ours).var(axis=0) / b.ess + f(kept).var(axis=0) / len(kept))
        assert np.abs(difference[1:] / error[1:]).max() < 4


def test_noise_that_depends_on_time():
    rate = np.array([[1.0, 0.3], [0.3, 0.5]])

    def D(x, t):
        return np.asarray(0.2 + t)[..., None, None] * rate

    t = np.linspace(0, 1, 21)
    b = bridge_ensemble(System(lambda x, s: 0 * x, D, 2), A, B, t, 3000, rng=9)
    clock = np.concatenate([[0], np.cumsum(np.diff(t) * (0.2 + t[:-1]))])  # the chain's own
    mean = A + (clock / clock[-1])[:, None] * (B - A)
    cov = 2 * (clock * (1 - clock / clock[-1]))[:, None, None] * rate
    assert_mean(b.x, b.ess, mean)
    q = b.x - mean
    assert_mean(q[..., :, None] * q[..., None, :], b.ess, cov)


def test_acceptance_survives_refinement():
    """Guided proposals, and Hamilton's dynamics from a given start."""
    for n in (25, 800):
        t = np.linspace(0, 2, n + 1)
        b = bridge_ensemble(models.double_well(0.05), -1.0, 1.0, t, 128, rng=10)
        assert b.acceptance > 0.9 and b.ess > 50
        b = bridge_ensemble(models.double_well(0.05), -1.0, 1.0, t, 128, rng=10, start=(t - 1)[:, None])
        assert 0.65 < b.acceptance < 0.95 and b.ess > 50


@pytest.mark.parametrize("start", [None, np.linspace(-1, 1, 26)[:, None]], ids=["guided", "hamiltonian"])
def test_a_crossing_against_rejection(start):
    """The time spent on the right and the action: laws that no Gaussian around one path has."""
    D, t = 0.15, np.linspace(0, 5, 26)
    well, h = models.double_well(D), t[1]
    free = simulate(well, -1.0, t[:-1], 200_000, rng=20, method="euler-maruyama").x[..., 0]
    miss = 1.0 - free[:, -1] - h * (free[:, -1] - free[:, -1] ** 3)
    u = np.random.default_rng(21).random(len(free))
    kept = np.pad(free, ((0, 0), (0, 1)), constant_values=1.0)[u < np.exp(-(miss**2) / (4 * D * h))]
    b = bridge_ensemble(well, -1.0, 1.0, t, 2_000, rng=22, start=start)

    def features(x):
        x, step = x[:, :-1], np.diff(x, axis=1)
        action = ((step - h * (x - x**3)) ** 2).sum(axis=1) / (4 * D * h)
        right = (x > 0).mean(axis=1)
        return np.stack([action, right, action**2, right**2, (right > 0.7) * 1.0, action * right], axis=1)

    ours, theirs = features(b.x[..., 0]), features(kept)
    assert len(kept) > 3_000
    error = np.sqrt(ours.var(axis=0) / b.ess + theirs.var(axis=0) / len(kept))
    assert (np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) / error).max() < 4


def test_guided_bridges_where_the_drift_sweeps_away():
    """A drift that depends on time and carries paths far beyond both ends: linear, its law is known."""
    D, t = 1e-3, np.linspace(0, 6, 61)
    system = System(lambda x, s: -x + 3 * np.cos(np.asarray(s)[..., None]), D, 1)
    b = bridge_ensemble(system, 0.0, 0.2, t, 1_000, rng=23)
    phi, push = 1 - 0.1, 0.1 * 3 * np.cos(t[:-1])
    mean, var = np.zeros(61), np.zeros(61)
    for k in range(60):
        mean[k + 1], var[k + 1] = phi * mean[k] + push[k], phi**2 * var[k] + 2 * D * 0.1
    gain = var * phi ** np.arange(60, -1, -1) / var[-1]
    assert np.abs(mean).max() > 2 and b.acceptance > 0.99
    assert_mean(b.x[..., 0], b.ess, mean + gain * (0.2 - mean[-1]))
    q = b.x[..., 0] - b.x[..., 0].mean(axis=0)
    assert_mean(q**2, b.ess, var - gain**2 * var[-1])


@pytest.mark.parametrize("n", [21, 2001])
def test_linear_bridges_with_noise_on_some_variables(n):
    """A kicked oscillator: the position has no noise of its own."""
    matrix, D, t = np.array([[0.0, 1.0], [-1.0, -0.5]]), np.diag([0.0, 0.3]), np.linspace(0, 4, n)
    b = bridge_ensemble(models.ornstein_uhlenbeck(2, -matrix, D), A, B, t, 2_000, rng=24)
    assert (b.chain, b.ess) == ("exact", 2_000)
    mean, cov = linear_bridge(matrix, D, A, B, t)
    some = slice(None, None, (n - 1) // 20)
    assert_mean(b.x[:, some], b.ess, mean[some])
    q = b.x[:, some] - mean[some]
    assert_mean(q[..., :, None] * q[..., None, :], b.ess, cov[some])
    h, v = t[1], b.x[..., 1]
    off = np.diff(b.x[..., 0], axis=1) - h / 2 * (v[:, 1:] + v[:, :-1])  # dx = v dt
    assert off.std() < 0.3 * h**1.5


def test_noise_that_reaches_only_part_of_the_state():
    """The second variable goes its own way: its end must be where that leads."""
    rate, D, t = np.diag([1.0, 0.5]), np.diag([0.2, 0.0]), np.linspace(0, 2, 11)
    system = models.ornstein_uhlenbeck(2, rate, D)
    b = bridge_ensemble(system, [0.0, 1.0], [0.5, np.exp(-1)], t, 3_000, rng=25)
    np.testing.assert_allclose(b.x[..., 1], np.broadcast_to(np.exp(-t / 2), (3_000, 11)), atol=1e-12)
    alone = linear_bridge(rate[:1, :1] * -1, D[:1, :1], np.zeros(1), np.array([0.5]), t)
    assert_mean(b.x[..., :1], b.ess, alone[0])
    assert np.isfinite(b.momentum).all() and not b.momentum[..., 1].any()
    with pytest.raises(ValueError, match="x1 must be an end that the noise can reach"):
        bridge_ensemble(system, [0.0, 1.0], [0.5, 1.0], t, 10)


def test_noise_on_some_variables_of_a_bent_drift_is_refused_with_the_reason():
    system = models.underdamped(lambda x, t: x - x**3, 1.0, 0.1)
    with pytest.raises(
        ValueError, match="diffusion must be positive definite for a drift that is not linear"
    ):
        bridge_ensemble(system, [-1.0, 0.0], [1.0, 0.0], TIMES, 10)


@pytest.mark.parametrize(
    "system, ends",
    [(models.double_well(0.2), (-1.0, 1.0)), (models.maier_stein(0.1), ([-1.0, 0.0], [0.5, 0.2]))],
)
def test_progress_is_told_from_the_first_trajectory_with_the_fewest_to_come(system, ends):
    told = []
    b = bridge_ensemble(system, *ends, TIMES, 150, progress=lambda *pair: told.append(pair))
    done, total = np.transpose(told)
    np.testing.assert_array_equal(done, np.arange(1, len(done) + 1))
    assert (done <= total).all() and (np.diff(total) >= 0).all() and done[-1] == total[-1]
    assert total[0] > 100  # known before anything is kept
    np.testing.assert_array_equal(b.x, bridge_ensemble(system, *ends, TIMES, 150).x)  # changes nothing


def test_progress_can_be_a_bar(capsys):
    bridge_ensemble(WELL, -1.0, 1.0, TIMES, 150, progress=True)
    shown = capsys.readouterr().err
    assert "bridges: 100%" in shown and "trajectory/s" in shown


def test_the_effective_size_is_that_of_the_mean():
    """Means of independent runs scatter as ess says."""
    t = np.linspace(0, 3, 31)
    runs = [bridge_ensemble(models.double_well(0.2), -1.0, 1.0, t, 512, rng=seed) for seed in range(6)]
    mean, var = quadrature_bridge(-1.0, 1.0, t, 0.2, "euler-maruyama")
    z = [(b.x[:, 1:-1, 0].mean(axis=0) - mean) / np.sqrt(var / b.ess) for b in runs]
    assert 0.4 < np.sqrt(np.mean(np.square(z))) < 1.6


def test_routes_that_are_apart_stay_apart():
    """Half way round a limit cycle, either way: each start keeps its share and its route."""
    system, t = limit_cycle(0.05, omega=0.0, k=4.0), np.linspace(0, 4, 41)
    angle = np.pi * t[:, None] / 4
    starts = [np.hstack([np.cos(angle), side * np.sin(angle)]) for side in (1, -1)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PoorMixing)  # long enough to cross, if they could
        b = bridge_ensemble(system, [1.0, 0.0], [-1.0, 0.0], t, 301, rng=11, start=starts, max_iter=100)
    side = np.sign(b.x[:, 20, 1])
    assert (side[:150] == 1).all() and (side[150:] == -1).all() and len(side) == 301
    np.testing.assert_array_equal(b.x[:, 0], np.broadcast_to([1.0, 0.0], (301, 2)))
    np.testing.assert_array_equal(b.x[:, -1], np.broadcast_to([-1.0, 0.0], (301, 2)))


def test_chains_too_short_say_so():
    with pytest.warns(PoorMixing, match="50 trajectories"):
        line = np.linspace(-1, 1, 41)[:, None]
        b = bridge_ensemble(
            models.double_well(0.05), -1.0, 1.0, np.linspace(0, 8, 41), 64, max_iter=50, start=line
        )
    assert b.autocorrelation_time == np.inf and b.ess == 0


def test_the_same_seed_gives_the_same_paths():
    t, well = np.linspace(0, 1, 11), models.double_well(0.2)
    for system in (well, models.ornstein_uhlenbeck(1, 1.0, 0.2)):
        first, again, other = (bridge_ensemble(system, -1.0, 1.0, t, 70, rng=r) for r in (3, 3, 4))
        np.testing.assert_array_equal(first.x, again.x)
        assert (first.x[:, 1:-1] != other.x[:, 1:-1]).all()
        seed = np.random.SeedSequence(3)
        np.testing.assert_array_equal(bridge_ensemble(system, -1.0, 1.0, t, 70, rng=seed).x, first.x)
        generator = np.random.default_rng(3)
        draws = [bridge_ensemble(system, -1.0, 1.0, t, 70, rng=generator).x for _ in range(2)]
        assert (draws[0][:, 1:-1] != draws[1][:, 1:-1]).all()


# ---- Noether's theorem in the mean -------------------------------------------------------------------


def chi_square(J, ess):
    """How far the means on the steps are from being equal, per degree of freedom."""
    off = J - J.mean(axis=1, keepdims=True)
    cov = np.cov(off[:, :-1].T) / ess  # the last one follows from the others
    d = off[:, :-1].mean(axis=0)
    return d @ np.linalg.solve(cov, d) / len(d)


@pytest.mark.parametrize("chain", ["euler-maruyama", "midpoint"])
def test_ward_identity_for_a_rotation(chain):
    """Equal means on all steps, at a coarse step and strong noise; xi at the earlier state fails."""
    t = np.linspace(0, 0.8, 9)
    b = bridge_ensemble(limit_cycle(0.2, omega=4.0), [0.2, 0.0], [-1.0, 0.9], t, 6000, rng=12, chain=chain)
    right, wrong = (np.einsum("pki,ij,pkj->pk", b.momentum, TURN, x) for x in (b.x[:, 1:], b.x[:, :-1]))
    assert chi_square(right, b.ess) < 2.9  # 7 degrees of freedom: 1 in 200
    assert chi_square(wrong, b.ess) > 30


def test_euler_momentum_is_the_written_one():
    t, system = np.array([0.0, 0.1, 0.3, 0.6]), limit_cycle(np.array([[0.3, 0.1], [0.1, 0.2]]))
    b = bridge_ensemble(system, [1.0, 0.0], [0.0, 1.0], t, 64, rng=13)
    f = system.drift(b.x[:, :-1], t[:-1])
    p = (np.diff(b.x, axis=1) / np.diff(t)[:, None] - f) @ np.linalg.inv(system.constant_diffusion) / 2
    np.testing.assert_allclose(b.momentum, p, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("chain", ["exact", "euler-maruyama", "midpoint"])
def test_value_of_the_ward_identity(chain):
    """-xi(x1) . grad log rho(x1, T | x0), in closed form for isotropic OU with rotation in the drift."""
    k, w, D, n, T = 0.7, 1.1, 0.4, 12, 1.5
    h, t = T / n, np.linspace(0, T, n + 1)
    M = -k * np.eye(2) - w * TURN
    if chain == "exact":
        phi, step = expm(M * h), D / k * (1 - np.exp(-2 * k * h))
    else:
        theta = 0.5 if chain == "midpoint" else 0.0
        implicit = np.linalg.inv(np.eye(2) - theta * h * M)
        phi = implicit @ (np.eye(2) + (1 - theta) * h * M)
        step = 2 * D * h * (implicit @ implicit.T)[0, 0]
    start, end = np.array([2.0, -1.0]), np.array([0.5, 1.6])
    mean = np.linalg.matrix_power(phi, n) @ start
    var = step * sum(np.linalg.det(phi) ** j for j in range(n))  # phi is a rotation times a number
    expected = (TURN @ end) @ (end - mean) / var

    b = bridge_ensemble(models.ornstein_uhlenbeck(2, -M, D), start, end, t, 40_000, rng=14, chain=chain)
    J = np.einsum("pki,ij,pkj->pk", b.momentum, TURN, b.x[:, 1:])
    assert_mean(J, b.ess, expected)
    average = J.mean(axis=1)
    assert average.std() / np.sqrt(b.ess) < 0.02 * abs(expected)
    assert_mean(average, b.ess, expected)


def test_balance_where_the_symmetry_is_broken():
    """Euler-Maruyama: d<J> = -h <p_k . (xi . grad f - f . grad xi)(x_k)> over each step."""
    t = np.linspace(0, 1.5, 11)
    system = models.maier_stein(0.2, 2.0)
    b = bridge_ensemble(system, [-0.8, 0.3], [0.5, 0.4], t, 6000, rng=15)
    xi = b.x @ TURN.T
    J = np.einsum("pki,pki->pk", b.momentum, xi[:, 1:])
    lie = np.einsum("pkij,pkj->pki", system.jacobian(b.x, 0.0), xi) - system.drift(b.x, 0.0) @ TURN.T
    force = -np.einsum("pki,pki->pk", b.momentum, lie[:, :-1]) * np.diff(t)
    assert_mean(np.diff(J, axis=1) - force[:, 1:], b.ess, 0)
    change = np.diff(J, axis=1)
    assert np.abs(change.mean(axis=0) / change.std(axis=0)).max() * np.sqrt(b.ess) > 5


# ---- Laplace's transition density --------------------------------------------------------------------


def orders(values, exact):
    error = np.abs(np.asarray(values) - exact)
    return np.log2(error[:-1] / error[1:])


@pytest.mark.parametrize("grid", [1.0, 1.5], ids=["even", "uneven"])
def test_linear_density_to_second_order(grid):
    T, C = 2.0, SPIRAL.constant_diffusion
    phi = expm(SPIRAL.linear[0] * T)
    cov = solve_continuous_lyapunov(SPIRAL.linear[0], -2 * C)
    cov = cov - phi @ cov @ phi.T
    r = B - phi @ A
    exact = -r @ np.linalg.solve(cov, r) / 2 - np.linalg.slogdet(2 * np.pi * cov)[1] / 2
    for functional in ("om", "fw"):
        grids = (T * np.linspace(0, 1, n + 1) ** grid for n in (50, 100, 200))
        paths = [least_action_path(SPIRAL, A, B, t, functional) for t in grids]
        values = [transition_density(path, log=True) for path in paths]
        assert np.abs(orders(values, exact) - 2).max() < 0.05
        assert abs(values[-1] - exact) < 1e-5
        np.testing.assert_allclose(transition_density(paths[0]), np.exp(values[0]))


@pytest.mark.parametrize("functional", ["onsager-machlup", "freidlin-wentzell"])
def test_order_for_a_bent_drift_and_what_either_shortcut_costs(functional):
    """Second order with the Jacobian's determinant and the bending; first order without either."""
    well, T = models.double_well(0.1), 2.0
    full, no_bending, no_determinant = [], [], []
    for n in (50, 100, 200, 400, 800):
        path = least_action_path(well, -1.0, 0.6, np.linspace(0, T, n + 1), functional)
        h, mid = T / n, (path.x[1:, 0] + path.x[:-1, 0]) / 2
        p = (np.diff(path.x[:, 0]) / h - mid + mid**3) / (2 * 0.1)
        slope = 1 - 3 * mid**2
        B = 6 * mid * p - (3 if functional == "onsager-machlup" else 0)
        value = transition_density(path, log=True)
        full.append(value)
        no_bending.append(value + h**2 / 4 * 0.1 * B.sum())
        no_determinant.append(value - (np.log(1 - h / 2 * slope) + h / 2 * slope).sum())
    limit = full[-1] + (full[-1] - full[-2]) / 3
    assert np.abs(orders(full[:4], limit) - 2).max() < 0.1
    assert np.abs(orders(no_bending, limit)[1:] - 1).max() < 0.1
    assert np.abs(orders(no_determinant, limit)[1:] - 1).max() < 0.1


def fokker_planck(D, x0, x1, T, n):
    """Density of the double well: finite volumes that keep exp(-V/D), all eigenvalues."""
    x = np.linspace(-2.6, 2.6, n)
    dx, rise = x[1] - x[0], np.diff(x**4 / 4 - x**2 / 2)
    up, down = (D / dx**2 * np.exp(sign * rise / (2 * D)) for sign in (-1, 1))
    loss = np.concatenate([up, [0]]) + np.concatenate([[0], down])
    rate, mode = eigh_tridiagonal(-loss, np.sqrt(up * down))
    i, j = np.abs(x - x0).argmin(), np.abs(x - x1).argmin()
    weight = np.exp(-(x1**4 / 4 - x1**2 / 2 - x0**4 / 4 + x0**2 / 2) / (2 * D))
    return weight * (mode[i] * mode[j]) @ np.exp(rate * T) / dx


def test_double_well_density_against_fokker_planck():
    """Laplace's relative error falls with D: at least in proportion, for either functional."""
    error = []
    for D in (0.1, 0.05, 0.025):
        coarse, fine = (fokker_planck(D, -1.0, 0.6, 2.0, n) for n in (521, 1041))
        exact = fine + (fine - coarse) / 3
        well, t = models.double_well(D), np.linspace(0, 2, 401)
        paths = [least_action_path(well, -1.0, 0.6, t, functional) for functional in ("om", "fw")]
        error.append([np.exp(Expansion(path).log_density()) / exact - 1 for path in paths])
        for path in paths:  # what is returned is the better of the two, with its error
            rho = transition_density(path)
            assert abs(rho - exact) < rho.error
    error = np.abs(error)
    assert error[-1, 0] < 0.01 and error[-1, 1] < 0.07
    assert (error[:-1] / error[1:]).min() > 1.7


def test_density_of_a_batch_is_that_of_its_members():
    t, ends = np.linspace(0, 1, 41), np.array([[0.3, 0.8], [0.0, 0.1], [-0.5, 0.2]])
    batch = least_action_path(models.maier_stein(0.1, 3.0), [-1.0, 0.0], ends, t)
    together = transition_density(batch)
    assert together.shape == (3,)
    np.testing.assert_allclose(together, [transition_density(path) for path in batch], rtol=1e-12)
    assert fluctuations(batch).shape == (3, 41, 2, 2)
    np.testing.assert_allclose(fluctuations(batch)[1], fluctuations(batch[1]), rtol=1e-10)


def test_density_with_noise_that_depends_on_time():
    """dx = sqrt(2 D(t)) dW: Gaussian, variance twice the integral of D."""
    system = System(lambda x, t: 0 * x, lambda x, t: 0.2 + t, 1)
    value = transition_density(least_action_path(system, 0.0, 0.7, np.linspace(0, 1, 1001)))
    exact = np.exp(-(0.7**2) / (4 * 0.7)) / np.sqrt(4 * np.pi * 0.7)
    np.testing.assert_allclose(value, exact, rtol=1e-6)


# ---- the Gaussian band ------------------------------------------------------------------------------


def test_fluctuations_of_a_linear_system():
    error = []
    for n in (20, 40, 80):
        t = np.linspace(0, 2, n + 1)
        _, cov = linear_bridge(SPIRAL.linear[0], SPIRAL.constant_diffusion, A, B, t)
        band = fluctuations(least_action_path(SPIRAL, A, B, t))
        assert not band[0].any() and not band[-1].any()
        error.append(np.abs(band - cov).max())
    assert np.abs(np.log2(np.divide(error[:-1], error[1:])) - 2).max() < 0.1


def test_fluctuations_are_those_of_weak_noise():
    D, t = 1e-3, np.linspace(0, 2, 81)
    well = models.double_well(D)
    b = bridge_ensemble(well, -1.0, 0.6, t, 4000, rng=16, chain="midpoint")
    band = fluctuations(least_action_path(well, -1.0, 0.6, t))[:, 0, 0]
    sampled, error = b.x[..., 0].var(axis=0), np.sqrt(2 / b.ess)
    assert np.abs(sampled[1:-1] / band[1:-1] - 1).max() < 4 * error + 10 * D


# ---- refusals ---------------------------------------------------------------------------------------


WELL, TIMES = models.double_well(0.1), np.linspace(0, 1, 11)


@pytest.mark.parametrize(
    "name, change",
    [
        ("system", {"system": "double well"}),
        ("system must have noise", {"system": System(lambda x, t: -x, lambda x, t: 1 + x[..., 0] ** 2, 1)}),
        ("x0", {"x0": [0.0, 1.0]}),
        ("x0", {"x0": [[0.0]]}),
        ("x1", {"x1": np.nan}),
        ("t ", {"t": [0.0, 1.0]}),
        ("t ", {"t": [0.0, 1.0, 0.5]}),
        ("n_paths", {"n_paths": 0}),
        ("n_paths", {"n_paths": 10.0}),
        ("rng", {"rng": "seed"}),
        ("rng", {"rng": -1}),
        ("max_iter", {"max_iter": 0}),
        ("chain", {"chain": "euler"}),
        ('chain "exact"', {"chain": "exact"}),
        ("start", {"start": np.zeros((7, 1))}),
        ("start", {"start": np.full((11, 1), 1e200)}),
        ("progress", {"progress": "bar"}),
        ("progress", {"progress": 3}),
    ],
)
def test_bad_input_of_the_ensemble_is_named(name, change):
    given = {"system": WELL, "x0": -1.0, "x1": 1.0, "t": TIMES, "n_paths": 10, "rng": 0} | change
    with pytest.raises(ValueError, match=name):
        bridge_ensemble(**given)


@pytest.mark.parametrize("function", [transition_density, fluctuations])
def test_only_converged_minima(function):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConverged)
        stopped = least_action_path(WELL, -1.0, 1.0, TIMES, max_iter=1)
    with pytest.raises(ValueError, match="path must be a converged minimum.*converged False"):
        function(stopped)
    saddle = least_action_path(models.double_well(0.25), -1.0, 1.0, np.linspace(0, 10, 201))
    assert saddle.kind == "saddle"
    with pytest.raises(ValueError, match="got kind saddle"):
        function(saddle)
    mixed = least_action_path(WELL, -1.0, [[0.0], [1.0]], TIMES)
    assert mixed.kind.shape == (2,) and function(mixed).shape[0] == 2
    with pytest.raises(ValueError, match="path must be"):
        function("path")


def test_densities_that_would_be_wrong_are_refused():
    own = least_action_path(WELL, -1.0, 1.0, TIMES, functional=lambda x, t: 0 * x[..., 0])
    with pytest.raises(ValueError, match="another U"):
        transition_density(own)
    assert np.isfinite(fluctuations(own)).all()
    loud = System(lambda x, t: -x, lambda x, t: 1 + x[..., 0] ** 2, 1)
    with pytest.raises(ValueError, match="does not depend on the state"):
        transition_density(least_action_path(loud, 0.0, 1.0, TIMES, functional="fw"))
    growing = models.ornstein_uhlenbeck(1, -3.0, 1.0)
    with pytest.raises(ValueError, match="finer mesh"):
        transition_density(least_action_path(growing, 0.0, 1.0, np.arange(4.0)))


def test_results_are_frozen_print_one_line_and_compare():
    one, other = (bridge_ensemble(SPIRAL, A, B, [0, 0.5, 1], 20, rng=seed) for seed in (0, 1))
    expected = "20 paths of dimension 2, t from 0 to 1 (3 times), exact, acceptance 1, ess 20"
    assert repr(one) == f"<Bridges: {expected}>"
    assert one == one and one != other
    with pytest.raises(AttributeError):
        one.x = 0


def test_what_it_loads():
    heavy = "{'sympy', 'matplotlib', 'ipywidgets', 'scipy.stats'}"
    code = f"import sys, noetherlib.bridges; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
