"""Simulation: closed forms, measured orders, the same numbers whoever computes, errors by name."""

import subprocess
import sys
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from scipy import linalg, stats

from noetherlib import models
from noetherlib.simulation import simulate
from noetherlib.simulation.blocks import BLOCK, free
from noetherlib.simulation.bounds import bridge_exit
from noetherlib.simulation.choose import choose
from noetherlib.system import System

OU = models.ornstein_uhlenbeck(2, [[1.0, 0.6], [-0.4, 0.8]], [[1.0, 0.3], [0.3, 0.5]])


def double_well(x, t):
    return x - x**3


WELL = System(double_well, 0.25, 1)


def times_x(x, t):
    return 0.5 * x


def half_square(x, t):
    return 0.125 * x[..., 0] ** 2


# ---- exact transitions ------------------------------------------------------------------------


def ou_moments(A, offset, D, x0, T):
    """Mean and covariance of dx = (A x + offset) dt + sqrt(2 D) dW by another road: Lyapunov's equation."""
    phi = linalg.expm(A * T)
    stationary = linalg.solve_continuous_lyapunov(A, -2 * D)
    rest = -np.linalg.solve(A, offset)
    return rest + phi @ (x0 - rest), stationary - phi @ stationary @ phi.T


def assert_moments(x, mean, cov):
    n = len(x)
    error = np.abs(x.mean(axis=0) - mean) / np.sqrt(np.diag(cov) / n)
    assert error.max() < 4
    spread = np.sqrt((np.outer(np.diag(cov), np.diag(cov)) + cov**2) / n)
    assert (np.abs(np.cov(x.T) - cov) / spread).max() < 4


@pytest.mark.parametrize(
    "t", [[0, 1.5], [0, 0.01, 0.3, 1.5], [0.0, 800.0]], ids=["one step", "uneven", "huge"]
)
def test_exact_steps_have_the_exact_law_at_any_step_size(t):
    x0 = np.array([2.0, -1.0])
    ens = simulate(OU, x0, t, 60_000, rng=1, save="final")
    assert ens.method == "exact"
    mean, cov = ou_moments(OU.linear[0], OU.linear[1], OU.constant_diffusion, x0, t[-1])
    assert_moments(ens.x[:, -1], mean, cov)


def test_exact_steps_with_an_offset_and_growth():
    sp = pytest.importorskip("sympy")
    x, y = sp.symbols("x y")
    system = System.from_sympy([0.5 * x + y + 1, -y + 2], (x, y), [0.3, 0.1])
    ens = simulate(system, [0.0, 1.0], [0, 0.4, 2.0], 60_000, rng=2, save="final")
    assert ens.method == "exact"
    mean, cov = ou_moments(*system.linear, system.constant_diffusion, np.array([0.0, 1.0]), 2.0)
    assert_moments(ens.x[:, -1], mean, cov)


def test_every_path_may_have_its_own_start():
    starts = np.linspace(-3, 3, 2 * BLOCK + 7)[:, None]
    ens = simulate(models.ornstein_uhlenbeck(1, 1.0, 1e-12), starts, [0, 1], len(starts))
    np.testing.assert_array_equal(ens.x[:, 0], starts)
    np.testing.assert_allclose(ens.x[:, 1], starts * np.exp(-1), atol=1e-5)


def test_euler_maruyama_on_an_uneven_grid():
    t = np.concatenate([np.linspace(0, 0.5, 200), np.linspace(0.5, 1, 80)[1:]])
    ens = simulate(OU, [1.0, 1.0], t, 50_000, rng=3, save="final", method="euler-maruyama")
    mean, cov = ou_moments(OU.linear[0], OU.linear[1], OU.constant_diffusion, np.ones(2), 1.0)
    np.testing.assert_allclose(ens.x[:, -1].mean(axis=0), mean, atol=0.02)
    np.testing.assert_allclose(np.cov(ens.x[:, -1].T), cov, atol=0.02)


