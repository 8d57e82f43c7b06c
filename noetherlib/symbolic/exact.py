"""Exact algebra: does an expression vanish identically, and for which constants?

``L`` is here only the symbols that an expression is written in: its state, velocity and time.
"""

from __future__ import annotations

from math import lcm

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.functions.elementary.hyperbolic import HyperbolicFunction
from sympy.functions.elementary.trigonometric import TrigonometricFunction
from sympy.polys.matrices import DomainMatrix
from sympy.polys.orderings import lex
from sympy.polys.rings import PolyRing


def vanishes(expression, L):
    """Whether an expression in (x, v, t) is identically zero: True by algebra, False by a counterexample."""
    if expression == 0 or not _coefficients([expression], (), L):
        return True
    (expression,), functions = _generic([expression])
    rng = np.random.default_rng(0)
    for _ in range(10):
        value = expression.evalf(30, subs={s: _sample(s, functions, L, rng) for s in expression.free_symbols})
        if value.is_number and value.is_finite and abs(value) > 1e-15:
            if abs(sp.im(value)) < 1e-15 or expression.has(sp.I):  # else outside the domain, as log(-1)
                return False
    raise ArithmeticError("cannot decide whether this expression vanishes identically (it may help to "
                          f"declare its symbols real or positive): {expression}")


def null_space(conditions, unknowns, L):
    """Constants for which all conditions, linear in them, vanish identically: a basis.

    The last entry of a vector that is not zero belongs to an unknown in no other vector.  Entries are
    polynomials in the parameters without common factor.
    """
    rows, zero = _coefficients(conditions, unknowns, L), set()
    while single := {j for row in rows if len(row) == 1 for j in row}:  # these unknowns are zero
        zero |= single
        rows = [row for row in ({j: e for j, e in row.items() if j not in single} for row in rows) if row]
    rows += [{j: sp.S.One} for j in zero]
    matrix = DomainMatrix.from_dict_sympy(len(rows), len(unknowns), dict(enumerate(rows))).to_field()
    vectors = []
    for vector in matrix.nullspace().to_Matrix().tolist():
        last = next(entry for entry in reversed(vector) if entry != 0)
        fractions = [sp.fraction(sp.factor(entry/last)) for entry in vector]
        scale = sp.lcm_list([d for _, d in fractions])/sp.gcd_list([n for n, _ in fractions])
        vectors.append([sp.cancel(n/d*scale) for n, d in fractions])
    return vectors


def rank_at_least(rank, conditions, unknowns, L):
    """Whether the conditions, linear in the unknowns, reach this rank at random points."""
    if rank == 0:
        return True
    conditions, functions = _generic([e for e in conditions if e != 0])
    symbols = sorted(set().union(*(e.free_symbols for e in conditions)) - set(unknowns), key=str)
    almost_everywhere = {"DiracDelta": lambda x, *order: 0*x}
    rng, n = np.random.default_rng(0), len(unknowns)
    points = [[[float(_sample(s, functions, L, rng))] for _ in range(4*n + 20)] for s in symbols]
    try:
        modules = [almost_everywhere, "numpy", "scipy"]
        function = sp.lambdify([*symbols, *unknowns], conditions, modules, cse=True)
        with np.errstate(all="ignore"):
            values = function(*map(np.array, points), *np.eye(n))
    except (NameError, TypeError, NotImplementedError):  # a function without a numerical counterpart
        return False
    matrix = np.concatenate([np.broadcast_to(value, (4*n + 20, n)) for value in values])
    matrix = matrix[np.isfinite(matrix).all(axis=1)]
    norms = np.linalg.norm(matrix, axis=0)
    singular = np.linalg.svd(matrix/np.where(norms > 0, norms, 1), compute_uv=False)
    return len(singular) >= rank and singular[rank - 1] > 1e-10*singular[0]


def _sample(symbol, functions, L, rng):
    """A random rational value; variables take both signs, unless assumed to have one."""
    value = sp.Rational(int(rng.integers(200, 1800)), 1009)
    variable = symbol in (*L.state, *L.velocity, L.time, *functions)
    negative = symbol.is_negative or (variable and not symbol.is_nonnegative and rng.random() < 0.5)
    return -value if negative else value


def _generic(expressions):
    """Undefined functions and their derivatives replaced by symbols; returns these too."""
    atoms = set().union(*(e.atoms(AppliedUndef, sp.Derivative, sp.Subs) for e in expressions))
    names = {atom: sp.Dummy() for atom in atoms if atom.has(AppliedUndef)}
    return [e.xreplace(names) for e in expressions], list(names.values())


