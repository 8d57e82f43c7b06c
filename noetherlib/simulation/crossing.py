"""Paths between walls: steps short enough, crossings inside them, and what happens there."""

from __future__ import annotations

import numpy as np

from .bounds import bridge_exit, bridge_push
from .failures import NotFinite
from .local import LocalLinear, growth

PARTS = 400  #: into so many parts a step of the caller's is cut at most
TURN = 0.5  #: the longest step, times the steepest slope of the drift
BEND = 1.2  #: for what curves the bounds in the clock of the bridge: exits err by under 1 %
ROUGH = 0.02  #: the same for a D that depends on the state, which is frozen over a step


def between(scheme, starts, t, saved, rng, walls, strict, part):
    """Fill ``part`` with paths between walls; only those that are still inside are moved."""
    states, lost, needed, *exits = part
    state, x, alive = starts[:, 0].copy(), starts[:, 0].copy(), np.arange(len(starts))
    new = np.empty_like(x)
    careful = isinstance(scheme, LocalLinear)
    steep, force = _first_look(scheme, x, t[0]) if careful else (0.0, 0.0)
    row = 0
    for k in range(len(t)):
        begin, end = (t[k - 1], t[k]) if k else (t[0], t[0])
        shortest = (end - begin) / PARTS
        while begin < end and len(alive):
            variance = scheme.variance(x[None], begin)
            rate = _rate(walls.at(begin), variance, steep, force)
            if careful and np.ndim(variance):
                rate = max(rate, _roughness(scheme.system, x, begin) / ROUGH)
            if not np.isfinite(rate):  # the next step will say why
                rate = 1 / shortest
            elif rate * shortest > 1:
                needed[0] = min(needed[0], PARTS / rate)
            h = end - begin
            h /= max(np.ceil(min(rate * h, h / shortest)), 1.0)
            if walls.moving or (scheme.root is None and np.ndim(variance) == 0):
                h = _straightened(scheme, walls, x, begin, h, shortest)
            after = begin + h if begin + 1.5 * h < end else end
            h = after - begin
            new = new[: len(x)]
            rng.standard_normal(out=new)
            try:
                rise, slope, variance = scheme.local(x, new, variance, begin, h)
            except NotFinite as failure:
                failure.path = alive[failure.path]
                raise
            # with a slope s the noise has the variance 2 D h (exp(2 s h) - 1) / (2 s h), and the
            # bridge of a step 2 D h sinh(s h) / (s h)
            turn = slope * h
            gain, curl = growth(turn), 1 + np.expm1(turn) / 2
            spread = variance * h * gain * curl
            new *= np.sqrt(spread)
            new += x
            new += rise * (h * gain)
            spread = spread / (2 * curl - 1)
            if careful and (np.ndim(slope) or slope):
                steep, force = np.max(np.abs(slope)), _force(slope, rise, variance)
            gone, side, delay, at = _meet(walls, x, new, rise, slope, spread, begin, h, rng)
            state[alive] = new
            if len(gone):
                state[alive[gone]] = at
                exits[0][alive[gone]] = begin + delay
                exits[1][alive[gone]] = side
            if not np.isfinite(new.sum()):
                fallen = np.setdiff1d(np.flatnonzero(~np.isfinite(new)), gone)
                if strict and len(fallen):
                    raise NotFinite(alive[fallen[0]], 0, after, new[fallen[0]])
                lost[alive[fallen]] = True
                state[alive[fallen]] = np.nan
                gone = np.concatenate([gone, fallen])
            if len(gone):
                stay = np.ones(len(x), dtype=bool)
                stay[gone] = False
                alive = alive[stay]
                x = np.compress(stay, new, out=x[: len(alive)])
            else:
                x, new = new, x
            begin = after
        if k == saved[row]:
            states[row, 0] = state
            row += 1


def _first_look(scheme, x, t):
    """Steepest slope and strongest bending force at the starts, before any step was taken."""
    slope = np.abs(scheme.system.jacobian(x[:, None], t)).max()
    return slope, _force(slope, scheme.drift(x[None], t)[:, 0], scheme.variance(x[None], t))


