"""Simulation against the raw cost of its random numbers, and against a naive loop.

Rounds of all cases in turn, each timed twice in a row (the first time warms the memory); the best counts.

    python benchmarks/simulation.py [runs]
"""

import sys
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import noetherlib as nl
from noetherlib.simulate import BLOCK

PATHS, STEPS, DIM = 100_000, 400, 2
T = np.linspace(0, 10, STEPS + 1)
OU = nl.models.ornstein_uhlenbeck(DIM, 1.0, 1.0)
FULL = nl.models.ornstein_uhlenbeck(DIM, [[1.0, 0.5], [-0.5, 1.0]], [[1.0, 0.3], [0.3, 0.5]])
ONE, TWO = ThreadPoolExecutor(1), ThreadPoolExecutor(2)


def raw():
    """As many normals as the simulation needs, into a buffer of one block."""
    rng, z = np.random.default_rng(0), np.empty((DIM, BLOCK))
    for _ in range(PATHS * STEPS // BLOCK):
        rng.standard_normal(out=z)


def naive():
    """Euler-Maruyama as one writes it first: new arrays at every step, all paths at once."""
    rng, h = np.random.default_rng(0), T[1] - T[0]
    x = np.zeros((PATHS, DIM))
    for _ in range(STEPS):
        x = x + OU.drift(x, 0.0) * h + np.sqrt(2 * h) * rng.normal(size=(PATHS, DIM))
    return x


def ours(system=OU, **options):
    return lambda: nl.simulate(system, np.zeros(DIM), T, PATHS, **options)


CASES = {  # name: (function, ratio that must hold, or None)
    "naive loop, last positions": (naive, None),
    "exact, last positions, 1 thread": (ours(save="final", executor=ONE), 0.75),
    "exact, last positions, 2 threads": (ours(save="final", executor=TWO), 1.3),
    "exact, all positions, 1 thread": (ours(executor=ONE), None),
    "exact, all positions, 2 threads": (ours(executor=TWO), 0.6),
    "exact, full matrices, 2 threads": (ours(FULL, save="final", executor=TWO), None),
    "Euler-Maruyama, 1 thread": (ours(save="final", executor=ONE, method="euler-maruyama"), None),
    "Euler-Maruyama, 2 threads": (ours(save="final", executor=TWO, method="euler-maruyama"), None),
}


def seconds(function):
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def megabytes(function):
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def main(runs):
    best = dict.fromkeys(["raw", *CASES], np.inf)
    for _ in range(runs):
        best["raw"] = min(best["raw"], seconds(raw))
        for name, (function, _) in CASES.items():
            best[name] = min(best[name], seconds(function), seconds(function))
    print(f"{DIM}-D Ornstein-Uhlenbeck, {PATHS:,} paths x {STEPS} steps; best of {2 * runs}")
    print(f"raw standard_normal, one thread: {best['raw']:.2f} s; rates relative to it:")
    for name, (function, least) in CASES.items():
        goal = f"(needs {least})" if least else ""
        print(f"  {name:35s} {best['raw'] / best[name]:5.2f} {goal:12s} {megabytes(function):6.0f} MB")

    v, D, x0, n = 0.1, 0.5, 0.5, 1_000_000
    exact = np.expm1(-v * (x0 + 1) / D) / np.expm1(-2 * v / D)
    begin = time.perf_counter()
    ens = nl.simulate(
        nl.models.drift_diffusion(v, D), x0, np.arange(0, 12, 0.025), n, save="final", bounds=(-1, 1)
    )
    error, sigma = (ens.exit_side == 1).mean() - exact, np.sqrt(exact * (1 - exact) / n)
    print(f"bounded drift-diffusion, dt = 0.025, {n:,} paths, {time.perf_counter() - begin:.1f} s:")
    print(f"  P(up) - exact = {error:+.5f} (standard error {sigma:.5f}; needs |.| < 0.002 + 3 of them)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
