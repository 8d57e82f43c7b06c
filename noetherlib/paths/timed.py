"""The cheapest curve by paths of given time, as more and more time is given."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np

from ..lagrangian import action
from .solve import least_action_path

STEP = 0.3  # time steps times the fastest rate of the drift
FEW, MOST = 60, 40_000  # times on a mesh
QUICK, THOROUGH = 40, 200  # Newton steps for a path on the way, and for one to be returned
SETTLED, HOPE = 1e-3, 0.1  # relative falls of the action as time doubles: none; one that may lead on
DOUBLINGS = 14
FREE = 1e-9


@dataclass(frozen=True)
class Timed:
    """A path in so much time that more of it does not matter; ``change`` is what the last doubling brought."""

    path: object
    rate: float
    change: float

    @property
    def action(self):
        return float(self.path.action)

    @property
    def settled(self):
        """Whether more time brings nothing more."""
        return self.change <= 2 * SETTLED * self.action + FREE


def fastest(system, x):
    """Largest rate of the drift's linear parts along a curve, one over time."""
    return float(np.abs(np.linalg.eigvals(system.jacobian(x, 0.0))).max())


def falling(system, starts, duration, worth=np.inf, steps=QUICK, most=MOST // 4):
    """Paths from ``duration`` on in twice the time until the action settles: `Timed`.

    ``starts`` are curves between the same ends. Given up where the action does not fall much and is not
    below ``worth``.
    """
    rate, best = fastest(system, np.concatenate(starts)), None
    n = int(np.clip(duration * rate / STEP, FEW, most))
    for _ in range(DOUBLINGS):
        if best is not None:
            starts = _longer(best.path, duration, n)
        path = _solve(system, duration, n, starts, steps)
        change = np.inf if best is None else best.action - path.action
        if not change > 0 and (best.path.converged or not path.converged):
            return replace(best, change=min(best.change, abs(change)))
        best = Timed(path, rate, abs(change))
        flat = change <= (SETTLED if path.action < worth else HOPE) * path.action
        lost = not path.converged and steps > QUICK and n > most // 8
        if flat or lost or 2 * n > most or path.action < FREE:
            break
        duration, n = 2 * duration, 2 * n - 1  # the same steps: the error of the rule stays
    return best


def sharpen(timed, n, error, most, steps=THOROUGH):
    """The path on finer meshes, of ``n`` times at least, until ``error`` is met: path, action and error.

    Of a rule of second order two meshes tell the action on an infinitely fine one; the error is how
    far that is from the finer, and what the last doubling of time brought.
    """
    path, system = timed.path, timed.path.system
    n = max(n, 2 * len(path.t) - 1)
    while True:
        finer = _solve(system, path.t[-1], n, [path.x], steps)
        ratio = ((n - 1) / (len(path.t) - 1)) ** 2
        rest = (path.action - finer.action) / (ratio - 1)
        path, missed = finer, float(abs(rest) + timed.change)
        if missed <= error or not path.converged or 2 * n > most:
            return path, max(float(path.action - rest), 0.0), missed
        n = 2 * n - 1


def _solve(system, duration, n, starts, steps):
    """The path of least Freidlin-Wentzell action in a given time; without warnings."""
    t = np.linspace(0, duration, n)
    starts = [_stretch(x, n) for x in starts]
    if len(starts) > 1 and _regular(system, starts[0]):
        costs = action(system, np.stack(starts), t, "freidlin-wentzell")
        starts = [starts[int(np.argmin(costs))]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return least_action_path(
            system, starts[0][0], starts[0][-1], t, "freidlin-wentzell", guesses=starts, max_iter=steps
        )


def _regular(system, x):
    return bool(np.isfinite(system.inverse_diffusion(x, 0.0)).all())


def _longer(path, duration, n):
    """The path drawn out to a longer duration, or resting at its start, its end or both."""
    spare, t = duration - path.t[-1], np.linspace(0, duration, n)
    late = (spare * part for part in (0, 0.5, 1))
    resting = [np.stack([np.interp(t - s, path.t, column) for column in path.x.T], axis=-1) for s in late]
    return [path.x, *resting]


def _stretch(x, n):
    """``n`` states along the rows of x."""
    old, new = np.linspace(0, 1, len(x)), np.linspace(0, 1, n)
    return np.stack([np.interp(new, old, column) for column in x.T], axis=-1)
