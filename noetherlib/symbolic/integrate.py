"""The gauge term itself: a function with given slopes along vector fields (`fields`)."""

from __future__ import annotations

from functools import lru_cache

import sympy as sp

from .exact import null_space, vanishes
from .fields import along
from .limits import Deadline
from .symbols import dot


def integral(frame, slopes=None) -> sp.Expr:
    """``K`` with ``Z K = s`` for all fields of a `Frame`, its own slopes by default.

    First one variable after the other, along fields that change no other variable; then, for what
    is left, by undetermined coefficients.  The result is confirmed by differentiation.

    Raises ``ArithmeticError`` if no such formula is found, or if it cannot be confirmed.
    """
    K, done, variables = sp.S.Zero, [], frame.variables
    slopes = frame.slopes if slopes is None else slopes
    straight = [k for k in sorted(frame.fields) if sum(e != 0 for e in frame.fields[k]) == 1]
    for k in straight:
        rest = sp.expand(slopes[k] - K.diff(variables[k]))  # does not depend on the variables done
        if not vanishes(rest, variables):
            rest = sp.simplify(rest) if rest.has_free(*done) else rest
            K += _antiderivative(rest, variables[k], variables)
        done.append(variables[k])
    others = {
        k: sp.expand(slopes[k] - along(Z, K, variables)) for k, Z in frame.fields.items() if k not in straight
    }
    if any(not vanishes(s, variables) for s in others.values()):
        K += _undetermined(frame, others, done)
    K = min((sp.factor(K), sp.expand(K), K), key=sp.count_ops)
    if not all(vanishes(slopes[k] - along(Z, K, variables), variables) for k, Z in frame.fields.items()):
        raise ArithmeticError(f"sympy's integral {K} for the gauge term does not satisfy its equation")
    return K


_integrate = lru_cache(maxsize=256)(sp.integrate)  # searches of one system meet the same slopes again


def _antiderivative(expression, symbol, variables):
    return _integrate(expression, symbol).replace(
        # sympy splits off cases such as k = 0 in exp(k t)/k; parameters are generic here
        lambda e: isinstance(e, sp.Piecewise) and not e.args[0].cond.has_free(*variables),
        lambda e: e.args[0].expr,
    )


def _undetermined(frame, slopes, done):
    """A combination of functions that come up in integrating and differentiating the slopes."""
    variables, fields = frame.variables, [frame.fields[k] for k in slopes]
    slopes = [sp.simplify(s) if s.has_free(*done) else s for s in slopes.values()]
    functions = list(dict.fromkeys(term for s in slopes for term in _terms(s, variables)))
    for _ in range(3):
        new = [term for F in functions for field in fields for term in _relatives(F, field, variables, done)]
        functions = list(dict.fromkeys([*functions, *new]))[:60]
    conditions = [
        dict(enumerate([*(along(field, F, variables) for F in functions), -s]))
        for field, s in zip(fields, slopes, strict=True)
    ]
    for vector in null_space(conditions, len(functions) + 1, variables, Deadline()):
        if vector[-1] != 0:
            return dot(vector[:-1], functions) / vector[-1]
    raise ArithmeticError(
        f"a gauge term exists, but no formula was found for it: its derivative along {fields} is {slopes}"
    )


def _relatives(function, field, variables, done):
    """Terms of a function's derivative along a field, and of what may have it as derivative."""
    terms = _terms(along(field, function, variables), variables)
    for symbol, e in zip(variables, field, strict=True):
        if e != 0 and symbol not in done:
            integrand = sp.expand(function / e)
            part = _antiderivative(integrand, symbol, variables)
            new = {type(F) for F in part.atoms(sp.Function) - integrand.atoms(sp.Function)}
            if not part.has(sp.Integral) and new <= {sp.log}:  # no Ei, erf, ...: they lead nowhere
                terms += _terms(part, variables)
    return terms


def _terms(expression, variables):
    """Terms of a sum without their constant factors."""
    terms = sp.Add.make_args(sp.expand(expression))
    return [term.as_independent(*variables, as_Add=False)[1] for term in terms if term != 0]
