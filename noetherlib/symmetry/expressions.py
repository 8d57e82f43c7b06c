"""Symmetries from sympy expressions, with exact rates."""

from __future__ import annotations

import numpy as np
import sympy

from ..system.expressions import Generated, derive


class Expressions:
    """The functions of a symmetry, generated from sympy expressions, with the exact rates of all."""

    def __init__(self, xi, tau, gauge, state, time):
        state = tuple(sympy.flatten([state]))
        time = sympy.Symbol("t") if time is None else time
        parts = [*sympy.flatten([xi]), tau, gauge]
        dim = len(state)
        if len(parts) != dim + 2:
            raise ValueError(f"xi must be {dim} expressions, one per state variable, got {len(parts) - 2}")
        parts = np.array([sympy.sympify(e) for e in parts], dtype=object)
        unknown = set().union(*(e.free_symbols for e in parts)) - {*state, time}
        if unknown:
            raise ValueError(
                f"xi, tau and gauge must be in {state} and {time} alone, got also "
                f"{', '.join(sorted(map(str, unknown)))}: put numbers for these first"
            )
        self._parts = Generated(parts, state, time)
        self._slopes = Generated(derive(parts, (*state, time)), state, time)
        #: None where it is 0
        self.tau = None if parts[-2] == 0 else lambda x, t: self._parts(x, t)[..., -2]
        self.gauge = None if parts[-1] == 0 else lambda x, t: self._parts(x, t)[..., -1]

    def xi(self, x, t):
        return self._parts(x, t)[..., :-2]

    def rates(self, x, v, t):
        """Rates of change of ``xi``, ``tau`` and K along a motion through ``x`` at velocity ``v``."""
        slopes = self._slopes(x, t)
        rates = np.einsum("...ij,...j->...i", slopes[..., :-1], v) + slopes[..., -1]
        return rates[..., :-2], rates[..., -2], rates[..., -1]
