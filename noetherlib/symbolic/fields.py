"""Vector fields in (x, t), and functions with given derivatives along them.

``Z K = s`` for several fields ``Z`` with slopes ``s`` has a solution ``K`` near a generic point if
and only if the slopes fit together: where fields are dependent, and along brackets, ``[Y, Z] K = Y
s_Z - Z s_Y`` (Frobenius).  Brackets are taken until they give no new direction.  If the fields
then span all directions, as they do in a system that its noise reaches everywhere (Hoermander
1967), ``K`` is unique up to a constant, otherwise up to the functions that are constant along all
fields.

Slopes are expressions, or forms in an unknown transformation (`forms`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from operator import add

import sympy as sp

from .exact import vanishes


@dataclass(frozen=True)
class Frame:
    """Fields in reduced echelon form, closed under brackets, with their slopes.

    ``fields[k]`` has the component 1 in variable ``k``, where all others have 0, and slope
    ``slopes[k]``.  ``conditions`` are what must vanish for a function with these slopes to exist.
    """

    variables: tuple
    fields: dict
    slopes: dict
    conditions: list


def frame(fields, slopes, variables, deadline):
    """The `Frame` that these fields and slopes generate."""
    basis, conditions, pending = {}, [], [*zip(fields, slopes, strict=True)]
    while pending:
        for field, slope in pending:
            deadline.check("the brackets")
            slope = _insert(basis, field, slope, variables)
            conditions += [slope] * (slope is not None)
        pending = []
        for (Y, s), (Z, r) in combinations(basis.values(), 2):
            bracket = [along(Y, z, variables) - along(Z, y, variables) for y, z in zip(Y, Z, strict=True)]
            if any(not vanishes(e, variables) for e in bracket):
                pending.append((bracket, along(Y, r, variables) - along(Z, s, variables)))
    for (Y, s), (Z, r) in combinations(basis.values(), 2):  # all brackets are zero now
        deadline.check("the compatibility of the gauge term")
        conditions.append(along(Y, r, variables) - along(Z, s, variables))
    fields, slopes = ({k: pair[i] for k, pair in basis.items()} for i in range(2))
    return Frame(variables, fields, slopes, conditions)


def independent_rows(rows, variables):
    """The rows in reduced echelon form, without those that vanish."""
    basis = {}
    for row in rows:
        _insert(basis, row, sp.S.Zero, variables)
    return [row for row, _ in basis.values()]


def total(terms):
    """Sum of at least one expression or form."""
    return reduce(add, terms)


def along(field, function, variables):
    """Derivative of a function, or of a form, along a field."""
    return total(function.diff(s) * e for e, s in zip(field, variables, strict=True) if e != 0)


def _insert(basis, field, slope, variables):
    """Add a field to a basis in reduced echelon form; the slope left over if it is in its span."""
    for k, (other, s) in basis.items():
        field, slope = _eliminated(field, slope, other, s, field[k])
    field = [sp.S.Zero if vanishes(e, variables) else e for e in field]
    pivots = [k for k, e in enumerate(field) if e != 0]
    if not pivots:
        return slope
    pivot = min(pivots, key=lambda k: (field[k].has_free(*variables), not field[k].is_Number, -k))
    field, slope = [sp.cancel(e / field[pivot]) for e in field], slope * (1 / field[pivot])
    for k, (other, s) in basis.items():
        basis[k] = _eliminated(other, s, field, slope, other[pivot])
    basis[pivot] = field, slope
    return None


def _eliminated(field, slope, other, other_slope, factor):
    if factor == 0:
        return field, slope
    return (
        [sp.cancel(e - factor * o) if o != 0 else e for e, o in zip(field, other, strict=True)],
        slope - other_slope * factor,
    )
