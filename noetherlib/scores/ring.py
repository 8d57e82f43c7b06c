"""A ring of data in the plane: Rice's density, its score by Bessel functions and their series."""

from __future__ import annotations

import numpy as np
from numpy.polynomial.polynomial import polyder, polyval
from scipy.special import i0e, i1e

from ..inputs import as_positive
from .density import Density, as_widths, lift


class Ring(Density):
    """A ring in the plane, blurred: uniform on a circle, plus Gaussian noise.

    Parameters
    ----------
    radius : float
        R, in units of the state.
    width : float
        sigma_0 >= 0, the blur of the data themselves (standard deviation per coordinate).

    Raises
    ------
    ValueError
        For a radius that is not positive, a negative width, and at the call for ``t < 0`` (or
        ``t = 0`` where the width is zero: the circle itself has no density).

    Notes
    -----
    With ``v = sigma_0**2 + t**2`` and ``r = |x|``

        p(x, t) = exp(-(r**2 + R**2) / 2v) I0(R r / v) / (2 pi v),
        score   = (R A(R r / v) x/r - x) / v,   A = I1 / I0

    (Rice 1945; Vastola 2025, arXiv 2504.09761, Figure 2, without that page's regulariser q).
    Limits: ``t >> R`` is the Gaussian, score ``-x / v``; ``v << R r`` is the radial Gaussian,
    score ``(R - r)/v - 1/2r`` outwards. Scaled Bessel functions and series keep both exact.
    """

    dim = 2

    def __init__(self, radius, width):
        self.radius, self.width = as_positive(radius, "radius"), as_widths(width, ())[()]
        self._blur = self.width**2

    def log_density(self, x, t):
        """log p, normalised (...)."""
        x, t = self._prepare(x, t)
        v, r = self._blur + t**2, np.hypot(x[..., 0], x[..., 1])
        bell = (r - self.radius) ** 2 / (2 * v)
        return np.log(i0e(self.radius * r / v)) - bell - np.log(2 * np.pi * v)

    # log p = Phi(r**2 / 2): in that variable nothing is singular at the centre.

    def score(self, x, t):
        """grad log p (..., 2)."""
        x, _, first = self._slopes(x, t, 1)
        return first[..., None] * x

    def score_jacobian(self, x, t):
        """d score_i / dx_j (..., 2, 2)."""
        x, _, first, second = self._slopes(x, t, 2)
        return lift(first, 2) * np.eye(2) + lift(second, 2) * _outer(x)

    def score_hessian(self, x, t):
        """d2 score_i / dx_j dx_l (..., 2, 2, 2)."""
        x, _, _, second, third = self._slopes(x, t, 3)
        one = np.eye(2)[:, :, None] * x[..., None, None, :]
        ones = one + np.swapaxes(one, -1, -2) + np.moveaxis(one, -1, -3)
        cube = _outer(x)[..., None], x[..., None, None, :]
        return lift(second, 3) * ones + lift(third, 3) * cube[0] * cube[1]

    def divergence(self, x, t):
        """Divergence of the score (...)."""
        _, square, first, second = self._slopes(x, t, 2)
        return 2 * first + square * second

    def divergence_gradient(self, x, t):
        """Gradient of the score's divergence (..., 2)."""
        x, square, _, second, third = self._slopes(x, t, 3)
        return (4 * second + square * third)[..., None] * x

    def divergence_hessian(self, x, t):
        """Second derivatives of the score's divergence (..., 2, 2)."""
        x, square, _, second, third, fourth = self._slopes(x, t, 4)
        return lift(4 * second + square * third, 2) * np.eye(2) + (
            lift(6 * third + square * fourth, 2) * _outer(x)
        )

    def sample(self, n, t, rng):
        """``n`` exact draws from ``p(., t)`` (n, 2); ``rng`` a seed, SeedSequence, Generator."""
        n, t, rng = self._drawing(n, t, rng)
        angle = rng.uniform(0, 2 * np.pi, n)
        ring = self.radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        return ring + np.sqrt(self._blur + t**2) * rng.standard_normal((n, 2))

    def _slopes(self, x, t, order):
        """x, r**2, and the first ``order`` derivatives of Phi with respect to r**2 / 2."""
        x, t = self._prepare(x, t)
        v, square = self._blur + t**2, (x**2).sum(axis=-1)
        rate = (self.radius / v) ** 2
        slopes = _bessel_slopes(self.radius * np.sqrt(square) / v, order)
        slopes = [rate ** (n + 1) * slope for n, slope in enumerate(slopes)]
        slopes[0] = slopes[0] - 1 / v
        return x, square, *slopes


def _bessel_slopes(a, order):
    """[G_1, ..., G_order], G_n = (d / a da)^n log I0(a), to roundoff for any ``a >= 0``.

    In between, from the Riccati equation ``A' = 1 - A/a - A**2`` of ``A = I1/I0 = a G_1``; for
    small and large ``a`` that cancels, and the power series and the asymptotic one take over.
    """
    small, large = a < 1, a > 30
    y = np.where(small | large, 1.0, a) ** 2
    g = [(i1e(np.sqrt(y)) / i0e(np.sqrt(y))) / np.sqrt(y)]
    g.append((1 - 2 * g[0] - y * g[0] ** 2) / y)
    g.append(-(4 * g[1] + 2 * g[0] ** 2 + 2 * y * g[0] * g[1]) / y)
    g.append(-(6 * g[2] + 8 * g[0] * g[1] + 2 * y * (g[1] ** 2 + g[0] * g[2])) / y)
    y, w = np.where(small, a, 0.0) ** 2, 1 / np.where(large, a, np.inf)
    near, far = POWERS, ASYMPTOTIC
    for n in range(order):
        g[n] = np.where(small, polyval(y, near), np.where(large, polyval(w, far), g[n]))
        near = 2 * polyder(near)  # d / a da of a series in y = a**2
        far = np.concatenate([[0, 0], -np.arange(len(far)) * far])  # and of one in w = 1/a
    return g[:order]


def _ratio_series():
    """Coefficients of A/a in powers of a**2, and in powers of 1/a, by the Riccati equation."""
    near = [0.5]
    for n in range(1, 34):
        near.append(-np.dot(near, near[::-1]) / (2 * n + 2))
    far = [1.0]
    for n in range(1, 21):
        far.append(((n - 2) * far[n - 1] - np.dot(far[1:n], far[n - 1 : 0 : -1])) / 2)
    return np.array(near), np.array([0.0, *far])


POWERS, ASYMPTOTIC = _ratio_series()


def _outer(x):
    return x[..., :, None] * x[..., None, :]
