"""The probability-flow ODE, which carries the density without noise, and densities along it."""

from __future__ import annotations

import numpy as np

from ..inputs import as_floats, brief
from ..system.derivatives import differentiate


def probability_flow(score, x, t, rtol=1e-10, atol=1e-12):
    """Follow states along the probability-flow ODE ``dx/dt = -t score(x, t)``.

    Parameters
    ----------
    score : object with ``.score(x, t)``, or callable ``(x, t) -> (..., dim)``
    x : (..., dim) array
        States at the first noise level ``t[0]``.
    t : (n_times,) array
        Noise levels, none negative, strictly increasing (data to noise) or decreasing (noise to
        data).
    rtol, atol : float, optional
        Tolerances of the integrator, for the root mean square over all the states.

    Returns
    -------
    (..., n_times, dim) array
        States at each ``t``; the first is ``x``.

    Raises
    ------
    ValueError
        For times that are not monotone or negative, a score that is not one, or not finite.
    RuntimeError
        If the integrator gives up.

    Notes
    -----
    Source: Song et al. (2021), arXiv 2011.13456, equation 13, with sigma(t) = t; it carries the
    density ``p(., t)`` exactly. Gaussian data of variance s**2 keep ``x(t) / sqrt(s**2 + t**2)``.
    Integrated by DOP853 in the clock log t, where the equation is not stiff (``dx/dlog t = x``
    minus the denoised x); in t itself if a noise level is zero.
    """
    function, t, x = _checked(score, x, t)
    states, _ = _follow(function, None, x, t, rtol, atol)
    return states


def log_likelihood(score, x, t, prior=None, rtol=1e-10, atol=1e-12):
    """Log density of states at the noise level ``t[0]``, along the probability-flow ODE.

    Parameters
    ----------
    score : object with ``.score(x, t)``, or callable ``(x, t) -> (..., dim)``
        With ``divergence(x, t)`` (...) or ``score_jacobian(x, t)`` (..., dim, dim) the divergence
        is exact; else it is taken by central differences, 4 dim scores for each.
    x : (..., dim) array
        States at the first noise level.
    t : (n_times,) array
        Noise levels, strictly increasing from the data's to that of ``prior``: only the ends
        matter. ``t[0]`` may be 0 where the score is finite there.
    prior : callable, optional
        ``prior(x) -> (...)``: log density at the noise level ``t[-1]``. By default the score's own
        ``log_density`` there, where it has one; else that of ``N(0, t[-1]**2 I)``, which for data
        of mean m and variance s**2 is off by about ``(m**2 + s**2 dim) / t[-1]**2``.
    rtol, atol : float, optional
        Tolerances of the integrator, as for `probability_flow`.

    Returns
    -------
    (...) array
        log p(x, t[0]), in nats per unit of volume.

    Raises
    ------
    ValueError
        As `probability_flow`; for levels that decrease, and a prior that is not one.

    Notes
    -----
    Source: Song et al. (2021), arXiv 2011.13456, equation 39, with sigma(t) = t:
    ``log p(x(t0), t0) = log p(x(T), T) - integral of t div score(x(t), t) dt``. With an exact
    score the result is the exact density; with a learned one it is the density that its flow
    carries to the prior.
    """
    function, t, x = _checked(score, x, t)
    if t[0] > t[-1]:
        raise ValueError("t must increase, from the noise level of x to that of the prior")
    if prior is None:
        own = getattr(score, "log_density", None)
        prior = _normal(t[-1]) if own is None else lambda y: own(y, t[-1])
    elif not callable(prior):
        raise ValueError(f"prior must be a function of the state, got {brief(prior)}")
    states, change = _follow(function, _divergence(score, function), x, t[[0, -1]], rtol, atol)
    end = np.asarray(prior(states[..., -1, :]), dtype=float)
    if end.shape != x.shape[:-1]:
        raise ValueError(f"prior(x) must return shape {x.shape[:-1]}, got shape {end.shape}")
    return end - change


def _normal(level):
    """Log density of ``N(0, level**2 I)``."""
    return lambda y: -(np.log(2 * np.pi * level**2) + y**2 / level**2).sum(axis=-1) / 2


def _divergence(score, function):
    """The score's divergence: its own, that of its own Jacobian, or by differences."""
    if (own := getattr(score, "divergence", None)) is not None:
        return own
    if (jacobian := getattr(score, "score_jacobian", None)) is None:

        def jacobian(x, t):
            return differentiate(lambda *at: np.asarray(function(*at), dtype=float), x, t, fine=True)

    return lambda x, t: np.trace(jacobian(x, t), axis1=-2, axis2=-1)


def _checked(score, x, t):
    """The score as a function, the levels and the states."""
    function = getattr(score, "score", score)
    if not callable(function):
        raise ValueError(f"score must have a method .score or be a function of (x, t), got {brief(score)}")
    t, x = _as_levels(t), as_floats(x, "x")
    if x.ndim == 0:
        raise ValueError("x must have the state on its last axis, shape (..., dim), got a number")
    return function, t, x


def _follow(function, divergence, x, t, rtol, atol):
    """States (..., n_times, dim) at each level, and the change of log p up to the last one."""
    from scipy.integrate import solve_ivp  # slow to import, and only needed here

    logarithmic = t.min() > 0

    def velocity(clock, flat):
        level = np.exp(clock) if logarithmic else max(clock, 0.0)
        y, pace = flat[: x.size].reshape(x.shape), level * (level if logarithmic else 1.0)
        slope = np.asarray(function(y, np.asarray(level)), dtype=float)
        if slope.shape != x.shape or not np.isfinite(slope).all():
            what = "not finite" if slope.shape == x.shape else f"of shape {slope.shape}"
            raise ValueError(f"score(x, t) must be finite, of shape {x.shape}; got {what} at t = {level:g}")
        rates = [-pace * slope.ravel()]
        if divergence is not None:
            spread = np.broadcast_to(divergence(y, np.asarray(level)), x.shape[:-1])
            rates.append(pace * spread.ravel())
        return np.concatenate(rates)

    clock = np.log(t) if logarithmic else t
    begin = np.concatenate([x.ravel(), np.zeros(0 if divergence is None else x[..., 0].size)])
    span = clock[0], clock[-1]
    result = solve_ivp(velocity, span, begin, "DOP853", clock, rtol=rtol, atol=atol)
    if not result.success:
        raise RuntimeError(f"the probability-flow ODE could not be integrated: {result.message}")
    states = result.y[: x.size].reshape(x.shape + (len(t),))
    change = None if divergence is None else result.y[x.size :, -1].reshape(x.shape[:-1])
    return np.moveaxis(states, -1, -2), change


def _as_levels(value):
    """Noise levels in the order in which they are passed, either way."""
    t = as_floats(value, "t")
    if t.ndim != 1 or len(t) < 2:
        raise ValueError(f"t must be a 1-D array of at least two noise levels, got shape {t.shape}")
    if (t < 0).any():
        raise ValueError(f"t must be noise levels >= 0, got {t.min()}")
    way = np.sign(np.diff(t))
    for k in np.flatnonzero((way == 0) | (way != way[0]))[:1]:
        raise ValueError(f"t must be strictly monotone, got t[{k}] = {t[k]} and t[{k + 1}] = {t[k + 1]}")
    return t
