"""Differences of a symmetric matrix in as few directions as its zeros allow.

Columns that share no row can be moved together (Curtis, Powell and Reid (1974), IMA J. Appl. Math.
13, 117). Where the zeros are is learned from a matrix that was differenced in full, and tested anew,
by one more direction, each time that it is used. So a field whose sites know their neighbours costs
a few directions, whatever the number of its sites, and a dense network what it always does.
"""

from __future__ import annotations

import numpy as np

ZERO = 1e-7  # entries below this share of the largest are taken for zeros, until a test says otherwise
AGREED = 1e-4  # what the test may be off by, as a share of the largest change seen
COARSE_ZERO, COARSELY = 1e-3, 1e-2  # the same of second differences of values, whose digits are half as many


class Sparsity:
    """Where a matrix (..., dim, dim) has been seen to be zero; nowhere, at first.

    For what may be a little wrong, such as the second derivatives in a step of Newton's method.
    """

    def __init__(self):
        self.groups, self.filled = None, None

    def matrix(self, change, width):
        """The matrix, from what the gradient (..., dim) changes by in some directions.

        ``change(weights)``, for weights (dim,), moves the state by ``weights * width``; ``width`` is
        (..., dim).
        """
        dim = width.shape[-1]
        if self.groups is not None and 2 * (len(self.groups) + 1) < dim:
            out = self._filled_in(change, width, self.groups)
            weights = _direction(dim)
            seen = change(weights)
            told = np.einsum("...ij,...j->...i", out, weights * width)
            if _agree(seen, told, AGREED):
                return out
        self.filled = np.ones((dim, dim), dtype=bool)
        out = self._filled_in(change, width, [[column] for column in range(dim)])
        self._learn(out)
        return out

    def symmetric(self, matrix, change, step):
        """The matrix, from second differences of values: ``matrix(pairs)`` has entries for these alone.

        ``change(weights)``, for weights (dim,), is what the value at ``weights * step`` on both sides of the
        state differs by from twice the one there.
        """
        dim = step.shape[-1]
        pairs = np.argwhere(np.tri(dim, k=-1))
        if self.filled is not None:
            known = pairs[self.filled[tuple(pairs.T)]]
            if 2 * len(known) < len(pairs):
                out, weights = matrix(known), _direction(dim)
                moved = weights * step
                told = np.einsum("...i,...ij,...j->...", moved, out, moved)
                if _agree(change(weights), told, COARSELY):
                    return out
        out = matrix(pairs)
        self.filled = _filled(out, COARSE_ZERO)
        return out

    def _filled_in(self, change, width, groups):
        """The matrix with a change for each group of columns."""
        dim, out = width.shape[-1], None
        for group in groups:
            weights = np.zeros(dim)
            weights[group] = 1.0
            moved = change(weights)
            if out is None:
                out = np.zeros(moved.shape + (dim,))
            for column in group:
                rows = self.filled[:, column]
                out[..., rows, column] = moved[..., rows] / width[..., column, None]
        return out

    def _learn(self, matrix):
        self.filled, self.groups = _filled(matrix, ZERO), []
        for column, rows in enumerate(self.filled.T):
            for group in self.groups:
                if not (self.filled[:, group].any(axis=1) & rows).any():
                    group.append(column)
                    break
            else:
                self.groups.append([column])


def _direction(dim):
    """Weights (dim,) that are no drift's own pattern."""
    return np.cos(np.arange(dim) ** 2)


def _filled(matrix, zero):
    """Which entries (dim, dim) of a matrix (..., dim, dim) are anywhere above this share of the largest."""
    size = np.abs(matrix).max(axis=tuple(range(matrix.ndim - 2)))
    return size > zero * size.max()


def _agree(seen, told, share):
    """Whether two changes differ by no more than a share of the largest seen."""
    return np.abs(seen - told).max() <= share * np.abs(seen).max()
