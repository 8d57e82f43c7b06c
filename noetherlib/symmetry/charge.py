"""The charges that symmetries conserve along most likely paths, and what forces them elsewhere."""

from __future__ import annotations

import numpy as np

from ..inputs import as_a, as_floats, as_states
from ..lagrangian import Lagrangian, Mesh
from ..lagrangian.continuous import dot
from ..lagrangian.path import Path
from ..system import System
from ..system.noise import pseudo_inverse
from .generators import Symmetry, along


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
        return np.asarray(array)[()]

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
    by trying pairs of states off the path; where it is False, `charge_balance` says whether the
    symmetry or the mesh is at fault. Source: Noether (1918); Marsden and West (2001).
    """
    as_a(Path, path, "path")
    if not as_a(Symmetry, symmetry, "symmetry").keeps_time:
        mid, p = on_intervals(path)
        J = dot(p, symmetry.xi(mid, path.t_mid)) - path.energy * symmetry.tau(mid, path.t_mid)
        return Charge(J - symmetry.gauge(mid, path.t_mid), path.t_mid, False)
    J = dot(path.momentum, symmetry.xi(path.x, path.t)) - symmetry.gauge(path.x, path.t)
    return Charge(J, path.t, bool(np.all(path.converged)) and _is_discrete_symmetry(path, symmetry))


def on_intervals(path):
    """Midpoints and momenta on the intervals: half way between the momenta at their two ends."""
    x, p = path.x, path.momentum
    return (x[..., 1:, :] + x[..., :-1, :]) / 2, (p[..., 1:, :] + p[..., :-1, :]) / 2


def _is_discrete_symmetry(path, symmetry):
    """Whether the midpoint action is invariant: tried on two long steps through states near the path.

    Long ones, because what is invariant only in the limit of short steps looks so on a fine mesh.
    The steps obey ``dx = h (f + 2 D p)`` with any momenta p: so the rank of D does not matter.
    """
    t = path.t[[0, len(path.t) // 2, -1]]
    mesh = Mesh(Lagrangian(path.system, path.functional), t)
    rng = np.random.default_rng(0)
    states = path.x.reshape(-1, path.system.dim)
    mid = states[rng.integers(len(states), size=(64, 2))]
    mid = mid + 0.1 * (np.ptp(states, axis=0) + 0.1) * rng.normal(size=mid.shape)
    p = (np.abs(path.momentum).max() + 0.1) * rng.normal(size=mid.shape)
    terms = mesh.lagrangian.terms_of_momentum(mid, p, mesh.t_mid)
    half = mesh.h[:, None] / 2 * mesh.lagrangian.velocity(mid, p, mesh.t_mid)
    left, right = mesh.ends(terms)
    ends = [(mid - half, t[:-1], -left, 1.0), (mid + half, t[1:], right, -1.0)]
    parts = np.stack(
        [
            part
            for x, s, momentum, sign in ends
            for part in (dot(momentum, symmetry.xi(x, s)), sign * symmetry.gauge(x, s))
        ]
    )
    with np.errstate(invalid="ignore"):
        return bool((np.abs(parts.sum(axis=0)) <= 1e-8 * np.abs(parts).sum(axis=0).max()).all())


def invariance_defect(system, symmetry, x, v, t, functional="onsager-machlup"):
    """What keeps a transformation from being a symmetry: 0 everywhere exactly if it is one.

    Parameters
    ----------
    system : System
    symmetry : Symmetry
    x, v : array (..., dim)
        States and velocities, any; broadcast. With noise on some variables no path has a velocity
        off ``f + 2 D p``: that part of v is taken for the momentum there, which is free.
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
    w = v - system.drift(x, t)
    inverse, P = pseudo_inverse(system.noise(x, t)[0])
    along_noise = np.einsum("...ij,...j->...i", P, w)
    p = np.einsum("...ij,...j->...i", inverse, along_noise) / 2 + (w - along_noise)
    return defect(Lagrangian(system, functional), symmetry, x, p, t)[()]


def defect(lagrangian, symmetry, x, p, t):
    """The defect at states and momenta; of D, only products with p are needed."""
    terms = lagrangian.terms_of_momentum(x, p, t)
    v = lagrangian.velocity(x, p, t)
    xi_rate, tau_rate, gauge_rate = symmetry.rates(x, v, t)
    delta = dot(symmetry.xi(x, t), terms.L_x) + dot(xi_rate - v * tau_rate[..., None], p)
    delta = delta + terms.L * tau_rate - gauge_rate
    if not symmetry.keeps_time:  # dL/dt at given v is -dH/dt at given p
        rate = along(lambda y, s: lagrangian.terms_of_momentum(y, p, s, 0).energy, x, np.zeros(x.shape), t)
        delta = delta - symmetry.tau(x, t) * rate
    return delta
