"""Paths between walls: steps short enough, crossings inside them, and what happens there."""

from __future__ import annotations

import numpy as np

from .bounds import bridge_exit, bridge_push
from .failures import NotFinite
from .local import LocalLinear, growth

PARTS = 400  #: into so many parts a step of the caller's is cut at most
TURN = 0.5  #: the longest step, times the steepest slope of the drift
BEND = 1.2  #: the same for what curves the bounds in the clock of the bridge: exits err by under 1 %
ROUGH = 0.02  #: the same for a D that depends on the state, which is frozen over a step


def between(scheme, starts, t, saved, rng, walls, part):
    """Fill ``part`` with paths between walls; only those that are still inside are moved."""
    states, lost, needed, *exits = part
    state, x, alive = starts[:, 0].copy(), starts[:, 0].copy(), np.arange(len(starts))
    new = np.empty_like(x)
    careful = isinstance(scheme, LocalLinear)
    steep, force = _first_look(scheme, x, t[0]) if careful else (0.0, 0.0)
    row = 0
    for k in range(len(t)):
        begin, end = (t[k - 1], t[k]) if k else (t[0], t[0])
        while begin < end and len(alive):
            variance = scheme.variance(x[None], begin)
            rate = _rate(walls.at(begin), variance, steep, force)
            if careful and np.ndim(variance):
                rate = max(rate, _roughness(scheme.system, x, begin) / ROUGH)
            if rate * (end - begin) > PARTS:
                needed[0] = min(needed[0], PARTS / rate)
            parts = np.ceil(min(rate * (end - begin), PARTS))
            if walls.moving:
                parts = _straightened(walls, begin, end, max(parts, 1.0), np.mean(variance))
            h = (end - begin) / max(parts, 1.0)
            after = begin + h if parts > 1 else end
            new = new[: len(x)]
            rng.standard_normal(out=new)
            try:
                rise, slope = scheme.local(x, new, variance, begin, h)
            except NotFinite as failure:
                failure.path = alive[failure.path]
                raise
            turn = slope * h
            new *= np.sqrt(variance * h * growth(2 * turn))
            new += x
            new += rise * (h * growth(turn))
            if careful and np.any(slope):
                steep, force = np.max(np.abs(slope)), np.max(np.abs(slope) * rise**2 / variance)
            gone, side, delay, at = _meet(walls, x, new, rise, slope, variance, begin, h, rng)
            state[alive] = new
            if len(gone):
                state[alive[gone]] = at
                exits[0][alive[gone]] = begin + delay
                exits[1][alive[gone]] = side
            if not np.isfinite(new.sum()):
                fallen = np.setdiff1d(np.flatnonzero(~np.isfinite(new)), gone)
                if scheme.strict and len(fallen):
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
    rise = scheme.drift(x[None], t)[:, 0]
    return slope, np.max(slope * rise**2 / scheme.variance(x[None], t))


def _rate(ends, variance, steep, force):
    """Parts per unit of time: no bridge meets both walls, none turns or bends too much."""
    return max(
        16 * np.max(variance) / (ends[1] - ends[0]) ** 2, steep / TURN, np.sqrt(2 * force / BEND)
    )


def _roughness(system, x, t):
    """``D'^2 / D``, averaged over the paths."""
    D = np.maximum(system.diffusion(x[:, None], t), 0).mean()
    return (system.diffusion_gradient(x[:, None], t) ** 2).mean() / max(D, 1e-300)


def _straightened(walls, begin, end, parts, variance):
    """So many parts that a moving wall is nearly straight over the first of them."""
    while parts < PARTS:
        h = (end - begin) / parts
        if max(map(abs, _sag(walls, begin, h))) <= 0.1 * np.sqrt(variance * h):
            break
        parts *= 2
    return parts


def _sag(walls, begin, h):
    """By how much each wall, half way, lies above the middle of its ends."""
    if not walls.moving:
        return 0.0, 0.0
    three = np.transpose([walls.at(s) for s in (begin, begin + h / 2, begin + h)])
    return [0.0 if np.isinf(wall).any() else wall[1] - (wall[0] + wall[2]) / 2 for wall in three]


def _meet(walls, x, new, rise, slope, variance, begin, h, rng):
    """Who leaves: rows, sides, times since ``begin`` and places; ends met by a reflecting wall are moved.

    A wall is taken straight in the bridge's clock, and moved by 2/3 of what it sags there, by its
    own motion and by the drift: ``h**2 (slope f(wall) - wall'') / 8``.
    """
    first, last, sag = walls.at(begin), walls.at(begin + h), _sag(walls, begin, h)
    turn = slope * h
    spread = variance * h * growth(-2 * turn) * np.exp(turn)  # 2 D h sinh(turn) / turn
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
    rise, slope, turn, spread = (v[near] if np.ndim(v) else v for v in (rise, slope, turn, spread))
    ends, reach, curved = [], np.sqrt(spread) / 2, np.any(slope) or any(sag)
    for s in (0, 1):
        shift = 0.0
        if curved and np.isfinite(first[s]):
            shift = (2 / 3) * (sag[s] + h**2 / 8 * slope * (rise + slope * (first[s] - a)))
            shift = np.clip(shift, -reach, reach)
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
    side, delay = bridge_exit(a, b, lower, upper, spread, h, rng, turn)
    if curved and walls.absorbs[0]:  # whatever the moved wall says
        side[b <= last[0]] = -1
    if curved and walls.absorbs[1]:
        side[b >= last[1]] = 1
    out = np.flatnonzero(side)
    side, delay = side[out], delay[out]
    at = np.where(side > 0, first[1], first[0])
    if walls.moving:
        at = at + np.where(side > 0, _rise(first[1], last[1]), _rise(first[0], last[0])) * delay / h
    return near[out], side, delay, at


def _rise(first, last):
    """By how much a wall moves; one that is not there does not."""
    return last - first if np.isfinite(first) else 0.0
