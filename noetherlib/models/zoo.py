"""The zoo: ready systems with exact derivatives."""

from __future__ import annotations

import numpy as np

from ..inputs import as_count, as_floats, as_number, as_positive
from ..system import LinearFlow, System
from .flows import Decision, DoubleWell, FitzHughNagumo, MaierStein


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
    return System.of(LinearFlow(0.0, velocity[None], as_positive(diffusion, "diffusion")))


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
        For a bad dimension, a rate of another shape, or a D that is zero or has a negative eigenvalue.

    Notes
    -----
    Source: Uhlenbeck and Ornstein (1930); Vastola (2025), Figure 1b, has k = D = 1.
    """
    dim = as_count(dim, "dim")
    rate = as_floats(rate, "rate")
    if rate.shape not in ((), (dim, dim)):
        raise ValueError(f"rate must be a number or ({dim}, {dim}), got shape {rate.shape}")
    return System.of(LinearFlow(-rate, np.zeros(dim), _some(diffusion)))


def multistable_decision(
    baseline=1.25,
    excitation=2.0,
    inhibition=0.9,
    threshold=1.5,
    width=0.01,
    time_constant=1.0,
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
    return System.of(
        Decision(
            as_number(baseline, "baseline"),
            as_number(excitation, "excitation"),
            as_number(inhibition, "inhibition"),
            as_number(threshold, "threshold"),
            as_positive(width, "width"),
            as_positive(time_constant, "time_constant"),
            _some(diffusion),
        )
    )


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
    return System.of(DoubleWell(_some(diffusion)))


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
        For a beta that is not finite, or a D that is zero or has a negative eigenvalue.

    Notes
    -----
    Source: Maier and Stein (1993), Phys. Rev. Lett. 71, 1783; (1996), J. Stat. Phys. 83, 291.
    """
    return System.of(MaierStein(as_number(beta, "beta"), _some(diffusion)))


def fitzhugh_nagumo(threshold=0.7, recovery=0.8, slowness=0.08, current=0.0, diffusion=0.01):
    """FitzHugh-Nagumo neuron with noise on the voltage alone.

        dv = (v - v**3/3 - w + I) dt + sqrt(2 D) dW,     dw = epsilon (v + a - b w) dt

    Parameters
    ----------
    threshold, recovery : float
        a and b.
    slowness : float
        epsilon > 0, the rate of recovery.
    current : float
        I. With the defaults the neuron rests for I below about 0.33, and fires periodically above.
    diffusion : float
        D > 0 of the voltage, in units of v squared per time.

    Returns
    -------
    System
        State (v, w); D is ``diag(D, 0)``, so that w moves only by what v does.

    Raises
    ------
    ValueError
        For parameters that are not finite numbers, or an epsilon or D that is not positive.

    Notes
    -----
    Source: FitzHugh (1961), Biophys. J. 1, 445; Nagumo, Arimoto and Yoshizawa (1962), Proc. IRE 50, 2061.
    """
    return System.of(
        FitzHughNagumo(
            as_number(threshold, "threshold"),
            as_number(recovery, "recovery"),
            as_positive(slowness, "slowness"),
            as_number(current, "current"),
            as_positive(diffusion, "diffusion"),
        )
    )


def _some(diffusion):
    """D itself, which may vanish along some directions but not along all."""
    if not np.any(as_floats(diffusion, "diffusion")):
        raise ValueError("diffusion must not be zero along every direction")
    return diffusion