def test_time_dependent_noise():
    system = System(lambda x, t: np.zeros_like(x), lambda x, t: t, 2)  # variance: the integral of 2t
    ens = simulate(system, [0.0, 0.0], np.linspace(1, 3, 401), 40_000, save="final")
    assert ens.method == "euler-maruyama"
    np.testing.assert_allclose(np.cov(ens.x[:, 0].T), 8 * np.eye(2), atol=0.2)


def test_full_noise_that_depends_on_the_state():
    def diffusion(x, t):
        D = np.ones(x.shape[:-1] + (2, 2))
        D[..., 0, 0] = 2 + np.cos(x[..., 1])
        return D

    system = System(lambda x, t: 0 * x, diffusion, 2)
    ens = simulate(system, [0.0, 0.0], np.linspace(0, 0.5, 51), 40_000, save="final")
    assert ens.method == "euler-maruyama"
    # x_1 is Brownian with D = 1: the mean of cos is exp(-t)
    expected = [[2 * 0.5 * 2 + 2 * (1 - np.exp(-0.5)), 1.0], [1.0, 1.0]]
    np.testing.assert_allclose(np.cov(ens.x[:, 0].T), expected, atol=0.06)


# ---- orders, measured --------------------------------------------------------------------------


class Halves:
    """Its normals at step h are those of a finer path, summed: all levels see one Brownian path."""

    def __init__(self, increments):
        self.rows = iter(increments)

    def standard_normal(self, out):
        out[...] = next(self.rows)


def strong_errors(system, x0, method, exact, levels=(4, 5, 6, 7), n=4_000):
    """Mean error at time 1 on one set of Brownian paths, for steps 2**-level."""
    fine = np.random.default_rng(5).standard_normal((2**12, 1, n)) / 2**6
    starts = np.full((n, 1), x0)
    errors, ends = [], {}
    for level in (*levels, *(() if exact else (12,))):
        z = fine.reshape(2**level, -1, 1, n).sum(axis=1) * 2 ** (level / 2)
        t = np.linspace(0, 1, 2**level + 1)
        out = np.empty((1, 1, n))
        free(choose(system, starts, t, method, None), starts, t, [2**level], Halves(z), out)
        ends[level] = out[0, 0]
    truth = exact(fine.sum(axis=(0, 1))) if exact else ends[12]
    errors = [np.abs(ends[level] - truth).mean() for level in levels]
    return -np.polyfit(levels, np.log2(errors), 1)[0]


GBM = System(times_x, half_square, 1)  # dx = x/2 dt + x/2 dW


@pytest.mark.parametrize(
    "system, method, exact, order",
    [
        (System(double_well, 0.3, 1), "euler-maruyama", None, 1.0),
        (System(double_well, 0.3, 1), "tamed", None, 1.0),
        (System(double_well, 0.3, 1), "implicit", None, 1.0),
        (GBM, "implicit", lambda w: np.exp(0.375 + 0.5 * w), 0.5),
        (GBM, "euler-maruyama", lambda w: np.exp(0.375 + 0.5 * w), 0.5),
        (GBM, "milstein", lambda w: np.exp(0.375 + 0.5 * w), 1.0),
    ],
    ids=["additive", "tamed", "implicit", "implicit, multiplicative", "multiplicative", "milstein"],
)
def test_strong_order(system, method, exact, order):
    assert abs(strong_errors(system, 1.0, method, exact) - order) < 0.15


@pytest.mark.parametrize("method", ["euler-maruyama", "milstein"])
def test_weak_order_is_one(method):
    """The mean of GBM is known for each step: E x = (1 + h/2)^N; compare with it and with exp(1/2)."""
    errors = []
    for level in (1, 2, 3):
        t = np.linspace(0, 1, 2**level + 1)
        ens = simulate(GBM, 1.0, t, 2_000_000, rng=level, save="final", method=method)
        discrete = (1 + 0.5 * 2.0**-level) ** 2**level
        x = ens.x[:, 0, 0]
        assert abs(x.mean() - discrete) < 4 * x.std() / np.sqrt(len(x))
        errors.append(np.exp(0.5) - x.mean())
    assert abs(-np.polyfit((1, 2, 3), np.log2(errors), 1)[0] - 1) < 0.15


