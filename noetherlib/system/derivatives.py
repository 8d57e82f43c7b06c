"""Derivatives by differences, where a flow does not bring its own.

Differences of values that are good to a relative ``noise`` are best at the step ``noise**(1/3)`` for
first derivatives (central), and at ``noise**(1/4)`` for second ones: they leave errors of about
``noise**(2/3)`` and ``noise**(1/2)``.
"""

from __future__ import annotations

import numpy as np

from .layout import SHORT, componentwise

EPS = np.finfo(float).eps
SWEEP = 2**16  # numbers of state in one call: many perturbed copies together, but within the cache


def differentiate(function, x, t, noise=EPS, fine=False):
    """Central differences of ``function(x, t)`` along a new last axis, one entry per coordinate.

    ``fine``: of fourth order, good to about ``noise**(4/5)`` at twice the price. ``function`` is called
    on stacks of perturbed states, with one more leading axis.
    """
    x = np.broadcast_to(x, np.broadcast_shapes(x.shape[:-1], np.shape(t)) + x.shape[-1:])
    step = noise ** (1 / 5 if fine else 1 / 3) * np.maximum(1.0, np.abs(x))
    width = (x + step) - x
    weights = ((1, 8 / 12), (2, -1 / 12)) if fine else ((1, 1 / 2),)
    size, columns = max(1, SWEEP // max(x.size, 1)), []
    for first in range(0, x.shape[-1], size):
        some = np.arange(first, min(first + size, x.shape[-1]))
        change = np.zeros((len(some), *x.shape))
        change[some - first, ..., some] = each = np.moveaxis(width[..., some], -1, 0)
        column = sum(w * (function(x + k * change, t) - function(x - k * change, t)) for k, w in weights)
        columns.append(column / each.reshape(each.shape + (1,) * (column.ndim - each.ndim)))
    out = np.moveaxis(np.concatenate(columns), 0, -1)
    return componentwise(out, out.ndim - x.ndim + 1)


def vector_times(p, a):
    """``p @ a`` for vectors p (..., dim) and matrices a (..., dim, dim): of a Jacobian, ``J^T p``."""
    return np.einsum("...i,...il->...l", p, a)


def along(function, x, v):
    """Derivative of ``function(x)`` along ``v``, both (..., dim), by a central difference."""
    size, reach = (np.abs(a).max(axis=-1, keepdims=True) for a in (v, x))
    step = EPS ** (1 / 3) * np.maximum(1.0, reach) / np.where(size > 0, size, 1.0)
    return (function(x + step * v) - function(x - step * v)) / (2 * step)


def symmetrised(matrix):
    """The symmetric part of ``matrix`` (..., dim, dim)."""
    return (matrix + np.swapaxes(matrix, -1, -2)) / 2


def bend_by_jacobian(jacobian, x, t, p, zeros=None):
    """Second derivatives of ``p.f`` from differences of ``J^T p``: (..., dim, dim).

    By central differences, good to ``EPS**(2/3)``; with ``zeros``, a `Sparsity`, by forward ones, good
    to ``EPS**(1/2)`` at half the price or less, which is all that a step of Newton's method needs.
    """

    def pull(y, t):
        return vector_times(p, jacobian(y, t))

    if zeros is None:
        return symmetrised(differentiate(pull, x, t))
    here, step = pull(x, t), np.sqrt(EPS) * np.maximum(1.0, np.abs(x))

    def change(weights):
        return pull(x + weights * width, t) - here

    width = (x + step) - x
    return symmetrised(zeros.matrix(change, width))


def bend_by_values(function, x, t, zeros=None):
    """Second derivatives (..., dim, dim) of a scalar ``function(x, t) -> (...)`` from its values.

    By symmetric differences, good to about ``EPS**(1/2)``; with ``zeros``, a `Sparsity`, by one-sided ones,
    good to ``EPS**(1/3)`` at half the price, and at less where most of them are zero. ``function`` is called
    on stacks of perturbed states, with one more leading axis.
    """
    dim, rough = x.shape[-1], zeros is not None
    step = EPS ** (1 / 3 if rough else 1 / 4) * np.maximum(1.0, np.abs(x))
    step = (x + step) - x

    def at(sign, *coordinates):
        """Values where each row's coordinates are moved: (rows, ...)."""
        rows = np.stack(coordinates, axis=-1)
        size = max(1, SWEEP // max(x.size, 1))
        values = []
        for k in range(0, len(rows), size):
            some = rows[k : k + size]
            y = np.repeat(x[None], len(some), axis=0)
            for i, moved in enumerate(some):
                for j in moved:
                    y[i, ..., j] += sign * step[..., j]
            values.append(function(y, t))
        return np.concatenate(values)

    here, each = function(x, t), np.arange(dim)
    up, down = at(1, each), at(-1, each)
    single = up if rough else (up + down) / 2

    def matrix(pairs):
        """With these pairs (n, 2) of coordinates alone off the diagonal."""
        out = np.zeros(here.shape + (dim, dim))
        for j in range(dim):
            out[..., j, j] = (up[j] - 2 * here + down[j]) / step[..., j] ** 2
        if len(pairs):
            both = at(1, *pairs.T)
            if not rough:
                both = (both + at(-1, *pairs.T)) / 2
            for (i, j), value in zip(pairs, both):
                cross = (value - single[i] - single[j] + here) / (step[..., i] * step[..., j])
                out[..., i, j] = out[..., j, i] = cross
        return out

    def change(weights):
        return function(x + weights * step, t) - 2 * here + function(x - weights * step, t)

    return zeros.symmetric(matrix, change, step) if rough else matrix(np.argwhere(np.tri(dim, k=-1)))


def contract(tensor, vector):
    """``sum_i vector_i tensor_ilm``: (..., dim, dim), by products of matrices where the axes are long."""
    dim = vector.shape[-1]
    if dim <= SHORT:
        return np.einsum("...i,...ilm->...lm", vector, tensor)
    flat = vector[..., None, :] @ tensor.reshape(*tensor.shape[:-2], dim * dim)
    return flat.reshape(*flat.shape[:-2], dim, dim)


def by_parts(hessian, x, t, reduce, *vectors, rank=3):
    """``reduce(hessian(x, t), *vectors)`` for tensors of ``rank`` axes, and ``vectors`` (..., dim).

    On few times at once, so that the tensors of many variables stay small.
    """
    x, t = np.broadcast_arrays(x, np.asarray(t)[..., None])
    t, dim = t[..., 0], x.shape[-1]
    size = max(1, 4 * SWEEP // (dim**rank * max(1, t[..., :1].size)))
    if t.ndim == 0 or t.shape[-1] <= size:
        return reduce(hessian(x, t), *vectors)
    parts = [slice(k, k + size) for k in range(0, t.shape[-1], size)]
    found = [
        reduce(hessian(x[..., part, :], t[..., part]), *(v[..., part, :] for v in vectors)) for part in parts
    ]
    return np.concatenate(found, axis=t.ndim - 1)
