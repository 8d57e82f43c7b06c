"""Simulation against the raw cost of its random numbers, and against a naive loop.

Rounds of all cases in turn, each timed twice in a row (the first time warms the memory); the best counts.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

import noetherlib as nl
from noetherlib.simulation.blocks import BLOCK

from .measure import megabytes, seconds

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


CASES = {  # name: (function, what the rate must be)
    "naive loop, last positions": (naive, ""),
    "exact, last positions, 1 thread": (ours(save="final", executor=ONE), ">= 0.75"),
    "exact, last positions, 2 threads": (ours(save="final", executor=TWO), ">= 1.3"),
    "exact, all positions, 1 thread": (ours(executor=ONE), ">= 0.6"),
    "exact, all positions, 2 threads": (ours(executor=TWO), ">= 0.6"),
    "exact, full matrices, 2 threads": (ours(FULL, save="final", executor=TWO), ""),
    "Euler-Maruyama, 1 thread": (ours(save="final", executor=ONE, method="euler-maruyama"), ""),
    "Euler-Maruyama, 2 threads": (ours(save="final", executor=TWO, method="euler-maruyama"), ""),
}


def rows(runs):
    """The lines of the table: what, ratio, what it needs to be, megabytes, notes."""
    best = dict.fromkeys(["raw", *CASES], np.inf)
    for _ in range(runs):
        best["raw"] = min(best["raw"], seconds(raw))
        for name, (function, _) in CASES.items():
            best[name] = min(best[name], seconds(function, repeat=2))
    yield f"{DIM}-D Ornstein-Uhlenbeck, {PATHS:,} paths x {STEPS} steps: rate over that of raw normals", None
    yield "raw standard_normal, 1 thread", 1.0, "", megabytes(raw), f"{best['raw']:.2f} s"
    for name, (function, goal) in CASES.items():
        yield name, best["raw"] / best[name], goal, megabytes(function), ""

    v, D, x0, n = 0.1, 0.5, 0.5, 1_000_000
    system, t = nl.models.drift_diffusion(v, D), np.arange(0, 12, 0.025)
    ens = nl.simulate(system, x0, t, n, save="final", bounds=(-1, 1))
    exact = np.expm1(-v * (x0 + 1) / D) / np.expm1(-2 * v / D)
    error, sigma = (ens.exit_side == 1).mean() - exact, np.sqrt(exact * (1 - exact) / n)
    allowed = 0.002 + 3 * sigma
    yield f"Bounded drift-diffusion, dt = 0.025, {n:,} paths: error of P(up) over what is allowed", None
    note = f"{error:+.5f}, s = {sigma:.5f}"
    yield "|P(up) - exact| / (0.002 + 3 s)", abs(error) / allowed, "<= 1", None, note