def test_milstein_is_chosen_where_it_applies():
    t = [0, 0.01]
    own = System(lambda x, t: 0 * x, lambda x, t: 1 + x**2, 2)
    shared = System(lambda x, t: 0 * x, lambda x, t: 1 + (x**2).sum(axis=-1), 2)
    assert simulate(GBM, 1.0, t, 10).method == "milstein"
    assert simulate(own, [0.0, 0.0], t, 10).method == "milstein"
    assert simulate(shared, [0.0, 0.0], t, 10).method == "euler-maruyama"
    with pytest.raises(ValueError, match="milstein.*own coordinate"):
        simulate(shared, [0.0, 0.0], t, 10, method="milstein")


# ---- absorbing bounds ----------------------------------------------------------------------------


def p_up(v, D, x0, lower, upper):
    return np.expm1(-v * (x0 - lower) / D) / np.expm1(-v * (upper - lower) / D)


def exit_cdf(t, v, D, x0, upper_bound, terms=400):
    """P(exit through one of the bounds 0, 1 before t), by its sine series; infinite t for the side's."""
    k = np.pi * np.arange(1, terms + 1)
    rate = D * k**2 + v**2 / (4 * D)
    if upper_bound:
        weight = -((-1.0) ** np.arange(1, terms + 1)) * np.exp(v * (1 - x0) / (2 * D))
    else:
        weight = np.exp(-v * x0 / (2 * D))
    total = p_up(v, D, x0, 0, 1) if upper_bound else 1 - p_up(v, D, x0, 0, 1)
    tail = (2 * D * k * weight * np.sin(k * x0) / rate) @ np.exp(-np.multiply.outer(rate, t))
    return total - tail


@pytest.mark.parametrize("step", [0.0025, 0.02, 0.5])
def test_exit_times_and_sides_are_exact_at_any_step(step):
    """Kolmogorov-Smirnov at each bound against the series: steps from 1/200 to 40 times D/width²."""
    v, D, x0 = 1.5, 0.5, 0.3
    ens = simulate(
        models.drift_diffusion(v, D), x0, np.arange(0, 4.01, step), 40_000, rng=7, save="final", bounds=(0, 1)
    )
    n = len(ens.exit_side)
    p = p_up(v, D, x0, 0, 1)
    assert abs((ens.exit_side == 1).mean() - p) < 4 * np.sqrt(p * (1 - p) / n)
    for side in (-1, 1):
        total = p if side == 1 else 1 - p
        times = ens.exit_time[ens.exit_side == side]
        result = stats.kstest(times, lambda t, up=side == 1, p=total: exit_cdf(t, v, D, x0, up) / p)
        assert result.pvalue > 1e-3, result


def test_bounded_drift_diffusion_a_million_paths():
    ens = simulate(
        models.drift_diffusion(0.1, 0.5),
        0.5,
        np.arange(0, 12, 0.025),
        1_000_000,
        save="final",
        bounds=(-1, 1),
    )
    p = p_up(0.1, 0.5, 0.5, -1, 1)
    done = ens.exit_side != 0
    assert done.mean() > 0.9999
    assert abs((ens.exit_side[done] == 1).mean() - p) < 0.002 + 3 * np.sqrt(p * (1 - p) / 1e6)


