"""Jumps and kinks of the drift under a path, where least action needs more than Newton's method."""

from __future__ import annotations

import numpy as np

from ..lagrangian.continuous import largest
from ..system import System

SUSPECT = 0.25  # share of the change between two midpoints that the Jacobian does not foresee
HALVINGS = 24, 12  # then it is halved so often, and a smooth change is so small; of differences, which blur
LEFT = 0.3  # share of the change that must be left
WIDTHS = 0.1, 0.03, 0.01, 0.003  # over which a jump is smoothed, in units of the path's range


class NotSmooth(RuntimeWarning):
    """A path was returned over which the drift jumps or kinks."""


def find_breaks(mesh, x):
    """Where the drift jumps or kinks under each of the paths (batch, n_times, dim).

    A list of triples (time, state, "jump" or "kink") for each.
    """
    system, t = mesh.lagrangian.system, mesh.t_mid
    found = [[] for _ in x]
    if system.flow.smooth or len(t) < 2:
        return found
    mid = mesh.split(x)[0]
    J = system.jacobian(mid, t)
    early, late = (system.drift(part, t[:-1]) for part in (mid[:, :-1], mid[:, 1:]))
    before, after, move, changed = J[:, :-1], J[:, 1:], mid[:, 1:] - mid[:, :-1], late - early
    foreseen = np.einsum("...ij,...j->...i", before + after, move) / 2
    missed, change = largest(changed - foreseen, -1), largest(changed, -1)
    turn, size, steep = largest(after - before, (2, 3)), largest(early, (1, 2)), largest(J, (1, 2, 3))
    jumps = (missed > SUSPECT * change) & (change > 1e-3 * size[:, None])
    kinks = (turn > SUSPECT * steep[:, None]) & ~jumps
    i, k = np.nonzero(jumps | kinks)
    if len(i):
        ends = mid[i, k], mid[i, k + 1], t[k]
        jump = _halve(system.drift, *ends, HALVINGS[0])
        kink = _halve(system.jacobian, *ends, HALVINGS[system.flow.jacobian is None])
        for n in np.flatnonzero(jump[1] | kink[1]):
            place, name = (jump[0][n], "jump") if jump[1][n] else (kink[0][n], "kink")
            found[i[n]].append((t[k[n]], place, name))
    return found


def _halve(function, a, b, t, halvings):
    """Where between states a and b (n, dim) a function changes most, and whether it does not smoothly."""

    def size(change):
        return np.abs(change).reshape(len(a), -1).max(axis=1)

    at_a, at_b = function(a, t), function(b, t)
    whole = size(at_b - at_a)
    for _ in range(halvings):
        middle = (a + b) / 2
        value = function(middle, t)
        first = size(value - at_a) > size(at_b - value)
        wide = first.reshape(-1, *(1,) * (value.ndim - 1))
        a, b = np.where(first[:, None], a, middle), np.where(first[:, None], middle, b)
        at_a, at_b = np.where(wide, at_a, value), np.where(wide, value, at_b)
    return (a + b) / 2, size(at_b - at_a) > LEFT * whole


class Smoothed:
    """A drift in one dimension, its jumps at ``places`` (m,) drawn out over a width on either side."""

    def __init__(self, drift, places, width):
        self.drift, self.places, self.width = drift, places, width

    def __call__(self, x, t):
        f = np.array(self.drift(x, t), dtype=float)
        for place in self.places:
            s = (x - place) / self.width
            inside = np.abs(s) < 1
            if inside.any():
                low, high = (self.drift(np.full_like(x, place + side * self.width), t) for side in (-1, 1))
                rise = s * (15 - 10 * s**2 + 3 * s**4) / 8
                f = np.where(inside, (low + high) / 2 + rise * (high - low) / 2, f)
        return f


def smoothed(system, places, width):
    """The system with its jumps drawn out."""
    return System(
        Smoothed(system.drift, places, width),
        system.flow.diffusion,
        1,
        additive=system.flow.additive,
        autonomous=system.flow.autonomous,
    )
