"""Walls: absorbing bounds and reflecting ones, fixed or moving, and when a bridge meets one."""

from __future__ import annotations

import numpy as np

from ..inputs import brief


class Walls:
    """The lower and the upper wall, numbers or functions of time, and whether each absorbs."""

    def __init__(self, bounds, reflect):
        self.exits = bounds is not None
        pairs = [_pair(bounds, "bounds"), _pair(reflect, "reflect")]
        self.ends, self.absorbs = [], []
        for end, none, side in ((0, -np.inf, "lower"), (1, np.inf, "upper")):
            given = [pair[end] for pair in pairs]
            real = [callable(wall) or wall != none for wall in given]
            if all(real):
                raise ValueError(
                    f"bounds and reflect must not both have a finite {side} end: one hides the other"
                )
            self.ends.append(given[0] if real[0] else given[1])
            self.absorbs.append(real[0])
        self.moving = any(map(callable, self.ends))

    def at(self, t):
        """The two walls at time t."""
        return [_at(end, t) for end in self.ends] if self.moving else self.ends

    def check(self, starts, times):
        """That the walls stay apart at ``times``, with every start between them."""
        for t in times if self.moving else times[:1]:
            lower, upper = self.at(t)
            if not lower < upper:
                raise ValueError(
                    "bounds (or reflect) must be (lower, upper) with lower < upper at all times, "
                    f"got {lower:.6g} and {upper:.6g} at t = {t:.6g}: end t before they meet"
                )
        lower, upper = self.at(times[0])
        outside = ~((lower < starts) | ((lower == starts) & (not self.absorbs[0])))
        outside |= ~((starts < upper) | ((starts == upper) & (not self.absorbs[1])))
        if outside.any():
            raise ValueError(
                f"x0 must lie strictly between the bounds {lower} and {upper}, got {starts[outside][0]}"
            )


def as_walls(bounds, reflect, dim, starts, times):
    """The walls, checked, every start between them."""
    if dim != 1:
        name = "bounds" if bounds is not None else "reflect"
        raise ValueError(f"{name} need a system of dimension 1, got dimension {dim}: see region")
    walls = Walls(bounds, reflect)
    walls.check(starts, times)
    return walls


def _pair(value, name):
    """(lower, upper), each a number, infinite included, or a function of time."""
    if value is None:
        return -np.inf, np.inf
    need = f"{name} must be (lower, upper) with lower < upper, each a number or a function of time"
    if isinstance(value, str) or not hasattr(value, "__len__") or len(value) != 2:
        raise ValueError(f"{need}, got {brief(value)}")
    ends = []
    for end in value:
        if not callable(end):
            try:
                end = float(end)
            except (TypeError, ValueError):
                raise ValueError(f"{need}, got {brief(end)}") from None
            if np.isnan(end):
                raise ValueError(f"{name} must be finite, or infinite on one side; got nan")
        ends.append(end)
    lower, upper = ends
    if lower == -np.inf and upper == np.inf:
        raise ValueError(f"{name} must have a finite end, got {brief(value)}")
    if not callable(lower) and not callable(upper) and not lower < upper:
        raise ValueError(f"{need}, got {brief(value)}")
    return lower, upper


def _at(end, t):
    if not callable(end):
        return end
    value = np.asarray(end(t), dtype=float)
    if value.size != 1 or np.isnan(value).any():
        got = brief(value) if value.ndim else value
        raise ValueError(f"a moving bound must return one number, got {got} at t = {t:.6g}")
    return float(value.reshape(()))


def bridge_exit(a, b, lower, upper, spread, h, rng, turn=0.0):
    """Where and when bridges from ``a`` to ``b`` first meet a bound; all these may be arrays.

    ``lower`` and ``upper`` are pairs: the bounds seen from the bridge's start and from its end.
    A Brownian bridge has variance ``spread``, and ``turn = 0``. The bridge of a drift of slope s
    over the time h has ``turn = s h``, ``spread = 2 D h sinh(s h) / (s h)``: in the clock
    ``(1 - exp(-2 s t)) D / s`` and scaled by ``exp(-s t)`` it is a Brownian one, and bounds are
    taken straight there.

    Returns the rows of those that do, the side, and the time since their start, of ``h``.
    """
    up = np.exp(np.minimum(-2 * (upper[0] - a) * (upper[1] - b) / spread, 0.0))
    down = np.exp(np.minimum(-2 * (a - lower[0]) * (b - lower[1]) / spread, 0.0))
    # a bridge that meets both meets first the one far from its end
    high = b > (lower[1] + upper[1]) / 2
    first, second = np.where(high, down, up), np.where(high, up, down)
    u = rng.random(len(a))
    side = np.where(u < first, 1, np.where(u >= 1 - second, -1, 0)) * np.where(high, -1, 1)
    z, u = rng.standard_normal(len(a)), rng.random(len(a))
    out = np.flatnonzero(side)
    side, z, u = side[out], z[out], u[out]
    a, b, turn, spread, *walls = (
        v[out] if isinstance(v, np.ndarray) else v for v in (a, b, turn, spread, *upper, *lower)
    )
    c, d = np.where(side > 0, (walls[0] - a, walls[1] - b), (a - walls[2], b - walls[3]))
    shrink = np.exp(-turn)
    return out, side, h * real_time(first_touch(c, np.abs(d) * shrink, spread * shrink, z, u), turn)


def first_touch(c, d, spread, z, u):
    """When a bridge that touches a wall does so first, from 0 to 1.

    From a distance c to a distance d of it, on either side. With a normal z, a uniform u,
    q = z² spread/2 and R = cd + q + sqrt(q (q + 2cd)): c²/(R + c²) with probability R/(R + cd),
    else R/(R + d²), the two roots of the inverse Gaussian's transformation (Michael, Schucany and
    Haas 1976).
    """
    q = spread / 2 * z**2
    R = c * d + q + np.sqrt(q * (q + 2 * c * d))
    return np.where(u * (R + c * d) < R, c**2 / (R + c**2), R / (R + d**2))


def real_time(clock, turn):
    """The part of a step that has passed when its clock has gone so far, from 0 to 1."""
    if isinstance(turn, float) and not turn:
        return clock
    flat = np.abs(turn) < 1e-12
    bent = np.where(flat, 1.0, turn)
    return np.where(flat, clock, np.log1p(clock * np.expm1(-2 * bent)) / (-2 * bent))


def bridge_push(a, b, wall, spread, rng, turn=0.0):
    """How far a reflecting lower ``wall`` (from the start, from the end) lifts the end of a bridge.

    The bridge's lowest point is drawn, and what it falls below the wall is given back (Skorokhod's
    equation; Lépingle 1995, Math. Comput. Simul. 38, 119): exact for a straight wall.
    """
    shrink = np.exp(-turn)
    c, d = a - wall[0], (b - wall[1]) * shrink
    depth = np.sqrt((c - d) ** 2 - 2 * spread * shrink * np.log1p(-rng.random(len(a))))
    return np.maximum(depth - c - d, 0.0) / 2 / shrink
