"""All symmetries of a system with ``xi`` polynomial in the state, as an exact basis."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import sympy as sp

from ..inputs import as_number, brief
from .conditions import gauge_equations, invariance
from .exact import null_space, vanishes
from .fields import frame
from .forms import Space
from .hamilton import is_regular
from .integrate import integral
from .lagrange import Lagrangian
from .limits import Deadline, given_up
from .mechanics import hamiltonian
from .picture import Picture
from .rank import null_space_at_random
from .symbols import as_expression, as_sequence, as_symbols

MOST_UNKNOWNS = 2000  # the matrix of their conditions at random points then takes 33 MB


class PointSymmetry(NamedTuple):
    """A symmetry ``t -> t + eps tau``, ``x -> x + eps xi`` and its gauge term."""

    xi: tuple
    tau: sp.Expr
    gauge: sp.Expr


def find_symmetries(
    L, state=None, time=None, degree=1, time_basis=None, max_seconds=None
) -> list[PointSymmetry]:
    """All Noether point symmetries with ``xi`` polynomial in the state, as an exact basis.

    Parameters
    ----------
    L : Lagrangian, Hamiltonian or expression
        A Lagrangian must be quadratic in the velocities with an invertible matrix.  Undefined
        functions, such as ``V(x)``, stand for generic ones.  An expression is read as
        ``Lagrangian(L, state, time)``.
    state, time : optional
        The symbols of ``L``; needed only if ``L`` is an expression.
    degree : int
        Total degree in the state, of ``xi`` and, with noise on some variables only, of ``tau``.
    time_basis : sequence of expressions, optional
        Linearly independent functions of time, ``(1, t, t**2)`` by default.  ``tau`` and the
        coefficients of ``xi`` are sought in their span.
    max_seconds : float, optional
        Give up after about this time; checked between the steps of the search.

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
        could be incomplete; if there is no formula for a gauge term.
    SearchLimitError
        After ``max_seconds``, and for more than 2000 unknown coefficients.  `noetherlib.discover`
        then finds the affine symmetries without gauge term numerically.

    Notes
    -----
    The terms of ``dJ/dt`` cubic in the momenta vanish only if ``D grad tau = 0``.  With noise on
    all variables, ``tau`` depends on time only.  Otherwise it may depend on what the noise does not
    move; it is then sought among polynomials of the same ``degree``.

    The conditions (`conditions`, and those of `fields` for the gauge term to exist) are linear in
    the unknown coefficients and free of ``K``.  At random points they make a matrix of numbers,
    whose null space says how many symmetries there are and which coefficients are zero in all of
    them.  The others are solved for exactly, in independent functions.  Each member is confirmed
    by its conditions.

    References
    ----------
    Noether, Nachr. Ges. Wiss. Goettingen (1918) 235.  Olver, *Applications of Lie Groups to
    Differential Equations* (1993), sections 4.2 and 4.4.
    """
    deadline = Deadline(None if max_seconds is None else as_number(max_seconds, "max_seconds"))
    L = as_lagrangian(L, state, time)
    H = hamiltonian(L)
    if isinstance(degree, bool) or not isinstance(degree, (int, np.integer)) or degree < 0:
        raise ValueError(f"degree: got {brief(degree)}, need an integer >= 0")
    basis = as_time_basis(time_basis, L, deadline)
    space = Space(H.state, H.time, int(degree), 0 if is_regular(H) else int(degree))
    unknowns = space.unknowns()
    known = frame(*gauge_equations(H, *unknowns), space.variables, deadline)
    solutions = solve(space, basis, invariance(H, *unknowns), known, deadline)
    return [PointSymmetry(tuple(xi), tau, K) for (*xi, tau), K in solutions]


def as_time_basis(time_basis, owner, deadline):
    """Linearly independent functions of time, by default 1, t and t**2."""
    t = owner.time
    basis = as_sequence((1, t, t**2) if time_basis is None else time_basis)
    basis = [as_expression("time_basis", g, owner, (t,)) for g in basis]
    if not basis or null_space([dict(enumerate(basis))], len(basis), (t,), deadline):
        raise ValueError(f"time_basis: got {basis}, need linearly independent functions of {t}")
    return basis


def solve(space, basis, free, known, deadline):
    """All ``(*xi, tau)`` that meet the ``free`` conditions and those of the `Frame` ``known``.

    Each comes with the function that has its slopes along the frame's fields.
    """
    generators = _generators(space, basis)
    if len(generators) > MOST_UNKNOWNS:
        raise given_up(f"it has {len(generators)} unknown coefficients, more than {MOST_UNKNOWNS}")
    conditions = [form for form in (*free, *known.conditions) if form.terms]
    found = []
    for vector in _solutions(conditions, generators, deadline):
        deadline.check("the gauge terms")
        functions = [sp.S.Zero] * (len(space.state) + 1)
        for c, (i, powers, g) in zip(vector, generators, strict=True):
            functions[i] += c * _function(space, powers, g)
        if not all(vanishes(form(functions), space.variables) for form in free):
            raise ArithmeticError(f"xi, tau = {functions} does not satisfy what it was found from")
        K = integral(known, {k: slope(functions) for k, slope in known.slopes.items()})
        found.append((functions, K))
    return found


def _generators(space, basis):
    """Candidates ``(component, powers of the state, function of time)``, those of ``tau`` last."""
    dim, powers = len(space.state), {}
    for m in sorted(_exponents(dim, space.degree), reverse=True):
        powers.setdefault(sum(m), []).append(m)
    motions = [(i, m, g) for g in basis for n in sorted(powers) for i in range(dim) for m in powers[n]]
    clocks = [(dim, m, g) for n in range(space.clock_degree + 1) for m in powers[n] for g in basis]
    return motions + clocks


def _exponents(dim, degree):
    """Powers of ``dim`` variables with at most this total degree."""
    if dim == 0:
        return [()]
    return [(n, *rest) for n in range(degree + 1) for rest in _exponents(dim - 1, degree - n)]


def _function(space, powers, g):
    return g * sp.prod(s**k for s, k in zip(space.state, powers, strict=True))


def _solutions(conditions, generators, deadline):
    """A basis of the coefficients with which the generators satisfy all conditions."""
    at_random = null_space_at_random(conditions, generators, deadline)
    if at_random is None:
        raise ArithmeticError(
            "a function in L or time_basis has no numerical counterpart, so that "
            "it cannot be ruled out that symmetries are missed"
        )
    kept = [j for j, row in enumerate(at_random) if np.abs(row).max(initial=0) > 1e-7]
    space, columns = conditions[0].space, []
    for form in conditions:
        deadline.check("the conditions")
        entries = (
            (k, form.of(generators[j][0], _function(space, *generators[j][1:]))) for k, j in enumerate(kept)
        )
        columns.append({k: e for k, e in entries if e != 0})
    vectors = null_space(columns, len(kept), space.variables, deadline)
    if len(vectors) < at_random.shape[1]:
        raise ArithmeticError(
            f"found {len(vectors)} symmetries, but the numerical rank of the equations does not "
            "rule out more: some functions in L or time_basis may be related. Write them in "
            "simpler functions"
        )
    named = [dict(zip(kept, vector, strict=True)) for vector in vectors]
    return [[vector.get(j, 0) for j in range(len(generators))] for vector in named]


def as_lagrangian(L, state, time):
    if not isinstance(L, Picture):
        return Lagrangian(L, state, time)
    if state is not None and as_symbols("state", state) != L.state:
        raise ValueError(f"state: got {state}, but L is written in {L.state}")
    if time not in (None, L.time):
        raise ValueError(f"time: got {time}, but L is written in {L.time}")
    return L
