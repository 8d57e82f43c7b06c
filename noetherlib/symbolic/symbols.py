"""Arguments: symbols and their names, exact expressions, matrices.

``owner`` is what the symbols belong to, a Lagrangian or a Hamiltonian; its ``reserved`` symbols
have a meaning of their own.
"""

from __future__ import annotations

import re
from functools import reduce

import numpy as np
import sympy as sp

from ..inputs import brief


def as_sequence(value):
    return list(value) if isinstance(value, (list, tuple, np.ndarray, sp.MatrixBase)) else [value]


def as_symbols(name, value):
    symbols = tuple(as_sequence(value))
    distinct = len(set(symbols)) == len(symbols)
    if not symbols or not distinct or not all(isinstance(s, sp.Symbol) for s in symbols):
        raise ValueError(f"{name}: got {brief(value)}, need one sympy Symbol or several distinct ones")
    return symbols


def as_time(time, expressions):
    """The time symbol: by default the one named t in the expressions, whatever its assumptions."""
    if time is None:
        named = {s for e in expressions for s in sp.sympify(e).free_symbols if s.name == "t"}
        time = list(named) or sp.Symbol("t")
    (time, *more) = as_symbols("time", time)
    if more:
        raise ValueError(f"time: got several symbols named {time}; need one")
    return time


def dotted(symbol, dots):
    """``xdot1`` for ``x1``, if ``dots`` is "dot"."""
    letters = re.match(r"[^\W\d_]*", symbol.name).group() or symbol.name
    return sp.Symbol(letters + dots + symbol.name[len(letters) :])


def velocities(state) -> tuple:
    """Symbols of the velocities: ``xdot`` for ``x``, ``xdot1`` for ``x1``; LaTeX prints the dot."""
    return tuple(dotted(s, "dot") for s in as_symbols("state", state))


#: the largest and the smallest of numbers and arrays, which sympy 1.12 cannot stack
STACKED = {
    "amax": lambda parts, axis: reduce(np.maximum, parts),
    "amin": lambda parts, axis: reduce(np.minimum, parts),
}


def as_exact(name, value):
    """A sympy expression, its floats replaced by rational numbers."""
    try:
        # text is parsed; of anything else sympy must know what it is
        expression = sp.sympify(value, strict=not isinstance(value, str))
    except (sp.SympifyError, TypeError):
        raise ValueError(f"{name}: got {brief(value)}, need a sympy expression") from None
    if not isinstance(expression, sp.Expr) or expression.has(sp.nan, sp.oo, sp.zoo):
        raise ValueError(f"{name}: got {brief(value)}, need a finite sympy expression")
    return sp.nsimplify(expression, rational=True) if expression.has(sp.Float) else expression


def as_expression(name, value, owner, allowed):
    """An exact expression that has no symbols of its ``owner`` but those allowed."""
    expression = as_exact(name, value)
    own = {s.name: s for s in owner.reserved}
    for symbol in expression.free_symbols:
        if own.get(symbol.name, symbol) != symbol:
            raise ValueError(f"{name}: its symbol {symbol} has other assumptions than the {symbol} of L")
        if symbol.name in own and symbol not in allowed:
            raise ValueError(f"{name}: got {expression}, which must not depend on {symbol}")
    return expression


def as_symmetric(name, value, dim):
    """A symmetric matrix of exact expressions, from a scalar, a diagonal or all entries."""
    rows = value.tolist() if isinstance(value, sp.MatrixBase) else as_sequence(value)
    if not isinstance(value, (list, tuple, np.ndarray, sp.MatrixBase)):
        rows = rows * dim
    if not any(isinstance(row, (list, tuple, np.ndarray)) for row in rows):
        rows = [[d if i == j else 0 for j in range(len(rows))] for i, d in enumerate(rows)]
    if [len(as_sequence(row)) for row in rows] != [dim] * dim:
        raise ValueError(f"{name}: got {brief(value)}, need a scalar, {dim} entries or {dim} x {dim} of them")
    matrix = sp.ImmutableMatrix([[as_exact(name, e) for e in row] for row in rows])
    if not matrix.is_symmetric():
        raise ValueError(f"{name}: got {brief(value)}, need a symmetric matrix")
    return matrix


def dot(a, b):
    return sp.Add(*(p * q for p, q in zip(a, b, strict=True)))
