"""Lie point symmetries of the Fokker-Planck and of the backward equation, as an exact basis.

A symmetry moves time, state and solution, ``t -> t + eps tau``, ``x -> x + eps xi``, ``u -> u + eps a
u``.  It is one of the backward equation ``P u = u_t + f . grad u + D : grad grad u = 0`` if ``X = tau
d_t + xi . grad - a`` obeys ``[P, X] = tau_t P``.  Sorted by the derivatives of ``u`` this says, with
``D`` free of the state,

    D grad tau = 0,   (grad xi) D + D (grad xi)^T - d_t(tau D) = 0
    2 D grad a = xi_t + (f . grad) xi - (xi . grad) f - d_t(tau f)
    a_t + f . grad a = -D : grad grad a

which are Noether's conditions (`conditions`) with ``a`` for the gauge term, but for the last right
side.  The adjoint of the commutator has ``-a - div xi`` for ``a``: that is the forward equation.
"""

from __future__ import annotations

import sympy as sp

from ..inputs import as_number, brief
from .conditions import gauge_equations, invariance
from .fields import frame, total
from .forms import Space
from .hamilton import Hamiltonian, is_regular
from .lamperti import flattened
from .limits import Deadline
from .parabolic import DensitySymmetries, DensitySymmetry
from .search import as_time_basis, solve

HALF = sp.Rational(1, 2)


def density_symmetries(
    drift, diffusion=None, state=None, time=None, equation="forward", time_basis=None, max_seconds=None
) -> DensitySymmetries:
    """All Lie point symmetries of the Fokker-Planck or of the backward equation, as an exact basis.

    Parameters
    ----------
    drift : System, expression, or one expression for each state
        ``f(x, t)``; or a system of `noetherlib.System.from_sympy`, which brings the next three too.
    diffusion : expression, one for each state, or a symmetric matrix
        ``D(t)``, invertible; in one dimension ``D(x)`` as well.
    state, time : Symbol or sequence of Symbol; Symbol
        The default time is the symbol named ``t``.
    equation : {"forward", "backward"}
        ``rho_t = -div(f rho) + grad grad : (D rho)`` of the density (Fokker-Planck), or ``u_t + f .
        grad u + D : grad grad u = 0`` of the mean of a later quantity (Kolmogorov).  Itô.
    time_basis : sequence of expressions, optional
        Linearly independent functions of time, ``(1, t, t**2)`` by default.  ``tau`` and the
        coefficients of ``xi`` are sought in their span.  A linear drift with eigenvalues ``k`` wants
        ``exp(k t)``, ``exp(-k t)`` and the products of two of these.
    max_seconds : float, optional
        Give up after about this time; checked between the steps of the search.

    Returns
    -------
    DensitySymmetries
        A sequence of ``(xi, tau, amplitude, gauge)``, those with ``tau = 0`` first and the centre,
        ``u d/du``, last.  Superposition is no part of it.

    Raises
    ------
    ValueError
        If an argument is not of this form; for a ``D`` that is singular, depends on the state in
        more than one dimension, or on state and time; where no formula for the Lamperti transform
        is found.
    ArithmeticError, SearchLimitError
        As in `find_symmetries`.

    Notes
    -----
    Up to superposition, a point symmetry of such a linear equation is linear in ``u``, and ``xi``
    and ``tau`` are free of ``u`` (Ovsiannikov 1982).  With ``D`` free of the state, ``tau`` depends
    on time alone and ``xi`` is affine in the state.  So nothing is lost but what the span of
    ``time_basis`` lacks.  A ``D(x)`` is made constant first, by ``dy = dx/sqrt(D)``; roots and
    logarithms in the result are meant for positive states.

    With the gauge term ``K`` of the Onsager-Machlup action and ``c = tau_t/2`` for each dimension
    (plus the logarithmic rate of the volume of ``D(t)``), amplitudes are ``K - c/2`` backward and
    ``c/2 - K - div xi`` forward.  Parameters are generic: special values may have more symmetries.
    Each member is confirmed by its commutator with the equation.

    References
    ----------
    Ovsiannikov, *Group Analysis of Differential Equations* (1982).  Olver, *Applications of Lie
    Groups to Differential Equations* (1993), section 2.4.
    """
    deadline = Deadline(None if max_seconds is None else as_number(max_seconds, "max_seconds"))
    if equation not in ("forward", "backward"):
        raise ValueError(f"equation: got {brief(equation)}, need 'forward' or 'backward'")
    H = _system(drift, diffusion, state, time)
    basis, flat = as_time_basis(time_basis, H, deadline), flattened(H)
    y, space = flat.system.state, Space(flat.system.state, H.time, 1, 0)
    unknowns = space.unknowns()
    fields, (*slopes, power) = gauge_equations(flat.system, *unknowns)
    spread = total(slope.diff(s) for slope, s in zip(slopes, y, strict=True)) * HALF
    known = frame(fields, [*slopes, power - spread], space.variables, deadline)
    solutions = solve(space, basis, invariance(flat.system, *unknowns), known, deadline)

    algebra, members = DensitySymmetries((), equation, H), []
    forward = equation == "forward"
    centre = [sp.S.Zero] * (H.dim + 1), sp.S.NegativeOne if forward else sp.S.One
    for (*moves, tau), a in [*solutions, centre]:
        deadline.check("the proof of each symmetry")
        xi, gauge = flat.moves(moves), flat.value(a + _divergence(moves, y) * HALF)
        a = flat.value(a)
        if forward:
            a = -a - _divergence(xi, H.state)
        members.append(DensitySymmetry(xi, tau, sp.expand(a), sp.expand(gauge)))
        if not algebra.commutes(members[-1]):
            raise ArithmeticError(f"{members[-1]} does not satisfy what it was found from")
    return DensitySymmetries(tuple(members), equation, H)


def _divergence(moves, state):
    return sp.Add(*(e.diff(s) for e, s in zip(moves, state, strict=True)))


def _system(drift, diffusion, state, time):
    """The arguments as a `Hamiltonian` without potential; its noise must reach all variables."""
    if hasattr(drift, "flow"):
        if not hasattr(drift.flow, "expressions"):
            raise ValueError(f"drift: got {drift}, which has no formula; need one of System.from_sympy")
        if any(each is not None for each in (diffusion, state, time)):
            raise ValueError("diffusion, state, time: a System brings its own; give none of them")
        (drift, diffusion), state, time = drift.flow.expressions, drift.flow.state, drift.flow.time
    for name, each in ("diffusion", diffusion), ("state", state):
        if each is None:
            raise ValueError(f"{name}: got None, need it unless drift is a System")
    H = Hamiltonian(drift, diffusion, 0, state, time)
    if H.diffusion.is_positive_semidefinite is False:
        raise ValueError(f"diffusion: got {H.diffusion.tolist()}, need a matrix that is positive definite")
    if not is_regular(H):
        raise ValueError(
            f"diffusion: got {H.diffusion.tolist()}, which is singular. With noise on some variables only, "
            "tau may depend on the state and the equation is not parabolic: this search does not cover it"
        )
    return H
