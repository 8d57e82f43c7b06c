"""Steps between bounds, linear in the state over each step, so that linear drifts are exact."""

from __future__ import annotations

import numpy as np

from .schemes import EulerMaruyama


class LocalLinear(EulerMaruyama):
    """The exact step of the linear drift through f(x) and f at the end of an Euler step, in 1-D.

    To second order in h it is Heun's scheme, and so of weak order 2 where D does not depend on the
    state (Kloeden and Platen 1992, section 15.1); a linear drift takes its exact transition. Drift
    and D are asked at the middle of the step in time.
    """

    name = "local-linear"

    def __init__(self, system, t, strict=True):
        super().__init__(system, t, strict)
        if system.linear is not None:
            self.slope, self.offset = system.linear[0][0, 0], system.linear[1][0]
            if system.constant_diffusion is not None:
                self.name = "exact"
        else:
            self.slope = None

    def local(self, x, z, variance, t, h):
        """Drift at states x (paths,), its slope over the step and 2 D: numbers, or one per path."""
        if self.slope is not None:
            rise = self.slope * x + self.offset if self.slope else self.offset
            return rise, self.slope, self.midway(x, variance, t + h / 2)
        middle = t + h / 2
        rise, variance = self.drift(x[None], middle)[:, 0], self.midway(x, variance, middle)
        move = rise * h + np.sqrt(variance * h) * z
        end = self.drift((x + move)[None], middle)[:, 0]
        small = np.abs(move) <= 1e-10 * (1 + np.abs(x))
        return rise, np.where(small, 0.0, (end - rise) / np.where(small, 1.0, move)), variance

    def midway(self, x, variance, t):
        """2 D half way in time, where it depends on nothing else."""
        return variance if self.root is not None or np.ndim(variance) else self.variance(x[None], t)


def growth(y):
    """(exp(y) - 1) / y, which is 1 at 0."""
    if np.ndim(y) == 0:
        return np.expm1(y) / y if y else 1.0
    safe = np.where(y == 0, 1.0, y)
    return np.where(y == 0, 1.0, np.expm1(safe) / safe)
