"""Leaving a region of any dimension, given by a function."""

from __future__ import annotations

import numpy as np

from ..inputs import brief
from ..system.derivatives import differentiate
from .bounds import first_touch
from .failures import NotFinite

NEWTON = 3  # steps to the edge
REACH = 25  # steps that far from the edge, in variances, do not touch it


class Region:
    """Where ``function(x)`` is True, or positive; ``level``: whether it returns numbers."""

    exits = True

    def __init__(self, function, system, starts):
        if not callable(function):
            raise ValueError(f"region must be a function of the state, got {brief(function)}")
        self.function, self.system = function, system
        value = self._ask(starts)
        self.level = value.dtype != bool
        if not (value > 0).all():
            first = brief(starts[np.argmin(value > 0)].tolist())
            raise ValueError(f"x0 must lie inside the region, where its function is positive; got {first}")

    def _ask(self, x):
        value = np.asarray(self.function(x))
        if value.shape != x.shape[:-1] or value.dtype.kind not in "bif":
            raise ValueError(
                "region must return a truth value or a number for each state, shape "
                f"{x.shape[:-1]}; got shape {value.shape} of {value.dtype}"
            )
        return value

    def inside(self, x):
        """The values at states x (n, dim), positive inside."""
        return self._ask(x).astype(float)

    def gradient(self, x):
        def inside(y, t):
            return self.inside(y.reshape(-1, y.shape[-1])).reshape(y.shape[:-1])

        return differentiate(inside, x, 0.0)


def leaving(scheme, starts, t, saved, rng, region, strict, part):
    """Fill ``part`` with paths that stop where they first leave the region."""
    states, lost, needed, exit_time, exit_side = part
    state, alive, row = starts.T.copy(), np.arange(len(starts)), 0
    x = state.copy()
    for k in range(len(t)):
        if k > 0 and len(alive):
            before, x = x, x.copy()
            z = rng.standard_normal(x.shape)
            try:
                scheme.advance(x, z, np.empty_like(x), k - 1)
                fallen = ~np.isfinite(x).all(axis=0)
                if strict and fallen.any():
                    i = int(np.argmax(fallen))
                    raise NotFinite(i, 0, t[k], x[0, i])
            except NotFinite as failure:
                failure.path = alive[failure.path]
                raise
            x[:, fallen] = before[:, fallen]
            h = t[k] - t[k - 1]
            out, place, share = _exits(region, before.T, x.T, t[k - 1], h, rng)
            out &= ~fallen
            lost[alive[fallen]] = True
            state[:, alive] = np.where(out, place.T, x)
            state[:, alive[fallen]] = np.nan
            exit_time[alive[out]] = t[k - 1] + share[out] * h
            exit_side[alive[out]] = 1
            stay = ~(out | fallen)
            x, alive = x[:, stay], alive[stay]
        if k == saved[row]:
            states[row] = state
            row += 1


def _exits(region, a, b, t, h, rng):
    """Which steps from ``a`` to ``b`` (n, dim) leave the region, where, and after what part of h.

    The edge is taken for the plane that touches it at the foot of the nearer end, and the step for
    a Brownian bridge: at distances c and d from the plane, of normal n, it has touched with
    probability ``exp(-c d / (n.D.n h))`` (Gobet 2000, Stoch. Process. Appl. 87, 167). Truth values:
    at the ends alone.
    """
    n, dim = a.shape
    c, d = region.inside(a), region.inside(b)
    out, place, when = d <= 0, b.copy(), np.ones(n)
    if not region.level:
        return out, place, when
    u, v, z = rng.random(n), rng.random(n), rng.standard_normal(n)
    D = np.broadcast_to(region.system.diffusion(a, t), (n, dim, dim))
    near = np.where((c < d)[:, None], a, b)
    slope = region.gradient(near)
    variance = 2 * h * np.einsum("ni,nij,nj->n", slope, D, slope)
    rows = np.flatnonzero(out | (np.minimum(c, d) ** 2 < REACH * variance))
    a, b, D, foot, slope = a[rows], b[rows], D[rows], near[rows], slope[rows]
    for _ in range(NEWTON):  # to the edge, along the push of the noise; straight where it has none there
        push = np.einsum("nij,nj->ni", D, slope)
        push = np.where(np.einsum("ni,ni->n", push, slope)[:, None] > 0, push, slope)
        size = np.einsum("ni,ni->n", push, slope)
        foot = foot - (region.inside(foot) / np.where(size > 0, size, np.inf))[:, None] * push
        slope = region.gradient(foot)
    variance = 2 * h * np.einsum("ni,nij,nj->n", slope, D, slope)
    c, d = (np.einsum("ni,ni->n", end - foot, slope) for end in (a, b))
    c, over = np.maximum(c, 0.0), d <= 0
    over |= u[rows] < np.exp(-2 * c * np.abs(d) / np.where(variance > 0, variance, 1e-300))
    out[rows] |= over
    rows, left = rows[out[rows]], out[rows]
    when[rows] = first_touch(c[left], np.abs(d[left]), variance[left], z[rows], v[rows])
    place[rows] = _onto(region, a[left] + when[rows, None] * (b - a)[left])
    return out, place, when


def _onto(region, x):
    """The places on the edge near x."""
    for _ in range(NEWTON):
        slope = region.gradient(x)
        size = np.einsum("ni,ni->n", slope, slope)
        x = x - (region.inside(x) / np.where(size > 0, size, np.inf))[:, None] * slope
    return x
