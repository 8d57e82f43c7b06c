r"""The Lagrangian of a noisy system, in continuous time and on a mesh.

Everywhere ``L = 1/4 (v - f)^T D^-1 (v - f) + U``: Freidlin-Wentzell is ``U = 0``, Onsager-Machlup
``U = 1/2 div f`` (additive noise), and any other ``U(x, t)`` will do. On a mesh the midpoint rule
``L_d(a, b) = h L((a + b)/2, (b - a)/h, t_mid)`` keeps affine symmetries exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .inputs import as_a, as_returned, as_states, as_times
from .system import EPS, System, check_positive_definite, differentiate

NAMES = {
    "onsager-machlup": "onsager-machlup", "om": "onsager-machlup",
    "freidlin-wentzell": "freidlin-wentzell", "fw": "freidlin-wentzell",
}


class _CustomPotential:
    """A caller's ``U(x, t)``; derivatives by its own ``gradient`` and ``hessian`` or by differences."""

    def __init__(self, value):
        self._value = value
        self._exact = hasattr(value, "gradient")
        if self._exact:
            self.gradient = value.gradient
        if hasattr(value, "hessian"):
            self.hessian = value.hessian

    def value(self, x, t):
        lead = np.broadcast_shapes(x.shape[:-1], np.shape(t))
        value = np.asarray(self._value(x, np.asarray(t)), dtype=float)
        return as_returned(value, lead, "functional U", x)

    def gradient(self, x, t):
        return differentiate(self.value, x, t)

    def hessian(self, x, t):
        rough = differentiate(self.gradient, x, t, EPS if self._exact else EPS ** (2 / 3))
        return (rough + np.swapaxes(rough, -1, -2)) / 2


class _HalfDivergence:
    """``U = 1/2 div f`` of Onsager and Machlup."""

    def __init__(self, system):
        self.system = system

    def value(self, x, t):
        return self.system.divergence(x, t) / 2

    def gradient(self, x, t):
        return self.system.divergence_gradient(x, t) / 2

    def hessian(self, x, t):
        return self.system.divergence_hessian(x, t) / 2


@dataclass(frozen=True)
class Terms:
    """The Lagrangian and its derivatives at given ``(x, v, t)``; ``p`` is dL/dv, ``E = p.v - L``."""

    value: np.ndarray
    p: np.ndarray
    energy: np.ndarray
    kinetic: np.ndarray  # (v - f)^T D^-1 (v - f) / 4 alone, the scale of roundoff
    metric: np.ndarray  # D^-1
    dx: np.ndarray | None = None  # dL/dx
    coupling: np.ndarray | None = None  # M with d2L/dv dx = -1/2 D^-1 M
    twist: np.ndarray | None = None  # D^-1 M
    dxdx: np.ndarray | None = None  # d2L/dx dx


class Lagrangian:
    """``L(x, v, t)`` of a system under a functional.

    Parameters
    ----------
    system : System
    functional : {"onsager-machlup", "freidlin-wentzell"} or callable
        A callable is ``U(x, t) -> (...)``; where it has methods ``gradient`` (..., dim) and
        ``hessian`` (..., dim, dim) they are used instead of differences.

    Raises
    ------
    ValueError
        For an unknown functional, or Onsager-Machlup with noise that depends on the state.
    """

    def __init__(self, system, functional="onsager-machlup"):
        self.system = system
        if callable(functional):
            self.name, self.potential = functional, _CustomPotential(functional)
            return
        if not isinstance(functional, str) or functional not in NAMES:
            raise ValueError(
                'functional must be "onsager-machlup", "freidlin-wentzell" or a function U(x, t), '
                f"got {functional!r}"
            )
        self.name = NAMES[functional]
        self.potential = None
        if self.name == "onsager-machlup":
            if system.multiplicative:
                raise ValueError(
                    'functional "onsager-machlup" needs noise that does not depend on the state '
                    "(the correction terms differ otherwise, and conventions disagree): use "
                    '"freidlin-wentzell", or pass your own U(x, t)'
                )
            self.potential = _HalfDivergence(system)

    def metric(self, x, t):
        """Inverse of D at ``x``: (dim, dim) where D is constant, else (..., dim, dim)."""
        return self.system.inverse_diffusion(x, t)

    def terms(self, x, v, t, order=0):
        """`Terms` at states and velocities (..., dim): values, with ``order`` 1 or 2 derivatives."""
        system, U = self.system, self.potential
        A = self.metric(x, t)
        w = v - system.drift(x, t)
        p = np.einsum("...ij,...j->...i", A, w) / 2
        kinetic = np.einsum("...i,...i->...", w, p) / 2
        value = kinetic if U is None else kinetic + U.value(x, t)
        energy = np.einsum("...i,...i->...", p, v) - value
        if order == 0:
            return Terms(value, p, energy, kinetic, A)

        J = system.jacobian(x, t)
        dx = -np.einsum("...i,...il->...l", p, J)
        if U is not None:
            dx = dx + U.gradient(x, t)
        M = J
        if system.multiplicative:
            C = np.einsum("...ijl,...j->...il", system.diffusion_gradient(x, t), p)
            dx = dx - np.einsum("...i,...il->...l", p, C)
            M = J + 2 * C
        if order == 1:
            return Terms(value, p, energy, kinetic, A, dx, M)

        twist = product(A, M)
        dxdx = product(np.swapaxes(M, -1, -2), twist) / 2
        dxdx = dxdx - system.hessian_along(x, t, p)
        if U is not None:
            dxdx = dxdx + U.hessian(x, t)
        if system.multiplicative:
            D2 = system.diffusion_hessian(x, t)
            dxdx = dxdx - np.einsum("...i,...ijlm,...j->...lm", p, D2, p)
        return Terms(value, p, energy, kinetic, A, dx, M, twist, dxdx)


