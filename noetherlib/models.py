"""The zoo: ready systems with exact derivatives."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from .inputs import as_count, as_floats, as_number, as_positive
from .system import System


class _Linear:
    """The drift ``matrix @ x + offset`` and its derivatives; ``matrix`` may be a number."""

    def __init__(self, matrix, offset):
        self.matrix, self.offset = matrix, offset

    def drift(self, x, t):
        if np.ndim(self.matrix) == 0:
            return self.matrix * x + self.offset
        return x @ self.matrix.T + self.offset

    def jacobian(self, x, t):
        return self.matrix * np.eye(len(self.offset)) if np.ndim(self.matrix) == 0 else self.matrix

    def hessian(self, x, t):
        return np.zeros((len(self.offset),) * 3)

    def divergence_hessian(self, x, t):
        return np.zeros((len(self.offset),) * 2)


def _linear(matrix, offset, diffusion):
    flow = _Linear(matrix, offset)
    system = System(flow.drift, diffusion, len(offset), flow.jacobian, flow.hessian)
    system._divergence_hessian = flow.divergence_hessian
    system.linear = flow.jacobian(None, None), offset
    return system


def drift_diffusion(velocity, diffusion):
    """One-dimensional drift-diffusion ``dx = v dt + sqrt(2 D) dW``.

    Parameters
    ----------
    velocity : float
        Constant drift v, in units of state per time.
    diffusion : float
        D = sigma**2 / 2, in units of state squared per time. (A model written with
        ``dx = v dt + sigma dW`` has ``diffusion=sigma**2 / 2``.)

    Returns
    -------
    System

    Raises
    ------
    ValueError
        For a velocity that is not finite or a diffusion that is not positive.

    Notes
    -----
    Source: Vastola (2025), arXiv 2504.09761, Figure 1a; in decision making, Ratcliff (1978).
    """
    velocity = as_floats(velocity, "velocity")
    if velocity.ndim:
        raise ValueError(f"velocity must be one number, got shape {velocity.shape}")
    return _linear(0.0, velocity[None], as_positive(diffusion, "diffusion"))


def ornstein_uhlenbeck(dim, rate, diffusion):
    """Ornstein-Uhlenbeck process ``dx = -k x dt + sqrt(2 D) dW``.

    Parameters
    ----------
    dim : int
    rate : float or (dim, dim) array
        k, in units of one over time; a matrix K gives the drift ``-K x``.
    diffusion : float, (dim,) or (dim, dim) array
        D, in units of state squared per time.

    Returns
    -------
    System

    Raises
    ------
    ValueError
        For a bad dimension, a rate of another shape, or a D that is not positive definite.

    Notes
    -----
    Source: Uhlenbeck and Ornstein (1930); Vastola (2025), Figure 1b, has k = D = 1.
    """
    dim = as_count(dim, "dim")
    rate = as_floats(rate, "rate")
    if rate.shape not in ((), (dim, dim)):
        raise ValueError(f"rate must be a number or ({dim}, {dim}), got shape {rate.shape}")
    return _linear(-rate[()], np.zeros(dim), diffusion)


def _assemble(flow, diffusion, dim):
    """A system from an object with a drift and its derivatives, up to those of the divergence."""
    system = System(flow.drift, diffusion, dim, flow.jacobian, flow.hessian)
    system._divergence_hessian = flow.divergence_hessian
    return system


class _Decision:
    """Two populations that excite themselves and inhibit each other through a steep sigmoid."""

    def __init__(self, baseline, excitation, inhibition, threshold, width, time_constant):
        self.baseline, self.threshold, self.width = baseline, threshold, width
        self.time_constant = time_constant
        self.weights = np.array([[excitation, -inhibition], [-inhibition, excitation]])

    def rates(self, x, order):
        """The sigmoid of each coordinate, or its derivative of order up to three."""
        z = (x - self.threshold) / self.width
        s, rest = expit(z), expit(-z)  # 1 - s would lose the upper tail
        if order == 0:
            return s
        slope = s * rest
        factor = (1, rest - s, (rest - s) ** 2 - 2 * slope)[order - 1]
        return slope * factor / self.width**order

    def drift(self, x, t):
        return (self.baseline + self.rates(x, 0) @ self.weights - x) / self.time_constant

    def jacobian(self, x, t):
        return (self.weights * self.rates(x, 1)[..., None, :] - np.eye(2)) / self.time_constant

    def hessian(self, x, t):
        curvature = self.rates(x, 2)[..., None, None, :] / self.time_constant
        return self.weights[:, :, None] * np.eye(2) * curvature

    def divergence_hessian(self, x, t):
        return self.weights[0, 0] * np.eye(2) * (self.rates(x, 3) / self.time_constant)[..., None, :]


def multistable_decision(
    baseline=1.25, excitation=2.0, inhibition=0.9, threshold=1.5, width=0.01, time_constant=1.0,
    diffusion=0.16,
):
    """Two competing populations with several attractors, a model of decision and working memory.

        tau dx/dt = mu0 + A s(x) - I s(y) - x,     s(u) = 1 / (1 + exp(-(u - c) / n)),

    and the same with x and y exchanged.

    Parameters
    ----------
    baseline, excitation, inhibition : float
        mu0, A and I, in units of the state.
    threshold, width : float
        c and n > 0, in units of the state. As n -> 0 the sigmoid is a step and the drift linear
        in each of the four quadrants around (c, c).
    time_constant : float
        tau > 0.
    diffusion : float, (2,) or (2, 2) array
        D, in units of state squared per time. A model written with noise of amplitude
        ``sqrt(2 / tau) sigma`` has D = sigma**2 / tau; published is sigma = 0.4, that is 0.16.

    Returns
    -------
    System
        With exact derivatives up to the third. The published parameters have nine fixed points:
        four stable ones, near (3.25, 0.35), (0.35, 3.25), (2.35, 2.35) and (1.25, 1.25), four
        saddles and a source. The drift is not a gradient.

    Raises
    ------
    ValueError
        For parameters that are not finite numbers, or a width, time constant or D not positive.

    Notes
    -----
    Source: Vastola (2025), arXiv 2504.09761, Figure 1c, whose parameters are the defaults.
    """
    flow = _Decision(
        as_number(baseline, "baseline"), as_number(excitation, "excitation"),
        as_number(inhibition, "inhibition"), as_number(threshold, "threshold"),
        as_positive(width, "width"), as_positive(time_constant, "time_constant"),
    )
    return _assemble(flow, diffusion, 2)


class _DoubleWell:
    def drift(self, x, t):
        return x - x * x**2

    def jacobian(self, x, t):
        return 1 - 3 * x[..., None] ** 2

    def hessian(self, x, t):
        return -6 * x[..., None, None]

    def divergence_hessian(self, x, t):
        return np.full((1, 1), -6.0)


def double_well(diffusion):
    """One-dimensional double well ``dx = (x - x**3) dt + sqrt(2 D) dW``.

    Parameters
    ----------
    diffusion : float
        D, in units of state squared per time.

    Returns
    -------
    System
        Potential ``V = x**4/4 - x**2/2``: minima at -1 and 1, barrier 1/4 at 0. Stationary density
        proportional to ``exp(-V / D)``.

    Raises
    ------
    ValueError
        For a D that is not positive.

    Notes
    -----
    Source: Kramers (1940).
    """
    return _assemble(_DoubleWell(), diffusion, 1)


class _MaierStein:
    def __init__(self, beta):
        self.beta = beta

    def drift(self, x, t):
        u, v = x[..., 0], x[..., 1]
        return np.stack([u - u * u**2 - self.beta * u * v**2, -(1 + u**2) * v], axis=-1)

    def jacobian(self, x, t):
        u, v = x[..., 0], x[..., 1]
        rows = [1 - 3 * u**2 - self.beta * v**2, -2 * self.beta * u * v], [-2 * u * v, -(1 + u**2)]
        return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)

    def hessian(self, x, t):
        u, v, b = x[..., 0], x[..., 1], self.beta
        entries = -6 * u, -2 * b * v, -2 * b * v, -2 * b * u, -2 * v, -2 * u, -2 * u, 0 * u
        return np.stack(entries, axis=-1).reshape(u.shape + (2, 2, 2))

    def divergence_hessian(self, x, t):
        return np.diag([-8.0, -2.0 * self.beta])


def maier_stein(diffusion, beta=10.0):
    """Maier-Stein system: two wells joined through a saddle by a drift that is not a gradient.

        du/dt = u - u**3 - beta u v**2,     dv/dt = -(1 + u**2) v

    Parameters
    ----------
    diffusion : float, (2,) or (2, 2) array
        D, in units of state squared per time.
    beta : float
        A gradient for ``beta = 1`` alone; above 4 the most likely exit leaves the axis v = 0.

    Returns
    -------
    System
        Stable points (-1, 0) and (1, 0), saddle (0, 0). Its only symmetries are the two
        reflections, which are discrete and give no charge.

    Raises
    ------
    ValueError
        For a beta that is not finite or a D that is not positive definite.

    Notes
    -----
    Source: Maier and Stein (1993), Phys. Rev. Lett. 71, 1783; (1996), J. Stat. Phys. 83, 291.
    """
    return _assemble(_MaierStein(as_number(beta, "beta")), diffusion, 2)


class _Reverse:
    """Drift ``2 t score(x, t)`` and diffusion t of reverse diffusion, at t = t_max - s."""

    def __init__(self, score, t_max):
        self.source, self.t_max = score, t_max

    def level(self, s):
        level = self.t_max - np.asarray(s)
        if (level < 0).any():
            raise ValueError(
                f"t must not exceed t_max = {self.t_max:g}, where the noise is gone; got {np.max(s):g}"
            )
        return level

    def times_score(self, name, rank, x, s, *more):
        t = self.level(s)
        return 2 * t.reshape(t.shape + (1,) * rank) * getattr(self.source, name)(x, t, *more)

    def drift(self, x, s):
        if hasattr(self.source, "score"):
            return self.times_score("score", 1, x, s)
        t = self.level(s)
        return 2 * t[..., None] * self.source(x, t)

    def jacobian(self, x, s):
        return self.times_score("score_jacobian", 2, x, s)

    def hessian(self, x, s):
        return self.times_score("score_hessian", 3, x, s)

    def hessian_along(self, x, s, p):
        return self.times_score("score_hessian_along", 2, x, s, p)

    def divergence(self, x, s):
        return self.times_score("divergence", 0, x, s)

    def divergence_gradient(self, x, s):
        return self.times_score("divergence_gradient", 1, x, s)

    def divergence_hessian(self, x, s):
        return self.times_score("divergence_hessian", 2, x, s)

    def diffusion(self, x, s):
        return self.t_max - np.asarray(s)


def reverse_diffusion(score, t_max, dim=None):
    """Reverse diffusion, from noise to data, variance-exploding with ``sigma(t) = t``.

    Forward, at noise level t, ``dx = sqrt(2 t) dW`` (D = t). Reversed, in the increasing clock
    ``s = t_max - t`` that this system runs on,

        dx = 2 t score(x, t) ds + sqrt(2 t) dW,     t = t_max - s.

    Parameters
    ----------
    score : object with ``.score(x, t)``, or callable ``(x, t) -> (..., dim)``
        grad log p at noise level t. One of `noetherlib.scores` brings exact derivatives; from any
        other object ``score_jacobian``, ``score_hessian``, ``score_hessian_along``,
        ``divergence``, ``divergence_gradient`` and ``divergence_hessian`` are used where it has them.
    t_max : float
        Noise level at s = 0, in units of the state.
    dim : int, optional
        Needed where ``score`` has no ``dim``.

    Returns
    -------
    System
        Its time is s, from 0 (noise) up to t_max (data). At s = t_max the noise vanishes: paths and
        actions need s < t_max throughout, as ``D^-1 = 1/t`` diverges there. Beyond, the drift raises.
        It pickles where the score does.

    Raises
    ------
    ValueError
        For a score that is not one, a ``t_max`` that is not positive, or a missing ``dim``.

    Notes
    -----
    Source: Anderson (1982), Stochastic Process. Appl. 12, 313; Song et al. (2021),
    arXiv 2011.13456, equation 6; Vastola (2025), arXiv 2504.09761, Figure 2. With the exact score
    the marginal density at s is ``p(., t_max - s)``.
    """
    if not callable(getattr(score, "score", score)):
        raise ValueError(f"score must have a method .score or be a function of (x, t), got {score!r}")
    dim = getattr(score, "dim", None) if dim is None else dim
    if dim is None:
        raise ValueError("dim must be given: the score does not say its dimension")
    flow = _Reverse(score, as_positive(t_max, "t_max"))
    jacobian = flow.jacobian if hasattr(score, "score_jacobian") else None
    hessian = flow.hessian if jacobian and hasattr(score, "score_hessian") else None
    system = System(flow.drift, flow.diffusion, dim, jacobian, hessian)
    if hasattr(score, "divergence_hessian"):
        system._divergence_hessian = flow.divergence_hessian
    if hasattr(score, "score_hessian_along"):
        system._hessian_along = flow.hessian_along
    for name in ("divergence", "divergence_gradient"):  # cheaper than the trace of what they come from
        if hasattr(score, name):
            setattr(system, name, getattr(flow, name))
    return system
