"""The clock of the page *Fluctuations* as an ensemble: what all solvers are given, and who is right.

``dx = x (1 - |x|^2) + 3 (-x_2, x_1)``, D = 0.2, from (0.3, 0) to time 1, by Euler and Maruyama's scheme in
100 steps. The error is that of the mean of x(1), against the density on a grid (within 5e-4).
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

import noetherlib as nl

START, D, TURN, STEPS = np.array([0.3, 0.0]), 0.2, 3.0, 100
ONE = ThreadPoolExecutor(1)


def drift(x, t):
    inward = 1 - (x**2).sum(axis=-1)
    a, b = x[..., 0], x[..., 1]
    return np.stack([inward * a - TURN * b, inward * b + TURN * a], axis=-1)


SYSTEM = nl.System(drift, D, 2, autonomous=True)


def exact():
    """The mean at time 1, from the generator on a grid."""
    gen = nl.generator(SYSTEM, (-2.6, 2.6), 80)
    density = gen.transition_density(START, 1.0).values
    a, b = np.meshgrid(*gen.axes, indexing="ij")
    return np.array([(density * a).sum(), (density * b).sum()]) / density.sum()


def ours(n_paths):
    """Ends (n_paths, 2), on one thread."""
    t = np.linspace(0, 1, STEPS + 1)
    return nl.simulate(SYSTEM, START, t, n_paths, save="final", executor=ONE, method="euler-maruyama").x[
        :, -1
    ]


def error(ends):
    """The error of their mean and its standard error, in words."""
    off, scatter = np.abs(np.mean(ends, axis=0) - exact()), np.std(ends, axis=0) / np.sqrt(len(ends))
    return f"error {off.max():.4f} +- {scatter.max():.4f}"
