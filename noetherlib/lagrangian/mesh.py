"""The action on a mesh, by the midpoint rule ``L_d(a, b) = h L((a + b)/2, (b - a)/h, t_mid)``.

It keeps affine symmetries exactly. With ``p`` on the intervals the momenta at their two ends are
``D2 L_d = p + h/2 L_x`` and ``-D1 L_d = p - h/2 L_x``; along a path of least action the two agree
at every inner node.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ..system.layout import componentwise, last
from .banded import WIDE, pack_band, unpack
from .continuous import product

FEW, MANY = 2, 2**14  # variables, and numbers in their Jacobians, up to which a matrix product makes the band
CACHED = 2**15  # numbers that stay in the cache while they are worked on


class Mesh:
    """The action of paths ``x`` (..., n, dim) on the times ``t`` (n,)."""

    def __init__(self, lagrangian, t, h=None):
        self.lagrangian = lagrangian
        self.t, self.h = t, t[1:] - t[:-1] if h is None else h
        self.t_mid = (t[1:] + t[:-1]) / 2
        self._per_h, self._half = 1 / self.h[:, None], self.h[:, None] / 2
        self._quarter, self._stiffness = self._half[:, :, None] / 2, self._per_h[:, :, None] / 2
        self._kept, self._band = (None, None), None

    def split(self, x):
        """Midpoints and velocities of the intervals, each (..., n-1, dim)."""
        left, right = x[..., :-1, :], x[..., 1:, :]
        return (right + left) / 2, (right - left) * self._per_h

    def terms(self, x, order=0):
        """`Terms` on the intervals."""
        return self.lagrangian.terms(*self.split(x), self.t_mid, order)

    def action(self, x):
        """The discrete action (...)."""
        return self.integral(self.terms(x).L)

    def integral(self, values):
        """Sum over the intervals (..., n-1) of their length times a value."""
        # the same sums; the first is quicker, but adds in another order where there are more axes
        return values.dot(self.h) if values.ndim < 3 else values @ self.h

    def ends(self, terms):
        """The momentum at the left and at the right node of the intervals."""
        change = self._half * terms.L_x
        return terms.p - change, terms.p + change

    def gradient(self, terms):
        """Derivative of the action by the inner nodes (..., n-2, dim): the jump of the momentum."""
        left, right = self.ends(terms)
        return right[..., :-1, :] - left[..., 1:, :]

    def hessian_product(self, terms, step):
        """Second derivative of the action times a ``step`` (n-2, dim) of the inner nodes of one path."""
        whole = np.pad(step, ((1, 1), (0, 0)))
        p, L_x = self.lagrangian.variation(terms, *self.split(whole))
        change = self._half * L_x
        return (p + change)[:-1] - (p - change)[1:]

    def inertia_product(self, A, step):
        """The free particle's matrix, A (dim,) a diagonal, times a ``step`` (n-2, dim) of the inner nodes."""
        pull = A / 2 * self._per_h * np.diff(np.pad(step, ((1, 1), (0, 0))), axis=0)
        return pull[:-1] - pull[1:]

    def hessian(self, terms, bend):
        """Second derivative of the action, as `banded.pack` keeps it; ``bend`` as of the Lagrangian.

        An interval adds ``h/2 B.A B + h/4 bend`` with ``B = M/2 + 1/h`` on the left, ``M/2 - 1/h`` on
        the right.
        """
        A, M = terms.A, terms.M
        if M.shape[-1] <= FEW and A.ndim < 3 and M.size <= MANY:
            return self._assembled(terms, bend)
        if M.shape[-1] < WIDE:
            return pack_band(*self.blocks(terms, bend))
        # (dim,) or a matrix, the same on all intervals; or a matrix for each, of all paths or of each
        A = np.broadcast_to(A, M.shape[:-2] + A.shape if A.ndim < 3 else M.shape)
        out = np.empty((*M.shape[:-3], len(self.h) - 1, 2, *M.shape[-2:]))
        bend = np.broadcast_to(bend, M.shape)
        for index in np.ndindex(M.shape[:-3]):
            _fill(out[index], self.h, A[index], M[index], bend[index])
        return out

    def blocks(self, terms, bend):
        """Its diagonal blocks, and those right of them."""
        if terms.M.shape[-1] >= WIDE:
            return unpack(self.hessian(terms, bend))
        _, metric, both = self._metric(terms.A)
        before, after, between = _shares(*self._parts(terms, bend), metric)
        diagonal = after[..., 1:, :, :] + before[..., :-1, :, :]
        diagonal += both
        return diagonal, between[..., 1:-1, :, :]

    def _parts(self, terms, bend, P=None, AM=None):
        """What an interval adds, but for ``A/2h``: ``h/4 (M.A M / 2 + bend)`` and ``A M / 2``."""
        AM = product(self._metric(terms.A)[0], terms.M, AM)
        P = product(terms.M.swapaxes(-1, -2), AM, P)
        P += bend
        P *= self._quarter
        return P, AM

    def _assembled(self, terms, bend):
        """The band as a linear function of the parts on either side: quicker than blocks where few."""
        lead, d = terms.M.shape[:-2], terms.M.shape[-1]
        parts = np.empty((2, d, d, *lead))
        order = last(2, len(lead))
        self._parts(terms, bend, parts[0].transpose(order), parts[1].transpose(order))
        if self._band is None:
            _, metric, both = self._metric(terms.A)
            self._band = pack_band(both, -metric[1:-1])
        parts = parts.reshape(2 * d * d, -1).T
        before, after = (parts.dot(share).reshape(*lead, -1) for share in _assembly(d))
        band = before[..., :-1, :] + after[..., 1:, :]
        band = band.reshape(*lead[:-1], len(self.h) - 1, d, 2 * d)
        band += self._band
        return band

    def _metric(self, A):
        """``A/2``, and ``A/2h`` on every interval and on both of a node; kept where A is the same on all."""
        if self._kept[0] is not A:
            metric = componentwise((A if A.ndim > 2 else as_matrix(A)) * self._stiffness, 2, small=0)
            both = metric[..., 1:, :, :] + metric[..., :-1, :, :]
            if A.ndim > 2:
                return A / 2, metric, both
            self._kept, self._band = (A, (A / 2, metric, both)), None
        return self._kept[1]

    def inertia(self, A):
        """The blocks of the free particle's action, positive definite: what damping adds.

        Where D is constant and diagonal they are diagonal, and only that is given.
        """
        if A.ndim == 1:
            a = A / 2 * self._per_h
            return a[:-1] + a[1:], -a[1:-1]
        a = A / 2 * self._per_h[:, :, None]
        return a[..., :-1, :, :] + a[..., 1:, :, :], -a[..., 1:-1, :, :]


