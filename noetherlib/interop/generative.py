"""States and clocks of diffusion and flow-matching models, as ours: the noise level is the time.

There ``y = data + t noise``, and ``score = grad log p(y, t)`` is what `nl.scores` and
`nl.models.reverse_diffusion` speak of.
"""

from __future__ import annotations

import numpy as np

from ..inputs import as_floats


def from_variance_preserving(x, alpha_bar):
    """State and noise level of ``x = sqrt(alpha_bar) data + sqrt(1 - alpha_bar) noise``.

    Parameters
    ----------
    x : (..., dim) array
    alpha_bar : number or (...) array
        Strictly between 0 and 1; a diffusers scheduler has it as ``alphas_cumprod[timestep]``.

    Returns
    -------
    y : (..., dim) array
        ``x / sqrt(alpha_bar)``.
    t : number or (...) array
        ``sqrt((1 - alpha_bar) / alpha_bar)``.

    Raises
    ------
    ValueError
        If ``alpha_bar`` is out of range.

    Notes
    -----
    diffusers 0.42.1, `DDPMScheduler.add_noise`; Song et al. (2021), arXiv 2010.02502, section 4.
    """
    bar = inside(alpha_bar, "alpha_bar")
    return as_floats(x, "x") / np.sqrt(bar)[..., None], np.sqrt((1 - bar) / bar)[()]


def to_variance_preserving(y, t):
    """The inverse of `from_variance_preserving`.

    Parameters
    ----------
    y : (..., dim) array
    t : number or (...) array
        Noise levels, positive.

    Returns
    -------
    x : (..., dim) array
        ``y / sqrt(1 + t**2)``.
    alpha_bar : number or (...) array
        ``1 / (1 + t**2)``: look for the timestep that has it.

    Raises
    ------
    ValueError
        If a noise level is not positive.

    Notes
    -----
    diffusers 0.42.1.
    """
    bar = 1 / (1 + positive(t) ** 2)
    return as_floats(y, "y") * np.sqrt(bar)[..., None], bar[()]


def from_flow(x, s):
    """State and noise level of flow matching's ``x = (1 - s) data + s noise``.

    Parameters
    ----------
    x : (..., dim) array
    s : number or (...) array
        Strictly between 0 (data) and 1 (noise). For torchcfm's time t hand over ``1 - t``.

    Returns
    -------
    y : (..., dim) array
        ``x / (1 - s)``.
    t : number or (...) array
        ``s / (1 - s)``.

    Raises
    ------
    ValueError
        If ``s`` is out of range.

    Notes
    -----
    diffusers 0.42.1, `FlowMatchEulerDiscreteScheduler.scale_noise`, whose `sigmas` are s.
    """
    s = inside(s, "s")
    return as_floats(x, "x") / (1 - s)[..., None], (s / (1 - s))[()]


def to_flow(y, t):
    """The inverse of `from_flow`.

    Parameters
    ----------
    y : (..., dim) array
    t : number or (...) array

    Returns
    -------
    x : (..., dim) array
        ``y / (1 + t)``.
    s : number or (...) array
        ``t / (1 + t)``.

    Raises
    ------
    ValueError
        If a noise level is not positive.

    Notes
    -----
    diffusers 0.42.1.
    """
    t = positive(t)
    return as_floats(y, "y") / (1 + t)[..., None], (t / (1 + t))[()]


def from_edm(sigmas):
    """Increasing times of our clock from EDM's decreasing noise levels.

    Parameters
    ----------
    sigmas : (n,) array
        Strictly decreasing; the last may be 0.

    Returns
    -------
    times : (m,) array
        ``sigmas[0] - sigmas``: the time of `nl.models.reverse_diffusion`, whose ``t_max`` is
        ``sigmas[0]``. A last level of 0 is left out: the score of bare data need not exist.

    Raises
    ------
    ValueError
        If the levels do not decrease, or one is negative.

    Notes
    -----
    diffusers 0.42.1, `EDMEulerScheduler.sigmas`; Karras et al. (2022), arXiv 2206.00364.
    """
    sigmas = as_floats(sigmas, "sigmas")
    if sigmas.ndim != 1 or len(sigmas) < 2 or (np.diff(sigmas) >= 0).any() or sigmas[-1] < 0:
        raise ValueError("sigmas must be a strictly decreasing 1-D array of levels >= 0")
    return sigmas[0] - sigmas[sigmas > 0]


def to_edm(times, t_max):
    """EDM's noise levels for times of our clock, the inverse of `from_edm`.

    Parameters
    ----------
    times : (m,) array
        Increasing, below ``t_max``.
    t_max : float
        The noise level where the clock starts.

    Returns
    -------
    sigmas : (m + 1,) array
        ``t_max - times``, and 0.

    Raises
    ------
    ValueError
        If the times do not increase or reach ``t_max``.

    Notes
    -----
    diffusers 0.42.1.
    """
    times = as_floats(times, "times")
    if times.ndim != 1 or (np.diff(times) <= 0).any() or not (times < t_max).all():
        raise ValueError(f"times must be a strictly increasing 1-D array below t_max = {t_max}")
    return np.append(t_max - times, 0.0)


def inside(value, name):
    """``value`` strictly between 0 and 1."""
    value = as_floats(value, name)
    if not ((value > 0) & (value < 1)).all():
        raise ValueError(f"{name} must lie strictly between 0 and 1, got {value.min()} to {value.max()}")
    return value


def positive(t):
    """Noise levels above 0."""
    t = as_floats(t, "t")
    if not (t > 0).all():
        raise ValueError(f"t is the noise level and must be positive, got {t.min()}")
    return t
