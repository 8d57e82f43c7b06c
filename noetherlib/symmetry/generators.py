r"""Infinitesimal transformations of a system's states and clock.

A symmetry moves ``t -> t + eps tau(x, t)`` and ``x -> x + eps xi(x, t)``. Where the Lagrangian then
changes by ``eps dK/dt`` alone, ``J = p.xi - E tau - K`` is conserved (Noether 1918).
"""

from __future__ import annotations

import numpy as np

from ..inputs import as_count, as_floats, as_number, as_returned, brief


def translation(direction):
    """Shift of the state along a fixed direction; its charge is the momentum along it.

    Parameters
    ----------
    direction : array (dim,)
        ``xi``; a number will do in one dimension.

    Returns
    -------
    Symmetry

    Raises
    ------
    ValueError
        For a direction that is not a finite, non-zero vector.
    """
    direction = np.atleast_1d(as_floats(direction, "direction"))
    if direction.ndim != 1 or not direction.any():
        raise ValueError(f"direction must be a non-zero vector, got {brief(direction)}")
    return AffineSymmetry(np.zeros((len(direction),) * 2), direction)


def rotation(i, j):
    """Rotation of the plane of coordinates ``i`` and ``j``; its charge is ``x_i p_j - x_j p_i``.

    It turns these two coordinates into each other, and no others: ``xi_i = -x_j``, ``xi_j = x_i``. To
    turn several planes at once use `affine`. A bump of activity on a ring of units is moved by
    `ring_shift`: in terms of the units' Fourier components that turns every plane, the k-th k times
    as fast.

    Parameters
    ----------
    i, j : int
        Two different coordinates, counted from 0.

    Returns
    -------
    Symmetry

    Raises
    ------
    ValueError
        For indices that are not two different non-negative integers.
    """
    i, j = as_count(i, "i", 0), as_count(j, "j", 0)
    if i == j:
        raise ValueError(f"i and j must be different coordinates, got {i} twice")
    return Rotation(i, j)


def affine(matrix, offset=0):
    """The symmetry ``xi = matrix @ x + offset``: rotations of several planes at once, and more.

    Parameters
    ----------
    matrix : (dim, dim) array
        A, a pure number where all variables have one unit.
    offset : (dim,) array or number, optional

    Returns
    -------
    Symmetry

    Raises
    ------
    ValueError
        For a matrix that is not square, or an offset of another length.

    Notes
    -----
    What rotates place and velocity together, in the state (x, y, v_x, v_y), is
    ``affine([[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 0, -1], [0, 0, 1, 0]])``.
    """
    matrix = as_floats(matrix, "matrix")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"matrix must be square, got shape {matrix.shape}")
    offset = as_floats(offset, "offset")
    if offset.shape not in ((), matrix.shape[:1]):
        raise ValueError(f"offset must be a number or ({len(matrix)},), got shape {offset.shape}")
    return AffineSymmetry(matrix, np.broadcast_to(offset, matrix.shape[:1]).copy())


def time_translation():
    """Shift of the clock; its charge is minus the energy."""
    return Symmetry(_nowhere, tau=1.0)


def _nowhere(x, t):
    return np.zeros(x.shape)


