"""Paths that leave the finite numbers: what is said of them, and what is kept."""

from __future__ import annotations

import numpy as np

POLICIES = ("raise", "drop", "nan")
HUGE = 1e8  # a state so many times larger than any start was driven there by the steps


class NotFinite(Exception):
    """A drift, or the state after a step, that is not finite; ``path`` counts within the block."""

    def __init__(self, path, i, t, x, drift=None):
        super().__init__()
        self.path, self.i, self.t, self.x, self.drift = path, i, t, x, drift

    def explained(self, starts, times, first):
        """The ValueError that names time, step, path and the likely cause."""
        step = min(np.searchsorted(times, self.t, side="right"), len(times) - 1)
        length = times[step] - times[step - 1]
        where = f"path {first + self.path}, step {step} of length {length:.3g}"
        if self.drift is not None and abs(self.x) < HUGE * (1 + np.abs(starts).max()):
            return ValueError(
                f"the drift of system must be finite, got f[{self.i}] = {self.drift} at "
                f"t = {self.t:.6g}, x[{self.i}] = {self.x:.6g} ({where})"
            )
        return ValueError(
            f"the drift of system drives the state to x[{self.i}] = {self.x:.6g} by "
            f"t = {self.t:.6g} ({where}): the steps are too long for this drift, take smaller ones or "
            'method="tamed" or "implicit"; or the system itself explodes (see on_failure)'
        )


def check(x, t):
    """Raise for the first state of x (dim, paths) that is not finite."""
    if not np.isfinite(x.sum()):
        for i, path in np.argwhere(~np.isfinite(x))[:1]:
            raise NotFinite(path, i, t, x[i, path])