def product(a, b):
    """``a @ b`` of stacked matrices; of small ones by einsum, which does not call BLAS for each."""
    return a @ b if a.shape[-1] > 8 else np.einsum("...ij,...jk->...ik", a, b)


class Mesh:
    """The action of paths ``x`` (..., n, dim) on the times ``t`` (n,) by the midpoint rule."""

    def __init__(self, lagrangian, t):
        self.lagrangian = lagrangian
        self.t, self.h = t, np.diff(t)
        self.t_mid = (t[1:] + t[:-1]) / 2

    def split(self, x):
        """Midpoints and velocities of the intervals, each (..., n-1, dim)."""
        return (x[..., 1:, :] + x[..., :-1, :]) / 2, np.diff(x, axis=-2) / self.h[:, None]

    def terms(self, x, order=0):
        """`Terms` on the intervals."""
        return self.lagrangian.terms(*self.split(x), self.t_mid, order)

    def action(self, x):
        """The discrete action (...)."""
        return self.terms(x).value @ self.h

    def ends(self, terms):
        """``-D1 L_d`` and ``D2 L_d`` on the intervals: the momentum at their left and right nodes.

        ``D2 L_d = p + h/2 dL/dx`` and ``-D1 L_d = p - h/2 dL/dx``; along a path of least action the
        two agree at every inner node.
        """
        kick = self.h[:, None] / 2 * terms.dx
        return terms.p - kick, terms.p + kick

    def gradient(self, terms):
        """Derivative of the action by the inner nodes (..., n-2, dim): the jump of the momentum."""
        left, right = self.ends(terms)
        return right[..., :-1, :] - left[..., 1:, :]

    def blocks(self, terms):
        """Second derivatives of the action: diagonal blocks and those right of them."""
        h = self.h[:, None, None]
        inertia = terms.metric / (2 * h)
        twist = terms.twist / 4
        turn = np.swapaxes(twist, -1, -2)
        bend = h / 4 * terms.dxdx
        even, odd = inertia + bend, twist + turn
        diagonal = (even - odd)[..., :-1, :, :] + (even + odd)[..., 1:, :, :]
        upper = (bend - inertia + twist - turn)[..., 1:-1, :, :]
        return diagonal, upper

    def inertia(self, x):
        """The blocks of the free particle's action, positive definite: what damping adds."""
        A = self.lagrangian.metric(self.split(x)[0], self.t_mid)
        a = np.broadcast_to(A / (2 * self.h[:, None, None]), x.shape[:-2] + (len(self.h),) + A.shape[-2:])
        return a[..., :-1, :, :] + a[..., 1:, :, :], -a[..., 1:-1, :, :]


def action(system, x, t, functional="onsager-machlup"):
    """Action of paths by the midpoint rule.

    Parameters
    ----------
    system : System
    x : array (..., n_times, dim)
        Paths: their states at ``t``. For ``dim`` 1 the last axis stays: (..., n_times, 1).
    t : array (n_times,)
        Strictly increasing times, not necessarily uniform.
    functional : {"onsager-machlup", "freidlin-wentzell"} or callable ``U(x, t)``

    Returns
    -------
    float or array (...)
        ``S = int 1/4 (dx/dt - f)^T D^-1 (dx/dt - f) + U dt``, dimensionless: the density of a path
        is proportional to ``exp(-S)``. The error of the rule is O(h^2).

    Raises
    ------
    ValueError
        For shapes that do not fit, times that do not increase, values that are not finite, a
        drift that is not finite on the path, an unknown functional.

    Notes
    -----
    Source: Onsager and Machlup (1953); Graham (1977); Freidlin and Wentzell (1984).
    """
    as_a(System, system, "system")
    t = as_times(t)
    x = as_paths(x, len(t), system.dim, "x")
    return finite_action(Mesh(Lagrangian(system, functional), t), x)[()]


def as_paths(x, n_times, dim, name):
    """``x`` as paths (..., n_times, dim)."""
    x = as_states(x, dim, name)
    if x.ndim < 2 or x.shape[-2] != n_times:
        raise ValueError(f"{name} must have shape (..., {n_times}, {dim}), got shape {x.shape}")
    return x


def finite_action(mesh, x):
    """The action of ``x``, or a ValueError that names the culprit where it is not finite."""
    with np.errstate(all="ignore"):
        S = mesh.action(x)
        if np.isfinite(S).all():
            return S
        mid, system = mesh.split(x)[0], mesh.lagrangian.system
        f, D = system.drift(mid, mesh.t_mid), system.diffusion(mid, mesh.t_mid)
    bad = ~np.isfinite(f).all(axis=-1)
    if bad.any():
        where = tuple(np.argwhere(bad)[0])
        raise ValueError(
            f"drift must be finite on the path, got {f[where]} at x = {mid[where]}, "
            f"t = {mesh.t_mid[where[-1]]:.6g}"
        )
    check_positive_definite(D)
    raise ValueError(f"functional must be finite on the path, got action {S}")
