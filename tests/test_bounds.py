"""Walls and regions: exit times by quadrature and closed forms, at steps that are long for the drift."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import cumulative_trapezoid

from noetherlib import generator, models
from noetherlib.simulation import simulate
from noetherlib.simulation.blocks import BLOCK
from noetherlib.simulation.choose import choose
from noetherlib.simulation.local import growth
from noetherlib.system import System

FREE = models.drift_diffusion(0.0, 0.5)


def mean_exit_time(potential, D, lower, upper, x0):
    """Of ``dx = -U' dt + sqrt(2 D) dW``, by quadrature of its equation."""
    x = np.linspace(lower, upper, 40_001)
    u = potential(x) / D
    weight, barrier = np.exp(u.min() - u), np.exp(u - u.min())
    inner = cumulative_trapezoid(weight, x, initial=0)
    A, B = (cumulative_trapezoid(y, x, initial=0) for y in (barrier, barrier * inner))
    return np.interp(x0, x, (B[-1] / A[-1] * A - B) / D)


def steep(x, t):
    return -10 * x


def hard(x, t):
    return -8 * x**3


@pytest.mark.parametrize(
    "system, potential, bounds, x0, step",
    [
        (models.ornstein_uhlenbeck(1, 10.0, 1.0), lambda x: 5 * x**2, (-1, 1), 0.0, 0.1),
        (models.ornstein_uhlenbeck(1, 1.0, 1.0), lambda x: x**2 / 2, (-1, 1), 0.0, 0.05),
        (System(steep, 1.0, 1), lambda x: 5 * x**2, (-1, 1), 0.0, 0.1),
        (System(hard, 0.5, 1), lambda x: 2 * x**4, (-1, 1), 0.0, 0.1),
        (models.double_well(0.15), lambda x: x**4 / 4 - x**2 / 2, (-np.inf, 0), -1.0, 0.2),
    ],
    ids=["steep", "mild", "steep, numeric", "hard", "double well, one-sided"],
)
def test_mean_exit_times_are_right_at_long_steps(system, potential, bounds, x0, step):
    lower = max(bounds[0], -3)
    exact = mean_exit_time(potential, system.constant_diffusion[0, 0], lower, bounds[1], x0)
    n = 6_000
    t = np.arange(0, 7 * exact, step)
    ens = simulate(system, x0, t, n, rng=11, save="final", bounds=bounds)
    inside = np.isnan(ens.exit_time)
    times = np.where(inside, t[-1] + exact, ens.exit_time)  # what is left lasts exact more, nearly
    assert inside.mean() < 3e-3
    assert abs(times.mean() - exact) < 0.01 * exact + 3 * times.std() / np.sqrt(n)


def test_an_offset_drift_from_sympy():
    sp = pytest.importorskip("sympy")
    x = sp.Symbol("x")
    system = System.from_sympy([1.2 - 10 * x], [x], 0.5)
    exact = mean_exit_time(lambda x: 5 * x**2 - 1.2 * x, 0.5, -0.8, 0.8, 0.0)
    ens = simulate(system, 0.0, np.arange(0, 60, 0.05), 6_000, rng=1, save="final", bounds=(-0.8, 0.8))
    assert ens.method == "exact"
    times = np.where(np.isnan(ens.exit_time), 60 + exact, ens.exit_time)
    assert abs(times.mean() - exact) < 0.01 * exact + 3 * times.std() / np.sqrt(6_000)


def test_steps_far_too_long_are_warned_of_with_the_step_that_will_do():
    stiff = models.ornstein_uhlenbeck(1, 1e5, 1.0)
    with pytest.warns(RuntimeWarning, match="take steps of at most 0.00"):
        simulate(stiff, 0.0, [0, 0.1], 10, bounds=(-1, 1))


def test_the_cut_of_a_step_has_an_end():
    """However steep the drift: 400 parts of the caller's step, not for ever."""
    calls = []

    def cliff(x, t):
        calls.append(len(x))
        return -1e12 * x

    with pytest.warns(RuntimeWarning, match="take steps of at most"):
        simulate(System(cliff, 1.0, 1), 0.5, [0, 0.1], 10, bounds=(-1, 1), on_failure="nan")
    assert len(calls) < 2 * 400 + 50


def test_noise_that_changes_with_time_is_taken_half_way():
    """Brownian motion in the clock t + 4 t**2: exits from (-1, 1) at 2 D t = 1 there, in the mean."""
    system = System(lambda x, t: 0 * x, lambda x, t: 0.5 + 4 * t, 1)
    ens = simulate(system, 0.0, np.arange(0, 3, 0.25), 20_000, rng=6, save="final", bounds=(-1, 1))
    clock = ens.exit_time + 4 * ens.exit_time**2
    assert (ens.exit_side != 0).all() and abs(clock.mean() - 1) < 0.01 + 3 * clock.std() / np.sqrt(20_000)


