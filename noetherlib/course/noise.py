"""Problem set 1: noise and path probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .slips import Instance, Mistake, as_function, as_numbers, between, compare, compare_actions, uneven


@dataclass(frozen=True)
class Noise(Instance):
    """The numbers of ``dx = (a x - b x**3) dt + sigma dW`` during the time T."""

    a: float = between(0.8, 1.4)
    b: float = between(0.6, 1.5)
    T: float = between(0.7, 1.3)

    def drift(self, x):
        return self.a * x - self.b * x**3

    def divergence(self, x):
        return self.a - 3 * self.b * x**2


def diffusion(answer, i):
    compare(answer, i.D, [("σ² for D", i.sigma**2), ("units", i.sigma, "This is the amplitude σ itself")])


def spread(answer, i):
    variance = 2 * i.D * i.T
    compare(
        answer,
        np.sqrt(variance),
        [
            ("square root", variance, "This is the variance"),
            ("square root", np.sqrt(2 * i.D) * i.T),
            ("σ² for D", np.sqrt(2 * variance)),
            ("factor ½", np.sqrt(variance / 2)),
        ],
    )


def simulator(answer, i):
    run, t = as_function(answer, "euler_maruyama(f, D, x0, t, n_paths, rng)"), uneven(i.T, 13)
    h = np.diff(t)

    # without noise it is Euler's method
    def euler(steps):
        x = [0.5]
        for step in steps:
            x.append(x[-1] + step * i.drift(x[-1]))
        return np.tile(x, (3, 1))

    quiet = run(i.drift, 0.0, 0.5, t, 3, np.random.default_rng(1))
    compare(
        quiet,
        euler(h),
        [
            (None, euler(h[0] + 0 * h), "The steps are not equal: h is t[k + 1] - t[k]"),
            ("sign", euler(-h)),
            (None, np.full((3, len(t)), 0.5), "The drift does nothing"),
        ],
    )

    # where the randomness comes from
    before = np.random.get_state()
    generators = [np.random.default_rng(seed) for seed in (1, 1, 2)]
    noisy = [as_numbers(run(np.zeros_like, i.D, 0.0, t, 4000, generator)) for generator in generators]
    after = np.random.get_state()
    if before[2] != after[2] or not np.array_equal(before[1], after[1]):
        raise Mistake("global seed", "The state of numpy's global generator has changed")
    if not np.array_equal(noisy[0], noisy[1]) or np.array_equal(noisy[0], noisy[2]):
        raise Mistake("global seed", "Equal generators must give equal numbers, and other ones others")

    # how large it is
    steps = np.diff(noisy[0], axis=-1)
    if np.ptp(steps, axis=0).max() == 0:
        raise Mistake(None, "All paths have the same noise, and each needs its own")
    share = steps.var(axis=0) / (2 * i.D * h)
    for slip, right in ((None, 1), ("σ² for D", 2), ("factor ½", 0.5)):
        if np.abs(share / right - 1).max() < 0.15:
            if slip:
                raise Mistake(slip, f"The variance of a step is {share.mean():.2g} times 2Dh")
            return
    if abs(np.polyfit(np.log(h), np.log(share), 1)[0] - 1) < 0.2:
        raise Mistake("square root", "The noise of a step grows in proportion to h")
    raise Mistake(None, f"The variance of a step should be 2Dh, and is {share.mean():.2g} times that")


def path_action(answer, i):
    t = uneven(i.T, 31)
    x = -0.8 + 1.7 * t / i.T + 0.3 * np.sin(3 * t)
    arguments = x, t, i.drift, i.divergence, i.D
    compare_actions(as_function(answer, "action(x, t, f, divergence, D)")(*arguments), *arguments)


def odds(answer, i):
    log = 1.5 * i.a * i.T
    compare(
        answer,
        [np.exp(log), 1.0],
        [
            (
                "sign",
                [np.exp(-log), 1.0],
                "A large action makes a path unlikely: the odds are exp(-(S₁ - S₂))",
            ),
            ("missing ½∇·f", [1.0, 1.0]),
            ("factor ½", [np.exp(2 * log), 1.0]),
            ("factor ½", [np.exp(log / 2), 1.0]),
            (None, [log, 0.0], "These are differences of actions, and the odds are their exponentials"),
            (None, [1.0, np.exp(log)], "The two functionals are exchanged"),
        ],
        tol=1e-3,
    )


def mean_and_error(answer, i):
    samples = i.a + i.b * np.sin(np.arange(1, 401) ** 2)
    mean, deviation = samples.mean(), samples.std(ddof=1)
    got = as_numbers(as_function(answer, "mean_and_error(samples)")(samples))
    if got.shape != (2,):
        raise Mistake(None, "Two numbers are needed, the mean and its standard error")
    compare(
        got / [mean, deviation / 20],
        [1, 1],
        [  # relative to the right ones; n or n - 1 is the same here
            ("standard error", [1, 20], "This is the standard deviation, which does not fall with n"),
            ("standard error", [1, 20 * deviation], "This is the variance"),
            ("standard error", [1, deviation / 20], "This is the variance over n"),
            ("standard error", [1, 1 / 20], "It falls as 1/√n and not as 1/n"),
        ],
        tol=2e-3,
    )


def variance(answer, i):
    """Of ``dx = -2 a x dt + sigma dW`` from 0, at the time T: an estimate and its standard error."""
    pair = as_numbers(answer)
    if pair.shape != (2,) or not (np.isfinite(pair).all() and pair[1] > 0):
        raise Mistake(None, "Two numbers are needed, an estimate and its standard error, which is positive")
    exact = i.D / (2 * i.a) * (1 - np.exp(-4 * i.a * i.T))
    if pair[1] > 0.05 * exact:
        raise Mistake("standard error", "An error bar of 5 % of the variance or less is asked for")
    known = [(None, exact), ("σ² for D", 2 * exact), ("σ² for D", exact / 2), ("square root", np.sqrt(exact))]
    for slip, right in known:
        if abs(pair[0] - right) < 4.5 * pair[1] + 0.005 * right:
            if slip:
                raise Mistake(slip, f"The estimate is {pair[0] / exact:.2g} times the variance")
            return
    off = abs(pair[0] - exact) / pair[1]
    raise Mistake(None, f"The estimate is {off:.0f} of its own standard errors off")


TASKS = {
    "diffusion": diffusion,
    "spread": spread,
    "simulator": simulator,
    "action": path_action,
    "odds": odds,
    "mean and error": mean_and_error,
    "variance": variance,
}
