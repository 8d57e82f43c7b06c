"""The second order of the action around paths of least action, whatever the rank of D."""

from __future__ import annotations

import numpy as np

from ..inputs import as_a
from ..lagrangian import Lagrangian, Mesh
from ..lagrangian.action import lacks_noise
from ..lagrangian.hamilton import Equations
from ..lagrangian.path import Path
from .walkers import Guide

COLUMNS = 2**22  # numbers of an inverse that are held at once


def check_minima(path):
    """Raise unless ``path`` is one of converged minima."""
    as_a(Path, path, "path")
    for name, good in (("converged", path.converged), ("kind", np.asarray(path.kind) == "minimum")):
        for index in np.argwhere(~np.asarray(good))[:1]:
            got = np.asarray(getattr(path, name))[tuple(index)]
            where = f" at index {tuple(map(int, index))}" if len(index) else ""
            raise ValueError(f"path must be a converged minimum of the action, got {name} {got}{where}")


class Expansion:
    """Hamilton's action to second order around one path."""

    def __init__(self, path):
        self.path = path
        self.mesh = mesh = Mesh(Lagrangian(path.system, path.functional), path.t)
        self.equations = Equations(mesh, path.x, _momentum(mesh, path))
        self.terms = self.equations.terms
        if not self.terms.additive:
            raise ValueError("path must be of a system whose noise does not depend on the state")
        self.bend = np.broadcast_to(mesh.lagrangian.bend(self.terms), self.terms.M.shape)
        D = mesh.lagrangian.system.noise(self.terms.x, self.terms.t)[0]
        #: what the midpoint rule misses of the fluctuations, in the logarithm
        self.missed = np.einsum("...ij,...ji->...", D, self.bend) @ mesh.h**2 / 4

    def log_density(self):
        """Logarithm of Laplace's density at the end."""
        h, dim = self.mesh.h[:, None, None], self.path.x.shape[-1]
        sign, jacobian = np.linalg.slogdet(np.eye(dim) - h / 2 * self.terms.M)
        if (sign <= 0).any():
            raise ValueError(
                "path must have steps with h/2 times the drift's Jacobian below 1: take a finer mesh"
            )
        determinant = np.log(np.abs(self._factor().U.diagonal())).sum()
        return (
            -self.mesh.integral(self.terms.kinetic)
            + jacobian.sum()
            - self.missed
            - determinant / 2
            - dim / 2 * np.log(2 * np.pi)
        )

    def covariance(self):
        """Covariance at every node (n_times, dim, dim): the states' blocks of the inverse."""
        n, dim = self.path.x.shape
        factor, out = self._factor(), np.zeros((n, dim, dim))
        rows = (np.arange(n - 2)[:, None] * 2 * dim + dim + np.arange(dim)).reshape(-1, dim)
        size = max(1, COLUMNS // (factor.shape[0] * dim))
        for start in range(0, n - 2, size):
            some = rows[start : start + size]
            right = np.zeros((factor.shape[0], some.size))
            right[some.ravel(), np.arange(some.size)] = 1.0
            solved = factor.solve(right)
            for i, row in enumerate(some):
                block = solved[row, i * dim : (i + 1) * dim]
                out[start + i + 1] = (block + block.T) / 2
        return out

    def guide(self):
        """Walkers around the path."""
        return Guide(
            self.mesh, self.path.x, self.terms, self.bend, covariances(self.path), self.path.momentum
        )

    def _factor(self):
        """Triangular factors of the second derivative by momenta and inner nodes."""
        from scipy.sparse import bsr_array, csc_array  # slow to load, and only needed here
        from scipy.sparse.linalg import splu

        lower, diagonal, upper = self.equations.matrix()
        m, size, _ = diagonal.shape
        blocks = [(lower, 1, 0), (diagonal, 0, 0), (upper, 0, 1)]
        index = np.arange(m)
        rows = np.concatenate([index[i : m - j] for _, i, j in blocks])
        columns = np.concatenate([index[j : m - i] for _, i, j in blocks])
        order = np.lexsort((columns, rows))
        data = np.concatenate([each for each, _, _ in blocks])[order]
        starts = np.searchsorted(rows[order], np.arange(m + 1))
        matrix = bsr_array((data, columns[order], starts), shape=(m * size, m * size))
        return splu(csc_array(matrix), permc_spec="NATURAL")


def _momentum(mesh, path):
    """Momenta on the intervals, from those at the nodes: ``D2 L_d = p - h/2 (grad f)^T p + h/2 grad U``."""
    mid, h = mesh.split(path.x)[0], mesh.h[:, None]
    U, J = mesh.lagrangian.potential, mesh.lagrangian.system.jacobian(mid, mesh.t_mid)
    right = path.momentum[1:] - (h / 2 * U.gradient(mid, mesh.t_mid) if U is not None else 0.0)
    implicit = np.eye(mid.shape[-1]) - h[..., None] / 2 * np.swapaxes(J, -1, -2)
    return np.linalg.solve(implicit, right[..., None])[..., 0]


def covariances(path):
    """Covariance of the Gaussian around minima, at every node (..., n_times, dim, dim)."""
    mesh = Mesh(Lagrangian(path.system, path.functional), path.t)
    if lacks_noise(mesh, path.x):
        lead = path.x.shape[:-2]
        members = [path[index] if lead else path for index in np.ndindex(lead)]
        each = [Expansion(member).covariance() for member in members]
        return np.reshape(each, path.x.shape + path.x.shape[-1:])
    terms = mesh.terms(path.x, order=2)
    diagonal, upper = mesh.blocks(terms, mesh.lagrangian.bend(terms))
    n = diagonal.shape[-3]
    covariance = np.zeros(path.x.shape + path.x.shape[-1:])
    left = np.empty_like(diagonal)  # inverses of the blocks once those before are eliminated
    for k in range(n):
        block = diagonal[..., k, :, :]
        if k:
            link = upper[..., k - 1, :, :]
            block = block - np.swapaxes(link, -1, -2) @ left[..., k - 1, :, :] @ link
        left[..., k, :, :] = np.linalg.inv(block)
    covariance[..., n, :, :] = left[..., -1, :, :]
    for k in range(n - 2, -1, -1):
        gain = left[..., k, :, :] @ upper[..., k, :, :]
        later = covariance[..., k + 2, :, :]
        covariance[..., k + 1, :, :] = left[..., k, :, :] + gain @ later @ np.swapaxes(gain, -1, -2)
    return covariance
