"""Bridges of the double well and of four coupled ones: independent paths per second.

Ours by default over Hamiltonian Monte Carlo around the least-action path, the two in turn. One
estimator for both: the longer of the autocorrelation times of the action and of the first crossing of
0, in the time of the whole call.
"""

import time
import warnings

import numpy as np

import noetherlib as nl
from noetherlib.bridges import guided, sampler

LINK = (np.roll(np.eye(4), 1, axis=0) + np.roll(np.eye(4), -1, axis=0) - 2 * np.eye(4)) / 2
ONE = np.eye(4)


def four(D):
    """Double wells on a ring, each drawn to its neighbours."""
    return nl.System(
        lambda x, t: x - x**3 + x @ LINK,
        D,
        4,
        lambda x, t: ONE * (1 - 3 * x**2)[..., None, :] + LINK,
        lambda x, t: np.einsum("ij,il,...i->...ijl", ONE, ONE, -6 * x),
    )


def summary(self):
    """Action and first crossing of each chain (2, CHAINS)."""
    return np.vstack([self.action, np.argmax(self.x[..., 0] > 0, axis=1)])


def rate(system, end, t, seed, around):
    """Effective paths per second of one call, ``around`` the best path or not, and the paths."""
    begin = time.perf_counter()
    start = nl.least_action_path(system, -end, end, t).x if around else None
    b = nl.bridge_ensemble(system, -end, end, t, 300, rng=seed, start=start)
    return b.ess / (time.perf_counter() - begin), b


CASES = {  # name: (system, end, times, what the ratio must be)
    "double well, D = 0.05, T = 10, 101 times": (
        nl.models.double_well(0.05),
        np.ones(1),
        (0, 10, 101),
        ">= 5",
    ),
    "four double wells, D = 0.1, T = 3, 61 times": (four(0.1), np.ones(4), (0, 3, 61), ">= 0.9"),
}


def rows(runs):
    """The lines of the table: what, ratio, what it needs to be, megabytes, notes."""
    yield (
        "Bridges, 300 paths: effective ones per second, over Hamiltonian Monte Carlo from the best path",
        None,
    )
    own = sampler.Sampler.summary, guided.Guided.summary
    sampler.Sampler.summary = guided.Guided.summary = summary
    try:
        for name, (system, end, times, goal) in CASES.items():
            t, best = np.linspace(*times), np.zeros(2)
            for seed in range(min(runs, 2)):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", nl.NotConverged)
                    pair = [rate(system, end, t, seed, around) for around in (False, True)]
                best = np.maximum(best, [value for value, _ in pair])
            note = f"{best[0]:.0f} per s, acceptance {pair[0][1].acceptance:.2f}"
            yield name, best[0] / best[1], goal, None, note
    finally:
        sampler.Sampler.summary, guided.Guided.summary = own
