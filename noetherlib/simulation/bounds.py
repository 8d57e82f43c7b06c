"""Absorbing bounds: paths between them, and where and when a step meets one."""

from __future__ import annotations

import numpy as np

from ..inputs import as_floats, brief


def as_bounds(bounds, dim, starts):
    """The bounds as two floats, every start strictly between them."""
    if dim != 1:
        raise ValueError(f"bounds need a system of dimension 1, got dimension {dim}")
    pair = as_floats(bounds, "bounds")
    if pair.shape != (2,) or not pair[0] < pair[1]:
        raise ValueError(f"bounds must be (lower, upper) with lower < upper, got {brief(bounds)}")
    lower, upper = map(float, pair)
    outside = ~((lower < starts) & (starts < upper))
    if outside.any():
        raise ValueError(
            f"x0 must lie strictly between the bounds {lower} and {upper}, got {starts[outside][0]}"
        )
    return lower, upper


def absorbed(scheme, starts, t, saved, rng, lower, upper, states, exit_time, exit_side):
    """The same between absorbing bounds; only the survivors are moved."""
    state = starts.copy()
    x, new = starts.copy(), np.empty_like(starts)
    alive = np.arange(len(starts))
    row = 0
    for k in range(len(t)):
        begin, end = (t[k - 1], t[k]) if k else (t[0], t[0])
        while begin < end and len(alive):
            rise, variance = scheme.drift(x[None], begin)[:, 0], scheme.variance(x[None], begin)
            parts = np.ceil(16 * np.max(variance) * (end - begin) / (upper - lower) ** 2)
            h = (end - begin) / max(parts, 1.0)
            spread = variance * h
            new = new[: len(x)]
            rng.standard_normal(out=new)
            new *= np.sqrt(spread)
            new += x
            new += rise * h
            far = np.sqrt(18 * spread)  # both ends at least this far away: touched with p < 3e-16
            near = (np.maximum(x, new) > upper - far) | (np.minimum(x, new) < lower + far)
            near = np.flatnonzero(near)
            wide = spread[near] if np.ndim(spread) else spread
            side, delay = bridge_exit(x[near], new[near], lower, upper, wide, h, rng)
            out = side != 0
            side, delay, gone = side[out], delay[out], near[out]
            state[alive] = new
            state[alive[gone]] = np.where(side > 0, upper, lower)
            exit_time[alive[gone]] = begin + delay
            exit_side[alive[gone]] = side
            if len(gone):
                stay = np.ones(len(x), dtype=bool)
                stay[gone] = False
                alive = alive[stay]
                x = np.compress(stay, new, out=x[: len(alive)])
            else:
                x, new = new, x
            begin = begin + h if parts > 1 else end
        if k == saved[row]:
            states[row, 0] = state
            row += 1


def bridge_exit(a, b, lower, upper, spread, h, rng):
    """Where and when Brownian bridges from ``a`` to ``b``, of variance ``spread``, meet a bound.

    Returns the side (0 where the bridge stays inside) and the time since its start, of ``h``.
    With R = cd + q + sqrt(q (q + 2cd)), q = spread/2 times a squared normal, and distances c, d of
    a, b from the bound, the time is h c²/(R + c²) with probability R/(R + cd), else h R/(R + d²):
    the two roots of the inverse Gaussian's transformation (Michael, Schucany and Haas 1976).
    """
    up = np.exp(np.minimum(-2 * (upper - a) * (upper - b) / spread, 0.0))
    down = np.exp(np.minimum(-2 * (a - lower) * (b - lower) / spread, 0.0))
    high = b > (lower + upper) / 2  # a bridge that meets both meets first the one far from its end
    first, second = np.where(high, down, up), np.where(high, up, down)
    u = rng.random(len(a))
    side = np.where(u < first, 1, np.where(u >= 1 - second, -1, 0)) * np.where(high, -1, 1)
    bound = np.where(side > 0, upper, lower)
    c, d = np.abs(bound - a), np.abs(bound - b)
    q = spread / 2 * rng.standard_normal(len(a)) ** 2
    R = c * d + q + np.sqrt(q * (q + 2 * c * d))
    early = rng.random(len(a)) * (R + c * d) < R
    return side, h * np.where(early, c**2 / (R + c**2), R / (R + d**2))
