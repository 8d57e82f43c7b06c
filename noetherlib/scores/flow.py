"""The probability-flow ODE, which carries the density without noise."""

from __future__ import annotations

import numpy as np

from ..inputs import as_floats, brief


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
    from scipy.integrate import solve_ivp  # slow to import, and only needed here

    function = getattr(score, "score", score)
    if not callable(function):
        raise ValueError(
            f"score must have a method .score or be a function of (x, t), got {brief(score)}"
        )
    t, x = _as_levels(t), as_floats(x, "x")
    if x.ndim == 0:
        raise ValueError("x must have the state on its last axis, shape (..., dim), got a number")
    logarithmic = t.min() > 0

    def velocity(clock, flat):
        level = np.exp(clock) if logarithmic else max(clock, 0.0)
        slope = np.asarray(function(flat.reshape(x.shape), np.asarray(level)), dtype=float)
        if slope.shape != x.shape or not np.isfinite(slope).all():
            what = "not finite" if slope.shape == x.shape else f"of shape {slope.shape}"
            raise ValueError(
                f"score(x, t) must be finite, of shape {x.shape}; got {what} at t = {level:g}"
            )
        return -level * (level if logarithmic else 1.0) * slope.ravel()

    clock = np.log(t) if logarithmic else t
    span = clock[0], clock[-1]
    result = solve_ivp(velocity, span, x.ravel(), "DOP853", clock, rtol=rtol, atol=atol)
    if not result.success:
        raise RuntimeError(f"the probability-flow ODE could not be integrated: {result.message}")
    return np.moveaxis(result.y.reshape(x.shape + (len(t),)), -1, -2)


def _as_levels(value):
    """Noise levels in the order in which they are passed, either way."""
    t = as_floats(value, "t")
    if t.ndim != 1 or len(t) < 2:
        raise ValueError(f"t must be a 1-D array of at least two noise levels, got shape {t.shape}")
    if (t < 0).any():
        raise ValueError(f"t must be noise levels >= 0, got {t.min()}")
    way = np.sign(np.diff(t))
    for k in np.flatnonzero((way == 0) | (way != way[0]))[:1]:
        raise ValueError(
            f"t must be strictly monotone, got t[{k}] = {t[k]} and t[{k + 1}] = {t[k + 1]}"
        )
    return t
