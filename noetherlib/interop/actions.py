"""Actions, and the diffusions of built-in systems: dynamo, CriticalTransitions.jl, deeptime."""

from __future__ import annotations

import numpy as np

from ..inputs import as_count, as_floats, as_positive


def from_dynamo(D):
    """Our diffusion from dynamo's: the half.

    Parameters
    ----------
    D : float
        As handed to `LeastActionPath`, 1 by default.

    Returns
    -------
    diffusion : float
        ``D / 2``. With it `nl.action(..., "freidlin-wentzell")` is dynamo's action.

    Raises
    ------
    ValueError
        If it is not positive.

    Notes
    -----
    dynamo-release 1.5.3, `dynamo.prediction.least_action_path.action`, by the midpoint rule, as
    ours: ``sum |v - f|**2 dt / (2 D)``. Its "mean first passage time" is ``exp(S)``, without a
    prefactor or a unit.
    """
    return as_positive(D, "D") / 2


def to_dynamo(diffusion):
    """dynamo's D for our diffusion, the inverse of `from_dynamo`.

    Parameters
    ----------
    diffusion : float
        The same for all coordinates.

    Returns
    -------
    D : float
        ``2 * diffusion``.

    Raises
    ------
    ValueError
        If it is not positive.

    Notes
    -----
    dynamo-release 1.5.3.
    """
    return as_positive(diffusion, "diffusion") * 2


def from_critical_transitions(action, diffusion, dim):
    """Our action from one of CriticalTransitions.jl.

    Parameters
    ----------
    action : number or array
        Of `fw_action` or `geometric_action`; or of `om_action`, if its last argument was
        ``noise_strength(sys)``.
    diffusion : number, (dim,) or (dim, dim) array
        Our D, which is half of its `covariance_matrix`.
    dim : int

    Returns
    -------
    S : number or array
        ``action / s``, with ``s = trace(2 D) / dim``.

    Raises
    ------
    ValueError
        If the diffusion is none, or not positive.

    Notes
    -----
    CriticalTransitions.jl 0.9.0, `src/largedeviations/action.jl`: its metric is the covariance
    divided by s, whatever the noise. Read in its source, not run.
    """
    return as_floats(action, "action")[()] / _strength(diffusion, dim)


def to_critical_transitions(S, diffusion, dim):
    """An action as CriticalTransitions.jl has it, the inverse of `from_critical_transitions`.

    Parameters
    ----------
    S : number or array
        `nl.action`, or the action of a path.
    diffusion : number, (dim,) or (dim, dim) array
    dim : int

    Returns
    -------
    action : number or array
        ``s S``.

    Raises
    ------
    ValueError
        If the diffusion is none, or not positive.

    Notes
    -----
    CriticalTransitions.jl 0.9.0.
    """
    return as_floats(S, "S")[()] * _strength(diffusion, dim)


def from_deeptime(temperature_factor=1.0, mass=1.0, damping=1.0):
    """Diffusion of deeptime's `double_well_2d`.

    Parameters
    ----------
    temperature_factor, mass, damping : float
        As handed to it.

    Returns
    -------
    diffusion : float
        ``temperature_factor / (4 mass damping)``; the drift is ``-grad V``, whatever mass and
        damping.

    Raises
    ------
    ValueError
        Naming the number that is not positive.

    Notes
    -----
    deeptime 0.4.5. The density sampled is ``exp(-V / D)``, so that "kT = 1" samples a quarter.
    """
    drag = as_positive(mass, "mass") * as_positive(damping, "damping")
    return as_positive(temperature_factor, "temperature_factor") / (4 * drag)


def to_deeptime(diffusion, mass=1.0, damping=1.0):
    """deeptime's temperature factor for our diffusion, the inverse of `from_deeptime`.

    Parameters
    ----------
    diffusion, mass, damping : float

    Returns
    -------
    temperature_factor : float
        ``4 mass damping diffusion``.

    Raises
    ------
    ValueError
        Naming the number that is not positive.

    Notes
    -----
    deeptime 0.4.5.
    """
    drag = as_positive(mass, "mass") * as_positive(damping, "damping")
    return as_positive(diffusion, "diffusion") * 4 * drag


def _strength(diffusion, dim):
    """Mean eigenvalue of the covariance 2 D, its `noise_strength` squared."""
    D, dim = as_floats(diffusion, "diffusion"), as_count(dim, "dim")
    if D.shape not in ((), (dim,), (dim, dim)):
        raise ValueError(f"diffusion must be a number, ({dim},) or ({dim}, {dim}), got shape {D.shape}")
    mean = D if D.ndim == 0 else (np.trace(D) if D.ndim == 2 else D.sum()) / dim
    return 2 * as_positive(mean, "the trace of diffusion")
