"""Exact algebra: does an expression vanish identically, and for which constants?

Variables are the symbols in which an expression is to vanish identically; all others are
parameters.
"""

from __future__ import annotations

from functools import cache
from math import lcm

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.functions.elementary.hyperbolic import HyperbolicFunction
from sympy.functions.elementary.trigonometric import TrigonometricFunction
from sympy.polys.matrices import DomainMatrix
from sympy.polys.orderings import lex
from sympy.polys.rings import PolyRing

from .limits import Deadline


def vanishes(expression, variables):
    """Whether an expression is identically zero: True by algebra, False by a counterexample."""
    if expression.is_Number:
        return expression == 0
    if not _coefficients([{0: expression}], variables, Deadline()):
        return True
    (expression,), functions = generic([expression])
    rng = np.random.default_rng(0)
    for _ in range(10):
        point = {s: sample(s, (*variables, *functions), rng) for s in expression.free_symbols}
        value = expression.evalf(30, subs=point)
        if value.is_number and value.is_finite and abs(value) > 1e-15:
            if abs(sp.im(value)) < 1e-15 or expression.has(sp.I):  # else outside its domain
                return False
    raise ArithmeticError(
        "cannot decide whether this expression vanishes identically (it may help "
        f"to declare its symbols real or positive): {expression}"
    )


def null_space(conditions, size, variables, deadline):
    """Constants ``c_j`` for which ``sum_j c_j e_j`` vanishes identically in each condition.

    A condition is a dict from ``j < size`` to the expression ``e_j``.  The last entry of a vector
    that is not zero belongs to an unknown in no other vector.  Entries are polynomials in the
    parameters without common factor.
    """
    rows, zero = _coefficients(conditions, variables, deadline), set()
    while single := {j for row in rows if len(row) == 1 for j in row}:  # these unknowns are zero
        zero |= single
        rows = [{j: e for j, e in row.items() if j not in single} for row in rows]
        rows = [row for row in rows if row]
    rows += [{j: sp.S.One} for j in zero]
    deadline.check("the elimination of unknowns")
    matrix = DomainMatrix.from_dict_sympy(len(rows), size, dict(enumerate(rows))).to_field()
    vectors = []
    for vector in matrix.nullspace().to_Matrix().tolist():
        last = next(entry for entry in reversed(vector) if entry != 0)
        fractions = [sp.fraction(sp.factor(entry / last)) for entry in vector]
        scale = sp.lcm_list([d for _, d in fractions]) / sp.gcd_list([n for n, _ in fractions])
        vectors.append([sp.cancel(n / d * scale) for n, d in fractions])
    return vectors


def sample(symbol, variables, rng):
    """A random rational value; variables take both signs, unless assumed to have one."""
    value = sp.Rational(int(rng.integers(200, 1800)), 1009)
    negative = symbol.is_negative or (
        symbol in variables and not symbol.is_nonnegative and rng.random() < 0.5
    )
    return -value if negative else value


def generic(expressions):
    """Undefined functions and their derivatives replaced by symbols; returns these too."""
    atoms = set().union(*(e.atoms(AppliedUndef, sp.Derivative, sp.Subs) for e in expressions))
    names = {atom: sp.Dummy() for atom in atoms if atom.has(AppliedUndef)}
    return [e.xreplace(names) for e in expressions], list(names.values())


def _coefficients(conditions, variables, deadline):
    """What must vanish for each condition, ``sum_j c_j e_j``, to vanish identically.

    The ``e_j`` of a condition are brought to a common denominator and their numerators written as
    polynomials in independent functions of the variables.  Each monomial in these gives a row: a
    dict from ``j`` to its coefficient.
    """
    entries, functions = generic([e for condition in conditions for e in condition.values()])
    fractions, independent, relations, constants = _independent(entries, (*variables, *functions), deadline)
    parameters = set().union(*(e.free_symbols for pair in fractions for e in pair)) - {*independent}
    ring = PolyRing((*independent, *sorted(parameters, key=str)), sp.QQ, lex)
    n, rows = len(independent), {}
    relations = [(independent.index(R), degree, ring.from_expr(b)) for R, degree, b in relations]
    fractions = iter(fractions)
    for i, condition in enumerate(conditions):
        parts = {j: tuple(map(ring.from_expr, next(fractions))) for j in condition}
        common = ring.one
        for _, denominator in parts.values():
            common = common if denominator == 1 else common.lcm(denominator)
        for j, (numerator, denominator) in parts.items():
            deadline.check("the conditions as polynomials")
            polynomial = _reduced(numerator * common.exquo(denominator), relations, ring)
            for powers, c in polynomial.terms():
                entry = rows.setdefault((i, powers[:n]), {}).setdefault(j, {})
                entry[(0,) * n + powers[n:]] = c
    distinct = dict.fromkeys(frozenset((j, ring(entry)) for j, entry in row.items()) for row in rows.values())
    values = [{j: entry.as_expr().xreplace(constants) for j, entry in row} for row in distinct]
    values = [{j: e for j, e in row.items() if sp.expand(e) != 0} for row in values]
    return [row for row in values if row]