def test_survivors_have_the_law_of_the_killed_process():
    D, t_end = 0.5, 0.4
    ens = simulate(models.drift_diffusion(0.0, D), 0.5, [0, 0.2, t_end], 100_000, rng=3, bounds=(0, 1))
    inside = ens.exit_side == 0
    k = np.pi * np.arange(1, 60)
    modes = 2 * np.sin(0.5 * k) * np.exp(-D * k**2 * t_end)
    alive = (modes * (1 - np.cos(k)) / k).sum()
    assert abs(inside.mean() - alive) < 4 * np.sqrt(alive / inside.size)

    def cdf(x):
        return ((1 - np.cos(np.multiply.outer(x, k))) / k) @ modes / alive

    assert stats.kstest(ens.x[inside, -1, 0], cdf).pvalue > 1e-3


def test_absorbed_paths_stay_at_their_bound():
    ens = simulate(models.ornstein_uhlenbeck(1, -1.0, 0.5), 0.1, np.linspace(0, 3, 61), 5_000, bounds=(-1, 2))
    assert ens.method == "exact"
    after = ens.t >= ens.exit_time[:, None]
    target = np.where(ens.exit_side == 1, 2.0, -1.0)[:, None]
    x = ens.x[..., 0]
    assert (x[after] == np.broadcast_to(target, x.shape)[after]).all()
    assert ((-1 < x[~after]) & (x[~after] < 2)).all()
    np.testing.assert_array_equal(np.isnan(ens.exit_time), ens.exit_side == 0)


@pytest.mark.parametrize("end", [0.3, 1.0, 1.4], ids=["returned", "on the bound", "beyond"])
def test_first_hits_of_a_bridge(end):
    """Against the bridge's first-passage density, integrated numerically."""
    from scipy.integrate import cumulative_trapezoid

    a, spread, h, n = 0.4, 0.6, 2.0, 20_000
    out, side, delay = bridge_exit(
        np.full(n, a), np.full(n, end), (-50.0,) * 2, (1.0,) * 2, spread, h, np.random.default_rng(1)
    )
    p = min(1.0, np.exp(-2 * (1 - a) * (1 - end) / spread))
    assert (side == 1).all() and abs(len(out) / n - p) <= 4 * np.sqrt(p * (1 - p) / n)
    s = np.linspace(0, 1, 200_001)[1:-1]
    d = abs(1 - end)
    density = (
        s**-1.5 * (1 - s) ** -0.5 * np.exp(-((1 - a) ** 2) / (2 * spread * s) - d**2 / (2 * spread * (1 - s)))
    )
    cdf = cumulative_trapezoid(density, s, initial=0)
    result = stats.kstest(delay / h, lambda x: np.interp(x, s, cdf / cdf[-1]))
    assert result.pvalue > 1e-3


def test_noise_that_depends_on_the_state_with_bounds():
    """log x of GBM is drift-diffusion: P(up) is known. The error is of order h."""
    errors = []
    p = p_up(0.375, 0.125, 0.0, np.log(0.5), np.log(2))
    for h in (0.1, 0.01):
        ens = simulate(GBM, 1.0, np.arange(0, 20, h), 40_000, save="final", bounds=(0.5, 2))
        errors.append(abs((ens.exit_side == 1).mean() - p))
    assert errors[0] < 0.02 and errors[1] < 0.002 + 3 * np.sqrt(p * (1 - p) / 40_000)


# ---- what is saved -------------------------------------------------------------------------------


@pytest.mark.parametrize("bounds", [None, (-1.0, 1.0)])
def test_saving_all_some_or_the_last(bounds):
    system, t = System(double_well, 0.5, 1), np.linspace(0, 1, 12)

    def run(save):
        return simulate(system, 0.2, t, 25, rng=9, save=save, bounds=bounds)

    every, some, last = run("all"), run(4), run("final")
    assert every.x.shape == (25, 12, 1) and last.x.shape == (25, 1, 1)
    np.testing.assert_array_equal(some.t, t[[0, 4, 8, 11]])
    np.testing.assert_array_equal(some.x, every.x[:, [0, 4, 8, 11]])
    np.testing.assert_array_equal(last.x, every.x[:, -1:])
    np.testing.assert_array_equal(run(100).t, t[[0, 11]])


# ---- the same numbers, whoever computes ------------------------------------------------------------


