"""Exact steps of linear systems, known or claimed to be linear."""

from __future__ import annotations

import numpy as np

from ..system.noise import root


class Exact:
    """The exact transition of a linear system: x -> Phi x + shift + root z."""

    name = "exact"

    def __init__(self, system, t, linear=None):
        linear = system.linear if linear is None else linear
        known = {}
        self.steps = []
        for h in np.diff(t):
            key = f"{h:.11e}"  # steps of a uniform grid differ by roundoff
            if key not in known:
                known[key] = _transition(*linear, system.constant_diffusion, h)
            self.steps.append(known[key])

    def advance(self, x, z, work, k):
        phi, shift, root = self.steps[k]
        apply(phi, x, work)
        apply(root, z, work)
        x += z
        if shift is not None:
            x += shift


class NotLinear(ValueError):
    """A drift taken for a linear one that is not one at some state."""


class Claimed(Exact):
    """The same for a drift not declared linear: compared with ``A x + b`` at every state in use."""

    def __init__(self, system, t, start):
        self.system, self.t = system, t
        A = system.jacobian(start, t[0])  # by differences, perhaps: without their roundoff
        self.matrix = np.where(np.abs(A) > 1e-10 * np.abs(A).max(), A, 0.0)
        self.offset = system.drift(start, t[0]) - self.matrix @ start
        if not np.isfinite(self.matrix).all():
            raise NotLinear(f"the drift of system has no finite Jacobian at t = {t[0]:.6g}")
        super().__init__(system, t, (self.matrix, self.offset))

    def check(self, x, k):
        """That the drift at states x (dim, paths) is what it was taken for."""
        f = self.system.drift(x.T, self.t[k])
        terms = np.abs(x.T) @ np.abs(self.matrix.T) + np.abs(self.offset) + np.abs(f)
        off = ~(np.abs(x.T @ self.matrix.T + self.offset - f) <= 1e-9 * terms)
        for path, i in np.argwhere(off)[:1]:
            raise NotLinear(
                "method 'exact' takes the drift for the linear one that it is at the start, and it is "
                f"not at t = {self.t[k]:.6g}, x[{i}] = {x[i, path]:.6g}: f[{i}] = {f[path, i]:.6g}"
            )

    def advance(self, x, z, work, k):
        self.check(x, k)
        super().advance(x, z, work, k)


def _transition(matrix, offset, D, h):
    """Phi, shift and root of a step h: Van Loan (1978) for a short step, then doubled."""
    from scipy.linalg import expm

    dim = len(offset)
    doublings = max(0, int(np.ceil(np.log2(1e-300 + 2 * h * np.abs(matrix).sum(axis=1).max()))))
    short = h / 2**doublings
    flow = expm(short * np.block([[matrix, offset[:, None]], [np.zeros((1, dim + 1))]]))
    phi, shift = flow[:dim, :dim], flow[:dim, dim]
    pair = expm(short * np.block([[-matrix, 2 * D], [np.zeros((dim, dim)), matrix.T]]))
    cov = phi @ pair[:dim, dim:]
    with np.errstate(all="ignore"):
        for _ in range(doublings):
            phi, shift, cov = phi @ phi, phi @ shift + shift, phi @ cov @ phi.T + cov
    if not np.isfinite(cov).all():
        raise ValueError(f"t has a step of {h:.6g}, over which the linear drift of system overflows")
    # what has no noise of its own moves by powers of h less: the root in units of each size
    size = np.sqrt(np.diag(cov))
    unit = np.where(size > 0, size, 1.0)
    spread = root((cov + cov.T) / 2 / np.outer(unit, unit)) * unit[:, None]
    return compact(phi), shift[:, None] if shift.any() else None, compact(spread)


def compact(matrix):
    """A number or a column for a multiple of the identity or a diagonal matrix."""
    diagonal = np.diag(matrix)
    if (matrix != np.diag(diagonal)).any():
        return matrix
    return float(diagonal[0]) if (diagonal == diagonal[0]).all() else diagonal[:, None].copy()


def apply(matrix, x, work):
    """x (dim, paths) times a `compact` matrix, in place."""
    if np.ndim(matrix) == 0 or matrix.shape[1] == 1:
        x *= matrix
    else:
        np.matmul(matrix, x, out=work)
        x[...] = work
