"""The null space of linear conditions, numerically: their rank at random points.

The rank at a point of the parameters is at most the generic one, so that the algebra can find no
more symmetries than it leaves room for, and has found all once it has that many.
"""

from __future__ import annotations

from math import perm, prod

import numpy as np
import sympy as sp

from .exact import generic, sample
from .symbols import STACKED

POINTS = 200  # in one block
EPS = np.finfo(float).eps
ALMOST_EVERYWHERE = {"DiracDelta": lambda x, *order: 0 * x}


def null_space_at_random(conditions, generators, deadline):
    """Orthonormal columns that span the null space of the conditions, at random parameters.

    Parameters
    ----------
    conditions : list of Form
    generators : list of (component, powers of the state, function of time)

    Returns
    -------
    array (number of generators, dimension), or None if a function has no numerical counterpart
    """
    space = conditions[0].space
    coefficients = [c for form in conditions for c in form.terms.values()]
    orders = range(1 + max((jet[1][-1] for form in conditions for jet in form.terms), default=0))
    times = list(dict.fromkeys(g for _, _, g in generators))
    derivatives = [g.diff(space.time, k) for g in times for k in orders]
    expressions, functions = generic([*coefficients, *derivatives])
    variables = (*space.variables, *functions)
    parameters = set().union(*(e.free_symbols for e in expressions)) - {*variables}
    symbols = [*variables, *sorted(parameters, key=str)]
    deadline.check("numerical functions of the conditions")
    try:
        modules = [ALMOST_EVERYWHERE | STACKED, "numpy", "scipy"]
        function = sp.lambdify(symbols, expressions, modules, cse=True)
        matrix = _rows(function, symbols, variables, conditions, generators, times, orders, deadline)
    except (NameError, TypeError, NotImplementedError):
        return None
    _, singular, vectors = np.linalg.svd(np.linalg.qr(matrix, mode="r"))
    rank = np.count_nonzero(singular > 1e-10 * singular.max(initial=0))
    return vectors[rank:].conj().T


def _rows(function, symbols, variables, conditions, generators, times, orders, deadline):
    """Random combinations of the conditions, each at a random point, acting on the generators.

    Rows and columns are scaled by the absolute values of the terms in them, so that sums that
    cancel but for roundoff stay small.
    """
    rng, blocks, squares, missing = np.random.default_rng(0), [], 0, len(generators) + 50
    parameters = {s: float(sample(s, (), rng)) for s in symbols[len(variables) :]}
    for _ in range(50 + missing // POINTS):  # many points may lie outside the domain of a root
        deadline.check("the rank at random points")
        points = np.array(
            [
                [parameters[s]] * POINTS
                if s in parameters
                else [float(sample(s, variables, rng)) for _ in range(POINTS)]
                for s in symbols
            ]
        )
        with np.errstate(all="ignore"):
            values, moved = (_evaluated(function, p) for p in (points, points * (1 + EPS)))
            block, sizes = _block(
                values, np.abs(values - moved), points, conditions, generators, times, orders, rng
            )
            norms = np.linalg.norm(sizes, axis=1)[:, None]
            block, sizes = (rows / np.where(norms == 0, 1, norms) for rows in (block, sizes))
        inside = np.isfinite(block).all(axis=1)
        blocks.append(block[inside])
        squares += np.sum(sizes[inside] ** 2, axis=0)
        missing -= inside.sum()
        if missing <= 0:
            break
    scale = np.sqrt(np.maximum(squares, 1e-6 * squares.max()))  # a column may be all roundoff
    return np.concatenate(blocks) / np.where(scale == 0, 1, scale)


def _evaluated(function, points):
    return np.array([np.broadcast_to(value, POINTS) for value in function(*points)])


def _block(values, errors, points, conditions, generators, times, orders, rng):
    """One row for each point; and the same with absolute values in place of all terms.

    Conditions in whose coefficients roundoff has a say at a point are left out there: this can only
    lower the rank.
    """
    jets, first = {}, 0
    for form in conditions:
        terms = slice(first, first := first + len(form.terms))
        size, error = np.abs(values[terms]).sum(axis=0), errors[terms].sum(axis=0)
        sound = error <= 1e-13 * size
        if not sound.any() or sound.sum() < np.isfinite(size).sum() / 2:
            continue
        weight = sound * rng.normal(size=POINTS) / (np.median(size[sound]) or 1)
        for jet, value in zip(form.terms, values[terms], strict=True):
            jets[jet] = jets.get(jet, 0) + weight * value
    rates = values[first:].reshape(len(times), len(orders), POINTS)
    block = np.zeros((POINTS, len(generators)), dtype=values.dtype)
    sizes, state = np.zeros(block.shape), points[: len(generators[0][1])]
    for (component, (*order, n)), weight in jets.items():
        for j, (i, powers, g) in enumerate(generators):
            if i == component and all(k <= p for k, p in zip(order, powers, strict=True)):
                falling = prod(perm(p, k) for k, p in zip(order, powers, strict=True))
                monomial = prod(x ** (p - k) for x, k, p in zip(state, order, powers, strict=True) if p > k)
                term = weight * falling * monomial * rates[times.index(g), n]
                block[:, j] += term
                sizes[:, j] += np.abs(term)
    return block, sizes
