"""Problem set 1: noise and path probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .compare import as_function, compare
from .discrete import compare_actions
from .instances import Instance, between, diffusion_of, uneven
from .seeds import honest, table_of
from .simulators import simulator
from .slips import Mistake


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
    D = diffusion_of(i)
    compare(
        answer,
        D,
        [
            ("σ² for D", i.sigma**2),
            ("units", i.sigma, "This is the amplitude σ itself"),
            ("units", i.sigma / 2, "This is half of the amplitude, and half of its square is needed"),
            ("factor ½", D / 2),
        ],
    )


def spread(answer, i):
    variance = 2 * diffusion_of(i) * i.T
    compare(
        answer,
        np.sqrt(variance),
        [
            ("square root", variance, "This is the variance"),
            ("square root", i.sigma * i.T),
            ("σ² for D", np.sqrt(2 * variance)),
            ("factor ½", np.sqrt(variance / 2)),
            ("forgotten h", i.sigma, "Here it is the time T"),
        ],
    )


def path_action(answer, i):
    t = uneven(i.T, 31)
    x = -0.8 + 1.7 * t / i.T + 0.3 * np.sin(3 * t)
    arguments = x, t, i.drift, i.divergence, diffusion_of(i)
    compare_actions(as_function(answer, "action(x, t, f, divergence, D)")(*arguments), *arguments)


def odds(answer, i):
    log = 1.5 * i.a * i.T
    upside_down = "A large action makes a path unlikely: the odds are exp(-(S₁ - S₂))"
    compare(
        answer,
        [np.exp(log), 1.0],
        [
            ("sign", [np.exp(-log), 1.0], upside_down),
            ("missing ½∇·f", [1.0, 1.0]),
            ("factor ½", [np.exp(2 * log), 1.0]),
            ("factor ½", [np.exp(log / 2), 1.0]),
            ("forgotten h", [np.exp(1.5 * i.a), 1.0], "Here it is the time T"),
            ("rate", [np.exp(i.a * i.T), 1.0], "In the valley f' is -2a, and on the hill it is a"),
            (None, [log, 0.0], "These are differences of actions, and the odds are their exponentials"),
            (None, [1.0, np.exp(log)], "The two functionals are exchanged"),
        ],
        tol=1e-3,
    )


def mean_and_error(answer, i):
    samples = i.a + i.b * np.sin(np.arange(1, 401) ** 2)
    mean, deviation = samples.mean(), samples.std(ddof=1)
    got = as_function(answer, "mean_and_error(samples)")(samples)
    if got.shape != (2,):
        raise Mistake(None, "Two numbers are needed, the mean and its standard error")
    wide = "This is half an interval of 95 %, and one standard error is asked for"
    compare(
        got / [mean, deviation / 20],
        [1, 1],
        [  # relative to the right ones; n or n - 1 is the same here
            ("standard error", [1, 20], "This is the standard deviation, which does not fall with n"),
            ("standard error", [1, 20 * deviation], "This is the variance"),
            ("standard error", [1, deviation / 20], "This is the variance over n"),
            ("standard error", [1, 1 / 20], "It falls as 1/√n and not as 1/n"),
            ("standard error", [1, 1.96], wide),
            ("standard error", [1, 2], wide),
        ],
        tol=2e-3,
    )


def variance(answer, i):
    """Of ``dx = -2 a x dt + sigma dW`` from 0, at the time T/4, simulated: ``estimate(seed)``."""
    table, t = table_of(answer), i.T / 4
    mean, error = table[:, 0].mean(), np.sqrt((table[:, 1] ** 2).sum()) / len(table)
    error = max(error, table[:, 0].std(ddof=1) / np.sqrt(len(table)))

    def at(D, rate, t=t):
        return D / rate * (1 - np.exp(-2 * rate * t))

    D, rate = diffusion_of(i), 2 * i.a
    exact = at(D, rate)
    if np.abs(mean - exact) > 0.05 * exact + 4 * error:
        known = [
            ("σ² for D", at(2 * D, rate), ""),
            ("factor ½", exact / 2, ""),
            ("square root", np.sqrt(exact), "This is a standard deviation, and the variance is asked for"),
            ("rate", at(D, rate / 2), "The drift is -2a x, and not -a x"),
            ("rate", at(D, 2 * rate), ""),
            ("rate", D / rate, "This is the variance after a very long time"),
            (None, at(D, rate, i.T), "This is the variance at T, and that at T/4 is asked for"),
            ("drift", 2 * D * t, "The variance grows as if there were none"),
            *(
                ("step bias", _euler_variance(D, rate, t, n), f"It is as with {n} steps")
                for n in range(1, 40)
            ),
        ]
        slip, _, why = min(known, key=lambda slip: abs(slip[1] - mean))
        if min(abs(value - mean) for _, value, _ in known) < 4 * error:
            raise Mistake(slip, why)
        raise Mistake(None, f"The estimates are {abs(mean - exact) / error:.0f} standard errors off")
    if np.sqrt((table[:, 1] ** 2).mean()) > 0.06 * exact:
        raise Mistake("standard error", "An error bar of 5 % of the variance or less is asked for")
    honest(table)


def _euler_variance(D, rate, t, n):
    """After ``n`` equal steps of Euler and Maruyama."""
    square, h = (1 - rate * t / n) ** 2, t / n
    return 2 * D * h * n if square == 1 else 2 * D * h * (1 - square**n) / (1 - square)


TASKS = {
    "diffusion": diffusion,
    "spread": spread,
    "simulator": simulator,
    "action": path_action,
    "odds": odds,
    "mean and error": mean_and_error,
    "variance": variance,
}
