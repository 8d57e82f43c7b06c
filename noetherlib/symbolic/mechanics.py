"""What follows from a Lagrangian or a Hamiltonian without any symmetry."""

from __future__ import annotations

import sympy as sp

from .exact import vanishes
from .hamilton import Hamiltonian
from .picture import as_picture
from .symbols import as_expression


def momentum(L) -> list:
    """Momenta ``p_i = dL/dv_i``; of a noisy system, ``D^-1 (v - f)/2``.

    Parameters
    ----------
    L : Lagrangian or Hamiltonian

    Returns
    -------
    list of expressions in (x, v, t); of a Hamiltonian, its momentum symbols

    Raises
    ------
    ValueError
        For an ``L`` that is neither.
    """
    return as_picture(L).momenta


def energy(L) -> sp.Expr:
    """Energy ``E = p . v - L``.

    Parameters
    ----------
    L : Lagrangian or Hamiltonian

    Returns
    -------
    expression in (x, v, t); of a Hamiltonian, in (x, p, t)

    Raises
    ------
    ValueError
        For an ``L`` that is neither.
    """
    return as_picture(L).energy


def hamiltonian(L) -> Hamiltonian:
    """The energy in the momenta (``p_x`` for ``x``); of a noisy system, ``p . D p + p . f - U``.

    Parameters
    ----------
    L : Lagrangian or Hamiltonian

    Returns
    -------
    Hamiltonian
        Unpacks as ``expression, momentum``: the expression and the momentum symbols in it.

    Raises
    ------
    ValueError
        If ``L`` is not quadratic in the velocities with an invertible matrix.
    """
    if isinstance(as_picture(L), Hamiltonian):
        return L
    if L.canonical is not None:
        return L.canonical
    inverse, rest = inverse_metric(L), dict.fromkeys(L.velocity, 0)
    start = sp.Matrix([p.subs(rest) for p in L.momenta])
    drift = (-inverse * start).applyfunc(sp.cancel)
    potential = L.expression.subs(rest) + drift.dot(start) / 2
    return Hamiltonian(list(drift), inverse / 2, sp.expand(sp.cancel(potential)), L.state, L.time)


def total_derivative(expression, L) -> sp.Expr:
    """``d/dt`` along a path of an expression in (x, v, t), the accelerations ``L.acceleration``.

    With a Hamiltonian the expression is in (x, p, t), and its derivative is ``d/dt + {., H}``.
    """
    return L.derivative(as_expression("expression", expression, L, L.variables))


def euler_lagrange(L, functions=False) -> list:
    """``d/dt dL/dv_i - dL/dx_i``, which vanish on stationary paths.

    Parameters
    ----------
    L : Lagrangian or Hamiltonian
        With a Hamiltonian, these are Hamilton's equations, ``dx/dt - dH/dp`` and ``dp/dt + dH/dx``.
    functions : bool, optional
        Return equations as a textbook writes them, in ``x(t)`` and its derivatives.

    Returns
    -------
    list
        Of expressions in the state, velocity and acceleration symbols (with a Hamiltonian: the
        state, the momenta and their rates), or of equations.

    Raises
    ------
    ValueError
        For an ``L`` that is neither.
    """
    equations = as_picture(L).residuals
    if not functions:
        return equations
    names = {
        s: sp.Function(symbols[0].name)(L.time).diff(L.time, order)
        for symbols in L.orders
        for order, s in enumerate(symbols)
    }
    return [sp.Eq(e.subs(names, simultaneous=True), 0) for e in equations]


def equations_of_motion(L) -> list:
    """Accelerations on stationary paths, as expressions in (x, v, t).

    With a Hamiltonian: the rates of the state and of the momenta, ``dH/dp`` and ``-dH/dx``.

    Raises ``ValueError`` if ``L`` is not quadratic in the velocities with an invertible matrix.
    """
    if isinstance(as_picture(L), Hamiltonian):
        return L.motion
    inverse, rest = inverse_metric(L), dict.fromkeys(L.acceleration, 0)
    force = -sp.Matrix([e.subs(rest) for e in L.residuals])
    return [sp.expand_mul(a if inverse.is_diagonal() else sp.cancel(a)) for a in inverse * force]


def inverse_metric(L):
    """Inverse of the second derivatives in the velocities, which must not depend on them."""
    G = sp.hessian(L.expression, L.velocity)
    if not all(vanishes(sp.diff(e, v), L.variables) for e in G for v in L.velocity):
        raise ValueError(f"L: got {L.expression}, need one quadratic in the velocities {L.velocity}")
    G = G.subs(dict.fromkeys(L.velocity, 0)).applyfunc(sp.cancel)
    if vanishes(G.det(), L.variables):
        raise ValueError(
            f"L: got {L.expression}, whose second derivatives in the velocities are not invertible"
        )
    return G.inv().applyfunc(sp.cancel)