def _shares(P, AM, metric):
    """What an interval adds to the node that it is before, to the one that it is after, and between the two.

    All but the ``A/2h`` of the two nodes.
    """
    AM = AM / 2
    MA = AM.swapaxes(-1, -2)
    even = AM + MA
    between = P - metric
    between += AM
    between -= MA
    return P - even, P + even, between


def _fill(out, h, A, M, bend):
    """The second derivative of one path into ``out`` (n-2, 2, d, d), a few intervals at a time, in the cache.

    With ``P = h/4 (M.A M / 2 + bend)`` and A M split into halves even and odd under transposition.
    """
    n, each = len(h) - 1, np.arange(M.shape[-1])
    some = max(1, CACHED // len(each) ** 2)
    for first in range(0, n + 1, some):
        part = slice(first, min(first + some, n + 1))
        AM = A[part, :, None] * M[part] if A.ndim == 2 else A[part] @ M[part]
        metric = A[part] / (2 * h[part].reshape(-1, *(1,) * (A.ndim - 1)))
        P = M[part].swapaxes(-1, -2) @ AM
        P /= 2
        P += bend[part]
        P *= h[part, None, None] / 4
        AM /= 4
        MA = AM.swapaxes(-1, -2)
        inner = slice(max(first, 1), min(part.stop, n))  # between inner nodes on both sides
        here = slice(inner.start - first, inner.stop - first)
        upper = out[inner.start - 1 : inner.stop - 1, 1]
        np.subtract(AM[here], MA[here], out=upper)
        upper += P[here]
        _add_metric(upper, -metric[here], each)
        _add_metric(P, metric, each)
        AM = AM + MA
        np.subtract(P[: here.stop], AM[: here.stop], out=out[first : inner.stop, 0])
        out[inner.start - 1 : part.stop - 1, 0] += P[here.start :]
        out[inner.start - 1 : part.stop - 1, 0] += AM[here.start :]
    out[-1, 1] = 0.0


def _add_metric(blocks, a, each):
    if a.ndim == 2:
        blocks[:, each, each] += a
    else:
        blocks += a


@cache
def _assembly(d):
    """How the parts of an interval, (2 d d,), enter the columns of the band of the nodes after and before it.

    Nothing looks at the blocks right of the last node, where there is no node.
    """
    before, after = np.empty((2, 2 * d * d, d, 2 * d))
    for i, parts in enumerate(np.eye(2 * d * d).reshape(-1, 2, d, d)):
        of_before, of_after, between = _shares(*parts.swapaxes(-1, -2), 0.0)
        before[i] = pack_band(of_before[None], np.zeros((0, d, d)))
        after[i] = pack_band(np.stack([of_after] * 2), between[None])[0]
    return before.reshape(-1, 2 * d * d), after.reshape(-1, 2 * d * d)


def as_matrix(A):
    return np.diag(A) if A.ndim == 1 else A
