"""A finite data set itself as the data distribution."""

from __future__ import annotations

import numpy as np

from ..inputs import as_floats
from .density import as_widths
from .mixture import GaussianMixture


class Empirical(GaussianMixture):
    """Data points themselves as the data distribution: the exact score of a finite data set.

    Parameters
    ----------
    data : (n, dim) array
    width : float, optional
        Kernel width >= 0 given to each point; 0 is the empirical measure.
    weights : (n,) array, optional

    Raises
    ------
    ValueError
        As `GaussianMixture`; and at the call for ``t = 0`` where the width is zero.

    Notes
    -----
    ``score = (E[m | x] - x) / (width**2 + t**2)``, E over the points with weights proportional to
    ``exp(-|x - m|**2 / 2v)``: the optimal denoiser (Karras et al. 2022, equation 3, appendix B.3).
    Limits: ``t -> 0`` pulls to the nearest point alone; ``t -> infinity`` to the data's mean.
    Memory stays bounded in the number of queries, time is proportional to n dim per query.
    """

    def __init__(self, data, width=0.0, weights=None):
        data = as_floats(data, "data")
        if data.ndim != 2 or 0 in data.shape:
            raise ValueError(f"data must have shape (n, dim), got shape {data.shape}")
        super().__init__(data, widths=as_widths(width, ()), weights=weights)
        self._centre = data.mean(axis=0)
        self._near = data - self._centre
        self._lengths = (self._near**2).sum(axis=-1)

    def score(self, x, t):
        """grad log p (..., dim)."""

        def evaluate(x, t):
            terms = self._log_terms(x, t)
            w = np.exp(terms - terms.max(axis=-1, keepdims=True))
            w /= w.sum(axis=-1, keepdims=True)
            return (w @ self._near - (x - self._centre)) / (self._blur + t**2)[:, None]

        return self._blocks(x, t, 1, evaluate)

    def _log_terms(self, x, t):
        v, z = self._blur + t**2, x - self._centre
        # |x - m|**2 by the binomial formula is one product, but loses |m|**2 / v units of roundoff
        lengths = (z**2).sum(axis=-1)
        if np.finfo(float).eps * (lengths + self._lengths.max()).max() < 1e-10 * v.min():
            squares = lengths[:, None] + self._lengths - 2 * z @ self._near.T
        else:
            squares = ((z[:, None, :] - self._near) ** 2).sum(axis=-1)
        peak = -self.dim / 2 * np.log(2 * np.pi * v)
        return np.log(self.weights) + peak[:, None] - squares / (2 * v[:, None])
