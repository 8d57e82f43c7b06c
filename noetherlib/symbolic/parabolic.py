"""The equations for a system's density and for its averages, and their symmetries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import sympy as sp

from .exact import vanishes
from .fields import total
from .forms import Form, Space
from .hamilton import Hamiltonian
from .symbols import as_expression


class DensitySymmetry(NamedTuple):
    """``X = tau d/dt + xi . d/dx + amplitude u d/du``, for a solution ``u(x, t)``.

    With the gauge term ``gauge``, ``xi`` and ``tau`` are a Noether symmetry of the Onsager-Machlup
    action.
    """

    xi: tuple
    tau: sp.Expr
    amplitude: sp.Expr
    gauge: sp.Expr


@dataclass(frozen=True)
class DensitySymmetries:
    """The finite part of the Lie algebra of a system's forward or backward equation.

    A sequence of `DensitySymmetry`, of which the last is the ``centre``.  Besides them any solution
    may be added to any other (superposition).  That is an ideal of infinite dimension, which is not
    listed.
    """

    members: tuple
    equation: str
    system: Hamiltonian

    def __len__(self):
        return len(self.members)

    def __getitem__(self, k):
        return self.members[k]

    @property
    def centre(self) -> DensitySymmetry:
        """``u d/du``, which multiplies solutions by a number; it commutes with all others."""
        return self.members[-1]

    @property
    def noether(self) -> tuple:
        """All but the centre, which are the Noether symmetries of the Onsager-Machlup action."""
        return self.members[:-1]

    def residual(self, u) -> sp.Expr:
        """What vanishes identically if ``u(x, t)`` is a solution; it is not simplified.

        Forward ``u_t + div(f u) - grad grad : (D u)``, backward ``u_t + f . grad u + D : grad grad
        u``.

        Raises ``ValueError`` if ``u`` is no expression in the symbols of the system.
        """
        return self._residual(self._solution(u))

    def tangent(self, symmetry, u) -> sp.Expr:
        """``a u - xi . grad u - tau u_t``, the rate of change of a solution ``u`` that is moved.

        It is a solution itself.  ``symmetry`` is a `DensitySymmetry`, or ``xi, tau, a``.

        Raises ``ValueError`` if ``u`` is no expression in the symbols of the system.
        """
        return self._tangent(symmetry, self._solution(u))

    def _solution(self, u):
        return as_expression("u", u, self.system, (*self.system.state, self.system.time))

    def _residual(self, u):
        x, f, D = self.system.state, self.system.drift, self.system.diffusion
        pairs = [(i, j) for i in range(len(x)) for j in range(len(x)) if D[i, j] != 0]
        if self.equation == "forward":
            flow = [(u * rate).diff(s) for rate, s in zip(f, x, strict=True)]
            spread = [-(u * D[i, j]).diff(x[i]).diff(x[j]) for i, j in pairs]
        else:
            flow = [u.diff(s) * rate for rate, s in zip(f, x, strict=True)]
            spread = [u.diff(x[i]).diff(x[j]) * D[i, j] for i, j in pairs]
        return total([u.diff(self.system.time), *flow, *spread])

    def _tangent(self, symmetry, u):
        xi, tau, amplitude, *_ = symmetry
        moved = [u.diff(s) * rate for rate, s in zip(xi, self.system.state, strict=True)]
        return u * amplitude - total([*moved, u.diff(self.system.time) * tau])

    def commutes(self, symmetry) -> bool:
        """Whether ``X P u = P X u + tau_t P u`` for a function ``u`` without any properties.

        ``P u`` is the `residual` and ``-X u`` the `tangent` of ``symmetry``, whose ``tau`` depends on
        time alone.  So ``X u`` solves the equation with ``u``.
        """
        variables = (*self.system.state, self.system.time)
        space = Space(self.system.state, self.system.time, 3, 0)  # X P u has third derivatives, none higher
        u = Form({(0, (0,) * len(variables)): sp.S.One}, space)
        residual = self._residual(u)
        gap = self._residual(self._tangent(symmetry, u)) - self._tangent(symmetry, residual)
        gap += residual * sp.diff(symmetry[1], self.system.time)
        return all(vanishes(sp.expand(c), variables) for c in gap.terms.values())
