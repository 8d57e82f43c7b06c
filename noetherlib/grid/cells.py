"""A box cut into equal cells: where they lie, and where the border of a set runs between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

BISECTIONS = 40  # the border of a set is found to 1e-12 of a cell


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells of a box ``(dim, 2)``, ``shape`` of them along the coordinates."""

    box: np.ndarray
    shape: tuple

    @cached_property
    def width(self):
        """Width of a cell along each coordinate: (dim,)."""
        return (self.box[:, 1] - self.box[:, 0]) / self.shape

    @cached_property
    def axes(self):
        """Coordinates of the centres, one array for each coordinate."""
        low = self.box[:, 0]
        return tuple(a + h * (np.arange(n) + 0.5) for a, h, n in zip(low, self.width, self.shape))

    @cached_property
    def centres(self):
        """(*shape, dim)."""
        return np.stack(np.meshgrid(*self.axes, indexing="ij"), axis=-1)

    @property
    def volume(self):
        return float(np.prod(self.width))

    def coarser(self):
        """The same box with half as many cells along each coordinate."""
        return Cells(self.box, tuple(n // 2 for n in self.shape))

    def links(self, offset):
        """Slices of the cells that have a neighbour at ``offset``, and of these neighbours."""
        tail, head = [], []
        for n, o in zip(self.shape, offset):
            tail.append(slice(max(0, -o), n - max(0, o)))
            head.append(slice(max(0, o), n - max(0, -o)))
        return tuple(tail), tuple(head)

    def members(self, inside, name):
        """Which centres belong to a set: bool, (*shape)."""
        return self.ask(inside, name, self.centres)

    def ask(self, inside, name, x):
        """What the function of a set says at states ``x`` (..., dim): bool (...)."""
        if not callable(inside):
            raise ValueError(f"{name} must be a function of states (..., dim) that returns bool (...)")
        found = np.asarray(inside(x))
        if found.dtype != bool or found.shape != x.shape[:-1]:
            raise ValueError(
                f"{name}(x) must return bool of shape {x.shape[:-1]} for x of shape {x.shape}, "
                f"got {found.dtype} of shape {found.shape}: write x[..., i] for coordinate i"
            )
        return found

    def fraction(self, inside, name, start, offset):
        """How far the border of a set lies from states in it, in units of the step to the neighbour."""
        low, high = np.zeros(len(start)), np.ones(len(start))
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            within = self.ask(inside, name, start + middle[:, None] * offset * self.width)
            low, high = np.where(within, middle, low), np.where(within, high, middle)
        return high
