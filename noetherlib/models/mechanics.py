"""Models built on another one, with noise on some of their variables: inertia, and coloured noise."""

from __future__ import annotations

import numpy as np

from ..inputs import as_a, as_floats, as_positive, brief
from ..system import Flow, System
from ..system.noise import is_diagonal


class Underdamped(Flow):
    """``dx = v dt``, ``dv = (F(x, t) - friction v) dt + sqrt(2 friction temperature) dW``, unit mass."""

    def __init__(self, force, friction, temperature):
        self.force, self.friction = force, friction
        self.half, self.dim = force.dim, 2 * force.dim
        self.autonomous, self.smooth = force.flow.autonomous, force.flow.smooth
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
    """``dx = (f(x, t) + R e) dt``, ``de = -e / tau dt + sqrt(2 D) / tau dW``, e along the noise."""

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
        self.autonomous, self.smooth = system.flow.autonomous, system.flow.smooth
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


def underdamped(force, friction, temperature, dim=1, *, jacobian=None, hessian_along=None, autonomous=None):
    """A particle of unit mass in a force field, with friction and the noise that belongs to it.

        dx = v dt,     dv = (F(x, t) - gamma v) dt + sqrt(2 gamma kT) dW

    Parameters
    ----------
    force : callable ``(x, t) -> (..., dim)``, or System
        F at places x (..., dim), in units of place per time squared. Of a `System` its drift is
        taken, with all derivatives that it has; its noise is not.
    friction : float or (dim,) array
        gamma > 0, one over time.
    temperature : float
        kT > 0, in units of velocity squared.
    dim : int, optional
        Number of places; a `System` brings its own.
    jacobian, hessian_along, autonomous : optional
        Of the force, as for `System`.

    Returns
    -------
    System
        State (x, v), of dimension ``2 dim``; D is 0 on x and gamma kT on v. With ``F = -grad V`` its
        stationary density is proportional to ``exp(-(v**2/2 + V) / kT)``.

    Raises
    ------
    ValueError
        For a force that is neither, or a friction or temperature that is not positive.

    Notes
    -----
    Source: Kramers (1940), Physica 7, 284. For large gamma, on times of order gamma, x alone follows
    ``dx = F / gamma dt + sqrt(2 kT / gamma) dW``.
    """
    derivatives = dict(jacobian=jacobian, hessian_along=hessian_along, autonomous=autonomous)
    if not isinstance(force, System):
        if not callable(force):
            raise ValueError(f"force must be a function of (x, t) or a System, got {brief(force)}")
        force = System(force, 0.0, dim, **derivatives)
    friction = as_floats(friction, "friction")
    if friction.shape not in ((), (force.dim,)) or (friction <= 0).any():
        raise ValueError(f"friction must be one positive number or ({force.dim},) of them")
    friction = np.broadcast_to(friction, (force.dim,))
    return System.of(Underdamped(force, friction, as_positive(temperature, "temperature")))


def coloured(system, time_constant):
    """The same system driven by noise that remembers, instead of white noise.

        dx = (f(x, t) + e) dt,     de = -e / tau dt + sqrt(2 D) / tau dW

    Parameters
    ----------
    system : System
        Its D must not depend on the state; it may depend on time.
    time_constant : float
        tau > 0, in units of time: e forgets over it.

    Returns
    -------
    System
        State (x, e), e of one component for each variable with noise of its own (where D is
        neither regular nor diagonal: for each of its eigenvectors with noise). As tau -> 0 the
        integral of e becomes the white noise ``sqrt(2 D) dW``.

    Raises
    ------
    ValueError
        For a system that is not one, whose noise depends on the state or is nowhere, or a tau that
        is not positive.

    Notes
    -----
    Source: Uhlenbeck and Ornstein (1930); Hänggi and Jung (1995), Adv. Chem. Phys. 89, 239.
    """
    if as_a(System, system, "system").additive is not True:
        raise ValueError(
            "system must have noise that does not depend on the state "
            "(declare additive=True where that is so)"
        )
    if system.constant_diffusion is not None and not system.constant_diffusion.any():
        raise ValueError("system must have noise, got D = 0")
    return System.of(Coloured(system, as_positive(time_constant, "time_constant")))
