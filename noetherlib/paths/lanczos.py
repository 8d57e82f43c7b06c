"""The sign of a symmetric matrix that is known by its products alone."""

from __future__ import annotations

import numpy as np

STEPS = 300
DOUBT = 1e-6  # how often a start drawn at random may hide a value that is there


def sign(product, inverse, start, noise, doubt=DOUBT):
    """1, -1 or 0: whether a matrix is positive, not positive, or neither for sure.

    By its smallest eigenvalue against the matrix that ``inverse`` inverts, whatever lies within ``noise``
    being 0. ``start``: normal random numbers with that matrix for their covariance, so that no
    direction is preferred in its metric.

    Notes
    -----
    Lanczos's method gives polynomials p_k, orthonormal over the eigenvalues, each of which weighs what
    the start has along its vector. As long as their signs at a alternate all Ritz values lie above a. An
    eigenvalue below it, not seen yet, weighs at most ``1 / sum_k p_k(a)**2`` (Chebyshev, Markov, Stieltjes:
    Golub and Meurant (2010), Matrices, Moments and Quadrature, chapter 2). A random direction in n dimensions
    has a weight below w there with a probability of ``sqrt(2 n w / pi)`` at most: where that is
    less than ``doubt``, there is no such eigenvalue. Nothing is supposed of gaps. Roundoff makes Ritz values
    late, not wrong: they are those of a matrix whose eigenvalues are the same, some of them twice
    (Greenbaum (1989), Linear Algebra Appl. 113, 7).
    """
    levels, enough = np.array([-noise, noise]), 2 * start.size / (np.pi * doubt**2)
    seen, weighed = np.zeros(2, dtype=bool), np.zeros(2)  # at each level: a Ritz value below; sum p_k**2
    p_before, p = np.zeros(2), np.ones(2)
    vector, before, beside = start, np.zeros_like(start), 0.0
    along = inverse(start)
    length = np.sqrt(np.vdot(start, along))
    for k in range(STEPS):
        vector, along, weighed = vector / length, along / length, weighed + p**2
        rest = product(along) - beside * before
        diagonal = np.vdot(along, rest)
        rest -= diagonal * vector
        p_before, p = p, (levels - diagonal) * p - beside * p_before
        seen |= p * (-1) ** k >= 0
        before, vector, along = vector, rest, inverse(rest)
        square = np.vdot(rest, along)
        sure = (weighed >= enough) | (square <= 0)  # of 0: the start has no other direction in it
        if seen[0] or (sure[0] and seen[1]) or (sure[1] and not seen[1]):
            return -1 if seen[0] else int(not seen[1])
        if not square > 0:
            return 0
        beside = length = np.sqrt(square)
        p /= beside
    return 0
