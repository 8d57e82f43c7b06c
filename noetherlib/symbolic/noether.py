"""Noether's theorem for one transformation: invariance, charge, gauge term."""

from __future__ import annotations

from itertools import combinations

import sympy as sp

from .conditions import gauge_equations, invariance
from .exact import vanishes
from .fields import Frame, frame
from .hamilton import Hamiltonian
from .integrate import integral
from .limits import Deadline
from .picture import as_picture
from .symbols import as_expression, as_sequence, dot


def invariance_defect(L, xi, tau=0, gauge=0) -> sp.Expr:
    """``delta = tau dL/dt + xi . dL/dx + (d_t xi - v d_t tau) . p + L d_t tau - d_t K``.

    It is in (x, v, t), and vanishes identically for a symmetry with gauge term ``K``.  Otherwise
    it drives the charge: ``dJ/dt = delta`` along stationary paths (Olver 1993, sections 4.2 and
    4.4).  With a Hamiltonian it is in (x, p, t), and equals ``dJ/dt + {J, H}`` there.

    Parameters
    ----------
    L : Lagrangian or Hamiltonian
    xi : expression, or one for each state
        ``xi(x, t)``.
    tau, gauge : expression
        ``tau(x, t)`` and ``K(x, t)``.
    """
    xi, tau, gauge = _transformation(as_picture(L), xi, tau, gauge)
    rate = L.derivative(tau)
    return (
        tau * L.power
        + L.value * rate
        - L.derivative(gauge)
        + sum(
            g * force + (L.derivative(g) - v * rate) * p
            for g, force, v, p in zip(xi, L.forces, L.rates, L.momenta, strict=True)
        )
    )


def noether_charge(L, xi, tau=0, gauge=0) -> sp.Expr:
    """Charge ``J = p . xi - E tau - K``, constant along stationary paths if this is a symmetry.

    Parameters
    ----------
    L : Lagrangian or Hamiltonian
    xi : expression, or one for each state
        ``xi(x, t)``.
    tau, gauge : expression
        ``tau(x, t)`` and ``K(x, t)``.

    Returns
    -------
    expression in (x, v, t); with a Hamiltonian, in (x, p, t)

    Raises
    ------
    ValueError
        For a wrong number of components or symbols that are not those of ``L``.
    """
    xi, tau, gauge = _transformation(as_picture(L), xi, tau, gauge)
    return dot(L.momenta, xi) - L.energy * tau - gauge


def gauge_term(L, xi, tau=0) -> sp.Expr | None:
    """The ``K(x, t)`` that makes a transformation a symmetry, or None if there is none.

    ``delta0 = dK/dt + v . grad K`` holds for some ``K`` (locally) if and only if ``delta0`` is
    affine in the velocities, ``b . v + c``, with ``db_i/dx_j = db_j/dx_i`` and ``db_i/dt =
    dc/dx_i``.  ``K`` then follows by integrating one variable after the other; it is unique up to
    a constant.

    With a Hamiltonian, ``K`` has given derivatives along the noisy directions and along the drift;
    it exists if these agree along all brackets of such fields.  It is unique up to a constant
    where noise and drift reach everywhere, and up to what no path changes where they do not.

    Parameters
    ----------
    L : Lagrangian or Hamiltonian
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
        If a condition can be neither proved nor refuted, or ``K`` exists and no formula for it is
        found.

    Notes
    -----
    Both answers are proofs: ``K`` satisfies its equation identically, and None means that one of
    the conditions fails at a point.  If sympy knows no antiderivative, ``K`` holds an unevaluated
    integral.
    """
    xi, tau, _ = _transformation(as_picture(L), xi, tau, 0)
    if isinstance(L, Hamiltonian):
        variables, conditions = (*L.state, L.time), invariance(L, xi, tau)
        if not all(vanishes(e, variables) for e in conditions):
            return None
        known = frame(*gauge_equations(L, xi, tau), variables, Deadline())
    else:
        known = _velocity_frame(L, invariance_defect(L, xi, tau))
    if all(vanishes(e, L.variables) for e in known.conditions):
        return integral(known)
    return None


def _velocity_frame(L, defect):
    """The slopes of ``K``, read off a defect that is to be ``dK/dt + v . grad K``."""
    (b, c), x, v, n = _affine_parts(L, defect), L.state, L.velocity, L.dim
    conditions = (
        [sp.diff(defect, v[i], v[j]) for i in range(n) for j in range(i, n)]
        + [sp.diff(b[i], x[j]) - sp.diff(b[j], x[i]) for i, j in combinations(range(n), 2)]
        + [sp.diff(b[i], L.time) - sp.diff(c, x[i]) for i in range(n)]
    )
    fields = {k: [sp.Integer(k == j) for j in range(n + 1)] for k in range(n + 1)}
    return Frame((*x, L.time), fields, dict(enumerate((*b, c))), conditions)


def _affine_parts(L, defect):
    """``b, c`` of ``b . v + c``, read off at ``v = 0``, or elsewhere if that is singular."""
    for scale in (0, 1):
        point = {v: scale * (i + 1) for i, v in enumerate(L.velocity)}
        b = [sp.diff(defect, v).subs(point) for v in L.velocity]
        c = defect.subs(point) - dot(b, point.values())
        if not any(e.has(sp.nan, sp.zoo, sp.oo) for e in (*b, c)):
            return b, c
    raise ArithmeticError(f"the invariance defect is singular at the velocities tried: {defect}")


def _transformation(L, xi, tau, gauge):
    xi, tau, gauge = (
        [as_expression(name, e, L, (*L.state, L.time)) for e in as_sequence(value)]
        for name, value in (("xi", xi), ("tau", tau), ("gauge", gauge))
    )
    for name, value, size in ("xi", xi, L.dim), ("tau", tau, 1), ("gauge", gauge, 1):
        if len(value) != size:
            raise ValueError(f"{name}: got {len(value)} components, need {size}")
    return xi, tau[0], gauge[0]
