"""What networks of diffusion and flow-matching models predict, as a score of ours."""

from __future__ import annotations

import numpy as np

from ..inputs import as_floats
from .generative import inside, positive


def from_epsilon(epsilon, t):
    """Score from a prediction of the noise.

    Parameters
    ----------
    epsilon : (..., dim) array
        Predicted noise, of unit variance.
    t : number or (...) array
        Our noise level, positive.

    Returns
    -------
    score : (..., dim) array
        ``-epsilon / t``, with respect to y.

    Raises
    ------
    ValueError
        If a noise level is not positive.

    Notes
    -----
    diffusers 0.42.1, ``prediction_type="epsilon"``. With respect to its own x the score is
    ``-epsilon / sqrt(1 - alpha_bar)``: another number, since ``y = x / sqrt(alpha_bar)``.
    """
    return -as_floats(epsilon, "epsilon") / positive(t)[..., None]


def to_epsilon(score, t):
    """The inverse of `from_epsilon`.

    Parameters
    ----------
    score : (..., dim) array
    t : number or (...) array

    Returns
    -------
    epsilon : (..., dim) array
        ``-t score``.

    Raises
    ------
    ValueError
        If a noise level is not positive.

    Notes
    -----
    diffusers 0.42.1.
    """
    return -as_floats(score, "score") * positive(t)[..., None]


def from_v_prediction(v, x, alpha_bar):
    """Predicted noise from a prediction of ``sqrt(alpha_bar) noise - sqrt(1 - alpha_bar) data``.

    Parameters
    ----------
    v, x : (..., dim) arrays
        The prediction, and the state that it is for.
    alpha_bar : number or (...) array
        Strictly between 0 and 1.

    Returns
    -------
    epsilon : (..., dim) array
        ``sqrt(alpha_bar) v + sqrt(1 - alpha_bar) x``.

    Raises
    ------
    ValueError
        If ``alpha_bar`` is out of range.

    Notes
    -----
    diffusers 0.42.1, ``prediction_type="v_prediction"`` and `get_velocity`.
    """
    bar = inside(alpha_bar, "alpha_bar")[..., None]
    return np.sqrt(bar) * as_floats(v, "v") + np.sqrt(1 - bar) * as_floats(x, "x")


def to_v_prediction(epsilon, x, alpha_bar):
    """The inverse of `from_v_prediction`.

    Parameters
    ----------
    epsilon, x : (..., dim) arrays
    alpha_bar : number or (...) array

    Returns
    -------
    v : (..., dim) array
        ``(epsilon - sqrt(1 - alpha_bar) x) / sqrt(alpha_bar)``.

    Raises
    ------
    ValueError
        If ``alpha_bar`` is out of range.

    Notes
    -----
    diffusers 0.42.1.
    """
    bar = inside(alpha_bar, "alpha_bar")[..., None]
    return (as_floats(epsilon, "epsilon") - np.sqrt(1 - bar) * as_floats(x, "x")) / np.sqrt(bar)


def from_flow_velocity(v, x, s):
    """Score from flow matching's velocity, the mean of ``noise - data`` at x.

    Parameters
    ----------
    v, x : (..., dim) arrays
        The velocity, and the state that it is for.
    s : number or (...) array
        Strictly between 0 and 1.

    Returns
    -------
    score : (..., dim) array
        ``-(v + y) (1 - s)**2 / s`` with ``y = x / (1 - s)``, with respect to y.

    Raises
    ------
    ValueError
        If ``s`` is out of range.

    Notes
    -----
    diffusers 0.42.1. The mean noise at x is ``x + (1 - s) v``, and the score ``-noise / t``.
    """
    s = inside(s, "s")[..., None]
    y = as_floats(x, "x") / (1 - s)
    return -(as_floats(v, "v") + y) * (1 - s) ** 2 / s


def to_flow_velocity(score, y, t):
    """The inverse of `from_flow_velocity`.

    Parameters
    ----------
    score, y : (..., dim) arrays
    t : number or (...) array

    Returns
    -------
    v : (..., dim) array
        ``-t (1 + t) score - y``.

    Raises
    ------
    ValueError
        If a noise level is not positive.

    Notes
    -----
    diffusers 0.42.1.
    """
    t = positive(t)[..., None]
    return -t * (1 + t) * as_floats(score, "score") - as_floats(y, "y")
