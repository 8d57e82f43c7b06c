"""The backward operator ``L = f . grad + D : grad grad`` as jumps between cells, at positive rates.

Along each coordinate the rates are fitted exponentially: with z = f h / D between two cells,

    forth  (D / h^2) B(-z),   back  (D / h^2) B(z),   B(z) = z / (exp(z) - 1),

with D at the cell that is left and f the mean over the step. They are of second order for z << 1,
tend to the upwind ones (first order) for z >> 1 or D = 0, and have the right stationary density where D
is constant and f = -D grad phi. What D couples two
coordinates by moves along the diagonals of the grid.
Source: Scharfetter and Gummel (1969); Chang and Cooper (1970); Kushner and Dupuis (2001), section 5.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import sparse

GAUSS = 0.5 - 0.5 / np.sqrt(3), 0.5 + 0.5 / np.sqrt(3)  # the two points of a step, for an integral to O(h^4)
MOSTLY = 0.5  # share of cells that makes the order that of upwinding
FLOOR = 1e-12  # least noise, as a part of what upwinding adds; a smaller one is none


@dataclass(frozen=True, eq=False)
class Direction:
    """Jumps along one ``offset`` and back.

    ``scale`` (*shape) is D over the step squared, ``forth`` and ``back`` (*shape) are z on the way to
    the neighbours at ``offset`` and ``-offset``.
    """

    offset: np.ndarray
    scale: np.ndarray
    forth: np.ndarray
    back: np.ndarray

    def rates(self, cut, width):
        """Rates forth and back, to points at the parts ``cut`` of a whole step, on cells of ``width``."""
        return tuple(
            self.scale * bernoulli(sign * z * part) / (part * width)
            for sign, z, part in ((-1, self.forth, cut[0]), (1, self.back, cut[1]))
        )


def bernoulli(z):
    """``z / (exp(z) - 1)``."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(np.abs(z) < 1e-12, 1.0, z / np.where(z == 0, 1.0, np.expm1(z)))


class Operator:
    """The operator of a system on `Cells`; ``absorbing`` says whether its edges take what reaches them.

    Attributes
    ----------
    directions : list of `Direction`
    peclet : array (dim,)
        Share of cells with ``|f| h > 2 D > 0``, where upwinding adds more noise than there is.
    order : int
        In the width of the cells: 2, or 1 where noise is lacking.
    """

    def __init__(self, system, cells, absorbing):
        self.cells, self.absorbing = cells, absorbing
        x, self.directions, peclet, bare = cells.centres, [], [], False
        coupling, across = _split(system, cells, x)
        for axis in range(system.dim):
            drift, forth, back, scale, lacks = _along(system, cells, axis, coupling[..., axis])
            bare |= lacks
            with np.errstate(divide="ignore", invalid="ignore"):
                peclet.append(0.0 if lacks else float((np.abs(drift) > 2 * coupling[..., axis]).mean()))
            self.directions.append(Direction(np.eye(system.dim, dtype=int)[axis], scale, forth, back))
        for offset, scale in across:
            if scale.any():
                self.directions.append(Direction(offset, scale, np.zeros_like(scale), np.zeros_like(scale)))
        self.peclet, self.order = np.array(peclet), 1 if bare or max(peclet) > MOSTLY else 2

    def matrix(self, inside=None, name="inside"):
        """The Q-matrix (cells, cells) of the cells of a set, and what leaves each of them for outside.

        Returns ``Q`` (sparse, of the members alone), the members (*shape) and, for each direction and
        sense, ``(leaving cells, cells arrived at, rates)`` across the border of the set.
        """
        cells = self.cells
        shape, count = cells.shape, int(np.prod(cells.shape))
        members = np.ones(shape, bool) if inside is None else cells.members(inside, name)
        number = np.arange(count).reshape(shape)
        total, rows, columns, values, border = np.zeros(shape), [], [], [], []
        for direction in self.directions:
            steps = [direction.offset, -direction.offset]
            cut, width = [np.ones(shape), np.ones(shape)], np.ones(shape)
            crossing = []
            for part, step in zip(cut, steps):
                tail, head = cells.links(step)
                beyond = np.ones(shape, bool)
                beyond[tail] = False
                part[beyond] = 0.5  # to the face
                leaves = np.zeros(shape, bool)
                leaves[tail] = members[tail] & ~members[head]
                if leaves.any():
                    part[leaves] = cells.fraction(inside, name, cells.centres[leaves], step)
                    width[leaves] += (part[leaves] - 1) / 2
                crossing.append((tail, head, beyond, leaves))
            for rate, (tail, head, beyond, _) in zip(direction.rates(cut, width), crossing):
                rate = np.where(beyond & (not self.absorbing), 0.0, rate)
                total += rate
                stays = members[tail] & members[head]
                rows.append(number[tail][stays])
                columns.append(number[head][stays])
                values.append(rate[tail][stays])
                gone = members[tail] & ~members[head]
                border.append((number[tail][gone], number[head][gone], rate[tail][gone]))
        diagonal = number.ravel()
        rows, columns = np.concatenate([*rows, diagonal]), np.concatenate([*columns, diagonal])
        values = np.concatenate([*values, -total.ravel()])
        Q = sparse.csr_array((values, (rows, columns)), shape=(count, count))
        keep = np.flatnonzero(members)
        return Q if len(keep) == count else Q[keep][:, keep], members, border


