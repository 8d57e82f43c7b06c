"""Drift-diffusion models of decisions: PyDDM and ssm-simulators."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..inputs import as_floats, as_number, as_positive


@dataclass(frozen=True)
class Decision:
    """A drift-diffusion model between two bounds, in our units.

    ``nl.models.drift_diffusion(d.velocity, d.diffusion)`` is its system; ``d.x0`` and ``d.bounds``
    go to `nl.simulate`; a response comes ``d.nondecision`` after the exit.

    Attributes
    ----------
    velocity : float
    diffusion : float
        ``D = noise**2 / 2``.
    bounds : (float, float)
        Lower and upper, around zero.
    x0 : float
        The starting point, between them.
    nondecision : float
        Time before and after the decision, together.
    """

    velocity: float
    diffusion: float
    bounds: tuple[float, float]
    x0: float
    nondecision: float

    def __post_init__(self):
        as_number(self.velocity, "velocity")
        as_positive(self.diffusion, "diffusion")
        lower, upper = as_floats(self.bounds, "bounds")
        if lower != -upper or upper <= 0:
            raise ValueError(f"bounds must be (-B, B) with B > 0, got ({lower}, {upper})")
        if abs(as_number(self.x0, "x0")) >= upper:
            raise ValueError(f"x0 must lie strictly between the bounds, got {self.x0}")
        if as_number(self.nondecision, "nondecision") < 0:
            raise ValueError(f"nondecision must be >= 0, got {self.nondecision}")


def from_pyddm(drift, noise, bound, starting_position=0.0, nondecision=0.0):
    """The decision that ``pyddm.gddm`` describes with these numbers.

    Parameters
    ----------
    drift, noise, bound : float
        Constants; noise and bound are positive.
    starting_position : float
        As a share of the bound: -1 at the lower one, +1 at the upper one.
    nondecision : float
        In the unit of time.

    Returns
    -------
    Decision
        ``D = noise**2 / 2``, bounds ``(-bound, bound)``, ``x0 = starting_position * bound``.

    Raises
    ------
    ValueError
        Naming the number that is out of range.

    Notes
    -----
    PyDDM 0.9.0, `gddm`. Its densities have 2 % of a uniform one mixed in, unless
    ``mixture_coef=0``.
    """
    noise, bound = as_positive(noise, "noise"), as_positive(bound, "bound")
    start = as_number(starting_position, "starting_position") * bound
    return Decision(as_number(drift, "drift"), noise**2 / 2, (-bound, bound), start, nondecision)


def to_pyddm(decision):
    """Keyword arguments of ``pyddm.gddm`` for a decision, the inverse of `from_pyddm`.

    Parameters
    ----------
    decision : Decision

    Returns
    -------
    dict
        ``pyddm.gddm(**to_pyddm(decision), T_dur=...)``. It has ``mixture_coef=0``: the decision
        alone.

    Raises
    ------
    ValueError
        If it is no `Decision`.

    Notes
    -----
    PyDDM 0.9.0, `gddm`.
    """
    d = _decision(decision)
    return {
        "drift": d.velocity,
        "noise": float(np.sqrt(2 * d.diffusion)),
        "bound": d.bounds[1],
        "starting_position": d.x0 / d.bounds[1],
        "nondecision": d.nondecision,
        "mixture_coef": 0,
    }


def from_ssms(v, a, z, t=0.0, s=1.0):
    """The decision that ssm-simulators' model "ddm" describes with these numbers.

    Parameters
    ----------
    v : float
        The velocity.
    a : float
        Half the distance of the bounds, > 0.
    z : float
        The starting point as a share of their distance, in (0, 1).
    t : float
        The time that is no decision.
    s : float
        The noise amplitude, > 0 (`sigma_noise`).

    Returns
    -------
    Decision
        ``D = s**2 / 2``, bounds ``(-a, a)``, ``x0 = a (2 z - 1)``.

    Raises
    ------
    ValueError
        Naming the number that is out of range.

    Notes
    -----
    ssm-simulators 0.12.5, `ssms.basic_simulators.simulator`. The bounds are 2a apart, not a as in
    the older literature. Use `from_responses` for what it simulates.
    """
    a, s, z = as_positive(a, "a"), as_positive(s, "s"), as_number(z, "z")
    return Decision(as_number(v, "v"), s**2 / 2, (-a, a), a * (2 * z - 1), t)


def to_ssms(decision):
    """The numbers v, a, z, t, s of ssm-simulators for a decision, the inverse of `from_ssms`.

    Parameters
    ----------
    decision : Decision

    Returns
    -------
    dict
        With keys v, a, z, t, s; the last is the simulator's ``sigma_noise``.

    Raises
    ------
    ValueError
        If it is no `Decision`.

    Notes
    -----
    ssm-simulators 0.12.5.
    """
    d = _decision(decision)
    a = d.bounds[1]
    s = float(np.sqrt(2 * d.diffusion))
    return {"v": d.velocity, "a": a, "z": (d.x0 / a + 1) / 2, "t": d.nondecision, "s": s}


def from_responses(rt, choice, nondecision, horizon, step):
    """Exit times and sides of ssm-simulators' responses; trials without a decision become nan.

    Parameters
    ----------
    rt : (n,) array
        Response times, simulated with ``smooth_unif=False``.
    choice : (n,) array
        -1 or +1.
    nondecision : float
        Its ``t``.
    horizon : float
        Its ``max_t``: a trial that has not ended then comes back as a response at ``max_t + t``.
    step : float
        Its ``delta_t``: exits within one step and a half of the horizon count as undecided.

    Returns
    -------
    exit_time : (n,) array
        As `nl.simulate` has it: nan where there was no decision.
    exit_side : (n,) array of int
        -1, +1, or 0 where there was no decision.

    Raises
    ------
    ValueError
        If the shapes differ or a choice is neither -1 nor +1.

    Notes
    -----
    ssm-simulators 0.12.5.
    """
    rt, choice = as_floats(rt, "rt"), as_floats(choice, "choice")
    if rt.shape != choice.shape or not np.isin(choice, (-1, 1)).all():
        raise ValueError(f"need rt and choice (-1 or 1) of one shape, got {rt.shape}, {choice.shape}")
    exits = rt - as_number(nondecision, "nondecision")
    inside = exits > as_positive(horizon, "horizon") - 1.5 * as_positive(step, "step")
    return np.where(inside, np.nan, exits), np.where(inside, 0, choice).astype(int)


def to_responses(exit_time, exit_side, nondecision):
    """Response times and choices of the paths that left, for packages that fit them.

    Parameters
    ----------
    exit_time, exit_side : (n,) arrays
        Of an ensemble that `nl.simulate` made with bounds.
    nondecision : float

    Returns
    -------
    rt : (m,) array
        ``exit_time + nondecision`` of the m paths that left; the others are dropped, so simulate
        until few are left.
    choice : (m,) array of int
        -1 or +1.

    Raises
    ------
    ValueError
        If the shapes differ.

    Notes
    -----
    The form of ssm-simulators 0.12.5; PyDDM 0.9.0 wants ``choice == 1`` (its `Sample`).
    """
    exit_time, exit_side = np.asarray(exit_time, float), np.asarray(exit_side)
    if exit_time.shape != exit_side.shape:
        raise ValueError(f"exit_time has shape {exit_time.shape}, exit_side {exit_side.shape}")
    left = ~np.isnan(exit_time)
    return exit_time[left] + as_number(nondecision, "nondecision"), exit_side[left].astype(int)


def _decision(value):
    if not isinstance(value, Decision):
        raise ValueError(f"decision must be a Decision, got {type(value).__name__}")
    return value