def _force(slope, rise, variance):
    """What curves the bounds in the bridge's clock; states that are all but quiet do not count."""
    if np.ndim(variance):
        variance = np.maximum(variance, variance.mean() / 10)
    return np.max(np.abs(slope) * rise**2 / variance)


def _rate(ends, variance, steep, force):
    """Parts per unit of time: no bridge meets both walls, none turns or bends too much."""
    return max(16 * np.max(variance) / (ends[1] - ends[0]) ** 2, steep / TURN, np.sqrt(2 * force / BEND))


def _roughness(system, x, t):
    """``D'^2 / D``, averaged over the paths."""
    D = np.maximum(system.diffusion(x[:, None], t), 0).mean()
    return (system.diffusion_gradient(x[:, None], t) ** 2).mean() / max(D, 1e-300)


def _straightened(scheme, walls, x, begin, h, shortest):
    """A step of at most h: moving walls are nearly straight over it, and D nearly the same.

    Not much shorter than ``shortest``.
    """
    while h > shortest:
        first, last = (np.mean(scheme.variance(x[None], s)) for s in (begin, begin + h))
        sag = max(map(abs, _sag(walls, begin, h)))
        if sag < 0.1 * np.sqrt(first * h) and abs(last - first) <= first / 4:
            break
        h /= 2
    return h


def _sag(walls, begin, h):
    """By how much each wall, half way, lies above the middle of its ends."""
    if not walls.moving:
        return 0.0, 0.0
    three = np.transpose([walls.at(s) for s in (begin, begin + h / 2, begin + h)])
    return [0.0 if np.isinf(wall).any() else wall[1] - (wall[0] + wall[2]) / 2 for wall in three]


def _meet(walls, x, new, rise, slope, spread, begin, h, rng):
    """Who leaves: rows, sides, times since ``begin`` and places; a reflecting wall moves ends.

    A wall is taken straight in the bridge's clock, and moved by 2/3 of what it sags there, by its
    own motion and by the drift: ``h**2 (slope f(wall) - wall'') / 8``.
    """
    first, last, sag = walls.at(begin), walls.at(begin + h), _sag(walls, begin, h)
    far = np.sqrt(18 * spread)  # both ends at least this far away: touched with p < 3e-16
    if walls.moving:
        near = np.maximum(x - first[1], new - last[1]) > -far
        near |= np.minimum(x - first[0], new - last[0]) < far
    else:
        near = np.maximum(x, new) > first[1] - far
        near |= np.minimum(x, new) < first[0] + far
    near = np.flatnonzero(near)
    if not len(near):
        return near, near, near, near
    a, b = x[near], new[near]
    rise, slope, spread = (v[near] if np.ndim(v) else v for v in (rise, slope, spread))
    ends, turn, reach = [], slope * h, np.sqrt(spread) / 2
    curved = np.ndim(slope) or slope or any(sag)
    for s in (0, 1):
        shift = 0.0
        if curved and np.isfinite(first[s]):
            shift = (2 / 3) * (sag[s] + h**2 / 8 * slope * (rise + slope * (first[s] - a)))
            inside = b < last[s] if s else b > last[s]  # who ends beyond has met it where it is
            shift = np.clip(shift, -reach, reach) * inside
        ends.append((first[s] + shift, last[s] + shift))
    for s, sign in ((0, 1), (1, -1)):
        if not walls.absorbs[s] and np.isfinite(first[s]):
            wall = tuple(sign * end for end in ends[s])
            lifted = sign * b + bridge_push(sign * a, sign * b, wall, spread, rng, turn)
            b = sign * np.maximum(lifted, sign * last[s])
            new[near] = b
    if not any(walls.absorbs):
        return near[:0], near[:0], near[:0], near[:0]
    never = ((-np.inf,) * 2, (np.inf,) * 2)
    lower, upper = (ends[s] if walls.absorbs[s] else never[s] for s in (0, 1))
    out, side, delay = bridge_exit(a, b, lower, upper, spread, h, rng, turn)
    at = np.where(side > 0, first[1], first[0])
    if walls.moving:
        at = at + np.where(side > 0, _rise(first[1], last[1]), _rise(first[0], last[0])) * delay / h
    return near[out], side, delay, at


def _rise(first, last):
    """By how much a wall moves; one that is not there does not."""
    return last - first if np.isfinite(first) else 0.0