class Symmetry:
    """An infinitesimal transformation ``t -> t + eps tau``, ``x -> x + eps xi`` with gauge term K.

    Parameters
    ----------
    xi : callable ``(x, t) -> (..., dim)``
        In units of the state.
    tau : callable ``(x, t) -> (...)`` or float, optional
        In units of time; 0 if absent.
    gauge : callable ``(x, t) -> (...)``, optional
        K, dimensionless; 0 if absent.

    Raises
    ------
    ValueError
        For a ``xi``, ``tau`` or ``gauge`` that is not of these kinds.

    Notes
    -----
    Rates along a motion are central differences of fourth order. `from_sympy` has them exactly.
    """

    def __init__(self, xi, tau=None, gauge=None):
        if not callable(xi):
            raise ValueError(f"xi must be a function of (x, t), got {brief(xi)}")
        if gauge is not None and not callable(gauge):
            raise ValueError(f"gauge must be a function of (x, t), got {brief(gauge)}")
        if tau is not None and not callable(tau):
            tau = as_number(tau, "tau")
        self._xi, self._tau, self._gauge, self._rates = xi, tau, gauge, None
        #: whether the clock is left alone
        self.keeps_time = tau is None or tau == 0.0

    @classmethod
    def from_sympy(cls, xi, tau=0, gauge=0, *, state, time=None):
        """A symmetry from sympy expressions, such as `noetherlib.symbolic.find_symmetries` returns.

        Parameters
        ----------
        xi : sequence of expressions, one per state variable
        tau, gauge : expression
        state : sequence of symbols
        time : symbol, optional

        Raises
        ------
        ValueError
            For symbols other than the state and the time, or a ``xi`` of the wrong length.
        """
        from .expressions import Expressions

        parts = Expressions(xi, tau, gauge, state, time)
        symmetry = cls(parts.xi, parts.tau, parts.gauge)
        symmetry._rates = parts.rates
        return symmetry

    def xi(self, x, t=0.0):
        """``xi`` at states ``x`` (..., dim)."""
        x = np.asarray(x, dtype=float)
        return self._value(self._xi, x, t, "xi", x.shape[-1:])

    def tau(self, x, t):
        """``tau`` at states ``x``: (...)."""
        if not callable(self._tau):
            return np.full(_lead(x, t), 0.0 if self._tau is None else self._tau)
        return self._value(self._tau, x, t, "tau")

    def gauge(self, x, t):
        """K at states ``x``: (...)."""
        if self._gauge is None:
            return np.zeros(_lead(x, t))
        return self._value(self._gauge, x, t, "gauge")

    def rates(self, x, v, t):
        """Rates of change of ``xi``, ``tau`` and K along a motion through ``x`` at velocity ``v``."""
        if self._rates is not None:
            return self._rates(x, v, t)
        return tuple(along(function, x, v, t) for function in (self.xi, self.tau, self.gauge))

    @staticmethod
    def _value(function, x, t, name, tail=()):
        value = np.asarray(function(x, np.asarray(t)), dtype=float)
        shape = _lead(x, t) + tail
        return as_returned(value, shape, name, x)


class AffineSymmetry(Symmetry):
    """``xi = matrix @ x + offset``, ``tau = tau1 t``: what samples of a system can show."""

    def __init__(self, matrix, offset, tau1=0.0):
        self.matrix, self.offset, self.tau1 = np.asarray(matrix), np.asarray(offset), float(tau1)
        super().__init__(self._move, self._stretch if tau1 else None)

    def _stretch(self, x, t):
        return self.tau1 * t

    def _move(self, x, t):
        if x.shape[-1] != len(self.offset):
            raise ValueError(f"symmetry of dimension {len(self.offset)} used on states of shape {x.shape}")
        return x @ self.matrix.T + self.offset

    def rates(self, x, v, t):
        lead = _lead(x, t)
        return v @ self.matrix.T, np.full(lead, self.tau1), np.zeros(lead)


class Rotation(Symmetry):
    """Rotation of one coordinate plane, in any dimension."""

    def __init__(self, i, j):
        self.i, self.j = i, j
        super().__init__(self._move)

    def _move(self, x, t):
        if max(self.i, self.j) >= x.shape[-1]:
            raise ValueError(f"rotation({self.i}, {self.j}) needs more dimensions than {x.shape[-1]}")
        moved = np.zeros(x.shape)
        moved[..., self.i], moved[..., self.j] = -x[..., self.j], x[..., self.i]
        return moved

    def rates(self, x, v, t):
        lead = _lead(x, t)
        return self._move(v, t), np.zeros(lead), np.zeros(lead)


def _lead(x, t):
    return np.broadcast_shapes(x.shape[:-1], np.shape(t))


def along(function, x, v, t):
    """Rate of ``function(x, t)`` along a motion: central differences of fourth order."""
    t = np.asarray(t, dtype=float)
    fast = np.abs(v).max(axis=-1) / np.maximum(1.0, np.abs(x).max(axis=-1))
    step = 1e-3 / np.maximum(1.0, fast)

    def ahead(k):
        return function(x + (k * step)[..., None] * v, t + k * step)

    rise = 8 * (ahead(1) - ahead(-1)) - (ahead(2) - ahead(-2))
    return rise / (12 * step).reshape(step.shape + (1,) * (rise.ndim - step.ndim))
