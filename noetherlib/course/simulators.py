"""Is this a simulator? Its mean, the law of its noise, and what the noise does afterwards."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from .compare import as_function, close, compare
from .instances import diffusion_of, uneven
from .slips import Mistake

PATHS = 4000


def euler(f, x0, h, drive, drift=1.0, held=None):
    """Euler's method, ``h`` and ``drive`` a number for each step; ``held`` gives the drift another state."""
    x = [x0 + 0 * drive[0]]
    for k, (step, push) in enumerate(zip(h, drive, strict=True)):
        at = x[-1] if held is None else held[k]
        x.append(x[-1] + drift * step * f(at) + push)
    return np.stack(x, axis=-1)


def simulator(answer, i):
    """Of ``dx = f(x) dt + sqrt(2 D) dW``: ``euler_maruyama(f, D, x0, t, n_paths, rng)``."""
    run, t = as_function(answer, "euler_maruyama(f, D, x0, t, n_paths, rng)"), uneven(i.T, 13)
    h, D = np.diff(t), diffusion_of(i)
    _without_noise(run, i.drift, t, h)
    before = np.random.get_state()
    seeds = [np.random.default_rng(seed) for seed in (1, 1, 2)]
    noisy = [run(np.zeros_like, D, 0.0, t, PATHS, seed) for seed in seeds]
    after = np.random.get_state()
    np.random.set_state(before)
    if any(paths.shape != (PATHS, len(t)) for paths in noisy):
        raise Mistake(None, f"Shape {(PATHS, len(t))} is needed, and the answer has {noisy[0].shape}")
    if before[2] != after[2] or not np.array_equal(before[1], after[1]):
        raise Mistake("global seed", "The state of numpy's global generator has changed")
    if not np.any(noisy[0]):
        raise Mistake("own noise", "There is no noise at all")
    if not np.array_equal(noisy[0], noisy[1]) or np.array_equal(noisy[0], noisy[2]):
        raise Mistake("global seed", "Equal generators must give equal numbers, and other ones others")
    steps = np.diff(noisy[0], axis=-1)
    _size(steps, h, D)
    _law(steps / np.sqrt(2 * D * h))
    paths = run(i.drift, D, 0.5, t, PATHS, np.random.default_rng(1))
    _feedback(paths, steps, i.drift, h)


def _without_noise(run, f, t, h):
    """It is Euler's method, with the steps as they are."""
    none = np.zeros((len(h), 3))
    right, constant = euler(f, 0.5, h, none), np.full((3, len(t)), 0.5)
    compare(
        run(f, 0.0, 0.5, t, 3, np.random.default_rng(1)),
        right,
        [
            ("unequal steps", euler(f, 0.5, h[0] + 0 * h, none)),
            ("unequal steps", euler(f, 0.5, t[-1] / len(h) + 0 * h, none)),
            ("unequal steps", euler(f, 0.5, t[-1] / len(t) + 0 * h, none)),
            ("sign", euler(f, 0.5, h, none, drift=-1), "It is that of the drift"),
            ("forgotten h", euler(f, 0.5, 1 + 0 * h, none)),
            ("drift", constant, "The drift does nothing"),
            (None, right[:, 1:], "The start is missing: the first column is x0"),
            ("own noise", euler(f, 0.5, h, none, held=constant.T), "The drift stays that of the start"),
        ],
    )


def _size(steps, h, D):
    """The variance of a step is 2Dh."""
    if np.ptp(steps, axis=0).max() == 0:
        raise Mistake("own noise", "All paths have the same noise, and each needs its own")
    share = steps.var(axis=0) / (2 * D * h)
    if np.abs(share - 1).max() < 0.15:
        return
    for slip, right, why in (
        ("σ² for D", 2, ""),
        ("factor ½", 0.5, ""),
        ("square root", 2 * D, "The noise grows in proportion to D, and its variance should"),
    ):
        if np.abs(share / right - 1).max() < 0.15:
            raise Mistake(slip, why or f"The variance of a step is {share.mean():.2g} times 2Dh")
    power = np.polyfit(np.log(h), np.log(share), 1)[0]
    if abs(power - 1) < 0.2:
        raise Mistake("square root", "The noise of a step grows in proportion to h")
    if abs(power + 1) < 0.2:
        raise Mistake("forgotten h", "The noise of a step does not depend on its length")
    raise Mistake(None, f"The variance of a step should be 2Dh, and is {share.mean():.2g} times that")


def _law(z):
    """Standard normal numbers, independent of each other, up to about six standard errors."""
    if np.abs(z.mean(axis=0)).max() > 6 / np.sqrt(PATHS):
        raise Mistake("own noise", "The noise has a mean, and should have none")
    between_steps = np.corrcoef(z.T) - np.eye(z.shape[1])
    if np.abs(between_steps).max() > 6 / np.sqrt(PATHS):
        raise Mistake("own noise", "The steps of a path repeat each other's noise, and each needs new noise")
    others = z[::-1], np.roll(z, 1, axis=0), np.roll(z, PATHS // 2, axis=0)  # as pairs are often made
    if max(abs((other * z).mean()) for other in others) > 9 / np.sqrt(z.size):
        raise Mistake("own noise", "One path has the noise of another, and each needs its own")
    sample = np.sort(z, axis=None)
    gap = np.abs(ndtr(sample) - (np.arange(z.size) + 0.5) / z.size).max()
    if gap > 3 / np.sqrt(z.size):
        raise Mistake("own noise", "The noise of a step is not Gaussian")


def _feedback(paths, steps, f, h):
    """The same random numbers, now with the drift: is it that of the state that they have moved?"""
    drive = steps.T
    right = euler(f, 0.5, h, drive)
    if close(paths, right, 1e-9):
        return
    alone = euler(f, 0.5, h, np.zeros((len(h), PATHS)))
    if close(paths, alone + euler(np.zeros_like, 0.0, h, drive), 1e-9):
        raise Mistake("own noise", "The drift does not feel the noise: it is that of the path without noise")
    raise Mistake("own noise", "With noise and drift together, a step is not x + f(x) h + its noise")
