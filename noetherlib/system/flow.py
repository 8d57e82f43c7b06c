"""A flow: the mathematics of one model, and what is declared of it."""

from __future__ import annotations

import numpy as np


class Flow:
    """The model ``dx = f(x, t) dt + sqrt(2 D) dW``: its drift, its D, and whichever derivatives it has.

    A model is a subclass: it defines ``drift`` and ``diffusion``, and whatever else it knows. What it
    leaves at None is unknown, and found by differences where it is needed (see `System`). States are
    (..., dim), times broadcast against ``x[..., 0]``.
    """

    #: number of state variables
    dim: int
    #: D: a constant (number, (dim,) or (dim, dim)), or a function of (x, t) that returns one of these
    diffusion: object

    # Facts: True, False, or None where nobody said.
    #: whether D does not depend on the state; a constant D does not
    additive = None
    #: whether neither drift nor D depends on time
    autonomous = None
    #: whether ``f = matrix @ x + offset`` with constant ``matrix`` and ``offset``, which are then given
    linear = None
    #: whether the drift has neither jumps nor kinks, as a polynomial: paths then need not look for them
    smooth = None

    # Derivatives: functions of (x, t), and of p where a product is meant.
    #: df_i/dx_j, (..., dim, dim)
    jacobian = None
    #: d2f_i/dx_j dx_l, (..., dim, dim, dim)
    hessian = None
    #: second derivatives of p.f for given p, (..., dim, dim): all that paths need of the hessian
    hessian_along = None
    #: products in their place, each (..., dim): of (x, t, v) the Jacobian times v, of (x, t, p) its transpose
    #: times p, and of (x, t, p, v) the second derivatives of p.f times v
    jvp = None
    vjp = None
    hvp = None
    #: divergence of f (...), its gradient (..., dim) and second derivatives (..., dim, dim)
    divergence = None
    divergence_gradient = None
    divergence_hessian = None
    #: dD_ij/dx_l (..., dim, dim, dim) and d2D_ij/dx_l dx_m (..., dim, dim, dim, dim)
    diffusion_gradient = None
    diffusion_hessian = None

    #: shape of the periodic lattice on which the state is a field, its components first; None: none known
    lattice = None

    #: where data vouch for the flow: a function of x (..., dim) -> (...) of truth values; None: everywhere
    support = None

    #: relative error of these second derivatives, where they are not exact
    derivative_noise = None

    def drift(self, x, t):
        """f at states ``x`` (..., dim): (..., dim)."""
        raise NotImplementedError


class Functions(Flow):
    """A flow of a caller's functions; what is not given stays None."""

    def __init__(self, dim, diffusion, **known):
        self.dim, self.diffusion = dim, diffusion
        for name, value in known.items():
            setattr(self, name, value)


class LinearFlow(Flow):
    """The drift ``matrix @ x + offset``; a number stands for a multiple of the identity."""

    linear = smooth = True

    def __init__(self, matrix, offset, diffusion):
        self.offset = np.asarray(offset, dtype=float)
        self.dim = len(self.offset)
        self._given = np.asarray(matrix, dtype=float)
        #: (dim, dim)
        self.matrix = self._given * np.eye(self.dim) if self._given.ndim == 0 else self._given
        self.diffusion = diffusion
        self.autonomous = None if callable(diffusion) else True

    def drift(self, x, t):
        moved = self._given * x if self._given.ndim == 0 else x @ self.matrix.T
        return moved + self.offset

    def jacobian(self, x, t):
        return self.matrix

    def hessian(self, x, t):
        return np.zeros((self.dim,) * 3)

    def hessian_along(self, x, t, p):
        return np.zeros((self.dim,) * 2)

    def divergence_hessian(self, x, t):
        return np.zeros((self.dim,) * 2)
