"""Where samples vouch for a flow that was learned from them, and who is told elsewhere."""

from __future__ import annotations

import warnings
from functools import cached_property

import numpy as np

from ..flow import Flow

KEPT = 5000  # samples that stand for all, and states that are looked at
FAR = 2.0  # how many times the gap between neighbouring samples a supported state may be off the next


class OutsideData(RuntimeWarning):
    """A result rests on states where there were no samples: the flow is extrapolated there."""


class Support:
    """The states near the samples ``x`` (n, dim): a function x (..., dim) -> (...) of truth values.

    Near is within ``FAR`` gaps, each coordinate in units of its spread; a gap is what all but one in a
    hundred samples are off their nearest neighbour.
    """

    def __init__(self, x):
        self.scale = x.std(axis=0)
        self.samples = x[:: -(-len(x) // KEPT)] / self.scale

    @cached_property
    def tree(self):
        from scipy.spatial import cKDTree  # slow to import, and only needed here

        return cKDTree(self.samples)

    @cached_property
    def reach(self):
        return FAR * np.quantile(self.tree.query(self.samples, k=2)[0][:, 1], 0.99)

    def __call__(self, x):
        return self.tree.query(x / self.scale)[0] <= self.reach

    def __getstate__(self):
        return {"scale": self.scale, "samples": self.samples}


class Sampled(Flow):
    """A flow learned from samples; it knows where they were, and what else they might have said."""

    autonomous = True

    def refit(self, rng):
        """The flow that another such set of samples might have given, ``rng`` a `numpy` Generator."""
        raise NotImplementedError


def tell_outside(system, x, who, stacklevel=3):
    """Warn where a result of ``who`` holds states x (..., dim) that no samples vouch for."""
    if system.flow.support is None:
        return
    states = x.reshape(-1, x.shape[-1])
    states = states[:: -(-len(states) // KEPT)]
    outside = ~system.flow.support(states[np.isfinite(states).all(axis=-1)])
    if outside.any():
        place = states[np.isfinite(states).all(axis=-1)][np.argmax(outside)]
        warnings.warn(
            f"{who}: {outside.mean():.1%} of the states are outside the data, as around "
            f"({', '.join(f'{v:.3g}' for v in place[:6])}{', ...' if len(place) > 6 else ''}): the system "
            "is extrapolated there, and its error bars do not hold",
            OutsideData,
            stacklevel=stacklevel,
        )
