"""Linear differential expressions in a transformation that is not known yet.

A `Form` is ``sum c d^a u`` with coefficients ``c(x, t)`` and derivatives ``d^a u`` of the unknown
functions ``u = (xi_1, ..., xi_n, tau)``.  It adds, multiplies and differentiates like a sympy
expression, so that the conditions of Noether's theorem are written once for both.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp


@dataclass(frozen=True)
class Space:
    """The functions sought: polynomials in the state of this ``degree``, times functions of time.

    Derivatives of higher order in the state vanish, and all those of ``tau`` if it keeps to time.
    """

    state: tuple
    time: sp.Symbol
    degree: int
    clock_degree: int

    @property
    def variables(self):
        return (*self.state, self.time)

    def unknowns(self):
        """``xi`` and ``tau`` as forms."""
        start = (0,) * (len(self.state) + 1)
        *xi, tau = (Form({(i, start): sp.S.One}, self) for i in range(len(self.state) + 1))
        return xi, tau

    def keeps(self, component, order):
        top = self.degree if component < len(self.state) else self.clock_degree
        return sum(order[:-1]) <= top


class Form:
    """``terms`` maps (component, orders of differentiation in the variables) to a coefficient."""

    def __init__(self, terms, space):
        self.terms, self.space = terms, space

    def __add__(self, other):
        terms = dict(self.terms)
        for jet, c in other.terms.items():
            terms[jet] = terms.get(jet, 0) + c
        return Form({jet: c for jet, c in terms.items() if c != 0}, self.space)

    def __mul__(self, factor):
        terms = {jet: c * factor for jet, c in self.terms.items()} if factor != 0 else {}
        return Form(terms, self.space)

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -other

    def diff(self, variable):
        k = self.space.variables.index(variable)
        raised = {(i, (*order[:k], order[k] + 1, *order[k + 1 :])): c for (i, order), c in self.terms.items()}
        outer = {jet: c for jet, c in raised.items() if self.space.keeps(*jet)}
        inner = {jet: slope for jet, c in self.terms.items() if (slope := c.diff(variable)) != 0}
        return Form(inner, self.space) + Form(outer, self.space)

    def of(self, component, function):
        """The value where this component is the function and the others are zero."""
        return sp.Add(
            *(
                c * sp.diff(function, *zip(self.space.variables, order, strict=True))
                for (i, order), c in self.terms.items()
                if i == component
            )
        )

    def __call__(self, functions):
        """The value for these functions, ``(*xi, tau)``."""
        return sp.Add(*(self.of(i, u) for i, u in enumerate(functions) if u != 0))
