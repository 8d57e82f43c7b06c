r"""The Lagrangian and the Hamiltonian of a noisy system, in continuous time.

    H(x, p, t) = p.f + p.D p - U,     dx/dt = f + 2 D p,     dp/dt = -dH/dx,     L = p.D p + U

Freidlin-Wentzell is ``U = 0``, Onsager-Machlup ``U = 1/2 div f`` (additive noise), and any other
``U(x, t)`` will do. Where D is regular the velocity v gives the momentum, ``p = 1/2 D^-1 (v - f)``,
and ``L = 1/4 (v - f).D^-1 (v - f) + U``. Where it is not, p is a variable of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..system.derivatives import vector_times
from ..system.layout import SHORT
from ..system.noise import invert
from .potential import potential


@dataclass(slots=True)
class Terms:
    """The Lagrangian and what belongs to it at given ``(x, t)`` and v or p."""

    x: np.ndarray
    t: np.ndarray
    L: np.ndarray
    v: np.ndarray
    p: np.ndarray
    kinetic: np.ndarray  # p.D p alone, the scale of roundoff
    A: np.ndarray | None  # D^-1: (dim,) where constant and diagonal, else matrices; None where p was given
    additive: bool
    L_x: np.ndarray | None = None  # dL/dx
    M: np.ndarray | None = None  # d2H/dp dx: grad f, and where D depends on the state 2 grad(D) p

    @property
    def energy(self):
        """``p.v - L``, which is H."""
        return dot(self.p, self.v) - self.L

    def at(self, index):
        """The same for some of the paths (the first axis)."""

        def pick(value):
            return value[index] if value is not None and value.shape[:1] == index.shape else value

        A = self.A if self.A.ndim < self.x.ndim + 1 else self.A[index]
        return Terms(
            self.x[index],
            self.t,
            self.L[index],
            self.v[index],
            self.p[index],
            self.kinetic[index],
            A,
            self.additive,
            pick(self.L_x),
            pick(self.M),
        )


def times(A, w):
    """``A @ w`` for vectors w (..., dim), A (dim,) a diagonal or matrices."""
    return A * w if A.ndim == 1 else np.einsum("...ij,...j->...i", A, w)


def product(a, b, out=None):
    """``a @ b`` of stacked matrices, ``a`` (dim,) a diagonal too; small ones without BLAS for each."""
    if a.ndim == 1:
        return np.multiply(a[:, None], b, out=out)
    return np.matmul(a, b, out=out) if a.shape[-1] > SHORT else np.einsum("...ij,...jk->...ik", a, b, out=out)


def dot(a, b):
    """Scalar products along the last axis."""
    return np.add.reduce(a * b, axis=-1)


def largest(a, axis):
    """The largest size of the numbers along some axes; 0 where there are none."""
    return np.maximum.reduce(np.abs(a), axis=axis, initial=0.0)


class Lagrangian:
    """``L(x, v, t)`` and ``H(x, p, t)`` of a system under a functional.

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
        self.name, self.potential = potential(system, functional)

    # ---- in x and v -------------------------------------------------------------------------------

    def metric(self, x, t):
        """``D^-1`` at ``x``, and whether D is known not to depend on the state."""
        if self.system.constant_diffusion is not None:
            return self.system.inverse_diffusion(x, t), True
        D, additive = self.system.noise(x, t)
        return invert(D), additive

    def momentum(self, A, w, x):
        """p and the kinetic part of L for ``w = v - f``."""
        half = w / 2
        p = times(A, half)
        return p, dot(half, p)

    def terms(self, x, v, t, order=0):
        """`Terms` at states and velocities (..., dim), D regular; ``order`` 1 with L_x, 2 with M too."""
        A, additive = self.metric(x, t)
        p, kinetic = self.momentum(A, v - self.system.drift(x, t), x)
        L = kinetic if self.potential is None else kinetic + self.potential.value(x, t)
        return self._to_order(Terms(x, t, L, v, p, kinetic, A, additive), order)

    # ---- in x and p -------------------------------------------------------------------------------

    def terms_of_momentum(self, x, p, t, order=1):
        """`Terms` at states and momenta (..., dim), whatever the rank of D; the energy is H."""
        D, additive = self.system.noise(x, t)
        Dp = np.einsum("...ij,...j->...i", D, p)
        kinetic, v = dot(p, Dp), self.system.drift(x, t) + 2 * Dp
        L = kinetic if self.potential is None else kinetic + self.potential.value(x, t)
        return self._to_order(Terms(x, t, L, v, p, kinetic, None, additive), order)

    def velocity(self, x, p, t):
        """``dx/dt = f + 2 D p``."""
        D = self.system.noise(x, t)[0]
        return self.system.drift(x, t) + 2 * np.einsum("...ij,...j->...i", D, p)

    # ---- derivatives, at given p ------------------------------------------------------------------

    def _to_order(self, terms, order):
        if order == 1 and terms.additive and self.system.has_products:
            terms.L_x = -self.system.vjp(terms.x, terms.t, terms.p)
            if self.potential is not None:
                terms.L_x += self.potential.gradient(terms.x, terms.t)
            return terms
        return self.with_slopes(terms) if order else terms

    def variation(self, terms, dx, dv):
        """How p and L_x change with the state and the velocity; D constant, second order not needed."""
        x, t, system = terms.x, terms.t, self.system
        p = times(terms.A, dv - system.jvp(x, t, dx)) / 2
        L_x = -system.vjp(x, t, p) - system.hvp(x, t, terms.p, dx)
        if self.potential is not None:
            L_x += self.potential.hessian_product(x, t, dx)
        return p, L_x

    def with_slopes(self, terms):
        """The same terms with ``L_x = -dH/dx`` and M."""
        x, t, p = terms.x, terms.t, terms.p
        M = self.system.jacobian(x, t)
        L_x = -vector_times(p, M)
        if self.potential is not None:
            L_x += self.potential.gradient(x, t)
        if not terms.additive:
            C = np.einsum("...ijl,...j->...il", self.system.diffusion_gradient(x, t), p)
            L_x -= vector_times(p, C)
            M = M + 2 * C
        terms.L_x, terms.M = L_x, M
        return terms

    def bend(self, terms, zeros=None):
        """``-d2H/dx dx`` (..., dim, dim) at given p; ``zeros`` as for `System.hessian_along`."""
        x, t, p = terms.x, terms.t, terms.p
        out = -self.system.hessian_along(x, t, p, zeros)
        if self.potential is not None:
            out = out + self.potential.hessian(x, t)
        if not terms.additive:
            out = out - np.einsum("...i,...ijlm,...j->...lm", p, self.system.diffusion_hessian(x, t), p)
        return out

    def is_autonomous(self, x, t):
        """Whether nothing here is known to use the time, at the states ``x`` and times ``t`` in use."""
        U = self.potential
        return self.system.facts.autonomous(x, t) and (U is None or U.autonomous(x))

    @property
    def costly(self):
        """Whether second derivatives come by differences in many variables."""
        return self.system.dim > 4 and self.system.derivative_noise > 1e-15


class Eased(Lagrangian):
    """The Lagrangian of D + E around momenta q, E a positive diagonal: D may be singular.

        L = 1/4 w.(D + E)^-1 w - q.E q + U,     w = v - f + 2 E q

    Its least-action path with q = p is that of D itself (the method of multipliers, in proximal
    form): where p.w = 2 p.D p, nothing of E is left. Source: Rockafellar (1976), Math. Oper. Res. 1, 97.
    """

    def __init__(self, lagrangian, ease, q):
        self.system, self.name, self.potential = lagrangian.system, lagrangian.name, lagrangian.potential
        self.ease, self.q = ease, q

    def metric(self, x, t):
        D, additive = self.system.noise(x, t)
        return invert(D + np.diag(self.ease)), additive

    def momentum(self, A, w, x):
        w = w + 2 * self.ease * self.q
        p = times(A, w) / 2
        return p, dot(w, p) / 2 - dot(self.q, self.ease * self.q)

    def is_autonomous(self, x, t):
        return not self.q.any() and super().is_autonomous(x, t)