def _reduced(polynomial, relations, ring):
    """Powers of roots ``R`` below ``n``, where ``R**n = value``; the innermost root last."""
    for k, degree, value in reversed(relations):
        reduced = ring.zero
        for powers, c in polynomial.terms():
            term = ring({(*powers[:k], powers[k] % degree, *powers[k + 1 :]): c})
            reduced += term * value ** (powers[k] // degree)
        polynomial = reduced
    return polynomial


def _independent(expressions, variables, deadline):
    """Rewrite in algebraically independent symbols.

    ``exp(q m)``, ``q`` rational, becomes a power of one symbol for each term ``m``; these are
    independent of the variables and of each other (Ax 1971).  A root of ``b`` becomes a symbol
    ``R`` with a relation ``R**n = b``.  Any other function of the variables becomes a symbol, and
    so does any constant that is not rational.

    Returns numerators and denominators, the symbols, the relations ``(R, n, b)`` and the values of
    the constants.
    """
    degrees, exponentials, roots, others, constants = {}, {}, {}, {}, {}
    for power in set().union(*(e.atoms(sp.Pow) for e in expressions)):
        for term in sp.Add.make_args(sp.expand(power.exp)):
            degrees[power.base] = lcm(degrees.get(power.base, 1), term.q if term.is_Rational else 1)

    @cache
    def walk(e):
        if e.is_Symbol or e.is_Rational:
            return e
        if e.is_Add or e.is_Mul:
            return e.func(*map(walk, e.args))
        base, exponent = e.as_base_exp()
        if e.is_Pow and exponent.is_Integer:
            return walk(base) ** exponent
        if isinstance(e, (TrigonometricFunction, HyperbolicFunction)) and e.rewrite(sp.exp) != e:
            return walk(e.rewrite(sp.exp))
        if not e.has_free(*variables):
            return constants.setdefault(e, sp.Dummy())
        if e.is_Pow and exponent.is_Rational:
            n = degrees[base]
            if base not in roots:
                numerator, denominator = sp.fraction(sp.together(walk(base)))
                roots[base] = sp.Dummy(), n, numerator * denominator ** (n - 1), denominator
            return (roots[base][0] / roots[base][-1]) ** (exponent * n)
        if e.is_Pow or isinstance(e, sp.exp):
            return sp.Mul(*map(exponential, sp.Add.make_args(sp.expand(exponent * sp.log(base)))))
        return others.setdefault(e, sp.Dummy())

    def exponential(term):
        rational, monomial = term.as_coeff_Mul()
        if isinstance(monomial, sp.log) and rational.is_Rational:
            return walk(monomial.args[0] ** rational)
        if not term.has_free(*variables) or not rational.is_Rational:
            return walk(sp.exp(term))
        return exponentials.setdefault(monomial, sp.Dummy(positive=True)) ** rational

    rewritten = [walk(e) for e in expressions]
    fractional = {E: 1 for E in exponentials.values()}
    for power in set().union(*(e.atoms(sp.Pow) for e in rewritten)):
        if power.base in fractional:
            fractional[power.base] = lcm(fractional[power.base], power.exp.q)
    whole = {E: E**n for E, n in fractional.items()}
    fractions = []
    for e in rewritten:
        deadline.check("common denominators")
        fractions.append(sp.fraction(sp.together(e.xreplace(whole))))
    symbols = [*variables, *whole, *(root[0] for root in roots.values()), *others.values()]
    relations = [(R, n, value.xreplace(whole)) for R, n, value, _ in roots.values()]
    return fractions, symbols, relations, {symbol: e for e, symbol in constants.items()}
