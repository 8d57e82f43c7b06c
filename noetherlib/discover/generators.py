"""Generators, in coordinates u in which D is a multiple of the identity, and their defects."""

from __future__ import annotations

from itertools import combinations

import numpy as np


def basis_of(dim, noisy, dilations):
    """Matrices, offsets and tau_1 of generators that solve the noise's condition, if ``noisy``."""
    eye = np.eye(dim)
    if noisy:
        planes = combinations(range(dim), 2)
        matrices = [np.outer(eye[j], eye[i]) - np.outer(eye[i], eye[j]) for i, j in planes]
    else:
        matrices = [np.outer(a, b) for a in eye for b in eye]
    count = len(matrices) + dim + dilations
    A, b, tau = np.zeros((count, dim, dim)), np.zeros((count, dim)), np.zeros(count)
    if matrices:
        A[: len(matrices)] = matrices
    b[len(matrices) : len(matrices) + dim] = eye
    if dilations:
        tau[-1] = 1.0
        A[-1] = eye / 2 if noisy else 0.0
    return A, b, tau


def fields(basis, u):
    """xi of every basis generator at the states u: (n, k, dim)."""
    return np.einsum("kij,nj->nki", basis[0], u) + basis[1]


def metric_of(basis, u, weights=1.0):
    """Mean product of generators over the samples: what "a generator of size one" means."""
    xi = fields(basis, u) * np.reshape(np.sqrt(weights), (-1, 1, 1))
    products = np.einsum("nki,nli->kl", xi, xi) / xi.shape[0] / xi.shape[2]
    return products + np.outer(basis[2], basis[2])


def turning(basis, rank):
    """How each generator turns a vector (rank 1) or a matrix, row after row (rank 2): (k, p, p).

    Of a vector ``A f - tau_1 f``, of a matrix ``A D + D A^T - tau_1 D``.
    """
    A, _, tau = basis
    eye = np.eye(A.shape[1])
    turned = A if rank == 1 else np.stack([np.kron(a, eye) + np.kron(eye, a) for a in A])
    return turned - tau[:, None, None] * np.eye(turned.shape[1])


def defects(basis, u, rank, value, slope):
    """Conditions ``turned(F) - (xi . grad) F`` at n states, of every generator: (n p, k, ...).

    ``value`` (n, p, ...) and ``slope`` (n, p, dim, ...) of the field F may have more axes.
    """
    n, p, dim = slope.shape[:3]
    value, more = value.reshape(n, p, -1), value.shape[2:]
    turned = np.einsum("kij,njl->nikl", turning(basis, rank), value, optimize=True)
    along = fields(basis, u)[:, None] @ slope.reshape(n, p, dim, -1)
    return (turned - along).reshape(n * p, -1, *more)


def unit_of(value, slope):
    """Root mean square of a field and its gradient: what a relative defect is relative to."""
    return np.sqrt(((value**2).sum() + (slope**2).sum()) / len(value)) or 1.0
