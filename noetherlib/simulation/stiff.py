"""Steps for drifts that grow fast: tamed, and drift-implicit."""

from __future__ import annotations

import numpy as np

from .failures import NotFinite
from .schemes import EulerMaruyama

NEWTON, HALVINGS, SPLITS, SOLVED = 30, 10, 10, 1e-10


class Tamed(EulerMaruyama):
    """x + f h / (1 + h |f|) + sqrt(2 D h) z: no step of the drift is longer than one unit of the state.

    Hutzenthaler, Jentzen and Kloeden (2012), Ann. Appl. Probab. 22, 1611.
    """

    name = "tamed"

    def drift(self, x, t):
        rise = super().drift(x, t)
        h = self.t[np.searchsorted(self.t, t) + 1] - t
        return rise / (1 + h * np.linalg.norm(rise, axis=-1, keepdims=True))


class Implicit(EulerMaruyama):
    """y with y = x + f(y, t + h) h + sqrt(2 D(x, t) h) z, by Newton's method with halved steps.

    Where no solution is found (there may be none near, for a drift that pushes apart faster than
    1/h), those paths take the drift in two halves, and so on.

    Higham, Mao and Stuart (2002), SIAM J. Numer. Anal. 40, 1041.
    """

    name = "implicit"

    def advance(self, x, z, work, k):
        t, h = self.t[k], self.t[k + 1] - self.t[k]
        self.colour(x, z, work, t, h)
        x += z
        y, solved = self.solve(x.T.copy(), t, h)
        if self.strict and not solved.all():
            path = int(np.argmin(solved))
            raise NotFinite(path, 0, t, x[0, path])
        x[...] = np.where(solved, y.T, np.nan)

    def solve(self, goal, t, h, halved=0):
        """y (paths, dim) with ``y - h f(y, t + h) = goal``, and which of them were found."""

        def residual(y, rows):
            return y - goal[rows] - h * self.system.drift(y, t + h)

        dim = self.system.dim
        y, scale = goal.copy(), 1 + np.abs(goal).max(axis=-1)
        rest = residual(y, slice(None))
        for _ in range(NEWTON):
            size = np.abs(rest).max(axis=-1)
            left = np.flatnonzero(size > SOLVED * scale)  # what is not finite compares false
            if not len(left):
                break
            J = np.eye(dim) - h * self.system.jacobian(y[left], t + h)
            ridge = 1e-14 * (1 + np.abs(J).max(axis=(-1, -2)))  # a singular one does no harm
            J = J + ridge[:, None, None] * np.eye(dim)
            move = np.linalg.solve(J, -rest[left][..., None])[..., 0]
            for _ in range(HALVINGS):
                new = residual(y[left] + move, left)
                better = np.abs(new).max(axis=-1) < size[left]
                y[left[better]] += move[better]
                rest[left[better]] = new[better]
                left, move = left[~better], move[~better] / 2
                if not len(left):
                    break
            if len(left) and (np.abs(rest).max(axis=-1) == size).all():
                break  # nobody moved
        solved = np.abs(rest).max(axis=-1) <= SOLVED * scale
        bad = np.flatnonzero(~solved & np.isfinite(goal).all(axis=-1))
        if len(bad) and halved < SPLITS:
            half, first = self.solve(goal[bad], t, h / 2, halved + 1)
            y[bad], second = self.solve(half, t + h / 2, h / 2, halved + 1)
            solved[bad] = first & second
        return y, solved
