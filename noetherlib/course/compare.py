"""How an answer is compared with the right one, and with what each slip would have given."""

from __future__ import annotations

import contextlib

import numpy as np

from .guard import call, untouched
from .slips import Mistake

#: More numbers than any task needs, and so few numbers that a hint about their size would be the answer.
MANY, FEW = 10**6, 4


def compare(got, want, slips=(), unit=None, tol=1e-6):
    """Nothing where ``got`` is right, else a `Mistake`.

    Tried in turn: the ``slips``, each a name, the value that it gives and a remark; transposed axes; the
    ``unit``, a function that returns what is wrong with it, if anything; a sign; a constant factor.
    """
    got, want = _shaped(got, want)
    if not np.isfinite(got).all():
        detail = "has entries that are not finite numbers" if got.size > 1 else "is no finite number"
        raise Mistake(None, f"The answer {detail}")
    if close(got, want, tol):
        return
    for slip, wrong, *remark in slips:
        if close(got, np.asarray(wrong, dtype=float), tol):
            raise Mistake(slip, *remark)
    if got.ndim > 1 and any(close(np.moveaxis(got, axis, -1), want, tol) for axis in range(got.ndim - 1)):
        raise Mistake("transposed axes", f"Shape {want.shape} is needed, and the answer has {got.shape}")
    if got.shape != want.shape:
        transposed = got.ndim > 1 and sorted(got.shape) == sorted(want.shape)
        detail = f"Shape {want.shape} is needed, and the answer has {got.shape}"
        raise Mistake("transposed axes" if transposed else None, detail)
    if unit and (wrong := unit()):
        raise Mistake("units", wrong)
    ratio = float((got * want).sum() / (want * want).sum()) if want.any() else np.nan
    factor = close(got, ratio * want, tol)
    slip = {-1: "sign", 2: "factor ½", 0.5: "factor ½"}.get(round(ratio, 4)) if factor else None
    if slip or want.size <= FEW:  # a single number and how far it is off would be the answer
        raise Mistake(slip, "" if slip else _coarse(got, want, tol))
    if not got.any():
        raise Mistake(None, "All of it is zero, or a constant where one does not count")
    if factor:
        raise Mistake(None, f"All of it is {ratio:.4g} times what is right")
    raise Mistake(
        None, f"Not right, and none of the usual slips. It is off by up to {np.abs(got - want).max():.2g}"
    )


def _coarse(got, want, tol):
    """What may be said of a few numbers: which of them are wrong, and of one alone nothing."""
    if want.ndim == 0:
        return "Not right, and none of the usual slips"
    wrong = [str(k + 1) for k in range(want.size) if not close(got.flat[k], want.flat[k], tol)]
    return f"Not right, and none of the usual slips. Of the {want.size} numbers, look at: {', '.join(wrong)}"


def close(got, want, tol):
    """Equal shapes, and equal up to ``tol`` of the largest number."""
    got, want = np.asarray(got), np.asarray(want)
    return got.shape == want.shape and bool(
        np.abs(got - want).max(initial=0) <= tol * np.abs(want).max(initial=0) + 1e-12
    )


def near(got, want, tol, otherwise):
    """Nothing if the numbers agree within ``tol``, else a `Mistake` that says ``otherwise``.

    Parameters
    ----------
    got, want : array_like
    tol : float
        In the unit of the numbers.
    otherwise : str

    Raises
    ------
    Mistake
    """
    untouched()
    got, want = _shaped(got, want)
    if got.shape != want.shape or not np.abs(got - want).max(initial=0) <= tol:
        raise Mistake(None, otherwise)


def _shaped(got, want):
    """Both as arrays of floats; a single number may come in any number of brackets."""
    got, want = as_numbers(got), np.asarray(want, dtype=float)
    return (got.reshape(()) if want.ndim == 0 and got.size == 1 else got), want


