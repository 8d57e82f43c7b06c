"""Where to look for the cheapest curve: bows, curves beside saddles, routes over fixed points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..system import fixed_points
from .clock import between, length

BOW = 0.3  # height of a bow over its length
POINTS, STARTS = 6, 256  # fixed points tried on the way, and starts of the search for them
LOOKS = 4096  # states around a curve at which a drift is tested for a potential
GAIN, EQUAL = 1e-4, 1e-4  # relative: what is less is not cheaper; what is equal


@dataclass(frozen=True)
class Route:
    """Curves that follow one another, joined at fixed points of the drift."""

    legs: tuple

    @property
    def action(self):
        return float(sum(leg.action for leg in self.legs))

    @property
    def toll(self):
        return float(sum(leg.toll for leg in self.legs))

    @property
    def converged(self):
        return all(leg.converged for leg in self.legs)

    @property
    def kind(self):
        kinds = {leg.kind for leg in self.legs}
        return next((kind for kind in ("saddle", "undetermined") if kind in kinds), "minimum")

    @property
    def x(self):
        return np.concatenate([self.legs[0].x, *(leg.x[1:] for leg in self.legs[1:])])

    @property
    def joints(self):
        """Where in ``x`` the legs meet."""
        return tuple(int(k) for k in np.cumsum([len(leg.x) - 1 for leg in self.legs])[:-1])

    def clocked(self, duration, n):
        """``n`` states of the route at equal times of a path that takes so long."""
        times = np.concatenate([leg.durations() for leg in self.legs])
        at = np.append(0.0, np.cumsum(np.minimum(times, duration)))
        at *= duration / at[-1]
        even = np.linspace(0, duration, n)
        return between(even, at, self.x)

    def on(self, n, max_iter):
        """The same route on ``n`` points, shared out by length, and improved there."""
        sizes = np.array([length(leg.x)[-1] for leg in self.legs])
        counts = np.maximum(2, np.round((n - 1) * sizes / sizes.sum()).astype(int))
        counts[counts.argmax()] += n - 1 - counts.sum()
        counts = np.maximum(2, counts)
        return Route(tuple(leg.on(k + 1).descend(max_iter) for leg, k in zip(self.legs, counts)))


def least(routes):
    """The cheapest; of those that are equal one that converged, and the first."""
    lowest = min(route.action for route in routes)
    near = [route for route in routes if route.action <= lowest + EQUAL * route.toll]
    return min(near, key=lambda route: (not route.converged, route.kind != "minimum"))


def local(improve, start):
    """Routes of one leg that a start leads to; two more where that is a saddle of the action."""
    curve = improve(start)
    found = [curve]
    if curve.kind == "saddle":
        found += [improve(beside, curve.ends) for beside in curve.pushed()]
    return [Route((one,)) for one in found if np.isfinite(one.action)]


def bows(system, x0, x1, n):
    """Two curves bowed both ways, in the plane of the line and what the drift pushes off it."""
    if system.dim == 1:
        return
    line = np.linspace(x0, x1, n)
    along = (x1 - x0) / np.linalg.norm(x1 - x0)
    push = system.drift(line, 0.0)
    push = push - np.outer(push @ along, along)
    _, sizes, rows = np.linalg.svd(push)
    across = rows[0]
    if sizes[0] <= 1e-9 * np.abs(system.jacobian(line, 0.0)).max() * np.linalg.norm(x1 - x0):
        across = np.eye(system.dim)[np.argmin(np.abs(along))]
    across = across - along * (along @ across)
    across /= np.linalg.norm(across)
    height = BOW * np.linalg.norm(x1 - x0) * np.sin(np.pi * np.linspace(0, 1, n))
    for sign in 1, -1:
        bowed = line + sign * height[:, None] * across
        bowed[0], bowed[-1] = x0, x1
        yield bowed


def rests(system, x):
    """Fixed points around a curve, the nearest first, its ends and sources left out."""
    low, high = x.min(axis=0), x.max(axis=0)
    size = np.linalg.norm(high - low)
    box = np.stack([low - size / 4, high + size / 4], axis=1)
    found = []
    for point in fixed_points(system, box, starts=STARTS):
        apart = np.linalg.norm(point.x - x, axis=1)
        if point.kind != "source" and min(apart[0], apart[-1]) > 1e-4 * size:
            found.append((apart.min(), point.x))
    return [place for _, place in sorted(found, key=lambda one: one[0])[:POINTS]]


def over_rests(improve, x0, x1, n, points, bound, depth=2):
    """The cheapest route over one or more fixed points ``points``; None where all cost ``bound``."""
    best = None
    for i, z in enumerate(points):
        legs, spent = (), 0.0
        for a, b in ((x0, z), (z, x1)):
            found = local(improve, np.linspace(a, b, n))
            if not found or not spent + least(found).action < bound:
                break
            legs, spent = legs + least(found).legs, spent + least(found).action
        else:
            best, bound, at = Route(legs), (1 - GAIN) * spent, i
    if best is None or depth == 0 or len(points) == 1:
        return best
    rest = points[:at] + points[at + 1 :]
    legs = ()
    for leg in best.legs:
        shorter = None
        if leg.action > GAIN * best.action:
            ends = leg.x[0], leg.x[-1]
            shorter = over_rests(improve, *ends, n, rest, (1 - GAIN) * leg.action, depth - 1)
        legs += (leg,) if shorter is None else shorter.legs
    return Route(legs)


def is_least(system, route, share=1e-2):
    """Whether a route is known to be the cheapest of all: it is free, or climbs a potential.

    With ``f = -D grad phi`` no curve costs less than the rise of phi, and one that runs against the
    drift all the way costs no more.
    """
    D, back = system.constant_diffusion, route.toll - route.action
    if route.action <= 1e-6 * route.toll:
        return True
    if D is None or back > share * route.action:
        return False
    x = route.x
    rng = np.random.default_rng(0)
    count = min(LOOKS, max(64, 2**20 // x.shape[1] ** 2))
    near = x[rng.integers(len(x), size=count)]
    near = near + rng.normal(size=near.shape) * np.ptp(x, axis=0).max() / 4
    slope = np.linalg.solve(D, system.jacobian(np.concatenate([x, near]), 0.0))
    return bool(np.abs(slope - np.swapaxes(slope, -1, -2)).max() < 1e-6 * np.abs(slope).max())