def assert_same(a, b):
    np.testing.assert_array_equal(a.x, b.x)
    if a.exit_time is not None:
        np.testing.assert_array_equal(a.exit_time, b.exit_time)
        np.testing.assert_array_equal(a.exit_side, b.exit_side)


CASES = [
    (OU, dict(x0=[0.0, 1.0])),
    (System(double_well, 0.3, 1), dict(x0=0.1, save=3)),
    (System(double_well, 0.3, 1), dict(x0=0.1, save="final", bounds=(-1, 1))),
]


def runs(executor=None, rng=4):
    t = np.linspace(0, 1, 21)
    return [
        simulate(system, t=t, n_paths=2 * BLOCK + 123, rng=rng, executor=executor, **k) for system, k in CASES
    ]


@pytest.fixture(scope="module")
def reference():
    return runs()


def test_threads_and_seeds(reference):
    with ThreadPoolExecutor(3) as three, ThreadPoolExecutor(1) as one:
        for a, b, c in zip(reference, runs(three), runs(one)):
            assert_same(a, b)
            assert_same(a, c)
    for a, b in zip(reference, runs(rng=np.random.SeedSequence(4))):
        assert_same(a, b)
    for a, b in zip(reference, runs(rng=5)):
        assert not np.array_equal(a.x, b.x)


def test_processes(reference):
    import multiprocessing

    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        for a, b in zip(reference, runs(executor)):
            assert_same(a, b)
        with pytest.raises(ValueError, match="system cannot be sent .*from_sympy"):
            simulate(System(lambda x, t: -(x**3), 1.0, 1), 0.0, [0, 1], 10, executor=executor)


def test_dask(reference):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        for a, b in zip(reference, runs(client.get_executor())):
            assert_same(a, b)
        lock = __import__("threading").Lock()

        def locked(x, t):
            with lock:
                return -(x**3)

        with pytest.raises(ValueError, match="system cannot be sent"):
            simulate(System(locked, 1.0, 1), 0.0, [0, 1], 10, executor=client.get_executor())


class Inline(Executor):
    """The smallest executor there is."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Hurried(Executor):
    """Runs the second job at once and the first only then."""

    waiting = None

    def submit(self, function, *args):
        future = Future()
        if self.waiting is None:
            self.waiting = future, function, args
            return future
        for each, do, given in [(future, function, args), self.waiting]:
            each.set_result(do(*given))
        self.waiting = None
        return future


def test_failure_of_the_first_block_is_told_whoever_was_quicker():
    def run(executor):
        with pytest.raises(ValueError, match="too long for this drift") as told:
            simulate(WELL, -1.0, np.arange(0, 20.5, 1.0), 2 * BLOCK, rng=18, save="final", executor=executor)
        return str(told.value)

    messages = {run(executor) for executor in (Inline(), Hurried(), None, None, None)}
    assert len(messages) == 1, messages
    path = int(messages.pop().split("(path ")[1].split(",")[0])
    assert path < BLOCK


def test_any_executor(reference):
    for a, b in zip(reference, runs(Inline())):
        assert_same(a, b)


def refuses_to_run(x, t):
    raise TypeError("cannot pickle, says the drift itself")


def test_errors_of_the_drift_are_not_taken_for_errors_of_pickling():
    unrunnable = System(refuses_to_run, 1.0, 1, jacobian=refuses_to_run)
    with pytest.raises(TypeError, match="says the drift itself") as caught:
        simulate(unrunnable, 0.0, [0, 1], 10, executor=Inline())
    assert "refuses_to_run" in caught.value.__notes__[0]  # where in the executor's process
    for executor in None, ThreadPoolExecutor(1):
        with pytest.raises(TypeError, match="says the drift itself"):
            simulate(unrunnable, 0.0, [0, 1], 10, executor=executor)


def test_without_threads_one_block_after_another(reference, monkeypatch):
    def start(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", start)
    for a, b in zip(reference, runs()):
        assert_same(a, b)


def test_without_multiprocessing_or_threads(reference):
    """As in a browser: Python has no _multiprocessing there, and starts no thread."""
    code = f"""
