"""Hamilton's equations on a mesh: states and momenta together, whatever the rank of D.

    x_{k+1} - x_k = h (f + 2 D p_k)  at the midpoint,       D2 L_d(k) = -D1 L_d(k+1)  at the nodes.

The first is a constraint on the path where D is singular, and p_k its multiplier; both together make
``sum p.(dx - h f) - h p.D p + h U`` stationary.
"""

from __future__ import annotations

import numpy as np

from .banded import solve_general


class Equations:
    """What the equations leave at states ``x`` (n, dim) and momenta ``p`` (n-1, dim), and their slopes."""

    def __init__(self, mesh, x, p):
        self.mesh, self.x, self.p = mesh, x, p
        mid, v = mesh.split(x)
        self.terms = mesh.lagrangian.terms_of_momentum(mid, p, mesh.t_mid, 2)
        self.velocity = mesh.lagrangian.velocity(mid, p, mesh.t_mid)
        #: (n-1, dim): how much the path moves off ``f + 2 D p``
        self.constraint = mesh.h[:, None] * (v - self.velocity)
        #: (n-2, dim): the jump of the momentum
        self.jump = mesh.gradient(self.terms)
        self.action = float(mesh.integral(self.terms.L))

    @property
    def error(self):
        """The two residuals in units of their scales, path and momentum."""
        scales = np.abs(self.x).max(), np.abs(self.p).max()
        return max(
            float(np.abs(r).max(initial=0.0)) / max(s, 1e-300)
            for r, s in zip((self.constraint, self.jump), scales)
        )

    def matrix(self):
        """Second derivatives of ``sum p.(dx - h f) - h p.D p + h U``: blocks beside and on the diagonal.

        Block k is that of p_k and of the node x_{k+1}; the last node is given, and its place is
        filled with the identity.
        """
        mesh, terms = self.mesh, self.terms
        n, dim = self.p.shape
        h, one = mesh.h[:, None, None], np.eye(dim)
        M = h / 2 * terms.M
        right, left = one - M, -one - M  # slopes of the constraint by the later and the earlier node
        bend = h / 4 * mesh.lagrangian.bend(terms)
        D = np.broadcast_to(mesh.lagrangian.system.noise(terms.x, terms.t)[0], (n, dim, dim))
        diagonal, upper, lower = np.zeros((3, n, 2 * dim, 2 * dim))
        momentum, state = slice(0, dim), slice(dim, 2 * dim)
        diagonal[:, momentum, momentum] = -2 * h * D
        diagonal[:, momentum, state] = right
        diagonal[:, state, momentum] = np.swapaxes(right, -1, -2)
        diagonal[:-1, state, state] = bend[:-1] + bend[1:]
        upper[:-1, state, momentum] = np.swapaxes(left, -1, -2)[1:]
        upper[:-1, state, state] = bend[1:]
        lower[1:, momentum, state] = left[1:]
        lower[1:, state, state] = bend[1:]
        diagonal[-1, state, state] = one
        diagonal[-1, momentum, state] = diagonal[-1, state, momentum] = 0.0
        upper[-2, :, state] = lower[-1, state, :] = 0.0
        return lower[1:], diagonal, upper[:-1]

    def step(self, inertia=None):
        """Newton's step ``(dx, dp)`` for the inner nodes and the intervals.

        ``inertia``, blocks as of `Mesh.inertia`, is added to the second derivative by the states.
        """
        n, dim = self.p.shape
        momentum, state = slice(0, dim), slice(dim, 2 * dim)
        lower, diagonal, upper = self.matrix()
        if inertia is not None:
            diagonal[:-1, state, state] += inertia[0]
            upper[:-1, state, state] += inertia[1]
            lower[:-1, state, state] += np.swapaxes(inertia[1], -1, -2)
        rest = np.zeros((n, 2 * dim))
        rest[:, momentum] = -self.constraint
        rest[:-1, state] = -self.jump
        solved = solve_general(lower, diagonal, upper, rest)
        return solved[:-1, state], solved[:, momentum]
