"""State-dependent noise in one dimension made constant, by a change of variable (Lamperti)."""

from __future__ import annotations

from dataclasses import dataclass, field

import sympy as sp

from .hamilton import Hamiltonian


@dataclass(frozen=True)
class Flat:
    """A system whose diffusion is free of the state, and the way back to the given one.

    ``moves`` are components of a vector field, ``value`` is a function: both of ``system``'s state.
    """

    system: Hamiltonian
    stretch: sp.Expr = sp.S.One
    places: dict = field(default_factory=dict)

    def moves(self, components):
        return tuple(self.value(e) * self.stretch for e in components)

    def value(self, expression):
        back = expression.subs(self.places)
        return sp.expand(back) if self.places else back


def flattened(H):
    """The `Flat` system of ``H``, with ``D = 1`` where its ``D(x)`` depends on the state.

    With ``dy = dx / sqrt(D)`` and Itô's formula, ``dy = (f - D'/2)/sqrt(D) dt + sqrt(2) dW``.

    Raises ``ValueError`` for a ``D`` that depends on the state in several dimensions or on state
    and time, or where sympy finds no formula for ``y(x)`` or its inverse.
    """
    if not H.diffusion.has_free(*H.state):
        return Flat(H)
    if H.dim > 1 or H.diffusion.has_free(H.time):
        raise ValueError(
            f"diffusion: got {H.diffusion.tolist()}, which depends on the state. This is done in one "
            "dimension and for D(x) without time alone, where a change of variable makes D constant"
        )
    (s,), (f,), D = H.state, H.drift, H.diffusion[0]
    x, y = (sp.Dummy(s.name, positive=True) for _ in range(2))
    f, D = f.subs(s, x), D.subs(s, x)
    root = sp.simplify(sp.sqrt(sp.factor(D)))
    place = sp.integrate(1 / root, x)
    inverse = None if place.has(sp.Integral, sp.Piecewise) else _inverse(place, x, y)
    if inverse is None:
        raise ValueError(
            f"diffusion: got {H.diffusion[0]}, for which sympy finds no formula of y(x), the integral of "
            "1/sqrt(D), and of its inverse x(y). Write the system in y yourself: it has D = 1"
        )
    drift = sp.simplify(((f - D.diff(x) / 2) / root).subs(x, inverse))
    flat = Hamiltonian([drift], 1, 0, y, H.time)
    return Flat(flat, root.subs(x, s), {y: place.subs(x, s)})


def _inverse(place, x, y):
    """``x(y)``: the solution that leads back to ``y``, at a point; proofs come later, in ``x``."""
    try:
        candidates = sp.solve(place - y, x)
    except NotImplementedError:
        return None
    symbols = sorted((place - y).free_symbols - {x}, key=str)
    point = {s: sp.Rational(2 + i, 7) for i, s in enumerate(symbols)}
    return next((e for e in candidates if abs((place.subs(x, e) - y).subs(point).evalf(30)) < 1e-20), None)