def _coefficients(expressions, unknowns, L):
    """What must vanish for expressions linear in the unknowns to vanish identically in (x, v, t).

    Their numerators are written as polynomials in independent functions of (x, v, t).  Each monomial in
    these gives a row: a dict from the index of an unknown (0 if there are none) to its coefficient.
    """
    expressions, functions = _generic(expressions)
    numerators, independent, relations, constants = _independent(
        expressions, [*L.state, *L.velocity, L.time, *functions])
    parameters = set().union(*(e.free_symbols for e in numerators)) - {*independent, *unknowns}
    ring = PolyRing((*independent, *unknowns, *parameters), sp.QQ, lex)
    n, m, rows = len(independent), len(independent) + len(unknowns), {}
    relations = [(independent.index(R), degree, ring.from_expr(value)) for R, degree, value in relations]
    for i, numerator in enumerate(numerators):
        polynomial = ring.from_expr(numerator)
        for k, degree, value in reversed(relations):  # R**degree = value, the innermost root last
            reduced = ring.zero
            for powers, c in polynomial.terms():
                term = ring({(*powers[:k], powers[k] % degree, *powers[k + 1:]): c})
                reduced += term*value**(powers[k]//degree)
            polynomial = reduced
        for powers, c in polynomial.terms():
            j = powers.index(1, n) - n if unknowns else 0
            entry = rows.setdefault((i, powers[:n]), {}).setdefault(j, {})
            entry[(0,)*m + powers[m:]] = c
    distinct = dict.fromkeys(frozenset((j, ring(entry)) for j, entry in row.items()) for row in rows.values())
    values = [{j: entry.as_expr().xreplace(constants) for j, entry in row} for row in distinct]
    return [row for row in ({j: e for j, e in row.items() if sp.expand(e) != 0} for row in values) if row]


def _independent(expressions, variables):
    """Rewrite in algebraically independent symbols.

    ``exp(q m)``, ``q`` rational, becomes a power of one symbol for each term ``m``; these are independent
    of the variables and of each other (Ax 1971).  A root of ``b`` becomes a symbol ``R`` with a relation
    ``R**n = b``.  Any other function of the variables becomes a symbol, and so does any constant that is
    not rational.

    Returns the numerators, the symbols, the relations ``(R, n, b)`` and the values of the constants.
    """
    degrees, exponentials, roots, others, constants = {}, {}, {}, {}, {}
    for power in set().union(*(e.atoms(sp.Pow) for e in expressions)):
        for term in sp.Add.make_args(sp.expand(power.exp)):
            degrees[power.base] = lcm(degrees.get(power.base, 1), term.q if term.is_Rational else 1)

    def walk(e):
        if e.is_Symbol or e.is_Rational:
            return e
        if e.is_Add or e.is_Mul:
            return e.func(*map(walk, e.args))
        base, exponent = e.as_base_exp()
        if e.is_Pow and exponent.is_Integer:
            return walk(base)**exponent
        if isinstance(e, (TrigonometricFunction, HyperbolicFunction)) and e.rewrite(sp.exp) != e:
            return walk(e.rewrite(sp.exp))
        if not e.has_free(*variables):
            return constants.setdefault(e, sp.Dummy())
        if e.is_Pow and exponent.is_Rational:
            n = degrees[base]
            if base not in roots:
                numerator, denominator = sp.fraction(sp.together(walk(base)))
                roots[base] = sp.Dummy(), n, numerator*denominator**(n - 1), denominator
            return (roots[base][0]/roots[base][-1])**(exponent*n)
        if e.is_Pow or isinstance(e, sp.exp):
            return sp.Mul(*map(exponential, sp.Add.make_args(sp.expand(exponent*sp.log(base)))))
        return others.setdefault(e, sp.Dummy())

    def exponential(term):
        rational, monomial = term.as_coeff_Mul()
        if isinstance(monomial, sp.log) and rational.is_Rational:
            return walk(monomial.args[0]**rational)
        if not term.has_free(*variables) or not rational.is_Rational:
            return walk(sp.exp(term))
        return exponentials.setdefault(monomial, sp.Dummy(positive=True))**rational

    rewritten = [walk(e) for e in expressions]
    fractional = {E: 1 for E in exponentials.values()}
    for power in set().union(*(e.atoms(sp.Pow) for e in rewritten)):
        if power.base in fractional:
            fractional[power.base] = lcm(fractional[power.base], power.exp.q)
    whole = {E: E**n for E, n in fractional.items()}
    numerators = [sp.fraction(sp.together(e.xreplace(whole)))[0] for e in rewritten]
    symbols = [*variables, *whole, *(root[0] for root in roots.values()), *others.values()]
    relations = [(R, n, value.xreplace(whole)) for R, n, value, _ in roots.values()]
    return numerators, symbols, relations, {symbol: e for e, symbol in constants.items()}
