"""The sign of a symmetric matrix that is known by its products alone."""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh_tridiagonal

STEPS = 200


def sign(product, inverse, shape, noise):
    """1, -1 or 0: whether a matrix is positive, not positive, or neither for sure.

    By its smallest eigenvalue against the matrix that ``inverse`` inverts, whatever lies within ``noise``
    being 0: Lanczos's method in the form of conjugate gradients, from a random vector. That it is not
    positive is proved by a vector. That it is positive is as good as sure once the smallest value seen
    has converged: a random vector has a part along every eigenvector (Kuczynski and Wozniakowski
    (1992), SIAM J. Matrix Anal. 13, 1094).
    """
    rest = np.random.default_rng(0).normal(size=shape)
    along = inverse(rest)
    left = length_of_along = np.vdot(rest, along)
    diagonal, beside, carried = [], [], 0.0
    for k in range(STEPS):
        curved = product(along)
        bent = np.vdot(along, curved)
        if bent <= noise * length_of_along:
            return -1 if bent < -noise * length_of_along else 0
        diagonal.append(bent / left + carried)
        rest -= left / bent * curved
        z = inverse(rest)
        before, left = left, np.vdot(rest, z)
        share = left / before
        carried = share * bent / before
        beside.append(np.sqrt(share) * bent / before)
        if k % 10 == 9:
            values, vectors = eigh_tridiagonal(diagonal, beside[:-1], select="i", select_range=(0, 0))
            missed = beside[-1] * abs(vectors[-1, 0])
            if values[0] < noise and missed < noise:
                return 0
            if missed < min(values[0], values[0] - noise) / 2:
                return 1
        along = z + share * along
        length_of_along = left + share**2 * length_of_along
    return 0