def test_steps_between_bounds_are_of_weak_order_two():
    """Moments of one step against Taylor's expansion: they differ by O(h**3), seen at two steps."""
    system, x, D = System(hard, 0.5, 1), 0.4, 0.5
    z, weight = np.polynomial.hermite_e.hermegauss(12)
    f, slope, bend = -8 * x**3, -24 * x**2, -48 * x
    scheme, off = choose(system, np.array([[x]]), np.array([0, 1.0]), None, "bounds"), []
    for h in (0.02, 0.01):
        rise, a, _ = scheme.local(np.full(12, x), z, 2 * D, 0.0, h)
        y = x + rise * h * growth(a * h) + np.sqrt(2 * D * h * growth(2 * a * h)) * z
        mean, square = (weight @ y**k / weight.sum() for k in (1, 2))
        L_mean, L_square = f, 2 * x * f + 2 * D
        LL_mean = f * slope + D * bend
        LL_square = f * (2 * f + 2 * x * slope) + D * (4 * slope + 2 * x * bend)
        off.append(
            [mean - x - h * L_mean - h**2 / 2 * LL_mean, square - x**2 - h * L_square - h**2 / 2 * LL_square]
        )
    assert np.abs(np.log2(np.divide(*off)) - 3).max() < 0.2


def test_noise_that_depends_on_the_state_takes_shorter_steps():
    """log x of dx = x/2 dt + x/2 dW is drift-diffusion: P(up) is known."""
    system = System(lambda x, t: 0.5 * x, lambda x, t: 0.125 * x[..., 0] ** 2, 1)
    p = np.expm1(-3 * np.log(2)) / np.expm1(-6 * np.log(2))
    ens = simulate(system, 1.0, np.arange(0, 20, 0.4), 20_000, save="final", bounds=(0.5, 2))
    assert abs((ens.exit_side == 1).mean() - p) < 0.005 + 3 * np.sqrt(p * (1 - p) / 20_000)


# ---- one-sided and moving ------------------------------------------------------------------------


@pytest.mark.parametrize("moving", [False, True])
def test_first_passage_to_one_bound_has_walds_law(moving):
    """A bound that falls at unit speed without drift is a bound at rest with unit drift."""
    a, step = 0.7, 0.5
    bound = (lambda t: a - t) if moving else a
    system = FREE if moving else models.drift_diffusion(1.0, 0.5)
    ens = simulate(
        system, 0.0, np.arange(0, 12.1, step), 20_000, rng=2, bounds=(-np.inf, bound), save="final"
    )
    times = ens.exit_time[ens.exit_side == 1]
    law = stats.invgauss(1 / a, scale=a**2)
    assert len(times) > 19_900 and stats.kstest(times, lambda t: law.cdf(t) / law.cdf(12)).pvalue > 1e-3
    if moving:
        x = ens.x[ens.exit_side == 1, -1, 0]
        np.testing.assert_allclose(x, a - times, atol=1e-12)


def test_a_curved_bound_has_daniels_law():
    """Daniels (1969), J. Appl. Probab. 6, 399: a curved bound with a closed form."""

    def bound(t):
        t = np.maximum(t, 1e-9)
        return 0.5 - t * np.log(0.25 + 0.5 * np.sqrt(0.25 + 2 * np.exp(-1 / t)))

    s = np.linspace(1e-4, 3, 30_001)
    b = bound(s)
    density = (np.exp(-(b**2) / (2 * s)) - 0.25 * np.exp(-((b - 1) ** 2) / (2 * s))) / np.sqrt(
        2 * np.pi * s**3
    )
    cdf = cumulative_trapezoid(density, s, initial=0)
    ens = simulate(FREE, 0.0, np.linspace(0, 3, 31), 20_000, rng=4, save="final", bounds=(-np.inf, bound))
    out = ens.exit_side == 1
    assert abs(out.mean() - cdf[-1]) < 0.003 + 3 * np.sqrt(cdf[-1] * (1 - cdf[-1]) / 20_000)
    assert stats.kstest(ens.exit_time[out], lambda t: np.interp(t, s, cdf / cdf[-1])).pvalue > 1e-3


# ---- reflecting ----------------------------------------------------------------------------------


def test_reflected_brownian_motion_is_exact_in_one_step():
    x = simulate(FREE, 0.0, [0, 4.0], 20_000, rng=5, save="final", reflect=(0, np.inf)).x[:, 0, 0]
    assert x.min() >= 0 and stats.kstest(x / 2, stats.halfnorm.cdf).pvalue > 1e-3
    y = simulate(FREE, 1.0, [0, 4.0], 20_000, rng=5, save="final", reflect=(-np.inf, 1)).x[:, 0, 0]
    assert y.max() <= 1 and stats.kstest((1 - y) / 2, stats.halfnorm.cdf).pvalue > 1e-3


def test_between_two_reflecting_walls_the_density_is_flat():
    x = simulate(FREE, 0.1, np.linspace(0, 2, 5), 10_000, rng=6, save="final", reflect=(0, 1)).x[:, 0, 0]
    assert stats.kstest(x, stats.uniform.cdf).pvalue > 1e-3


