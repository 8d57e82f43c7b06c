"""Models built on another one, with noise on some of their variables: inertia, and coloured noise."""

from __future__ import annotations

import numpy as np

from ..system import Flow, System
from ..system.noise import is_diagonal


class Underdamped(Flow):
    """``dx = v dt``, ``dv = (F(x, t) - friction v) dt + sqrt(2 friction temperature) dW``, unit mass."""

    def __init__(self, force, friction, temperature):
        self.force, self.friction = force, friction
        self.half, self.dim = force.dim, 2 * force.dim
        self.autonomous = force.flow.autonomous
        self.derivative_noise = force.derivative_noise
        self.diffusion = np.concatenate([np.zeros(self.half), friction * temperature])

    def drift(self, x, t):
        place, v = x[..., : self.half], x[..., self.half :]
        return np.concatenate([v, self.force.drift(place, t) - self.friction * v], axis=-1)

    def jacobian(self, x, t):
        n = self.half
        out = np.zeros(x.shape + (self.dim,))
        out[..., :n, n:] = np.eye(n)
        out[..., n:, :n] = self.force.jacobian(x[..., :n], t)
        out[..., n:, n:] = -np.diag(self.friction)
        return out

    def hessian_along(self, x, t, p):
        n = self.half
        out = np.zeros(x.shape + (self.dim,))
        out[..., :n, :n] = self.force.hessian_along(x[..., :n], t, p[..., n:])
        return out

    # the force does not see the velocity: the divergence is that of friction alone
    def divergence(self, x, t):
        return np.full(x.shape[:-1], -self.friction.sum())

    def divergence_gradient(self, x, t):
        return np.zeros(x.shape)

    def divergence_hessian(self, x, t):
        return np.zeros(x.shape + (self.dim,))


class Coloured(Flow):
    """``dx = (f(x, t) + R e) dt``, ``de = -e / tau dt + sqrt(2 D) / tau dW``, e along the noisy directions."""

    additive = True

    def __init__(self, system, time_constant):
        self.system, self.rate = system, 1 / time_constant
        D = system.constant_diffusion
        self.directions = np.eye(system.dim)  # R: a column for each direction that has noise
        if D is not None:
            if is_diagonal(D):
                self.directions = self.directions[:, np.diag(D) > 0]
            elif np.linalg.matrix_rank(D, hermitian=True) < system.dim:
                values, vectors = np.linalg.eigh(D)
                self.directions = vectors[:, values > 1e-14 * values.max()]
        self.half = system.dim
        self.dim = system.dim + self.directions.shape[1]
        self.autonomous = system.flow.autonomous
        self.derivative_noise = system.derivative_noise
        self.diffusion = self._noise if D is None else self._spread(D)

    def _spread(self, D):
        """D of the pair (x, e) from that of the white noise."""
        n, R = self.half, self.directions
        out = np.zeros(D.shape[:-2] + (self.dim,) * 2)
        out[..., n:, n:] = R.T @ D @ R * self.rate**2
        return out

    def _noise(self, x, t):
        return self._spread(self.system.flow.diffusion(x, t) * np.eye(self.half))

    def drift(self, x, t):
        place, e = x[..., : self.half], x[..., self.half :]
        return np.concatenate([self.system.drift(place, t) + e @ self.directions.T, -self.rate * e], axis=-1)

    def jacobian(self, x, t):
        n = self.half
        out = np.zeros(x.shape + (self.dim,))
        out[..., :n, :n] = self.system.jacobian(x[..., :n], t)
        out[..., :n, n:] = self.directions
        out[..., n:, n:] = -self.rate * np.eye(self.dim - n)
        return out

    def hessian_along(self, x, t, p):
        return self._inner(x, self.system.hessian_along(x[..., : self.half], t, p[..., : self.half]))

    def divergence(self, x, t):
        return self.system.divergence(x[..., : self.half], t) - self.rate * (self.dim - self.half)

    def divergence_gradient(self, x, t):
        out = np.zeros(x.shape)
        out[..., : self.half] = self.system.divergence_gradient(x[..., : self.half], t)
        return out

    def divergence_hessian(self, x, t):
        return self._inner(x, self.system.divergence_hessian(x[..., : self.half], t))

    def _inner(self, x, matrix):
        """A matrix of the first variables among those of all."""
        out = np.zeros(x.shape + (self.dim,))
        out[..., : self.half, : self.half] = matrix
        return out


def as_force(force, dim, derivatives):
    """The force as a system whose noise is not used."""
    if isinstance(force, System):
        return force
    return System(force, 0.0, dim, **derivatives)
