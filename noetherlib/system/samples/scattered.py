"""The flow of a scattered field of velocities: a spline, as smooth as cross-validation asks."""

from __future__ import annotations

from copy import copy

import numpy as np

from ...inputs import as_floats
from .frame import Frame
from .spline import Spline
from .support import Sampled, Support

MOST = 4000  # samples: time grows as their cube, memory as their square


class Scattered(Sampled):
    """The drift is the smoothed spline of velocities (n, dim) seen at states x (n, dim)."""

    def __init__(self, x, velocity, diffusion):
        self.x, self.dim, self.diffusion = x, x.shape[1], diffusion
        self.spline, self.support = Spline(x, Frame(x, None)), Support(x)
        self.smoothing = self.spline.smoothest(velocity)
        #: velocities less those that the other samples foresee
        self.errors = self.spline.unforeseen(velocity, self.smoothing)
        self._use(velocity)

    def _use(self, velocity):
        self.a, self.polynomial = self.spline.through(velocity, self.smoothing)

    def refit(self, rng):
        """The spline of velocities that err as these do, each error with a sign drawn anew."""
        other = copy(self)
        signs = rng.choice([-1.0, 1.0], size=(len(self.x), 1))
        other._use(self.drift(self.x, 0.0) + signs * self.errors)
        return other

    def _at(self, x, order):
        """The kernels' part of the derivatives in the coordinates of the spline, turned to those of x."""
        value = self.spline.kernels(x.reshape(-1, self.dim), self.a, order)
        for axis in range(2, 2 + order):
            value = np.moveaxis(np.tensordot(value, self.spline.frame.inverse, (axis, 0)), -1, axis)
        return value.reshape(x.shape + x.shape[-1:] * order)

    def drift(self, x, t):
        return self._at(x, 0) + self.polynomial.vector(x, t)

    def jacobian(self, x, t):
        return self._at(x, 1) + self.polynomial.jacobian(x, t)

    def hessian(self, x, t):
        return self._at(x, 2) + self.polynomial.hessian(x, t)

    def divergence_hessian(self, x, t):
        inverse = self.spline.frame.inverse
        bends = self.spline.third(x.reshape(-1, self.dim), self.a @ inverse.T)
        return (inverse.T @ bends @ inverse).reshape(x.shape + x.shape[-1:])


def read_field(x, velocity, diffusion):
    """The `Scattered` flow of velocities (..., dim) at states x (..., dim)."""
    x, velocity = as_floats(x, "x"), as_floats(velocity, "velocity")
    if x.ndim < 2 or velocity.shape != x.shape:
        raise ValueError(f"x and velocity must have one shape (..., dim), got {x.shape} and {velocity.shape}")
    x, velocity = (a.reshape(-1, a.shape[-1]) for a in (x, velocity))
    dim = x.shape[1]
    least = (dim + 1) * (dim + 2)
    if not least <= len(x) <= MOST:
        raise ValueError(
            f"x must have {least} to {MOST} states, got {len(x)}: take fewer at random, or average near ones"
        )
    return Scattered(x, velocity, diffusion)
