r"""Symmetries of a noisy system, and the charges they conserve along paths of least action.

A symmetry moves ``t -> t + eps tau(x, t)`` and ``x -> x + eps xi(x, t)``. Where the Lagrangian then
changes by ``eps dK/dt`` alone, ``J = p.xi - E tau - K`` is conserved (Noether 1918).
"""

from __future__ import annotations

import numpy as np

from .inputs import as_a, as_count, as_floats, as_number, as_returned, as_states
from .lagrangian import Lagrangian, Mesh
from .system import Generated, System, derive


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
        raise ValueError(f"direction must be a non-zero vector, got {direction}")
    return AffineSymmetry(np.zeros((len(direction),) * 2), direction)


def rotation(i, j):
    """Rotation of the plane of coordinates ``i`` and ``j``; its charge is ``x_i p_j - x_j p_i``.

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
            raise ValueError(f"xi must be a function of (x, t), got {xi!r}")
        if gauge is not None and not callable(gauge):
            raise ValueError(f"gauge must be a function of (x, t), got {gauge!r}")
        if tau is not None and not callable(tau):
            tau = as_number(tau, "tau")
        self._xi, self._tau, self._gauge = xi, tau, gauge
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
        return SymbolicSymmetry(xi, tau, gauge, state, time)

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
        return tuple(_along(function, x, v, t) for function in (self.xi, self.tau, self.gauge))

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


class SymbolicSymmetry(Symmetry):
    """A symmetry generated from sympy expressions, with exact rates."""

    def __init__(self, xi, tau, gauge, state, time):
        import sympy  # only here: numeric symmetries do without it

        state = tuple(sympy.flatten([state]))
        time = sympy.Symbol("t") if time is None else time
        parts = [*sympy.flatten([xi]), tau, gauge]
        dim = len(state)
        if len(parts) != dim + 2:
            raise ValueError(f"xi must be {dim} expressions, one per state variable, got {len(parts) - 2}")
        parts = np.array([sympy.sympify(e) for e in parts], dtype=object)
        unknown = set().union(*(e.free_symbols for e in parts)) - {*state, time}
        if unknown:
            raise ValueError(
                f"xi, tau and gauge must be in {state} and {time} alone, got also "
                f"{', '.join(sorted(map(str, unknown)))}: put numbers for these first"
            )
        self._parts = Generated(parts, state, time)
        self._slopes = Generated(derive(parts, (*state, time)), state, time)
        super().__init__(
            lambda x, t: self._parts(x, t)[..., :-2],
            None if parts[-2] == 0 else lambda x, t: self._parts(x, t)[..., -2],
            None if parts[-1] == 0 else lambda x, t: self._parts(x, t)[..., -1],
        )

    def rates(self, x, v, t):
        slopes = self._slopes(x, t)
        rates = np.einsum("...ij,...j->...i", slopes[..., :-1], v) + slopes[..., -1]
        return rates[..., :-2], rates[..., -2], rates[..., -1]


class Charge(np.ndarray):
    """The values of a charge along a path, an array with two facts more.

    Attributes
    ----------
    t : array
        The times of the values: the nodes of the path, or its midpoints where the clock moves.
    exact : bool
        Whether the discrete action itself has the symmetry, so that the values are equal to
        roundoff; where False they vary as O(h^2), or because the symmetry is broken.
    """

    def __new__(cls, values, t, exact):
        charge = np.asarray(values).view(cls)
        charge.t, charge.exact = t, exact
        return charge

    def __array_finalize__(self, origin):
        # a slice or a sum is no longer the charge along the path
        self.t = self.exact = None

    def __array_wrap__(self, array, context=None, return_scalar=False):
        return array[()] if return_scalar else np.asarray(array)

    @property
    def values(self):
        """The values as a plain array."""
        return self.view(np.ndarray)


def charge(path, symmetry):
    """Noether charge ``J = p.xi - E tau - K`` along a least-action path.

    Parameters
    ----------
    path : Path
    symmetry : Symmetry

    Returns
    -------
    Charge
        An array (..., n_times) at the nodes, from the discrete momentum, where ``tau`` is 0; else
        (..., n_times - 1) at the midpoints. ``.t``, ``.values``, ``.exact`` beside it.

    Raises
    ------
    ValueError
        Where the symmetry is of another dimension than the path.

    Notes
    -----
    At the nodes, ``J = D2 L_d . xi - K`` is conserved to roundoff where the midpoint action itself is
    invariant: for every affine ``xi`` that does not depend on time, and some more. ``exact`` tells,
    by trying pairs of states off the path. Source: Noether (1918); Marsden and West (2001).
    """
    if not hasattr(path, "momentum"):
        raise ValueError(f"path must be a Path of least_action_path, got {path!r}")
    if not as_a(Symmetry, symmetry, "symmetry").keeps_time:
        mesh = Mesh(Lagrangian(path.system, path.functional), path.t)
        terms, mid = mesh.terms(path.x), mesh.split(path.x)[0]
        J = np.einsum("...i,...i->...", terms.p, symmetry.xi(mid, mesh.t_mid))
        J = J - terms.energy * symmetry.tau(mid, mesh.t_mid) - symmetry.gauge(mid, mesh.t_mid)
        return Charge(J, path.t_mid, False)
    J = np.einsum("...i,...i->...", path.momentum, symmetry.xi(path.x, path.t))
    J = J - symmetry.gauge(path.x, path.t)
    return Charge(J, path.t, bool(np.all(path.converged)) and _is_discrete_symmetry(path, symmetry))


def _is_discrete_symmetry(path, symmetry):
    """Whether the midpoint action is invariant: tried on two long steps between states near the path.

    Long ones, because what is invariant only in the limit of short steps looks so on a fine mesh.
    """
    t = path.t[[0, len(path.t) // 2, -1]]
    mesh = Mesh(Lagrangian(path.system, path.functional), t)
    rng = np.random.default_rng(0)
    states = path.x.reshape(-1, path.system.dim)
    x = states[rng.integers(len(states), size=(64, 3))]
    x = x + 0.1 * (np.ptp(states, axis=0) + 0.1) * rng.normal(size=x.shape)
    left, right = mesh.ends(mesh.terms(x, order=1))
    xi, K = symmetry.xi(x, t), symmetry.gauge(x, t)
    parts = np.stack([
        np.einsum("...i,...i->...", right, xi[..., 1:, :]), -K[..., 1:],
        -np.einsum("...i,...i->...", left, xi[..., :-1, :]), K[..., :-1],
    ])
    with np.errstate(invalid="ignore"):
        return bool((np.abs(parts.sum(axis=0)) <= 1e-8 * np.abs(parts).sum(axis=0).max()).all())


def invariance_defect(system, symmetry, x, v, t, functional="onsager-machlup"):
    """What keeps a transformation from being a symmetry: 0 everywhere exactly if it is one.

    Parameters
    ----------
    system : System
    symmetry : Symmetry
    x, v : array (..., dim)
        States and velocities, any; broadcast.
    t : float or array
        Times, broadcast against ``x[..., 0]``.
    functional : {"onsager-machlup", "freidlin-wentzell"} or callable ``U(x, t)``

    Returns
    -------
    array (...)
        ``delta = tau dL/dt + xi.dL/dx + (dxi/dt - v dtau/dt).p + L dtau/dt - dK/dt``, one over time;
        along least-action paths ``dJ/dt = delta``.

    Raises
    ------
    ValueError
        For shapes that do not fit or an unknown functional.
    """
    as_a(System, system, "system")
    as_a(Symmetry, symmetry, "symmetry")
    x, v = as_states(x, system.dim, "x"), as_states(v, system.dim, "v")
    t = as_floats(t, "t")
    try:
        np.broadcast_shapes(x.shape[:-1], v.shape[:-1], t.shape)
    except ValueError:
        raise ValueError(f"x, v and t must broadcast, got {x.shape}, {v.shape} and {t.shape}") from None
    x, v = np.broadcast_arrays(x, v)
    return _defect(Lagrangian(system, functional), symmetry, x, v, t)[()]


def _defect(lagrangian, symmetry, x, v, t):
    terms = lagrangian.terms(x, v, t, order=1)
    xi_rate, tau_rate, gauge_rate = symmetry.rates(x, v, t)
    delta = np.einsum("...i,...i->...", symmetry.xi(x, t), terms.dx)
    delta = delta + np.einsum("...i,...i->...", xi_rate - v * tau_rate[..., None], terms.p)
    delta = delta + terms.value * tau_rate - gauge_rate
    if not symmetry.keeps_time:
        standing = np.zeros(x.shape)
        explicit = _along(lambda y, s: lagrangian.terms(y, v, s).value, x, standing, t)
        delta = delta + symmetry.tau(x, t) * explicit
    return delta


def charge_balance(path, symmetry):
    """Both sides of ``dJ/dt = delta`` along a least-action path, where a symmetry is broken.

    Parameters
    ----------
    path : Path
    symmetry : Symmetry

    Returns
    -------
    lhs, rhs : arrays
        The rate of the charge and its forcing `invariance_defect`. Where the clock is left alone:
        on the intervals, at ``path.t_mid``, equal to roundoff for affine time-independent ``xi`` and
        to O(h^2) otherwise. Else at the inner nodes, ``path.t[1:-1]``, to O(h^2).

    Raises
    ------
    ValueError
        Where the symmetry is of another dimension than the path.
    """
    J = charge(path, symmetry)
    mesh = Mesh(Lagrangian(path.system, path.functional), path.t)
    mid, v = mesh.split(path.x)
    rhs = _defect(mesh.lagrangian, symmetry, mid, v, mesh.t_mid)
    lhs = np.diff(J.values, axis=-1) / np.diff(J.t)
    if symmetry.keeps_time:
        return lhs, rhs
    weighted = rhs * mesh.h
    return lhs, (weighted[..., 1:] + weighted[..., :-1]) / (mesh.h[1:] + mesh.h[:-1])


def _lead(x, t):
    return np.broadcast_shapes(x.shape[:-1], np.shape(t))


def _along(function, x, v, t):
    """Rate of ``function(x, t)`` along a motion: central differences of fourth order."""
    t = np.asarray(t, dtype=float)
    fast = np.abs(v).max(axis=-1) / np.maximum(1.0, np.abs(x).max(axis=-1))
    step = 1e-3 / np.maximum(1.0, fast)

    def ahead(k):
        return function(x + (k * step)[..., None] * v, t + k * step)

    rise = 8 * (ahead(1) - ahead(-1)) - (ahead(2) - ahead(-2))
    return rise / (12 * step).reshape(step.shape + (1,) * (rise.ndim - step.ndim))
