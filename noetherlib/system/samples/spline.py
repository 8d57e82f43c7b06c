"""The smoothing quintic spline of scattered samples, with its derivatives and its cross-validation."""

from __future__ import annotations

import numpy as np

from .frame import TINY
from .polynomials import Monomials, Polynomial

TRIED = 10.0 ** np.arange(-8, 9)  # noise over roughness, in units of the spread of the states
AT_ONCE = 2**20  # distances in memory together


class Spline:
    """Splines through values (n, p) at the same states x (n, dim), for any smoothing.

    Each is ``sum_n a_n phi(|u - u_n|)`` with ``phi = -r**5``, plus a polynomial of degree two, in the
    coordinates u of ``frame``: of all functions the one of least misfit plus ``smoothing`` times its
    roughness, which is that of third derivatives. It has four continuous derivatives, and no length
    scale. As `scipy.interpolate.RBFInterpolator(u, values, smoothing=smoothing, kernel="quintic")`, which
    has no derivatives, and does all again for each smoothing.
    """

    def __init__(self, x, frame):
        self.frame, self.u = frame, frame.inward(x)
        self.monomials = Monomials(x.shape[1], 2)
        P = self.monomials.values(self.u)
        Q, R = np.linalg.qr(P, mode="complete")
        self.R, self.Q, free = R[: P.shape[1]], Q[:, : P.shape[1]], Q[:, P.shape[1] :]
        self.K = -np.concatenate([r * r * r * r * r for _, _, r in self._distances(self.u)])
        E, W = np.linalg.eigh(free.T @ self.K @ free)
        #: penalties (k,), none negative, and the directions (n, k) that pay them
        self.E, self.Z = np.maximum(E, 0), free @ W

    def weights(self, values, smoothing):
        """Coefficients of the kernels (n, p)."""
        return self.Z @ ((self.Z.T @ values) / (self.E + smoothing)[:, None])

    def unforeseen(self, values, smoothing):
        """Each value less the one that the spline of all others has there, (n, p): Dubrule (1983)."""
        return self.weights(values, smoothing) / ((self.Z**2) @ (1 / (self.E + smoothing)))[:, None]

    def smoothest(self, values):
        """The smoothing whose splines foresee best."""
        scale = values.std(axis=0) + TINY
        losses = [((self.unforeseen(values, each) / scale) ** 2).sum() for each in TRIED]
        return TRIED[np.argmin(losses)]

    def through(self, values, smoothing):
        """Weights, and the polynomial, of the spline of these values."""
        a = self.weights(values, smoothing)
        b = np.linalg.solve(self.R, self.Q.T @ (values - self.K @ a))
        return a, Polynomial(self.frame, self.monomials, b)

    def _distances(self, u):
        """Blocks of ``u`` (m, dim): which, differences (m, n, dim) to the samples, and their lengths."""
        size = max(1, AT_ONCE // len(self.u))
        for k in range(0, len(u), size):
            d = u[k : k + size, None] - self.u
            yield slice(k, k + size), d, np.sqrt(np.einsum("mnj,mnj->mn", d, d))

    def kernels(self, x, a, order):
        """Derivatives of order 0 to 2 of the kernels' part at x (m, dim): (m, p) and ``order`` axes (dim)."""
        m, (dim, p) = len(x), (x.shape[1], a.shape[1])
        out = np.empty((m, p) + (dim,) * order)
        for rows, d, r in self._distances(self.frame.inward(x)):
            if order == 0:
                out[rows] = -(r * r * r * r * r) @ a
                continue
            cube = -5 * r * r * r
            if order == 1:
                for j in range(dim):
                    out[rows, :, j] = (cube * d[..., j]) @ a
                continue
            for j, k in np.ndindex(dim, dim):
                out[rows, :, j, k] = (cube * (j == k) - 15 * r * d[..., j] * d[..., k]) @ a
        return out

    def third(self, x, A):
        """``sum_n A_n . grad`` of the kernels' second derivatives at x (m, dim): (m, dim, dim)."""
        dim = x.shape[1]
        out = np.empty((len(x), dim, dim))
        for rows, d, r in self._distances(self.frame.inward(x)):
            along = np.einsum("mnj,nj->mn", d, A)
            inverse = np.divide(1.0, r, out=np.zeros_like(r), where=r > 0)
            for j, k in np.ndindex(dim, dim):
                mixed = d[..., j] * A[:, k] + d[..., k] * A[:, j] + along * (j == k)
                out[rows, j, k] = -15 * (along * d[..., j] * d[..., k] * inverse + r * mixed).sum(axis=1)
        return out
