"""Derivatives of the drift as products, for states of so many variables that no matrix is wanted."""

from __future__ import annotations

import numpy as np

from ..inputs import as_count, brief
from .derivatives import along, by_parts, vector_times


class Products:
    """What a `System` answers about products, each (..., dim); by differences where they are not given."""

    @property
    def has_products(self):
        """Whether a gradient of the action needs no matrix."""
        return self.flow.vjp is not None

    def jvp(self, x, t, v):
        """The Jacobian at ``x`` (..., dim) times ``v`` (..., dim): given, or a difference of the drift."""
        if self.flow.jvp is not None:
            return self.facts.ask("jvp", 1, x, t, v)
        return along(lambda y: self.drift(y, t), x, v)

    def vjp(self, x, t, p):
        """The transposed Jacobian at ``x`` (..., dim) times ``p`` (..., dim): given, or by its matrix."""
        if self.flow.vjp is not None:
            return self.facts.ask("vjp", 1, x, t, p)
        return by_parts(self.jacobian, x, t, lambda J, q: vector_times(q, J), p, rank=2)

    def hvp(self, x, t, p, v):
        """The second derivatives of ``p.f`` at ``x`` (..., dim) times ``v``, all (..., dim)."""
        if self.flow.hvp is not None:
            return self.facts.ask("hvp", 1, x, t, p, v)
        return along(lambda y: self.vjp(y, t, p), x, v)


def as_lattice(shape, dim):
    """A lattice's shape as a tuple, whose sites divide ``dim``."""
    shape = tuple(as_count(n, "lattice") for n in np.atleast_1d(shape).tolist())
    if dim % int(np.prod(shape)):
        raise ValueError(f"lattice must have a number of sites that divides dim = {dim}, got {brief(shape)}")
    return shape
