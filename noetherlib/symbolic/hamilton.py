"""Hamilton's picture, which any noise has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import sympy as sp

from .exact import vanishes
from .picture import Picture
from .symbols import as_exact, as_sequence, as_symbols, as_symmetric, as_time, dot, velocities


@dataclass(frozen=True)
class Hamiltonian(Picture):
    """``H(x, p, t) = p . f + p . D p - U``, of drift ``f``, diffusion ``D`` and potential ``U``.

    The system moves as ``dx/dt = f + 2 D p``, ``dp/dt = -dH/dx``.  ``D`` may be singular: then
    there is no Lagrangian on all paths, only ``p . D p + U`` on those with ``dx/dt - f`` in the
    range of ``D``. `lagrangian` builds the one of a system with noise on some variables,
    `hamiltonian` that of any Lagrangian quadratic in the velocities.  It unpacks as ``expression,
    momentum``:

        >>> x, v, k = sp.symbols("x v k")
        >>> H, p = Hamiltonian([v, -k*x], [0, 1], 0, (x, v))
        >>> H, p
        (-k*p_v*x + p_v**2 + p_x*v, (p_x, p_v))

    Floats are read as the decimal fractions they print as; ``time`` is by default the symbol named
    ``t``.

    Raises ``ValueError`` if symbols repeat or clash, for a wrong shape, and for a ``diffusion``
    that is not symmetric.
    """

    drift: tuple
    diffusion: sp.ImmutableMatrix
    potential: sp.Expr
    state: tuple
    time: sp.Symbol | None = None

    def __post_init__(self):
        state = as_symbols("state", self.state)
        drift = tuple(as_exact("drift", e) for e in as_sequence(self.drift))
        diffusion = as_symmetric("diffusion", self.diffusion, len(state))
        potential = as_exact("potential", self.potential)
        if len(drift) != len(state):
            raise ValueError(f"drift: got {len(drift)} components, need {len(state)}, one for each state")
        time = as_time(self.time, [*drift, *diffusion, potential])
        values = dict(drift=drift, diffusion=diffusion, potential=potential, state=state, time=time)
        for name, value in values.items():
            object.__setattr__(self, name, value)
        if len({s.name for s in (*state, *self.velocity, time)}) < 2 * len(state) + 1:
            raise ValueError(f"state: {state}, velocity {self.velocity} and time {time} need distinct names")

    def __iter__(self):
        return iter((self.expression, self.momentum))

    @property
    def velocity(self) -> tuple:
        """Symbols of the velocities: ``xdot`` for ``x``."""
        return velocities(self.state)

    @cached_property
    def momentum(self) -> tuple:
        """Symbols of the momenta: ``p_x`` for ``x``."""
        momentum = tuple(sp.Symbol(f"p_{s.name}") for s in self.state)
        others = (
            set(self.state)
            | {self.time}
            | set().union(*(e.free_symbols for e in (*self.drift, *self.diffusion, self.potential)))
        )
        if taken := {s.name for s in momentum} & {s.name for s in others}:
            raise ValueError(f"state: {sorted(taken)} are the names of momenta here; rename these symbols")
        return momentum

    @cached_property
    def expression(self) -> sp.Expr:
        """``H`` in (x, p, t)."""
        p = sp.Matrix(self.momentum)
        H = (p.T * self.diffusion * p)[0] + dot(p, self.drift) - self.potential
        return sp.expand(H if self.diffusion.is_diagonal() else sp.cancel(H))

    @property
    def reserved(self):
        return (*self.state, *self.velocity, *self.momentum, *velocities(self.momentum), self.time)

    @property
    def variables(self):
        return (*self.state, *self.momentum, self.time)

    @property
    def arguments(self):
        return {"x": self.state, "p": self.momentum, "t": (self.time,)}

    @property
    def orders(self):
        """Each coordinate of a path and its derivatives."""
        names = (*self.state, *self.momentum)
        return [*zip(names, velocities(names), strict=True)]

    @property
    def momenta(self):
        return list(self.momentum)

    @cached_property
    def rates(self):
        return [sp.diff(self.expression, p) for p in self.momentum]

    @property
    def forces(self):
        return [-sp.diff(self.expression, s) for s in self.state]

    @property
    def power(self):
        return -sp.diff(self.expression, self.time)

    @property
    def value(self):
        return sp.expand(dot(self.momentum, self.rates) - self.expression)

    @property
    def energy(self):
        return self.expression

    @property
    def motion(self):
        return [*self.rates, *self.forces]

    @property
    def residuals(self):
        """What vanishes on the system's paths: Hamilton's equations."""
        return [
            sp.expand_mul(rate - e)
            for rate, e in zip(
                velocities((*self.state, *self.momentum)), (*self.rates, *self.forces), strict=True
            )
        ]


def is_regular(H):
    """Whether ``D`` is invertible, at least at a generic point."""
    D = H.diffusion
    determinant = sp.prod(D.diagonal()) if D.is_diagonal() else D.det()
    return not vanishes(determinant, (*H.state, H.time))
