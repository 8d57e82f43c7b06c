"""The cheapest curve by paths of given time, as more and more time is given."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np

from ..lagrangian import action
from ..lagrangian.continuous import dot, times
from .clock import between
from .ends import NEAR
from .loops import loop, with_loops
from .solve import least_action_path

STEP = 0.2  # time steps times the fastest rate of the drift
FEW, MOST = 60, 40_000  # times on a mesh
QUICK, THOROUGH = 40, 200  # Newton steps for a path on the way, and for one to be returned
SETTLED, HOPE = 1e-3, 0.1  # relative falls of the action as time doubles: none; one that may lead on
LIMIT, PHASE = 2.0, 0.05  # of the change of a duration: at most, and, times the rate, at least
DOUBLINGS = 14
FREE = 1e-9


@dataclass(frozen=True)
class Timed:
    """A path in so much time that more does not matter; ``change`` is what the last doubling brought."""

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


def falling(system, starts, duration, worth=np.inf, steps=QUICK, most=MOST // 4, best=None, settled=SETTLED):
    """Paths from ``duration`` on in twice the time until the action settles: `Timed`.

    On the same steps, so that the error of the rule stays. Where the flow comes back to a state of the
    path the time added is that of whole loops: between them the phase would not fit. ``starts`` are
    curves between the same ends, or ``best`` is what was found so far. Given up where the action does
    not fall much and is not below ``worth``.
    """
    rate = fastest(system, np.concatenate(starts)) if best is None else best.rate
    n = int(np.clip(duration * rate / STEP, FEW, most))
    if best is not None:  # its steps were few, and it may be far from the least
        path = _solve(system, best.path.t[-1], len(best.path.t), [best.path.x], steps)
        best = replace(best, path=path)
        if best.settled and path.converged or not path.converged and len(path.t) > most // 10:
            return best if path.converged else replace(best, change=np.inf)
        duration, n = path.t[-1], len(path.t)
    x = best.path.x if best is not None else starts[0]
    # from a fixed point a path waits at its start
    resting = np.abs(system.drift(x[0], 0.0)).max() <= NEAR * rate * np.ptp(x, axis=0).max()
    waiting = None
    for _ in range(DOUBLINGS):
        if best is not None:
            step = best.path.t[1]
            if waiting is None and not resting:
                waiting = loop(system, best.path.x, min(step, STEP / rate))
            if waiting is None:
                duration, n, starts = 2 * duration, 2 * n - 1, _longer(best.path, 2 * duration, n)
            else:
                looped, duration = with_loops(best.path, *waiting, min(step, STEP / rate))
                n = int(np.ceil(duration / step)) + 1
                starts = [looped, *_longer(best.path, duration, n)]
        path = _solve(system, duration, n, starts, steps)
        if best is not None and path.action > (1 - HOPE) * best.action and _regular(system, path.x):
            path = _retimed(path, rate, steps)
            duration = path.t[-1]
        change = np.inf if best is None else best.action - path.action
        if not change > 0 and (best.path.converged or not path.converged):
            return replace(best, change=min(best.change, abs(change)))
        best = Timed(path, rate, abs(change))
        flat = change <= (settled if path.action < worth else HOPE) * path.action
        lost = not path.converged and steps > QUICK and n > most // 8
        if flat or lost or 2 * n > most or path.action < FREE:
            break
    return best


def sharpen(timed, n, error, most, steps=THOROUGH):
    """The path on finer meshes, of ``n`` times at least, until ``error`` is met: path, action and error.

    Of a rule of second order two meshes tell the action on an infinitely fine one; the error is how
    far that is from the finer, and what the last doubling of time brought.
    """
    path, system = timed.path, timed.path.system
    steps = steps if path.converged else min(steps, QUICK)
    n = max(n, 2 * len(path.t) - 1)
    while True:
        finer = _solve(system, path.t[-1], n, [path.x], steps)
        if _regular(system, path.x):
            finer = _retimed(finer, timed.rate, steps)
        ratio = ((n - 1) / (len(path.t) - 1)) ** 2
        rest = (path.action - finer.action) / (ratio - 1)
        path, missed = finer, float(abs(rest) + timed.change)
        if missed <= error or timed.change > error or not path.converged or 2 * n > most:
            return path, max(float(path.action - rest), 0.0), missed
        n = 2 * n - 1


def _solve(system, duration, n, starts, steps):
    """The path of least Freidlin-Wentzell action in a given time; without warnings."""
    t = np.linspace(0, duration, n)
    starts = [_stretch(x, n) for x in starts]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        if len(starts) > 1 and _regular(system, starts[0]):
            costs = action(system, np.stack(starts), t, "freidlin-wentzell")
            starts = [starts[int(np.argmin(costs))]]
        return least_action_path(
            system, starts[0][0], starts[0][-1], t, "freidlin-wentzell", guesses=starts, max_iter=steps
        )


def _retimed(path, rate, steps, rounds=4):
    """The path in the time that suits it better: where it turns, a time too long or short costs.

    At given states the best durations make the velocity as large as the drift.
    """
    for _ in range(rounds):
        mid, v = (path.x[1:] + path.x[:-1]) / 2, np.diff(path.x, axis=0) / np.diff(path.t)[:, None]
        A, f = path.system.inverse_diffusion(mid, 0.0), path.system.drift(mid, 0.0)
        ratio = np.sqrt(dot(v, times(A, v)) / np.maximum(dot(f, times(A, f)), 1e-300))
        duration = float(np.diff(path.t) @ np.clip(ratio, 1 / LIMIT, LIMIT))
        if not path.converged or abs(duration - path.t[-1]) * rate < PHASE:
            break
        other = _solve(path.system, duration, len(path.t), [path.x], steps)
        if not other.action < path.action:
            break
        done = other.action > (1 - SETTLED) * path.action
        path = other
        if done:
            break
    return path


def _regular(system, x):
    return bool(np.isfinite(system.inverse_diffusion(x, 0.0)).all())


def _longer(path, duration, n):
    """The path drawn out to a longer duration, or resting at its start, its end or both."""
    spare, t = duration - path.t[-1], np.linspace(0, duration, n)
    late = (spare * part for part in (0, 0.5, 1))
    return [path.x, *(between(t - s, path.t, path.x) for s in late)]


def _stretch(x, n):
    """``n`` states along the rows of x."""
    return between(np.linspace(0, 1, n), np.linspace(0, 1, len(x)), x)
