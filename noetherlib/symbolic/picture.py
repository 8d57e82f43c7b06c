"""One system in two pictures: Lagrange's, in (x, v, t), and Hamilton's, in (x, p, t).

Both answer the same questions, so that mechanics and Noether's theorem are written once:

    momenta, rates      p = dL/dv and v = dH/dp
    value               L, in Hamilton's picture p . dH/dp - H
    forces, power       dL/dx = -dH/dx and dL/dt = -dH/dt
    energy              p . v - L = H
    motion              rates of the variables other than time
    residuals           what vanishes on the system's paths
    orders              each coordinate of a path and its derivatives, as symbols
    arguments           names and symbols of what its numpy functions take
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from ..inputs import brief
from .evaluate import lambdify
from .symbols import dot


class Picture:
    """What both have: an ``expression`` in ``variables``, the last of which is ``time``."""

    @property
    def dim(self) -> int:
        """Number of state variables."""
        return len(self.state)

    def derivative(self, expression):
        """Total derivative in time, along the system's paths."""
        return dot([sp.diff(expression, s) for s in self.variables], (*self.motion, 1))

    def lambdify(self, parameters=None) -> Callable:
        """The expression as a vectorized numpy function; see `noetherlib.symbolic.lambdify`."""
        return lambdify(self.expression, self, parameters)

    def _repr_latex_(self):
        return f"$\\displaystyle {sp.latex(self.expression)}$"


def as_picture(L):
    """``L`` itself, if it is a Lagrangian or a Hamiltonian."""
    if not isinstance(L, Picture):
        raise ValueError(f"L must be a Lagrangian or a Hamiltonian, got {brief(L)}")
    return L
