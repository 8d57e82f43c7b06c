"""Noether's theorem in exact algebra: Lagrangians, charges, gauge terms, symmetries.

The transformation ``t -> t + eps tau(x, t)``, ``x -> x + eps xi(x, t)`` changes the action
``S = int L dt``, at first order in ``eps``, by the integral of

    delta0 = tau dL/dt + xi . dL/dx + (d_t xi - v d_t tau) . p + L d_t tau,      p = dL/dv,

where ``d_t = d/dt + v . d/dx`` is the total derivative.  It is a symmetry if ``delta0 = d_t K`` for
some gauge term ``K(x, t)``.  Then ``J = p . xi - E tau - K`` is constant along every path of
stationary action (Noether 1918; Bessel-Hagen 1921).

    >>> from sympy import symbols
    >>> x, t, c, D = symbols("x t c D")
    >>> L = lagrangian(c, D, x, t)                 # drift-diffusion: dx = c dt + sqrt(2 D) dW
    >>> gauge_term(L, xi=t)                        # a boost is a symmetry with this K
    (-c*t + x)/(2*D)
    >>> len(find_symmetries(L))
    5

Every answer is exact.  Parameters are generic: special values may have more symmetries.  Where
sympy cannot decide whether an expression vanishes, an ``ArithmeticError`` says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from math import lcm
from typing import NamedTuple

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.functions.elementary.hyperbolic import HyperbolicFunction
from sympy.functions.elementary.trigonometric import TrigonometricFunction
from sympy.polys.matrices import DomainMatrix
from sympy.polys.orderings import lex
from sympy.polys.rings import PolyRing

from .inputs import as_a

# --- Lagrangians ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lagrangian:
    """A Lagrangian ``L(x, v, t)`` and the symbols it is written in.

    `lagrangian` builds the one of a noisy system; a mechanical one is given directly:

        >>> m, x, v = sp.symbols("m x v")
        >>> energy(Lagrangian(m*v**2/2 - sp.Function("V")(x), x, velocity=v))
        m*v**2/2 + V(x)

    Floats are read as the decimal fractions they print as.  ``time`` is by default the symbol named
    ``t``, ``velocity`` is ``velocities(state)``: ``xdot`` for ``x``, ``xdot1`` for ``x1``.

    Raises ``ValueError`` if symbols repeat or clash, or if no velocity occurs in the expression.
    """

    expression: sp.Expr
    state: tuple
    time: sp.Symbol | None = None
    velocity: tuple | None = None

    def __post_init__(self):
        expression, state = _exact("expression", self.expression), _symbols("state", self.state)
        time = _time(self.time, [expression])
        velocity = velocities(state) if self.velocity is None else _symbols("velocity", self.velocity)
        if len(velocity) != len(state):
            raise ValueError(f"velocity: got {len(velocity)} symbols, need {len(state)}, one for each state")
        if len({s.name for s in (*state, *velocity, time)}) < 2*len(state) + 1:
            raise ValueError(f"state: {state}, velocity {velocity} and time {time} need distinct names")
        for name, value in dict(expression=expression, state=state, time=time, velocity=velocity).items():
            object.__setattr__(self, name, value)
        _expression("expression", expression, self, (*state, *velocity, time))
        if not expression.has_free(*velocity):
            raise ValueError(f"expression: got {expression}, which has none of the velocities {velocity}; "
                             "write it in these symbols or name yours by velocity=")

    @property
    def dim(self) -> int:
        """Number of state variables."""
        return len(self.state)

    @property
    def acceleration(self) -> tuple:
        """Symbols of the accelerations: ``xddot`` for ``x``."""
        return tuple(_dotted(s, "ddot") for s in self.state)

    def lambdify(self, parameters=None) -> Callable:
        """The Lagrangian as a vectorized numpy function of ``(x, v, t)``; see `lambdify`."""
        return lambdify(self.expression, self, parameters)

    def _repr_latex_(self):
        return f"$\\displaystyle {sp.latex(self.expression)}$"


def velocities(state) -> tuple:
    """Symbols of the velocities: ``xdot`` for ``x``, ``xdot1`` for ``x1``; LaTeX prints the dot."""
    return tuple(_dotted(s, "dot") for s in _symbols("state", state))


def lagrangian(drift, diffusion, state, time=None, functional="onsager-machlup") -> Lagrangian:
    """Lagrangian ``(v - f)^T D^-1 (v - f)/4 + U`` of the most likely paths of ``dx = f dt + sqrt(2 D) dW``.

    Parameters
    ----------
    drift : expression, or one for each state
        ``f(x, t)``.
    diffusion : expression, one for each state, or a symmetric matrix
        ``D(t)``, half the noise covariance per unit time.
    state, time : Symbol or sequence of Symbol; Symbol
        The default time is the symbol named ``t``.
    functional : {"onsager-machlup", "freidlin-wentzell"} or expression
        ``U = (div f)/2`` (the most likely tube at finite noise), ``U = 0`` (the limit of weak noise;
        here ``D`` may depend on the state), or any ``U(x, t)``.

    Returns
    -------
    Lagrangian

    Raises
    ------
    ValueError
        For a wrong shape, an unknown functional, a ``D`` that is not symmetric or not positive
        definite, and for Onsager-Machlup with a ``D`` that depends on the state.

    References
    ----------
    Onsager and Machlup, Phys. Rev. 91 (1953) 1505.  Duerr and Bach, Commun. Math. Phys. 60 (1978)
    153.  Freidlin and Wentzell, *Random Perturbations of Dynamical Systems*.
    """
    state = _symbols("state", state)
    f, D = [_exact("drift", e) for e in _sequence(drift)], _diffusion_matrix(diffusion, len(state))
    if len(f) != len(state):
        raise ValueError(f"drift: got {len(f)} components, need {len(state)}, one for each state")
    if functional in ("freidlin-wentzell", "fw"):
        U = sp.S.Zero
    elif functional in ("onsager-machlup", "om"):
        U = sum(sp.diff(e, s) for e, s in zip(f, state, strict=True))/2
        if any(d.has_free(*state) for d in D):
            raise ValueError(
                f"diffusion: got {diffusion}, which depends on the state. Onsager-Machlup then has terms of "
                "the metric of D besides (div f)/2, so it is refused. Take functional='freidlin-wentzell', "
                "or in one dimension, drift b = f - D'/2 with functional=(b' - b*D'/(2*D))/2, which is exact")
    elif isinstance(functional, str):
        raise ValueError(f"functional: got {functional!r}, need 'onsager-machlup', 'freidlin-wentzell' "
                         "or a sympy expression U(x, t)")
    else:
        U = _exact("functional", functional)
    for name, values in ("drift", f), ("diffusion", D), ("functional", [U]):
        if any(e.has_free(*velocities(state)) for e in values):
            raise ValueError(f"{name}: must not depend on the velocities {velocities(state)}")
    w = sp.Matrix(velocities(state)) - sp.Matrix(f)
    if D.is_diagonal():
        kinetic = sum(rate**2/(4*d) for rate, d in zip(w, D.diagonal(), strict=True))
    else:
        kinetic = (w.T*D.adjugate()*w)[0]/(4*D.det())
    return Lagrangian(kinetic + U, state, _time(time, [*f, *D, U]))


# --- Mechanics --------------------------------------------------------------------------------


def momentum(L) -> list:
    """Momenta ``p_i = dL/dv_i``; of a noisy system, ``D^-1 (v - f)/2``.

    Parameters
    ----------
    L : Lagrangian

    Returns
    -------
    list of expressions in (x, v, t)

    Raises
    ------
    ValueError
        For an ``L`` that is no `Lagrangian`.
    """
    as_a(Lagrangian, L, "L")
    return [sp.diff(L.expression, v) for v in L.velocity]


def energy(L) -> sp.Expr:
    """Energy ``E = p . v - L``.

    Parameters
    ----------
    L : Lagrangian

    Returns
    -------
    expression in (x, v, t)

    Raises
    ------
    ValueError
        For an ``L`` that is no `Lagrangian`.
    """
    as_a(Lagrangian, L, "L")
    G, v = sp.hessian(L.expression, L.velocity), sp.Matrix(L.velocity)
    if any(e.has_free(*v) for e in G):
        return sp.expand(_dot(momentum(L), v) - L.expression)
    return (v.T*G*v)[0]/2 - L.expression.subs(dict.fromkeys(v, 0))  # quadratic: nothing to cancel


class Hamiltonian(NamedTuple):
    """``expression`` of the Hamiltonian and the ``momentum`` symbols in it."""

    expression: sp.Expr
    momentum: tuple


def hamiltonian(L) -> Hamiltonian:
    """The energy in terms of the momenta (``p_x`` for ``x``); of a noisy system, ``p . D p + p . f - U``.

    Parameters
    ----------
    L : Lagrangian

    Returns
    -------
    Hamiltonian
        ``expression`` and the ``momentum`` symbols in it.

    Raises
    ------
    ValueError
        If ``L`` is not quadratic in the velocities with an invertible matrix.
    """
    as_a(Lagrangian, L, "L")
    p, rest = tuple(sp.Symbol(f"p_{s.name}") for s in L.state), dict.fromkeys(L.velocity, 0)
    w = sp.Matrix(p) - sp.Matrix(momentum(L)).subs(rest)
    inverse = _inverse_metric(L)
    H = (w.T*inverse*w)[0]/2 - L.expression.subs(rest)
    return Hamiltonian(sp.expand(H if inverse.is_diagonal() else sp.cancel(H)), p)


def total_derivative(expression, L) -> sp.Expr:
    """``d/dt`` along a path of an expression in (x, v, t); the accelerations are ``L.acceleration``."""
    e = _expression("expression", expression, L, (*L.state, *L.velocity, L.time))
    slopes = [sp.diff(e, s) for s in (*L.state, *L.velocity, L.time)]
    return _dot(slopes, (*L.velocity, *L.acceleration, 1))


def euler_lagrange(L, functions=False) -> list:
    """``d/dt dL/dv_i - dL/dx_i``, which vanish on stationary paths.

    Parameters
    ----------
    L : Lagrangian
    functions : bool, optional
        Return equations as a textbook writes them, in ``x(t)`` and its derivatives.

    Returns
    -------
    list
        Of expressions in the state, velocity and acceleration symbols, or of equations.

    Raises
    ------
    ValueError
        For an ``L`` that is no `Lagrangian`.
    """
    as_a(Lagrangian, L, "L")
    equations = [sp.expand_mul(total_derivative(p, L) - sp.diff(L.expression, s))
                 for p, s in zip(momentum(L), L.state, strict=True)]
    if not functions:
        return equations
    path = [sp.Function(s.name)(L.time) for s in L.state]
    names = {}
    for order, symbols in enumerate((L.state, L.velocity, L.acceleration)):
        names.update((s, x.diff(L.time, order)) for s, x in zip(symbols, path, strict=True))
    return [sp.Eq(e.subs(names, simultaneous=True), 0) for e in equations]


def equations_of_motion(L) -> list:
    """Accelerations on stationary paths, as expressions in (x, v, t).

    Raises ``ValueError`` if ``L`` is not quadratic in the velocities with an invertible matrix.
    """
    inverse, rest = _inverse_metric(L), dict.fromkeys(L.acceleration, 0)
    force = -sp.Matrix([e.subs(rest) for e in euler_lagrange(L)])
    return [sp.expand_mul(a if inverse.is_diagonal() else sp.cancel(a)) for a in inverse*force]


# --- Noether's theorem ------------------------------------------------------------------------


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
    return _dot(momentum(L), xi) - energy(L)*tau - gauge


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
    if all(_vanishes(condition, L) for condition in _gauge_conditions(L, defect)):
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
    L = _as_lagrangian(L, state, time)
    _inverse_metric(L)
    if isinstance(degree, bool) or not isinstance(degree, (int, np.integer)) or degree < 0:
        raise ValueError(f"degree: got {degree!r}, need an integer >= 0")
    basis = _sequence((1, L.time, L.time**2) if time_basis is None else time_basis)
    basis = [_expression("time_basis", g, L, (L.time,)) for g in basis]
    labels = [sp.Dummy() for _ in basis]
    if not basis or _null_space([_dot(labels, basis)], labels, L):
        raise ValueError(f"time_basis: got {basis}, need linearly independent functions of {L.time}")

    powers = sorted((m for m in np.ndindex(*[degree + 1]*L.dim) if sum(m) <= degree), reverse=True)
    motions = [(i, g*sp.prod(s**k for s, k in zip(L.state, m, strict=True)))
               for g in basis for n in range(degree + 1) for i in range(L.dim) for m in powers if sum(m) == n]
    unknowns = [sp.Dummy() for _ in (*motions, *basis)]
    xi = [_dot(unknowns, [e if i == j else 0 for j, e in motions] + [0]*len(basis)) for i in range(L.dim)]
    tau = _dot(unknowns, [0]*len(motions) + basis)
    conditions = _gauge_conditions(L, invariance_defect(L, xi, tau))
    vectors = _null_space(conditions, unknowns, L)
    if not _rank_at_least(len(unknowns) - len(vectors), conditions, unknowns, L):
        raise ArithmeticError(
            f"found {len(vectors)} symmetries, but the numerical rank of the equations does not rule out "
            "more: some functions in L or time_basis may be related. Write them in simpler functions")
    found = []
    for vector in vectors:
        g, h = ([e.xreplace(dict(zip(unknowns, vector, strict=True))) for e in part] for part in (xi, [tau]))
        found.append(PointSymmetry(tuple(g), h[0], _integrate_gauge(L, invariance_defect(L, g, h[0]))))
    return found


def lambdify(expression, L, parameters=None) -> Callable:
    """A vectorized numpy function of an expression in the symbols of ``L``.

    Parameters
    ----------
    expression : expression or sequence of expressions
        In state, velocity, acceleration and time, for example a charge or a list of momenta.
    L : Lagrangian
    parameters : dict, optional
        Values of all other symbols.

    Returns
    -------
    callable
        ``(x, v=None, t=None, a=None) -> array`` with ``x``, ``v``, ``a`` of shape ``(..., dim)`` and ``t`` of
        shape ``(...)``.  Leading axes broadcast, for constants too; a sequence adds a last axis.
        Arguments that do not occur may be left out.

    Raises
    ------
    ValueError
        For a symbol without a value and, in the call, for a wrong shape or a missing argument.
    """
    groups = {"x": L.state, "v": L.velocity, "t": (L.time,), "a": L.acceleration}
    symbols = [s for group in groups.values() for s in group]
    outputs = [_expression("expression", e, L, symbols).subs(parameters or {}) for e in _sequence(expression)]
    unknown = {s for e in outputs for s in (e.free_symbols - set(symbols)) | e.atoms(AppliedUndef)}
    if unknown:
        raise ValueError(f"parameters: no value for {sorted(map(str, unknown))}")
    needed = [name for name, group in groups.items() if any(e.has_free(*group) for e in outputs)]
    compiled = sp.lambdify(symbols, outputs, modules=["numpy", "scipy"], cse=True)

    def function(x, v=None, t=None, a=None):
        columns, shapes = [], []
        for (name, group), value in zip(groups.items(), (x, v, t, a), strict=True):
            if value is None and name in needed:
                raise ValueError(f"{name}: got None, but the expression depends on it")
            array = np.full(len(group), np.nan) if value is None else np.asarray(value, dtype=float)
            array = array[..., None] if name == "t" and value is not None else array
            if array.shape[-1:] != (len(group),):
                raise ValueError(f"{name}: got shape {array.shape}, need (..., {len(group)})")
            columns += list(np.moveaxis(array, -1, 0))
            shapes.append(array.shape[:-1])
        try:
            shape = np.broadcast_shapes(*shapes)
        except ValueError:
            raise ValueError(f"x, v, t, a: leading shapes {shapes} do not broadcast") from None
        result = np.stack([np.broadcast_to(column, shape) for column in compiled(*columns)], axis=-1)
        return result if isinstance(expression, (list, tuple, sp.MatrixBase)) else result[..., 0]

    return function


# --- The gauge term: its conditions and its integration ---------------------------------------


def _affine_parts(L, defect):
    """``b, c`` of ``b . v + c``, read off at ``v = 0``, or elsewhere if that is singular."""
    for scale in (0, 1):
        point = {v: scale*(i + 1) for i, v in enumerate(L.velocity)}
        b = [sp.diff(defect, v).subs(point) for v in L.velocity]
        c = defect.subs(point) - _dot(b, point.values())
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
    if not _vanishes(defect - total_derivative(K, L), L):
        raise ArithmeticError(f"sympy's integral {K} for the gauge term does not satisfy its equation")
    return K


# --- Exact algebra: does an expression vanish, and for which constants? -----------------------


def _vanishes(expression, L):
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


def _null_space(conditions, unknowns, L):
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


def _rank_at_least(rank, conditions, unknowns, L):
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


# --- Small things and arguments ---------------------------------------------------------------


def _dot(a, b):
    return sp.Add(*(p*q for p, q in zip(a, b, strict=True)))


def _sequence(value):
    return list(value) if isinstance(value, (list, tuple, np.ndarray, sp.MatrixBase)) else [value]


def _dotted(symbol, dots):
    letters = re.match(r"[^\W\d_]*", symbol.name).group() or symbol.name
    return sp.Symbol(letters + dots + symbol.name[len(letters):])


def _symbols(name, value):
    symbols = tuple(_sequence(value))
    if not symbols or not all(isinstance(s, sp.Symbol) for s in symbols) or len(set(symbols)) < len(symbols):
        raise ValueError(f"{name}: got {value!r}, need one sympy Symbol or several distinct ones")
    return symbols


def _time(time, expressions):
    """The time symbol: by default the one named t in the expressions, whatever its assumptions."""
    if time is None:
        named = {s for e in expressions for s in sp.sympify(e).free_symbols if s.name == "t"}
        time = list(named) or sp.Symbol("t")
    (time, *more) = _symbols("time", time)
    if more:
        raise ValueError(f"time: got several symbols named {time}; need one")
    return time


def _exact(name, value):
    """A sympy expression, its floats replaced by rational numbers."""
    try:
        expression = sp.sympify(value)
    except (sp.SympifyError, TypeError):
        raise ValueError(f"{name}: got {value!r}, need a sympy expression") from None
    if not isinstance(expression, sp.Expr) or expression.has(sp.nan, sp.oo, sp.zoo):
        raise ValueError(f"{name}: got {value!r}, need a finite sympy expression")
    return sp.nsimplify(expression, rational=True) if expression.has(sp.Float) else expression


def _expression(name, value, L, allowed):
    """An exact expression that has no symbols of ``L`` but those allowed."""
    expression = _exact(name, value)
    own = {s.name: s for s in (*L.state, *L.velocity, *L.acceleration, L.time)}
    for symbol in expression.free_symbols:
        if own.get(symbol.name, symbol) != symbol:
            raise ValueError(f"{name}: its symbol {symbol} has other assumptions than the {symbol} of L")
        if symbol.name in own and symbol not in allowed:
            raise ValueError(f"{name}: got {expression}, which must not depend on {symbol}")
    return expression


def _transformation(L, xi, tau, gauge):
    xi, tau, gauge = ([_expression(name, e, L, (*L.state, L.time)) for e in _sequence(value)]
                      for name, value in (("xi", xi), ("tau", tau), ("gauge", gauge)))
    for name, value, size in ("xi", xi, L.dim), ("tau", tau, 1), ("gauge", gauge, 1):
        if len(value) != size:
            raise ValueError(f"{name}: got {len(value)} components, need {size}")
    return xi, tau[0], gauge[0]


def _as_lagrangian(L, state, time):
    if not isinstance(L, Lagrangian):
        return Lagrangian(L, state, time)
    if state is not None and _symbols("state", state) != L.state:
        raise ValueError(f"state: got {state}, but L is written in {L.state}")
    if time not in (None, L.time):
        raise ValueError(f"time: got {time}, but L is written in {L.time}")
    return L


def _inverse_metric(L):
    """Inverse of the matrix of second derivatives in the velocities, which must not depend on them."""
    G = sp.hessian(L.expression, L.velocity)
    if not all(_vanishes(sp.diff(e, v), L) for e in G for v in L.velocity):
        raise ValueError(f"L: got {L.expression}, need one quadratic in the velocities {L.velocity}")
    G = G.subs(dict.fromkeys(L.velocity, 0)).applyfunc(sp.cancel)
    if _vanishes(G.det(), L):
        raise ValueError(f"L: its second derivatives in the velocities, {G.tolist()}, are not invertible")
    return G.inv().applyfunc(sp.cancel)


def _diffusion_matrix(diffusion, dim):
    rows = diffusion.tolist() if isinstance(diffusion, sp.MatrixBase) else _sequence(diffusion)
    if not isinstance(diffusion, (list, tuple, np.ndarray, sp.MatrixBase)):
        rows = rows*dim
    if not any(isinstance(row, (list, tuple, np.ndarray)) for row in rows):
        rows = [[d if i == j else 0 for j in range(len(rows))] for i, d in enumerate(rows)]
    if [len(_sequence(row)) for row in rows] != [dim]*dim:
        raise ValueError(f"diffusion: got {diffusion}, need a scalar, {dim} entries or {dim} x {dim} of them")
    D = sp.Matrix([[_exact("diffusion", e) for e in row] for row in rows])
    if not D.is_symmetric() or D.is_positive_definite is False:
        raise ValueError(f"diffusion: got {D.tolist()}, need a symmetric, positive definite matrix")
    return D
