"""Loops of the noiseless flow, along which a path may wait for nothing."""

from __future__ import annotations

import numpy as np

from .clock import between

PLACES, ROUND = 8, 1000  # places on a path where a loop may start; steps of the flow
BACK = 0.02  # of how far a loop leads away: so close it comes back


def loop(system, x, step):
    """Where along ``x`` (n, dim) the flow starts a loop: index, states ``step`` apart in time; or None.

    The first of the places from which the flow comes back. Runge and Kutta's fourth-order rule.
    """
    places = np.linspace(0, len(x) - 1, PLACES + 1).astype(int)[:-1]
    y, flow = x[places], [x[places]]
    with np.errstate(all="ignore"):
        for _ in range(ROUND):
            a = system.drift(y, 0.0)
            b = system.drift(y + step / 2 * a, 0.0)
            c = system.drift(y + step / 2 * b, 0.0)
            y = y + step / 6 * (a + 2 * b + 2 * c + system.drift(y + step * c, 0.0))
            flow.append(y)
        apart = np.linalg.norm(np.array(flow) - x[places], axis=-1)
    size = np.ptp(x, axis=0).max()
    for j, place in enumerate(places):
        far = np.maximum.accumulate(apart[:, j])
        inward = apart[1:-1, j] < np.minimum(apart[:-2, j], apart[2:, j])
        back = 1 + np.flatnonzero(inward & (apart[1:-1, j] < BACK * far[1:-1]) & (far[1:-1] > BACK * size))
        if len(back) and np.isfinite(apart[: back[0] + 1, j]).all():
            return int(place), np.array(flow)[: back[0] + 1, j]
    return None


def with_loops(path, place, states, step):
    """The path after waiting about as long as it takes, in whole loops: its states, its duration."""
    period = step * (len(states) - 1)
    times = max(1, round(path.t[-1] / period))
    # what a loop misses of its start is shared out along it
    closed = states + np.linspace(0, 1, len(states))[:, None] * (path.x[place] - states[-1])
    wait = np.concatenate([closed[:-1]] * times)
    x = np.concatenate([path.x[:place], wait, path.x[place:]])
    before, after = path.t[:place], path.t[place:] + times * period
    at = path.t[place]
    t = np.concatenate([before, at + step * np.arange(len(wait)), after])
    return between(np.linspace(0, t[-1], len(t)), t, x), float(t[-1])
