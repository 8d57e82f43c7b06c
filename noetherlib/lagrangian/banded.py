"""Block-tridiagonal symmetric matrices: ``m`` blocks of size ``d``, coupled to their neighbours.

Leading axes are a batch. Small blocks are kept in LAPACK's lower band storage, (..., m, d, 2d): entry
``[k, j, r]`` is ``r`` rows below the diagonal in column ``k d + j``, which flattened and transposed is
what LAPACK wants, without a copy. Blocks from `WIDE` on are kept as they are, (..., m, 2, d, d), each
with the one right of it, and are factorised one by one, at the speed of matrix products.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg.blas import dsbmv, dsyrk, dtrsm, dtrsv
from scipy.linalg.lapack import dgbsv, dpbsv, dpbtrf, dpotrf

WIDE = 17


def pack(diagonal, upper):
    """The matrix of the diagonal blocks (..., m, d, d) and the blocks (..., m-1, d, d) right of them."""
    *lead, m, d, _ = diagonal.shape
    if d < WIDE:
        return pack_band(diagonal, upper)
    packed = np.zeros((*lead, m, 2, d, d))
    packed[..., 0, :, :], packed[..., :-1, 1, :, :] = diagonal, upper
    return packed


def pack_band(diagonal, upper):
    """The same in LAPACK's band storage, whatever the size of the blocks."""
    *lead, m, d, _ = diagonal.shape
    packed = np.zeros((*lead, m, d, 2 * d))
    for j in range(d):
        packed[..., j, : d - j] = diagonal[..., j:, j]
        packed[..., :-1, j, d - j : 2 * d - j] = upper[..., j, :]
    return packed


def unpack(packed):
    """The diagonal blocks and those right of them."""
    d = packed.shape[-2]
    if d >= WIDE:
        return packed[..., 0, :, :], packed[..., :-1, 1, :, :]
    diagonal, upper = np.zeros((2, *packed.shape[:-1], d))
    for j in range(d):
        diagonal[..., j:, j] = diagonal[..., j, j:] = packed[..., j, : d - j]
        upper[..., j, :] = packed[..., j, d - j : 2 * d - j]
    return diagonal, upper[..., :-1, :, :]


def band(packed):
    """A band as LAPACK wants it, without a copy."""
    m, d, width = packed.shape
    return packed.reshape(m * d, width).T


def yardstick(diagonal, upper):
    """What `damped` adds and `quadratic` measures with: blocks, or their diagonals (m, d) and (m-1, d).

    Wide blocks that are diagonal stay so.
    """
    if diagonal.shape[-1] >= WIDE and diagonal.ndim == 2:
        return diagonal, upper
    if diagonal.ndim == 2:
        diagonal, upper = (a[..., None] * np.eye(diagonal.shape[-1]) for a in (diagonal, upper))
    return pack(diagonal, upper)


def damped(packed, damping, K):
    """``packed + damping K`` for a `yardstick` K."""
    if not isinstance(K, tuple):
        return packed + damping * K
    each, out = np.arange(packed.shape[-1]), packed.copy()
    out[:, 0, each, each] += damping * K[0]
    out[:-1, 1, each, each] += damping * K[1]
    return out


def quadratic(K, x):
    """``x . K x`` for x (m, d)."""
    if isinstance(K, tuple):
        return np.vdot(x, K[0] * x) + 2 * np.vdot(x[:-1], K[1] * x[1:])
    if K.shape[-2] < WIDE:
        flat = x.ravel()
        return flat.dot(dsbmv(K.shape[-1] - 1, 1.0, band(K), flat, lower=1))  # quicker than @
    diagonal, upper = unpack(K)
    return np.einsum("ki,kij,kj->", x, diagonal, x, optimize=True) + 2 * np.einsum(
        "ki,kij,kj->", x[:-1], upper, x[1:], optimize=True
    )


def solve(packed, right, overwrite=False):
    """``x`` with ``matrix @ x = right`` (m, d), or None where the matrix is not positive definite."""
    if packed.shape[-2] < WIDE:
        _, x, info = dpbsv(band(packed), right.reshape(-1), lower=1, overwrite_ab=overwrite)
        return x.reshape(right.shape) if info == 0 else None
    factor = factorise(packed if overwrite else packed.copy())
    return None if factor is None else solve_lower(factor, solve_lower(factor, right), transposed=True)


def is_definite(packed):
    """Whether the matrix is positive definite."""
    if packed.shape[-2] < WIDE:
        return dpbtrf(band(packed), lower=1)[1] == 0
    return factorise(packed.copy()) is not None


def log_determinant(packed):
    """Logarithm of the determinant of a positive definite matrix; nan where it is not."""
    if packed.shape[-2] < WIDE:
        factor, info = dpbtrf(band(packed), lower=1)
        return 2 * np.log(factor[0]).sum() if info == 0 else np.nan
    factor = factorise(packed.copy())
    return np.nan if factor is None else 2 * np.log(np.einsum("kii->ki", factor[:, 0])).sum()


def factorise(packed):
    """Cholesky factor of wide blocks, in their place: rows ``[W_k^T L_k]``; or None where there is none.

    The diagonal blocks become lower triangles L, their upper halves without meaning, and those right
    of them ``W_k = L_k^-1 upper_k``.
    """
    for k, (diagonal, upper) in enumerate(packed):
        if k:  # S = diagonal - W^T W; in Fortran's order the transposes come for free
            dsyrk(-1.0, packed[k - 1, 1].T, beta=1.0, c=diagonal.T, overwrite_c=1)
        if dpotrf(diagonal.T, lower=0, clean=0, overwrite_a=1)[1]:
            return None
        if k < len(packed) - 1:
            dtrsm(1.0, diagonal.T, upper.T, side=1, lower=0, overwrite_b=1)
    return packed


def solve_lower(factor, right, transposed=False):
    """``factor^-1 right`` for right (m, d), or with the transposed factor."""
    out = np.array(right)
    last = len(out) - 1
    for k in range(last, -1, -1) if transposed else range(last + 1):
        if transposed and k < last:
            out[k] -= factor[k, 1] @ out[k + 1]
        elif not transposed and k:
            out[k] -= out[k - 1] @ factor[k - 1, 1]
        out[k] = dtrsv(factor[k, 0].T, out[k], lower=0, trans=0 if transposed else 1)
    return out


def solve_indefinite(packed, right):
    """``x`` with ``matrix @ x = right`` (m, d) by Gaussian elimination, whatever the signs."""
    diagonal, upper = unpack(packed)
    return solve_general(np.swapaxes(upper, -1, -2), diagonal, upper, right)


def solve_general(left, diagonal, upper, right):
    """``x`` of a block-tridiagonal matrix that need not be symmetric, by elimination with pivots."""
    m, d, _ = diagonal.shape
    width = 2 * d - 1
    full = np.zeros((3 * width + 1, m * d), order="F")
    for offset, blocks in ((-d, left), (0, diagonal), (d, upper)):
        first = d if offset > 0 else 0  # the column of the first block
        for j in range(d):
            columns = slice(first + j, first + j + d * len(blocks), d)
            for i in range(d):
                full[2 * width + i - j - offset, columns] = blocks[:, i, j]
    return dgbsv(width, width, full, right.ravel(), overwrite_ab=1)[2].reshape(right.shape)
