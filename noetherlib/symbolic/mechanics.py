"""Lagrangians, and what follows from one without any symmetry; expressions as numpy functions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

from ..inputs import as_a
from .exact import vanishes

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
        expression, state = _exact("expression", self.expression), as_symbols("state", self.state)
        time = _time(self.time, [expression])
        velocity = velocities(state) if self.velocity is None else as_symbols("velocity", self.velocity)
        if len(velocity) != len(state):
            raise ValueError(f"velocity: got {len(velocity)} symbols, need {len(state)}, one for each state")
        if len({s.name for s in (*state, *velocity, time)}) < 2*len(state) + 1:
            raise ValueError(f"state: {state}, velocity {velocity} and time {time} need distinct names")
        for name, value in dict(expression=expression, state=state, time=time, velocity=velocity).items():
            object.__setattr__(self, name, value)
        as_expression("expression", expression, self, (*state, *velocity, time))
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
    return tuple(_dotted(s, "dot") for s in as_symbols("state", state))


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
    state = as_symbols("state", state)
    f, D = [_exact("drift", e) for e in as_sequence(drift)], _diffusion_matrix(diffusion, len(state))
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
        return sp.expand(dot(momentum(L), v) - L.expression)
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
    inverse = inverse_metric(L)
    H = (w.T*inverse*w)[0]/2 - L.expression.subs(rest)
    return Hamiltonian(sp.expand(H if inverse.is_diagonal() else sp.cancel(H)), p)


def total_derivative(expression, L) -> sp.Expr:
    """``d/dt`` along a path of an expression in (x, v, t); the accelerations are ``L.acceleration``."""
    e = as_expression("expression", expression, L, (*L.state, *L.velocity, L.time))
    slopes = [sp.diff(e, s) for s in (*L.state, *L.velocity, L.time)]
    return dot(slopes, (*L.velocity, *L.acceleration, 1))


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
    inverse, rest = inverse_metric(L), dict.fromkeys(L.acceleration, 0)
    force = -sp.Matrix([e.subs(rest) for e in euler_lagrange(L)])
    return [sp.expand_mul(a if inverse.is_diagonal() else sp.cancel(a)) for a in inverse*force]


def inverse_metric(L):
    """Inverse of the matrix of second derivatives in the velocities, which must not depend on them."""
    G = sp.hessian(L.expression, L.velocity)
    if not all(vanishes(sp.diff(e, v), L) for e in G for v in L.velocity):
        raise ValueError(f"L: got {L.expression}, need one quadratic in the velocities {L.velocity}")
    G = G.subs(dict.fromkeys(L.velocity, 0)).applyfunc(sp.cancel)
    if vanishes(G.det(), L):
        raise ValueError(f"L: its second derivatives in the velocities, {G.tolist()}, are not invertible")
    return G.inv().applyfunc(sp.cancel)


# --- Numbers ----------------------------------------------------------------------------------


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
    parts = [as_expression("expression", e, L, symbols) for e in as_sequence(expression)]
    outputs = [e.subs(parameters or {}) for e in parts]
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


# --- Arguments --------------------------------------------------------------------------------


def as_sequence(value):
    return list(value) if isinstance(value, (list, tuple, np.ndarray, sp.MatrixBase)) else [value]


def _dotted(symbol, dots):
    letters = re.match(r"[^\W\d_]*", symbol.name).group() or symbol.name
    return sp.Symbol(letters + dots + symbol.name[len(letters):])


def as_symbols(name, value):
    symbols = tuple(as_sequence(value))
    if not symbols or not all(isinstance(s, sp.Symbol) for s in symbols) or len(set(symbols)) < len(symbols):
        raise ValueError(f"{name}: got {value!r}, need one sympy Symbol or several distinct ones")
    return symbols


def _time(time, expressions):
    """The time symbol: by default the one named t in the expressions, whatever its assumptions."""
    if time is None:
        named = {s for e in expressions for s in sp.sympify(e).free_symbols if s.name == "t"}
        time = list(named) or sp.Symbol("t")
    (time, *more) = as_symbols("time", time)
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


def as_expression(name, value, L, allowed):
    """An exact expression that has no symbols of ``L`` but those allowed."""
    expression = _exact(name, value)
    own = {s.name: s for s in (*L.state, *L.velocity, *L.acceleration, L.time)}
    for symbol in expression.free_symbols:
        if own.get(symbol.name, symbol) != symbol:
            raise ValueError(f"{name}: its symbol {symbol} has other assumptions than the {symbol} of L")
        if symbol.name in own and symbol not in allowed:
            raise ValueError(f"{name}: got {expression}, which must not depend on {symbol}")
    return expression


def _diffusion_matrix(diffusion, dim):
    rows = diffusion.tolist() if isinstance(diffusion, sp.MatrixBase) else as_sequence(diffusion)
    if not isinstance(diffusion, (list, tuple, np.ndarray, sp.MatrixBase)):
        rows = rows*dim
    if not any(isinstance(row, (list, tuple, np.ndarray)) for row in rows):
        rows = [[d if i == j else 0 for j in range(len(rows))] for i, d in enumerate(rows)]
    if [len(as_sequence(row)) for row in rows] != [dim]*dim:
        raise ValueError(f"diffusion: got {diffusion}, need a scalar, {dim} entries or {dim} x {dim} of them")
    D = sp.Matrix([[_exact("diffusion", e) for e in row] for row in rows])
    if not D.is_symmetric() or D.is_positive_definite is False:
        raise ValueError(f"diffusion: got {D.tolist()}, need a symmetric, positive definite matrix")
    return D


def dot(a, b):
    return sp.Add(*(p*q for p, q in zip(a, b, strict=True)))
