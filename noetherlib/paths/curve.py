"""Newton's method on the action of a curve whose duration is free."""

from __future__ import annotations

import numpy as np

from ..lagrangian import Mesh
from ..lagrangian.banded import is_definite, pack, solve
from ..lagrangian.continuous import dot, product, times
from ..lagrangian.mesh import as_matrix
from ..system.derivatives import EPS
from .clock import length, respace
from .ends import end_cost

UNEVEN = 1.3  # longest over shortest interval before the points are moved along the curve
IDLE = 4  # steps after convergence that gain nothing
FREE = 1e-3  # of the momentum that would stop the flow: a smaller one is no scale


class Curve:
    """A curve ``x`` (n, dim), improved in the directions across it.

    Its ends stay where they are. Where one of them is a fixed point the action of the interval next
    to it is that of the linear flow there, in which the curve may wind for ever.
    """

    def __init__(self, lagrangian, x, tol, ends=None):
        self.lagrangian, self.tol = lagrangian, tol
        self.n_iter, self.damping = 0, 0.0
        if ends is None:
            size = np.abs(np.ptp(x, axis=0)).max()
            ends = [end_cost(lagrangian.system, x[i], size, i == 0) for i in (0, -1)]
        self.ends = ends
        self._expand(x)

    def on(self, n):
        """The same curve on ``n`` points, not yet improved there."""
        return Curve(self.lagrangian, respace(self.x, n), self.tol, self.ends)

    @property
    def converged(self):
        return bool(self.gradient_norm <= self.tol * max(self.momentum, FREE * self.strength))

    @property
    def kind(self):
        """Minimum or saddle, by the inertia of the second derivative across the curve."""
        if not self.converged:
            return "undetermined"
        noise = 10 * EPS * len(self.x) ** 2
        if self.lagrangian.system.derivative_noise > EPS:
            noise += self.lagrangian.system.derivative_noise
        if not self.gradient.size or is_definite(self.band - noise * self.inertia):
            return "minimum"
        return "undetermined" if is_definite(self.band + noise * self.inertia) else "saddle"

    def descend(self, max_iter, restarts=3):
        """Improve until nothing is gained any more, in at most ``max_iter`` steps; itself."""
        idle = 0
        for self.n_iter in range(max_iter):
            if idle > IDLE or self.gradient_norm <= 1e-3 * self.tol * self.momentum:
                break
            step, promised = self._solve()
            trial = self.x.copy()
            trial[1:-1] += step
            spacing = np.linalg.norm(np.diff(trial, axis=0), axis=1)
            uneven = spacing.max() > UNEVEN * spacing.min()
            if uneven:
                trial = respace(trial, len(trial))
            with np.errstate(all="ignore"):
                fall = self.action - self._costs(trial)[2].sum()
            settled = promised <= 1e-11 * self.action
            before = self.gradient_norm
            idle += settled and self.converged
            if fall > 1e-4 * promised or (settled and np.isfinite(fall)):
                self._expand(trial)
                if fall > 0.75 * promised or settled:
                    self.damping = self.damping / 8 if self.damping > 1e-10 else 0.0
            if not fall > 0.25 * promised and not settled:
                self.damping = 4 * self.damping or 1e-3
            # points moved along the curve are a little off it, which one more step mends
            if (settled and not uneven and self.gradient_norm > before / 2) or self.damping > 1e12:
                if self.converged or not restarts:
                    break
                restarts -= 1  # where a node sits badly, others may not
                self._expand(respace(self.x, len(self.x)))
                self.damping = 0.0
        return self

    def pushed(self, rounds=8):
        """Two curves beside a saddle of the action, one on either side along its lowest direction."""
        matrix, damping = self.band, 1e-3
        while not is_definite(matrix):
            damping *= 2
            matrix = self.band + damping * self.inertia
        across = np.ones_like(self.gradient)
        for _ in range(rounds):
            across = solve(matrix, across)
            across /= np.abs(across).max()
        away = np.einsum("kin,kn->ki", self.across, across)
        reach = length(self.x)[-1] * 2.0 ** -np.arange(2, 8)
        for sign in 1, -1:
            trials = [self.x.copy() for _ in reach]
            for trial, far in zip(trials, reach):
                trial[1:-1] += sign * far * away
            with np.errstate(all="ignore"):
                costs = [self._costs(trial)[2].sum() for trial in trials]
            yield trials[int(np.argmin(np.where(np.isfinite(costs), costs, np.inf)))]

    def durations(self):
        """Times that the intervals take, the one next to a fixed point for ever."""
        return self._mesh(self.x).h

    def _mesh(self, x):
        """The curve on the durations that give every interval the energy zero."""
        mesh = Mesh(self.lagrangian, np.arange(len(x), dtype=float))
        mid, step = mesh.split(x)
        a = dot(step, times(self.lagrangian.metric(mid, mesh.t_mid)[0], step)) / 4
        b = self.lagrangian.terms(mid, np.zeros_like(mid), mesh.t_mid).L
        # where the drift vanishes an interval would take for ever; a millionth of |f| is enough
        return Mesh(self.lagrangian, mesh.t, np.sqrt(a / np.maximum(b, 1e-12 * b.max())))

    def _costs(self, x, order=0):
        """Mesh, terms and the action of every interval."""
        mesh = self._mesh(x)
        terms = mesh.terms(x, order)
        costs = terms.L * mesh.h
        for P, away, k in zip(self.ends, (x[1] - x[0], x[-2] - x[-1]), (0, -1)):
            if P is not None:
                costs[k] = away @ P @ away / 2
        return mesh, terms, costs

    def _expand(self, x):
        """Take the curve over, with the action's derivatives across it."""
        mesh, terms, costs = self._costs(x, order=2)
        v, bend = mesh.split(x)[1], self.lagrangian.bend(terms)
        pull = times(terms.A, v)
        self.momentum, self.strength = np.abs(terms.p).max(), np.abs(pull).max() / 2
        #: action and that of the way back together: the length in the metric ``|f|**2 / D``
        self.toll = mesh.integral(dot(v, pull))
        linear = [k for k, P in zip((0, -1), self.ends) if P is not None]
        if linear:  # those intervals count by their linear parts alone
            A = terms.A if terms.A.ndim > 2 else as_matrix(terms.A)
            terms.A, bend = (np.array(np.broadcast_to(each, terms.M.shape)) for each in (A, bend))
            for part in terms.p, terms.L_x, terms.A, bend:
                part[linear] = 0.0
        h = mesh.h[:, None]
        gradient = mesh.gradient(terms)
        diagonal, upper = mesh.blocks(terms, bend)
        # the durations follow the nodes: what they take off the second derivatives
        pull = times(terms.A, v)
        stiffness = np.sqrt(dot(v, pull) / (2 * mesh.h))[:, None]
        stiffness[linear] = 1.0
        slope = -np.einsum("kil,ki->kl", product(terms.A, terms.M), v) / 2 - terms.L_x
        left, right = (slope / 2 - pull / (2 * h)) / stiffness, (slope / 2 + pull / (2 * h)) / stiffness
        diagonal -= right[:-1, :, None] * right[:-1, None] + left[1:, :, None] * left[1:, None]
        upper -= left[1:-1, :, None] * right[1:-1, None]
        for k, away in zip((0, -1), (x[1] - x[0], x[-2] - x[-1])):
            if k in linear:
                gradient[k] += self.ends[k] @ away
                diagonal[k] += self.ends[k]

        across = _normals(x)
        self.x, self.across = x, across
        self.action = costs.sum()
        self.gradient = np.einsum("kin,ki->kn", across, gradient)
        self.gradient_norm = np.abs(self.gradient).max(initial=0.0)
        self.band = self._project(diagonal, upper)
        # damping by an elastic curve, of the mean stiffness of this one
        even = Mesh(self.lagrangian, np.arange(len(x)) * np.median(mesh.h))
        metric = self.lagrangian.metric(mesh.split(x)[0], mesh.t_mid)[0]
        self.inertia = self._project(*even.inertia(as_matrix(metric)))

    def _project(self, diagonal, upper):
        Q = self.across
        QT = np.swapaxes(Q, -1, -2)
        return pack(QT @ diagonal @ Q, QT[:-1] @ upper @ Q[1:])

    def _solve(self):
        """The step of the inner nodes and the fall of the action it promises."""
        while True:
            matrix = self.band + self.damping * self.inertia if self.damping else self.band
            step = solve(matrix, -self.gradient)
            if step is not None:
                return np.einsum("kin,kn->ki", self.across, step), -np.vdot(self.gradient, step) / 2
            self.damping = 4 * self.damping or 1e-3


def _normals(x):
    """Orthonormal directions across the curve at its inner nodes: (n-2, dim, dim-1)."""
    tangent = x[2:] - x[:-2]
    tangent = tangent / np.linalg.norm(tangent, axis=1, keepdims=True)
    # the reflection that takes the tangent to the first axis takes the others across the curve
    sign = np.where(tangent[:, :1] < 0, -1.0, 1.0)
    w = tangent.copy()
    w[:, :1] += sign
    reflection = np.eye(x.shape[1]) - 2 * w[:, :, None] * w[:, None] / np.sum(w**2, axis=1)[:, None, None]
    return reflection[:, :, 1:]