def test_reflected_and_steep():
    system = models.ornstein_uhlenbeck(1, 10.0, 1.0)
    x = simulate(system, 0.5, np.linspace(0, 1, 6), 10_000, rng=7, save="final", reflect=(0, np.inf)).x[
        :, 0, 0
    ]
    spread = np.sqrt(0.1)
    assert abs(x.mean() - spread * np.sqrt(2 / np.pi)) < 0.01 * spread + 4 * x.std() / 100


def test_one_wall_reflects_and_one_absorbs():
    ens = simulate(
        FREE,
        0.0,
        np.arange(0, 10, 0.1),
        10_000,
        rng=8,
        save="final",
        reflect=(0, np.inf),
        bounds=(-np.inf, 1),
    )
    times = ens.exit_time[ens.exit_side == 1]
    assert len(times) > 9_990 and abs(times.mean() - 1) < 0.005 + 3 * times.std() / 100


# ---- regions -------------------------------------------------------------------------------------


def test_a_region_is_left_where_no_noise_crosses_its_edge():
    """A particle's place has no noise of its own: within a step it moves straight through the edge."""
    gliding = System(lambda x, t: np.stack([x[..., 1], 0 * x[..., 1]], axis=-1), [0.0, 1e-7], 2)
    run = simulate(
        gliding,
        [-0.35, 1.0],
        [0.0, 0.3, 0.6],
        50,
        rng=2,
        method="euler-maruyama",
        save="final",
        region=lambda x: -x[..., 0],
    )
    assert np.allclose(run.exit_time, 0.35, atol=1e-3) and (run.exit_side == 1).all()
    assert np.abs(run.x[:, -1, 0]).max() < 1e-12


def test_leaving_a_disc():
    """From the centre: R**2 / (4 D). Truth values alone see the exits late."""
    system = System(lambda x, t: 0 * x, 0.5, 2)
    t = np.arange(0, 5, 0.01)

    def run(region):
        return simulate(system, [0.0, 0.0], t, 5_000, rng=9, save="final", region=region)

    smooth, truth = run(lambda x: 1 - (x**2).sum(axis=-1)), run(lambda x: (x**2).sum(axis=-1) < 1)
    out = smooth.exit_side == 1
    error = smooth.exit_time[out].std() / np.sqrt(5_000)
    assert out.all() and abs(smooth.exit_time.mean() - 0.5) < 0.005 + 3 * error
    np.testing.assert_allclose(np.linalg.norm(smooth.x[out, 0], axis=-1), 1, atol=1e-3)
    assert np.nanmean(truth.exit_time) > 0.5 + 5 * error


@pytest.mark.parametrize("h, bias", [(0.05, 0.05), (0.01, 0.01)])
def test_leaving_a_disc_against_the_drift(h, bias):
    """Against the backward equation on a grid: late by what the docstring says."""
    system = models.ornstein_uhlenbeck(2, 2.0, 0.5)
    answer = generator(system, (-1.1, 1.1), (60, 60)).mean_exit_time(lambda x: (x**2).sum(axis=-1) < 1)
    exact = answer.at(np.zeros(2))
    ens = simulate(
        system,
        [0.0, 0.0],
        np.arange(0, 15, h),
        4_000,
        rng=3,
        save="final",
        region=lambda x: 1 - (x**2).sum(axis=-1),
    )
    assert ens.method == "exact" and (ens.exit_side == 1).all()
    error = ens.exit_time.std() / np.sqrt(4_000) + answer.error_at(np.zeros(2))
    assert -3 * error < ens.exit_time.mean() - exact < bias * exact + 3 * error


# ---- the same numbers, whoever computes ------------------------------------------------------------


def draw(rng, n):
    return rng.uniform(-0.5, 0.5, (n, 1))


def explode(x, t):
    return x**3


@pytest.mark.parametrize(
    "options",
    [
        dict(bounds=(-1, lambda t: 1 - t / 2)),
        dict(reflect=(-1, 1), x0=draw),
        dict(region=lambda x: 1 - x[..., 0] ** 2, x0=draw),
        dict(system=System(hard, 0.5, 1), bounds=(-1, 1)),
        dict(system=System(hard, 0.5, 1), method="tamed"),
        dict(system=System(hard, 0.5, 1), method="implicit"),
        dict(system=System(explode, 20.0, 1), on_failure="nan"),
        dict(system=System(steep, lambda x, t: 1 + x[..., 0] ** 2, 1), interpretation="stratonovich"),
    ],
)
def test_the_workers_do_not_matter(options):
    arguments = dict(system=FREE, x0=0.0, t=np.linspace(0, 1, 6), n_paths=BLOCK + 50, rng=3) | options
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(2) as two:
        a, b = (simulate(executor=executor, **arguments) for executor in (one, two))
    np.testing.assert_array_equal(a.x, b.x)
    assert a.failed == b.failed
    if a.exit_time is not None:
        np.testing.assert_array_equal(a.exit_time, b.exit_time)


def test_starts_may_be_drawn():
    ens = simulate(FREE, draw, [0, 0.1], BLOCK + 7)
    assert stats.kstest(ens.x[:, 0, 0] + 0.5, stats.uniform.cdf).pvalue > 1e-3
    assert len(np.unique(ens.x[:, 0])) == BLOCK + 7
