"""The linear problems behind a generator's answers, on one grid."""

from __future__ import annotations

import warnings
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from .operator import Operator

SPARE = 4  # modes beyond those asked for, so that each finds its match on the other grid
DENSE = 600  # cells up to which a full matrix is faster


class Solver:
    """The operator of a system on `Cells`, and the solutions of what is asked of it."""

    def __init__(self, system, cells, absorbing):
        self.system, self.cells, self.absorbing = system, cells, absorbing
        self.operator = Operator(system, cells, absorbing)
        self.matrix = self.operator.matrix()[0]

    @cached_property
    def stationary(self):
        """Solve ``pi Q = 0`` with one cell's probability given, and again from where it is largest."""
        count = self.matrix.shape[0]
        reference = int(np.argmin(np.abs(self.matrix.diagonal() - np.median(self.matrix.diagonal()))))
        for _ in range(2):
            rest = np.delete(np.arange(count), reference)
            forward = self.matrix.T.tocsc()
            mass = np.ones(count)
            mass[rest] = _solve(forward[rest][:, rest], -forward[rest][:, [reference]].toarray()[:, 0])
            if not np.isfinite(mass).all():
                raise ValueError(
                    "box must hold one stationary density, and parts of it are never reached from others"
                )
            reference = int(np.argmax(mass))
        mass = np.maximum(mass, 0.0).reshape(self.cells.shape)
        return mass / (mass.sum() * self.cells.volume)

    def exit(self, inside):
        Q, members, _ = self.operator.matrix(inside, "inside")
        if not members.any():
            raise ValueError("inside must hold the centre of a cell: take a finer grid or another box")
        if not self.absorbing and members.all():
            raise ValueError("inside must be a set that is left, and holds every cell of a box that reflects")
        time = np.zeros(self.cells.shape)
        time[members] = _solve(Q, -np.ones(Q.shape[0]))
        if not np.isfinite(time).all() or (time < 0).any():
            raise ValueError(
                "inside must be a set that is left from everywhere, and from some states it never is"
            )
        return time, members

    def committor(self, A, B):
        cells = self.cells
        sets = {"A": cells.members(A, "A"), "B": cells.members(B, "B")}
        for name, found in sets.items():
            if not found.any():
                raise ValueError(f"{name} must hold the centre of a cell: take a finer grid or another box")
        if (sets["A"] & sets["B"]).any():
            raise ValueError("A and B must not have a cell in common")

        def between(x):
            return ~(cells.ask(A, "A", x) | cells.ask(B, "B", x))

        Q, members, border = self.operator.matrix(between, "A and B")
        source, target = np.zeros(members.size), sets["B"].ravel()
        for leaving, arrived, rate in border:
            np.add.at(source, leaving, rate * target[arrived])
        q = np.where(sets["B"], 1.0, 0.0)
        if members.any():
            q[members] = _solve(Q, -source[members.ravel()])
        if not np.isfinite(q).all():
            raise ValueError("A or B must be reached from everywhere, and from some states neither is")
        return np.clip(q, 0.0, 1.0), members

    def spread(self, x0, t):
        start = np.ones(())
        for i, axis in enumerate(self.cells.axes):
            step = (x0[i] - axis[0]) / self.cells.width[i]
            if not 0 <= step <= len(axis) - 1:
                raise ValueError(
                    f"x0 must lie between the outermost centres, {axis[0]:.6g} to {axis[-1]:.6g} along "
                    f"coordinate {i}, got {x0[i]:.6g}"
                )
            start = start[..., None] * np.maximum(0.0, 1 - np.abs(np.arange(len(axis)) - step))
        forward = self.matrix.T
        if forward.shape[0] <= DENSE:
            from scipy.linalg import expm

            mass = expm(forward.toarray() * t) @ start.ravel()
        else:
            trace = t * forward.diagonal().sum()
            mass = linalg.expm_multiply(forward.tocsr() * t, start.ravel(), traceA=trace)
        return np.maximum(mass, 0.0).reshape(self.cells.shape) / self.cells.volume

    def slowest(self, k):
        count = self.matrix.shape[0]
        if count <= DENSE:
            values, modes = np.linalg.eig(self.matrix.toarray())
        else:
            shift = 1e-10 * np.abs(self.matrix.diagonal()).max()
            begin = np.random.default_rng(0).normal(size=count)  # the same numbers every time
            many = min(2 * k + SPARE, count - 2)
            values, modes = linalg.eigs(self.matrix.tocsc(), many, sigma=shift, v0=begin)
        first = np.lexsort((values.imag.round(9), -values.real.round(12)))[:k]
        modes = modes.T[first]
        modes = modes / np.take_along_axis(modes, np.abs(modes).argmax(axis=1)[:, None], 1)
        return values[first].astype(complex), modes.reshape((k, *self.cells.shape))

    @cached_property
    def rim(self):
        """The cells at the edge of the box that noise could carry further."""
        rim = np.zeros(self.cells.shape, bool)
        for axis in range(rim.ndim):
            for end, side in ((0, 0), (-1, 1)):
                at = (slice(None),) * axis + (end,)
                faces = self.cells.centres[at].copy()
                faces[..., axis] = self.cells.box[axis, side]
                D = self.system.diffusion(faces, 0.0)[..., axis, axis]
                outward = self.system.drift(faces, 0.0)[..., axis] * (2 * side - 1)
                rim[at] |= (D > 1e-12 * np.abs(D).max(initial=1e-300)) | (outward > 0)
        return rim


def _solve(matrix, right):
    """Solve with a matrix of positive off-diagonals and dominant negative diagonal: no pivots needed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", linalg.MatrixRankWarning)
        try:
            factors = linalg.splu(
                sparse.csc_matrix(matrix),
                permc_spec="MMD_AT_PLUS_A",
                diag_pivot_thresh=0.0,
                options={"SymmetricMode": True},
            )
        except RuntimeError:  # exactly singular
            return np.full(len(right), np.nan)
        return factors.solve(right)
