"""Noether's theorem: invariance, charges, gauge terms, and all symmetries of a Lagrangian."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
import sympy as sp

from ..inputs import as_a
from .exact import null_space, rank_at_least, vanishes
from .mechanics import (
    Lagrangian,
    as_expression,
    as_sequence,
    as_symbols,
    dot,
    energy,
    inverse_metric,
    momentum,
    total_derivative,
)


def invariance_defect(L, xi, tau=0, gauge=0) -> sp.Expr:
    """``delta = tau dL/dt + xi . dL/dx + (d_t xi - v d_t tau) . p + L d_t tau - d_t K``, in (x, v, t).

    It vanishes identically for a symmetry with gauge term ``K``.  Otherwise it drives the charge:
    ``dJ/dt = delta`` along stationary paths (Olver 1993, sections 4.2 and 4.4).

    Parameters
    ----------
    L : Lagrangian
    xi : expression, or one for each state
        ``xi(x, t)``.
    tau, gauge : expression
        ``tau(x, t)`` and ``K(x, t)``.
    """
    as_a(Lagrangian, L, "L")
    xi, tau, gauge = _transformation(L, xi, tau, gauge)
    rate = total_derivative(tau, L)
    return (tau*sp.diff(L.expression, L.time) + L.expression*rate - total_derivative(gauge, L)
            + sum(g*sp.diff(L.expression, s) + (total_derivative(g, L) - v*rate)*p
                  for g, s, v, p in zip(xi, L.state, L.velocity, momentum(L), strict=True)))


def noether_charge(L, xi, tau=0, gauge=0) -> sp.Expr:
    """Charge ``J = p . xi - E tau - K``, constant along stationary paths if this is a symmetry.

    Parameters
    ----------
    L : Lagrangian
    xi : expression, or one for each state
        ``xi(x, t)``.
    tau, gauge : expression
        ``tau(x, t)`` and ``K(x, t)``.

    Returns
    -------
    expression in (x, v, t)

    Raises
    ------
    ValueError
        For a wrong number of components or symbols that are not those of ``L``.
    """
    as_a(Lagrangian, L, "L")
    xi, tau, gauge = _transformation(L, xi, tau, gauge)
    return dot(momentum(L), xi) - energy(L)*tau - gauge


def gauge_term(L, xi, tau=0) -> sp.Expr | None:
    """The ``K(x, t)`` that makes a transformation a symmetry, or None if there is none.

    ``delta0 = dK/dt + v . grad K`` holds for some ``K`` (locally) if and only if ``delta0`` is affine in
    the velocities, ``b . v + c``, with ``db_i/dx_j = db_j/dx_i`` and ``db_i/dt = dc/dx_i``.  ``K`` then
    follows by integrating one variable after the other; it is unique up to a constant.

    Parameters
    ----------
    L : Lagrangian
    xi : expression, or one for each state
        ``xi(x, t)``.
    tau : expression
        ``tau(x, t)``.

    Returns
    -------
    expression or None

    Raises
    ------
    ArithmeticError
        If a condition can be neither proved nor refuted.

    Notes
    -----
    Both answers are proofs: ``K`` satisfies its equation identically, and None means that one of the
    conditions fails at a point.  If sympy knows no antiderivative, ``K`` holds an unevaluated integral.
    """
    defect = invariance_defect(L, xi, tau)
    if all(vanishes(condition, L) for condition in _gauge_conditions(L, defect)):
        return _integrate_gauge(L, defect)
    return None


class PointSymmetry(NamedTuple):
    """A symmetry ``t -> t + eps tau``, ``x -> x + eps xi`` and its gauge term."""

    xi: tuple
    tau: sp.Expr
    gauge: sp.Expr


def find_symmetries(L, state=None, time=None, degree=1, time_basis=None) -> list[PointSymmetry]:
    """All Noether point symmetries with ``xi`` polynomial in the state, as an exact basis.

    Parameters
    ----------
    L : Lagrangian or expression
        Quadratic in the velocities with an invertible matrix.  Undefined functions, such as ``V(x)``,
        stand for generic ones.  An expression is read as ``Lagrangian(L, state, time)``.
    state, time : optional
        The symbols of ``L``; needed only if ``L`` is an expression.
    degree : int
        Total degree of ``xi`` in the state.
    time_basis : sequence of expressions, optional
        Linearly independent functions of time, ``(1, t, t**2)`` by default.  ``tau`` and the
        coefficients of ``xi`` are sought in their span.

    Returns
    -------
    list of PointSymmetry
        Tuples ``(xi, tau, gauge)``, those with ``tau = 0`` first; empty if there is none.

    Raises
    ------
    ValueError
        If an argument is not of this form.
    ArithmeticError
        If the functions in ``L`` may be related in a way the algebra does not see, so that the list
        could be incomplete.

    Notes
    -----
    ``tau`` depends on time only: with ``G`` the matrix of second derivatives of ``L`` in ``v``, the terms
    of ``delta0`` cubic in ``v`` are ``-(v . G v)(v . grad tau)/2``, and vanish only if ``grad tau = 0``.

    The conditions of `gauge_term` are linear in the unknown constants and free of ``K``.  Written in
    independent functions, they make a matrix whose null space is computed exactly.  Each member is
    confirmed by ``delta = 0``; that none is missing, by the rank of the same conditions at random points.

    References
    ----------
    Noether, Nachr. Ges. Wiss. Goettingen (1918) 235.  Olver, *Applications of Lie Groups to
    Differential Equations* (1993), sections 4.2 and 4.4.
    """
    L = as_lagrangian(L, state, time)
    inverse_metric(L)
    if isinstance(degree, bool) or not isinstance(degree, (int, np.integer)) or degree < 0:
        raise ValueError(f"degree: got {degree!r}, need an integer >= 0")
    basis = as_sequence((1, L.time, L.time**2) if time_basis is None else time_basis)
    basis = [as_expression("time_basis", g, L, (L.time,)) for g in basis]
    labels = [sp.Dummy() for _ in basis]
    if not basis or null_space([dot(labels, basis)], labels, L):
        raise ValueError(f"time_basis: got {basis}, need linearly independent functions of {L.time}")

    powers = sorted((m for m in np.ndindex(*[degree + 1]*L.dim) if sum(m) <= degree), reverse=True)
    motions = [(i, g*sp.prod(s**k for s, k in zip(L.state, m, strict=True)))
               for g in basis for n in range(degree + 1) for i in range(L.dim) for m in powers if sum(m) == n]
    unknowns = [sp.Dummy() for _ in (*motions, *basis)]
    xi = [dot(unknowns, [e if i == j else 0 for j, e in motions] + [0]*len(basis)) for i in range(L.dim)]
    tau = dot(unknowns, [0]*len(motions) + basis)
    conditions = _gauge_conditions(L, invariance_defect(L, xi, tau))
    vectors = null_space(conditions, unknowns, L)
    if not rank_at_least(len(unknowns) - len(vectors), conditions, unknowns, L):
        raise ArithmeticError(
            f"found {len(vectors)} symmetries, but the numerical rank of the equations does not rule out "
            "more: some functions in L or time_basis may be related. Write them in simpler functions")
    found = []
    for vector in vectors:
        g, h = ([e.xreplace(dict(zip(unknowns, vector, strict=True))) for e in part] for part in (xi, [tau]))
        found.append(PointSymmetry(tuple(g), h[0], _integrate_gauge(L, invariance_defect(L, g, h[0]))))
    return found


# --- The gauge term: its conditions and its integration ---------------------------------------


def _affine_parts(L, defect):
    """``b, c`` of ``b . v + c``, read off at ``v = 0``, or elsewhere if that is singular."""
    for scale in (0, 1):
        point = {v: scale*(i + 1) for i, v in enumerate(L.velocity)}
        b = [sp.diff(defect, v).subs(point) for v in L.velocity]
        c = defect.subs(point) - dot(b, point.values())
        if not any(e.has(sp.nan, sp.zoo, sp.oo) for e in (*b, c)):
            return b, c
    raise ArithmeticError(f"the invariance defect is singular at the velocities tried: {defect}")


def _gauge_conditions(L, defect):
    """Expressions that all vanish if and only if (locally) ``defect = dK/dt + v . grad K``."""
    (b, c), x, v = _affine_parts(L, defect), L.state, L.velocity
    return ([sp.diff(defect, v[i], v[j]) for i in range(L.dim) for j in range(i, L.dim)]
            + [sp.diff(b[i], x[j]) - sp.diff(b[j], x[i]) for i, j in combinations(range(L.dim), 2)]
            + [sp.diff(b[i], L.time) - sp.diff(c, x[i]) for i in range(L.dim)])


def _integrate_gauge(L, defect):
    """``K`` with ``d_t K = defect``: one variable after the other, then confirmed by differentiation."""
    b, c = _affine_parts(L, defect)
    K, variables = sp.S.Zero, (*L.state, L.time)
    for i, (symbol, slope) in enumerate(zip(variables, (*b, c), strict=True)):
        rest = sp.expand(slope - sp.diff(K, symbol))  # does not depend on the variables done
        part = sp.integrate(sp.simplify(rest) if rest.has_free(*variables[:i]) else rest, symbol)
        K += part.replace(  # sympy splits off cases such as k = 0 in exp(k t)/k; parameters are generic here
            lambda e: isinstance(e, sp.Piecewise) and not e.args[0].cond.has_free(*variables),
            lambda e: e.args[0].expr)
    K = min((sp.factor(K), sp.expand(K), K), key=sp.count_ops)
    if not vanishes(defect - total_derivative(K, L), L):
        raise ArithmeticError(f"sympy's integral {K} for the gauge term does not satisfy its equation")
    return K


# --- Arguments --------------------------------------------------------------------------------


def _transformation(L, xi, tau, gauge):
    xi, tau, gauge = ([as_expression(name, e, L, (*L.state, L.time)) for e in as_sequence(value)]
                      for name, value in (("xi", xi), ("tau", tau), ("gauge", gauge)))
    for name, value, size in ("xi", xi, L.dim), ("tau", tau, 1), ("gauge", gauge, 1):
        if len(value) != size:
            raise ValueError(f"{name}: got {len(value)} components, need {size}")
    return xi, tau[0], gauge[0]


def as_lagrangian(L, state, time):
    if not isinstance(L, Lagrangian):
        return Lagrangian(L, state, time)
    if state is not None and as_symbols("state", state) != L.state:
        raise ValueError(f"state: got {state}, but L is written in {L.state}")
    if time not in (None, L.time):
        raise ValueError(f"time: got {time}, but L is written in {L.time}")
    return L