import sys, threading
sys.modules["_multiprocessing"] = None

def start(thread):
    raise RuntimeError("can't start new thread")

threading.Thread.start = start
import numpy as np, noetherlib as nl
system = nl.models.ornstein_uhlenbeck(2, {(-OU.linear[0]).tolist()}, {OU.constant_diffusion.tolist()})
x = nl.simulate(system, [0.0, 1.0], np.linspace(0, 1, 21), {2 * BLOCK + 123}, rng=4).x
print(x.sum().hex())
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == reference[0].x.sum().hex()


def test_a_generator_moves_on():
    rng = np.random.default_rng(0)
    first, second = (simulate(OU, [0.0, 0.0], [0, 1], 10, rng=rng).x for _ in range(2))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, simulate(OU, [0.0, 0.0], [0, 1], 10, rng=np.random.default_rng(0)).x)


def test_whole_blocks_do_not_depend_on_how_many_follow():
    few, many = (simulate(OU, [0.0, 0.0], [0, 1], n).x for n in (BLOCK, 2 * BLOCK + 1))
    np.testing.assert_array_equal(few, many[:BLOCK])


def test_blocks_are_independent():
    x = simulate(OU, [0.0, 0.0], [0, 3], 2 * BLOCK, save="final").x[:, 0, 0]
    correlation = np.corrcoef(x[:BLOCK], x[BLOCK:])[0, 1]
    assert abs(correlation) < 4 / np.sqrt(BLOCK)


def test_progress_bar(capfd):
    simulate(OU, [0.0, 0.0], [0, 1], BLOCK + 1, progress=True)
    assert "10.0k/10.0k" in capfd.readouterr().err


# ---- what comes back ---------------------------------------------------------------------------------


def test_results_are_frozen_print_one_line_and_compare():
    free, bounded = (simulate(LINE, 0.5, [0, 1, 2.5], 40, bounds=bounds) for bounds in (None, (-9, 9)))
    assert repr(free) == "<Ensemble: 40 paths of dimension 1, t from 0 to 2.5 (3 saved), exact>"
    assert repr(bounded).endswith("exact, 40 still inside>")
    assert free == free and free != bounded
    with pytest.raises(AttributeError):
        free.x = 0


# ---- errors ------------------------------------------------------------------------------------------

