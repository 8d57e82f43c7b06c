"""The action on a mesh, by the midpoint rule ``L_d(a, b) = h L((a + b)/2, (b - a)/h, t_mid)``.

It keeps affine symmetries exactly. With ``p`` on the intervals the momenta at their two ends are
``D2 L_d = p + h/2 L_x`` and ``-D1 L_d = p - h/2 L_x``; along a path of least action the two agree
at every inner node.
"""

from __future__ import annotations

import numpy as np

from .banded import pack
from .continuous import product


class Mesh:
    """The action of paths ``x`` (..., n, dim) on the times ``t`` (n,)."""

    def __init__(self, lagrangian, t, h=None):
        self.lagrangian = lagrangian
        self.t, self.h = t, np.diff(t) if h is None else h
        self.t_mid = (t[1:] + t[:-1]) / 2
        self._per_h = 1 / self.h[:, None]

    def split(self, x):
        """Midpoints and velocities of the intervals, each (..., n-1, dim)."""
        left, right = x[..., :-1, :], x[..., 1:, :]
        return (right + left) / 2, (right - left) * self._per_h

    def terms(self, x, order=0):
        """`Terms` on the intervals."""
        return self.lagrangian.terms(*self.split(x), self.t_mid, order)

    def action(self, x):
        """The discrete action (...)."""
        return self.terms(x).L @ self.h

    def ends(self, terms):
        """The momentum at the left and at the right node of the intervals."""
        change = self.h[:, None] / 2 * terms.L_x
        return terms.p - change, terms.p + change

    def gradient(self, terms):
        """Derivative of the action by the inner nodes (..., n-2, dim): the jump of the momentum."""
        left, right = self.ends(terms)
        return right[..., :-1, :] - left[..., 1:, :]

    def hessian(self, terms, bend):
        """Second derivative of the action, as `banded.pack` keeps it; ``bend`` as of the Lagrangian."""
        return pack(*self.blocks(terms, bend))

    def blocks(self, terms, bend):
        """Its diagonal blocks, and those right of them.

        An interval adds ``h/2 B.A B + h/4 bend`` with ``B = M/2 + 1/h`` on the left, ``M/2 - 1/h`` on
        the right: multiplied out, for A M is needed once.
        """
        h, A = self.h[:, None, None], as_matrix(terms.A)
        AM = product(terms.A, terms.M)
        even = product(np.swapaxes(terms.M, -1, -2), AM)
        even /= 2
        even += bend
        even *= h / 4
        AM /= 4
        inertia = A / (2 * h)
        MA = np.swapaxes(AM, -1, -2)
        upper = (even + AM - MA - inertia)[..., 1:-1, :, :]
        even += inertia
        AM = AM + MA
        diagonal = (even - AM)[..., :-1, :, :]
        even += AM
        diagonal += even[..., 1:, :, :]
        return diagonal, upper

    def inertia(self, A):
        """The blocks of the free particle's action, positive definite: what damping adds."""
        A = as_matrix(A)
        shape = np.broadcast_shapes(A.shape, (len(self.h),) + A.shape[-2:])
        a = np.broadcast_to(A / (2 * self.h[:, None, None]), shape)
        return a[..., :-1, :, :] + a[..., 1:, :, :], -a[..., 1:-1, :, :]


def as_matrix(A):
    return np.diag(A) if A.ndim == 1 else A
