"""A field fitted to data: a polynomial of the degree that predicts best."""

from __future__ import annotations

from copy import copy
from math import comb

import numpy as np

from .frame import TINY, Frame
from .polynomials import Monomials, Polynomial

NEIGHBOURS = 5000  # samples used to tell a misfit, which neighbours share, from noise
ROWS = 20_000  # samples per block in the regression
FEATURES = 500  # monomials at most
PARTS = 10  # of a recording, each left out in turn


class Fit:
    """Weighted least squares of ``target`` (n, p) on polynomials of x, of the best degree.

    Where the states carry errors of covariance ``blur`` that are in the targets too, ordinary least
    squares is biased. Then ``x`` are earlier states, whose errors are independent of them, and
    serve as instruments: the residuals, with the polynomial of the states ``read``, are orthogonal
    to the monomials of x.
    """

    def __init__(self, x, target, weights, degrees, features=FEATURES, read=None, blur=None):
        self.frame = Frame(x, None)
        u, dim = self.frame.inward(x), x.shape[1]
        if len(u) < 2 * (dim + 1):
            need = 2 * (dim + 1)
            raise ValueError(f"x must have at least {need} states to fit a drift to, got {len(u)}")
        sizes = [comb(dim + k, k) for k in degrees]
        sizes = [m for m in sizes if m <= max(dim + 1, min(len(u) // 4, features))]
        self.monomials = Monomials(dim, degrees[len(sizes) - 1])
        self._weights, self._u = weights[:, None], u
        triangle = np.zeros((0, sizes[-1]))
        for block in self.blocks():
            rows = self._weights[block] * self.monomials.values(u[block], sizes[-1])
            triangle = np.linalg.qr(np.concatenate([triangle, rows]), mode="r")
        # powers that depend on lower ones at these states (on a circle, say) cannot be told apart
        sound = np.abs(np.diag(triangle)) > 1e-9 * np.linalg.norm(triangle, axis=0)
        sizes = [m for m in sizes if sound[:m].all()] or sizes[:1]
        self._inverse = np.linalg.inv(triangle[: sizes[-1], : sizes[-1]])
        #: (m, p) of the largest degree, in the basis orthonormal over the samples
        self.projections = self._projected(target, self.blocks())
        best = self._best(sizes, target)
        size, below = sizes[best], sizes[best - 1] if best else 1
        self.monomials = Monomials(dim, degrees[best])
        self._inverse = self._inverse[:size, :size]
        self._sharp = np.eye(size)
        if blur is not None:
            self._sharp = self.monomials.sharpened(self.frame.inverse @ blur @ self.frame.inverse.T)
        read = x if read is None else read
        #: (m, m): from projections to coefficients
        self.factor = np.linalg.inv(self._overlap(read, self.blocks()))
        self.coefficients = self.factor @ self.projections[:size]
        self.largest_term = self.factor[:, below:] @ self.projections[below:size]
        self.residual = target - self.observed(read)
        self.misfit = _shared(u, self.residual)

    def blocks(self, first=0, last=None):
        last = len(self._u) if last is None else last
        return [slice(k, min(k + ROWS, last)) for k in range(first, last, ROWS)]

    def instruments(self, block):
        """The polynomials orthonormal over the weighted samples, at some samples, weighted."""
        values = self.monomials.values(self._u[block], len(self._inverse))
        return self._weights[block] * (values @ self._inverse)

    def _best(self, sizes, target):
        """The place of the degree with the least leave-one-out error."""
        scale = np.sqrt((target**2).mean(axis=0)) + TINY
        losses = np.zeros(len(sizes))
        for b in self.blocks():  # one orthonormal basis holds the fits of all degrees
            q, left, leverage, done = self.instruments(b), self._weights[b] * target[b], 0.0, 0
            for k, m in enumerate(sizes):
                left = left - q[:, done:m] @ self.projections[done:m]
                leverage = leverage + (q[:, done:m] ** 2).sum(axis=1, keepdims=True)
                losses[k] += ((left / scale / np.maximum(1 - leverage, 1e-3)) ** 2).sum()
                done = m
        # the lowest of several exact ones
        return int(np.argmax(losses <= losses.min() + 1e-20 * (self._weights**2).sum()))

    def _projected(self, target, blocks):
        return sum(self.instruments(b).T @ (self._weights[b] * target[b]) for b in blocks)

    def _overlap(self, read, blocks):
        """(m, m): the instruments with the polynomials of the states ``read``."""
        return sum(self.instruments(b).T @ (self._weights[b] * self._seen(read[b])) for b in blocks)

    def left_out(self, target, read):
        """The coefficients without the first of `PARTS` equal parts of the samples, the second, ..."""
        ends = np.linspace(0, len(self._u), min(PARTS, len(self._u)) + 1).astype(int)
        parts = [self.blocks(first, last) for first, last in zip(ends, ends[1:])]
        overlaps = np.array([self._overlap(read, blocks) for blocks in parts])
        projected = np.array([self._projected(target, blocks) for blocks in parts])
        return np.linalg.solve(overlaps.sum(axis=0) - overlaps, projected.sum(axis=0) - projected)

    def _seen(self, x):
        return self.monomials.values(self.frame.inward(x)) @ self._sharp

    def observed(self, x):
        """The polynomial at states (n, dim) as recorded; unbiased where their errors are known."""
        return self._seen(x) @ self.coefficients

    def spread(self, covariance):
        """The homoscedastic error of the coefficients: columns (m, p, K) of independent errors."""
        values, vectors = np.linalg.eigh(covariance)
        root = vectors * np.sqrt(np.maximum(values, 0))
        columns = np.einsum("ma,pb->mpab", self.factor, root)
        return columns.reshape(*columns.shape[:2], -1)

    def shifted(self, constant):
        """The same fit with a constant (p,) added."""
        other = copy(self)
        other.coefficients = self.coefficients.copy()
        other.coefficients[0] += constant
        return other

    def polynomial(self, coefficients=None):
        """The fitted polynomial, or one of the same monomials with other coefficients."""
        given = self.coefficients if coefficients is None else coefficients
        return Polynomial(self.frame, self.monomials, given)


def _shared(u, residual):
    """Root mean square, (p,), of what residuals of nearest neighbours share, if significant."""
    from scipy.spatial import cKDTree  # slow to import, and only needed here

    skip = max(1, len(u) // NEIGHBOURS)
    u, residual = u[::skip], residual[::skip]
    nearest = cKDTree(u).query(u, k=2)[1][:, 1]
    # most neighbours are mutual: each pair counts once
    pairs = np.unique(np.sort(np.stack([np.arange(len(u)), nearest], axis=1), axis=1), axis=0)
    product = residual[pairs].prod(axis=1)
    least = product.mean(axis=0) - 4 * product.std(axis=0) / np.sqrt(len(pairs))
    return np.sqrt(np.maximum(least, 0.0))