LINE = models.drift_diffusion(0.1, 0.5)


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(x0=[0.0, 1.0]), r"x0 must have the state on its last axis"),
        (dict(x0=np.zeros((3, 1))), r"x0 must be one state .*got shape \(3, 1\)"),
        (dict(x0=np.nan), "x0 must be finite"),
        (dict(t=[0, 0.5, 0.5]), "t must be strictly increasing"),
        (dict(t=[0.0]), "t must be a 1-D array of at least 2 times"),
        (dict(n_paths=0), "n_paths must be an integer of at least 1"),
        (dict(n_paths=2.5), "n_paths must be an integer"),
        (dict(rng="seed"), "rng must be"),
        (dict(save="some"), "save must be"),
        (dict(save=0), "save must be"),
        (dict(save=None), "save must be"),
        (dict(bounds=(1, -1)), "bounds must be"),
        (dict(bounds=(-1, 0, 1)), "bounds must be"),
        (dict(bounds=(-1, np.nan)), "bounds must be finite"),
        (dict(bounds=(-np.inf, np.inf)), "bounds must have a finite end"),
        (dict(bounds=("a", 1)), "bounds must be .*each a number or a function"),
        (dict(bounds=(-1, lambda t: 0.6 - 2 * t)), "lower < upper at all times, got -1 and -1.4 at t = 1"),
        (dict(bounds=(-1, lambda t: np.ones(2))), "moving bound must return one number"),
        (
            dict(bounds=(-1, 1), reflect=(0, np.inf)),
            "bounds and reflect must not both have a finite lower end",
        ),
        (dict(reflect=(1, 2)), "x0 must lie strictly between"),
        (dict(region=3), "region must be a function"),
        (dict(region=lambda x: x), "region must return a truth value or a number for each state"),
        (dict(region=lambda x: x[..., 0] > 1), "x0 must lie inside the region"),
        (dict(region=lambda x: x[..., 0], bounds=(0, 1)), "region goes without bounds"),
        (dict(interpretation="Ito"), "interpretation must be one of"),
        (dict(on_failure="ignore"), "on_failure must be one of"),
        (dict(x0=lambda rng, n: np.zeros((3, 1))), r"x0\(rng, n\) must return shape \(n, 1\)"),
        (dict(method="local-linear"), "method 'local-linear' is for bounds"),
        (dict(bounds=(0.5, 1)), "x0 must lie strictly between the bounds 0.5 and 1"),
        (dict(bounds=(-1, 1), x0=1.0), "x0 must lie strictly between the bounds"),
        (dict(system=OU, x0=[0.0, 0.0], bounds=(-1, 1)), "bounds need a system of dimension 1"),
        (dict(executor=4), "executor must be a concurrent.futures.Executor"),
        (dict(method="heun"), "method must be one of"),
        (
            dict(system=System(double_well, 1.0, 1), method="exact", bounds=(-1, 1)),
            "method 'exact' needs .*declared linear",
        ),
        (dict(method="milstein", bounds=(-1, 1)), "method 'milstein' goes without bounds"),
        (
            dict(system=System(double_well, 1.0, 1), method="exact"),
            "method 'exact' takes the drift for the linear one",
        ),
    ],
)
def test_bad_arguments_are_named(change, message):
    arguments = dict(system=LINE, x0=0.5, t=[0, 0.5, 1], n_paths=10) | change
    with pytest.raises(ValueError, match=message):
        simulate(**arguments)


def late_nan(x, t):
    return np.where(t > 0.45, np.nan, 0 * x)


@pytest.mark.parametrize("bounds", [None, (-9, 9)])
@pytest.mark.parametrize("executor", [None, Inline()])
def test_a_drift_that_turns_nan_is_named_with_time_and_state(bounds, executor):
    message = r"drift of system must be finite, got f\[0\] = nan at t = 0.55?, "
    message += r"x\[0\] = -?\d.*\(path \d+, step 6 of length 0.1\)"
    with pytest.raises(ValueError, match=message):
        simulate(System(late_nan, 1.0, 1), 0.0, np.linspace(0, 1, 11), 10, bounds=bounds, executor=executor)


def test_states_that_blow_up_are_an_error_not_a_result():
    with pytest.raises(ValueError, match="drift of system"):
        simulate(System(lambda x, t: x**3, 1.0, 1), 5.0, np.linspace(0, 10, 11), 10)
    with pytest.raises(ValueError, match="t has a step"):
        simulate(models.ornstein_uhlenbeck(1, -1.0, 1.0), 0.0, [0, 2000.0], 10)
    with pytest.raises(ValueError, match="drift of system"):
        simulate(models.ornstein_uhlenbeck(1, -1.0, 1.0), 0.0, [0, 300.0, 600, 900], 10)


def test_a_diffusion_that_turns_negative_is_named():
    shrinking = System(lambda x, t: 0 * x, lambda x, t: 0.5 - t, 1)
    for bounds in (None, (-1, 1)):
        with pytest.raises(ValueError, match="diffusion must be positive semi-definite, got eigenvalue"):
            simulate(shrinking, 0.0, np.linspace(0, 1, 11), 100, bounds=bounds)


def test_a_drift_of_the_wrong_shape_is_named():
    with pytest.raises(ValueError, match="drift"):
        simulate(System(lambda x, t: np.zeros(3), 1.0, 2), [0.0, 0.0], [0, 1], 10)
