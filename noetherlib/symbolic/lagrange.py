"""Lagrange's picture, which needs noise on all variables."""

from __future__ import annotations

from dataclasses import dataclass, field

import sympy as sp

from .hamilton import Hamiltonian
from .picture import Picture
from .symbols import as_exact, as_expression, as_symbols, as_time, dot, dotted, velocities


@dataclass(frozen=True)
class Lagrangian(Picture):
    """A Lagrangian ``L(x, v, t)`` and the symbols it is written in.

    `lagrangian` builds the one of a noisy system; a mechanical one is given directly:

        >>> m, x, v = sp.symbols("m x v")
        >>> Lagrangian(m*v**2/2 - sp.Function("V")(x), x, velocity=v).energy
        m*v**2/2 + V(x)

    Floats are read as the decimal fractions they print as.  ``time`` is by default the symbol named
    ``t``, ``velocity`` is ``velocities(state)``: ``xdot`` for ``x``, ``xdot1`` for ``x1``.
    ``canonical`` is the Hamiltonian that it is the Legendre transform of, where that is known.

    Raises ``ValueError`` if symbols repeat or clash, or if no velocity occurs in the expression.
    """

    expression: sp.Expr
    state: tuple
    time: sp.Symbol | None = None
    velocity: tuple | None = None
    canonical: Hamiltonian | None = field(default=None, compare=False, repr=False)

    def __post_init__(self):
        expression, state = as_exact("expression", self.expression), as_symbols("state", self.state)
        time = as_time(self.time, [expression])
        velocity = velocities(state) if self.velocity is None else as_symbols("velocity", self.velocity)
        if len(velocity) != len(state):
            raise ValueError(f"velocity: got {len(velocity)} symbols, need {len(state)}, one for each state")
        if len({s.name for s in (*state, *velocity, time)}) < 2 * len(state) + 1:
            raise ValueError(f"state: {state}, velocity {velocity} and time {time} need distinct names")
        values = dict(expression=expression, state=state, time=time, velocity=velocity)
        for name, value in values.items():
            object.__setattr__(self, name, value)
        as_expression("expression", expression, self, self.variables)
        if not expression.has_free(*velocity):
            raise ValueError(
                f"expression: got {expression}, which has none of the velocities "
                f"{velocity}; write it in these symbols or name yours by velocity="
            )

    @property
    def acceleration(self) -> tuple:
        """Symbols of the accelerations: ``xddot`` for ``x``."""
        return tuple(dotted(s, "ddot") for s in self.state)

    @property
    def reserved(self):
        return (*self.state, *self.velocity, *self.acceleration, self.time)

    @property
    def variables(self):
        return (*self.state, *self.velocity, self.time)

    @property
    def arguments(self):
        return {"x": self.state, "v": self.velocity, "t": (self.time,), "a": self.acceleration}

    @property
    def orders(self):
        """Each coordinate of a path and its derivatives."""
        return [*zip(self.state, self.velocity, self.acceleration, strict=True)]

    @property
    def momenta(self):
        return [sp.diff(self.expression, v) for v in self.velocity]

    @property
    def rates(self):
        return list(self.velocity)

    @property
    def forces(self):
        return [sp.diff(self.expression, s) for s in self.state]

    @property
    def power(self):
        return sp.diff(self.expression, self.time)

    @property
    def value(self):
        return self.expression

    @property
    def energy(self):
        G, v = sp.hessian(self.expression, self.velocity), sp.Matrix(self.velocity)
        if any(e.has_free(*v) for e in G):
            return sp.expand(dot(self.momenta, v) - self.expression)
        # quadratic: nothing to cancel
        return (v.T * G * v)[0] / 2 - self.expression.subs(dict.fromkeys(v, 0))

    @property
    def motion(self):
        return [*self.velocity, *self.acceleration]

    @property
    def residuals(self):
        """What vanishes on the system's paths: the Euler-Lagrange equations."""
        return [
            sp.expand_mul(self.derivative(p) - force)
            for p, force in zip(self.momenta, self.forces, strict=True)
        ]
