"""Leaving a region of any dimension, given by a function."""

from __future__ import annotations

import numpy as np

from ..inputs import brief
from ..system.derivatives import differentiate
from .failures import NotFinite


class Region:
    """Where ``function(x)`` is True, or positive; ``level``: whether it returns numbers."""

    exits = True

    def __init__(self, function, dim, starts):
        if not callable(function):
            raise ValueError(f"region must be a function of the state, got {brief(function)}")
        self.function = function
        value = self._ask(starts)
        self.level = value.dtype != bool
        if not (value > 0).all():
            raise ValueError(f"x0 must lie inside the region, where its function is positive; got {brief(starts[np.argmin(value > 0)].tolist())}")

    def _ask(self, x):
        value = np.asarray(self.function(x))
        if value.shape != x.shape[:-1] or value.dtype.kind not in "bif":
            raise ValueError(
                f"region must return a truth value or a number for each state, shape {x.shape[:-1]}; "
                f"got shape {value.shape} of {value.dtype}"
            )
        return value

    def inside(self, x):
        """The values at states x (n, dim), positive inside."""
        return self._ask(x).astype(float)

    def gradient(self, x):
        return differentiate(lambda y, t: self.inside(y), x, 0.0)


def leaving(scheme, starts, t, saved, rng, region, part):
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
                if scheme.strict and fallen.any():
                    i = int(np.argmax(fallen))
                    raise NotFinite(i, 0, t[k], x[0, i])
            except NotFinite as failure:
                failure.path = alive[failure.path]
                raise
            x[:, fallen] = before[:, fallen]
            out, place, part_of_step = _exits(scheme.system, region, before.T, x.T, t[k - 1], t[k] - t[k - 1], rng)
            out &= ~fallen
            lost[alive[fallen]] = True
            state[:, alive] = np.where(out, place.T, x)
            state[:, alive[fallen]] = np.nan
            exit_time[alive[out]] = t[k - 1] + part_of_step[out] * (t[k] - t[k - 1])
            exit_side[alive[out]] = 1
            stay = ~(out | fallen)
            x, alive = x[:, stay], alive[stay]
        if k == saved[row]:
            states[row] = state
            row += 1


def _exits(system, region, a, b, t, h, rng):
    """Which steps from ``a`` to ``b`` (n, dim) leave the region, where, and after what part of h.

    A level function g moves as a Brownian bridge of variance ``2 h dg.D.dg``, dg taken half way:
    it touches 0 with probability ``exp(-2 g(a) g(b) / variance)``. Truth values: at the ends alone.
    """
    c, d = region.inside(a), region.inside(b)
    if not region.level:
        return d <= 0, b, np.ones(len(a))
    slope = region.gradient((a + b) / 2)
    D = np.broadcast_to(system.diffusion(a, t), (len(a),) + (system.dim,) * 2)
    push = np.einsum("nij,nj->ni", D, slope)
    variance = 2 * h * np.einsum("ni,ni->n", push, slope)
    u = rng.random(len(a))
    out = (d <= 0) | (u < np.exp(np.minimum(-2 * c * d / variance, 0.0)))
    q = variance / 2 * rng.standard_normal(len(a)) ** 2
    d = np.abs(d)
    R = c * d + q + np.sqrt(q * (q + 2 * c * d))
    early = rng.random(len(a)) * (R + c * d) < R
    when = np.where(early, c**2 / (R + c**2), R / (R + d**2))
    place = a + when[:, None] * (b - a)
    size = np.einsum("ni,ni->n", slope, slope)
    slope = slope / np.where(size > 0, size, 1.0)[:, None]
    for _ in range(4):  # on to the boundary
        place = place - region.inside(place)[:, None] * slope
    return out, place, when