def as_numbers(answer):
    """An array of floats, or a `Mistake`."""
    size = getattr(answer, "size", None)
    if not isinstance(size, int | np.integer):
        size = len(answer) if hasattr(answer, "__len__") else 1
    if size > MANY:
        raise Mistake(None, f"The answer has {size:,} numbers, and no task needs that many")
    try:
        numbers = np.asarray(answer)
        if numbers.dtype == complex:
            numbers = np.where(numbers.imag == 0, numbers.real, np.nan)
        return numbers.astype(float)
    except (TypeError, ValueError, OverflowError):
        raise Mistake(None, f"Numbers are needed, and the answer is a {type(answer).__name__}") from None


def as_function(answer, signature):
    """A function that calls the student's with copies, and returns numbers or raises a `Mistake`."""
    if not callable(answer):
        raise Mistake(None, f"A function {signature} is needed, and the answer is a {type(answer).__name__}")
    return lambda *arguments: as_numbers(call(answer, *arguments))


def wrong_unit(function, arguments, powers, right):
    """What is wrong with the unit of a function's value: found by changing the units of state and time.

    ``powers`` has the exponents of (state, time) in the unit of each argument, ``right`` those of the value.
    """
    found = []
    for axis, factor in ((0, 2.0), (1, 4.0)):
        scaled = [value * factor ** power[axis] for value, power in zip(arguments, powers, strict=True)]
        with np.errstate(all="ignore"):
            ratio = function(*scaled) / function(*arguments)
            rates = np.log(np.abs(ratio)) / np.log(factor)
        if not np.ptp(rates) < 1e-6:
            return "Terms of different units are added"
        found.append(round(float(rates.flat[0]), 2))
    if found != list(right):
        say = "[x]^{:g} [t]^{:g}".format
        return f"With x the state and t the time it is {say(*found)}, and {say(*right)} is needed"


# ---- expressions of sympy --------------------------------------------------------------------------------


def as_expression(answer, names, constants=False):
    """A sympy expression in plain symbols, whatever the student's assume of themselves.

    Parameters
    ----------
    answer : object
        Also a `sympy.Poly`, text, or a single expression in a list, an array or a matrix.
    names : str
        The symbols that may occur.
    constants : bool
        Whether others may be added, as a constant of integration: each becomes 1.

    Returns
    -------
    sympy.Expr

    Raises
    ------
    Mistake
        If it is none, or other symbols occur.
    """
    import sympy as sp  # only where a task is about algebra

    plain = {name: sp.Symbol(name) for name in names.split()}
    kind, symbols = type(answer).__name__, None
    several = isinstance(answer, list | tuple | np.ndarray | sp.MatrixBase)
    if several and np.size(answer) == 1:
        answer, several = np.asarray(answer, dtype=object).item(), False
    with contextlib.suppress(TypeError, AttributeError, SyntaxError, sp.SympifyError):
        expression = None if several else sp.sympify(answer, locals=dict(plain))
        if isinstance(expression, sp.Poly):
            expression = expression.as_expr()
        if isinstance(expression, sp.Expr):
            expression = expression.doit()
            symbols = expression.free_symbols
    if symbols is None:
        raise Mistake(None, f"A sympy expression is needed, and the answer is a {kind}")
    expression = expression.xreplace({symbol: sp.Symbol(symbol.name) for symbol in symbols})
    unknown = sorted(expression.free_symbols - set(plain.values()), key=str)
    if any(not constants or expression.diff(symbol).free_symbols & set(plain.values()) for symbol in unknown):
        names = ", ".join(map(str, unknown))
        raise Mistake(None, f"Only {', '.join(plain)} may occur, and {names} does: put in your numbers")
    return expression.subs(dict.fromkeys(unknown, 1))


def evaluate(answer, names, points, constants=False):
    """The values of a sympy expression at points, one column for each of the names."""
    import sympy as sp

    expression = as_expression(answer, names, constants)
    value = sp.lambdify([sp.Symbol(name) for name in names.split()], expression, "numpy")(
        *np.transpose(points)
    )
    return as_numbers(np.broadcast_to(value, len(points)))


def differences(values):
    """What does not change when a constant is added."""
    return values[:-1] - values[-1]
