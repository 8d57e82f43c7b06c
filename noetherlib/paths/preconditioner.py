"""The second derivative of the action as a free particle and a linear drift have it, inverted fast.

On a periodic lattice a drift linearised around a state that is the same on all sites is a
convolution: each Fourier mode is a particle of its own, ``h/4D |dv/h - lambda v|**2`` per interval, and its
matrix is tridiagonal in time. ``|lambda|**2`` and the imaginary part of lambda are means over the path.
"""

from __future__ import annotations

import numpy as np
from scipy import fft

SEEN = 8  # midpoints of the path at which the drift is made linear


class FreeModes:
    """The matrix of the free modes around the path with `Terms` ``terms``; ``solve`` inverts it.

    Without a lattice all variables are alike: one lambda, the mean square of the Jacobian's action on
    a random vector.
    """

    def __init__(self, mesh, terms):
        self.dim, system = terms.x.shape[-1], mesh.lagrangian.system
        some = np.unique(np.linspace(0, len(mesh.h) - 1, SEEN).astype(int))
        x, t, lattice = terms.x[some], mesh.t_mid[some], system.flow.lattice
        weight = np.broadcast_to(terms.A if terms.A.ndim == 1 else np.diag(terms.A), self.dim)
        if lattice is None:
            self.lattice, self.shape, weight = (), (self.dim, 1), weight[:, None]
            square, turn = _mean_square(system, x, t, weight[:, 0]), 0.0
        else:
            self.lattice, self.shape = lattice, (self.dim // np.prod(lattice), *lattice)
            weight = weight.reshape(self.shape[0], -1).mean(axis=1)
            square, turn = _symbols(system, x, t, self.shape, weight)
            weight = weight.reshape(-1, *(1,) * len(lattice))
        self._factorise(weight, mesh.h.reshape(-1, *(1,) * len(self.shape)), square, turn)

    def _factorise(self, weight, h, square, turn):
        """``L D L^H`` of the tridiagonal matrices, one for each mode, along the first axis."""
        a = weight / 2 * (h / 4 * square + 1 / h)
        b = weight / 2 * (h / 4 * square - 1 / h)
        if np.any(turn):
            b = b + weight / 2 * 1j * turn
        diagonal, upper = a[:-1] + a[1:], b[1:-1]
        self.pivots, self.lower = diagonal, np.empty_like(upper)
        for k, u in enumerate(upper):
            self.lower[k] = np.conj(u) / self.pivots[k]
            self.pivots[k + 1] -= (self.lower[k] * u).real

    def solve(self, right):
        """The inverse times ``right`` (n-2, dim)."""
        y = self._to_modes(right)
        for k, factor in enumerate(self.lower):
            y[k + 1] -= factor * y[k]
        y /= self.pivots
        for k in range(len(self.lower) - 1, -1, -1):
            y[k] -= np.conj(self.lower[k]) * y[k + 1]
        return self._from_modes(y)

    def draw(self, rng):
        """Random numbers (n-2, dim) whose covariance is the matrix: ``L sqrt(D)`` times white noise."""
        y = self._to_modes(rng.normal(size=(len(self.pivots), self.dim)))
        y *= np.sqrt(self.pivots)
        for k in range(len(self.lower) - 1, -1, -1):
            y[k + 1] += self.lower[k] * y[k]
        return self._from_modes(y)

    def _to_modes(self, x):
        y = x.reshape(len(x), *self.shape)
        return fft.rfftn(y, axes=self._axes) if self.lattice else y.copy()

    def _from_modes(self, y):
        if self.lattice:
            y = fft.irfftn(y, s=self.lattice, axes=self._axes)
        return y.reshape(len(y), self.dim)

    @property
    def _axes(self):
        return tuple(range(2, 2 + len(self.lattice)))


def _mean_square(system, x, t, weight):
    v = np.random.default_rng(0).choice((-1.0, 1.0), size=x.shape) / np.sqrt(weight)
    return np.mean(weight * system.jvp(x, t, v) ** 2)


def _symbols(system, x, t, shape, weight):
    """The mean of ``|lambda|**2``, in the metric, and of lambda's imaginary part: each component and mode."""
    sites, axes = int(np.prod(shape[1:])), tuple(range(2, 1 + len(shape)))
    uniform = x.reshape(len(x), shape[0], sites).mean(axis=-1)
    uniform = np.repeat(uniform, sites, axis=-1)
    square, turn = [], []
    for i in range(shape[0]):
        one = np.zeros_like(x)
        one[:, i * sites] = 1.0
        symbol = fft.rfftn(system.jvp(uniform, t, one).reshape(len(x), *shape), axes=axes)
        size = np.mean(np.abs(symbol) ** 2, axis=0)
        square.append(np.tensordot(weight / weight[i], size, axes=1))
        turn.append(np.mean(symbol[:, i].imag, axis=0))
    square, turn = np.stack(square), np.stack(turn)
    return square, np.where(turn**2 > 1e-12 * square, turn, 0.0)