def _along(system, cells, axis, scale):
    """Drift over width, z forth and back, the scale with its floor, and whether noise lacks."""
    h, last = cells.width[axis], cells.shape[axis] - 1
    unit = np.eye(system.dim)[axis]
    drift = system.drift(cells.centres, 0.0)[..., axis] / h
    low, high = (tuple((slice(None),) * axis + (part,)) for part in (slice(0, last), slice(1, None)))
    noise = np.maximum(scale, max(FLOOR * np.abs(drift).max(), 1e-290))
    steps = (cells.centres[low] + place * h * unit for place in GAUSS)
    between = sum(system.drift(x, 0.0)[..., axis] for x in steps) / (2 * h)
    forth, back = drift / noise, drift / noise  # at the edges of the box
    forth[low], back[high] = between / noise[low], between / noise[high]
    return drift, forth, back, noise, bool((scale <= FLOOR * np.abs(drift)).any() and drift.any())


def _split(system, cells, x):
    """D over the steps squared as sums along the coordinates, (..., dim), and along the diagonals."""
    h = cells.width
    D = system.noise(x, 0.0)[0]
    D = np.broadcast_to(D, x.shape[:-1] + (system.dim,) * 2) / (h[:, None] * h)
    along, across = np.einsum("...ii->...i", D).copy(), []
    for i, j in combinations(range(system.dim), 2):
        mixed = D[..., i, j]
        if not mixed.any():
            continue
        along[..., i] -= np.abs(mixed)
        along[..., j] -= np.abs(mixed)
        for sign in (1, -1):
            offset = np.zeros(system.dim, dtype=int)
            offset[i], offset[j] = 1, sign
            across.append((offset, np.maximum(sign * mixed, 0.0)))
    diagonal = np.einsum("...ii->...i", D)
    short = along < -1e-12 * diagonal.max(axis=-1, keepdims=True)
    if short.any():
        worst = np.unravel_index(np.argmin(along), along.shape)
        raise ValueError(
            "shape must let every rate be positive, and D couples the coordinates too strongly for cells "
            f"of widths {', '.join(f'{w:.3g}' for w in h)}: D_ii / h_i must be at least the sum of "
            f"|D_ij| / h_j, and is not for coordinate {worst[-1]}. Choose widths in the ratio of the square "
            "roots of the D_ii; where that is not enough, turn to the coordinates in which D is diagonal"
        )
    return np.maximum(along, 0.0), across
