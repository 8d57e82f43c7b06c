"""The chains whose bridges are sampled: one step each, for paths x (paths, n_times, dim)."""

from __future__ import annotations

import numpy as np

from ..simulation import Exact
from ..system.noise import check_positive_definite


class _Steps:
    """What both kinds of chain make of their steps' ``slopes``."""

    def gradient(self, x):
        """Action (paths,) and its derivative by the inner nodes (paths, n_times - 2, dim)."""
        S, earlier, later = self.slopes(x)
        return S.sum(axis=-1), earlier[:, 1:] + later[:, :-1]


class _Theta(_Steps):
    """Steps ``x' = x + h f(y, s) + sqrt(2 D h) z`` with (y, s) a fraction ``theta`` of the way."""

    def __init__(self, system, t, x0, theta):
        self.system, self.theta, self.h = system, theta, np.diff(t)[:, None]
        self.s = t[:-1] + theta * np.diff(t)
        D = system.constant_diffusion
        D = system.diffusion(x0, self.s) if D is None else D
        self.metric = np.linalg.inv(check_positive_definite(D)) / 2

    def slopes(self, x):
        """Action of each step (paths, n_times - 1), its slopes by the earlier and later state."""
        h, theta = self.h, self.theta
        step = np.diff(x, axis=1)
        y = x[:, :-1] + theta * step if theta else x[:, :-1]
        w = step / h - self.system.drift(y, self.s)
        J = self.system.jacobian(y, self.s)
        p = w @ self.metric if self.metric.ndim == 2 else np.einsum("pki,kij->pkj", w, self.metric)
        S = np.einsum("pki,pki->pk", w, p) * h[:, 0] / 2
        kick = -h * np.einsum("pki,pkij->pkj", p, J)
        if theta:  # minus the logarithm of the Jacobian of the implicit step
            implicit = np.eye(x.shape[-1]) - theta * h[..., None] * J
            S = S - np.linalg.slogdet(implicit)[1]
            bend = self.system.hessian(y, self.s)
            kick = kick + theta * h * np.einsum("pkji,pkijl->pkl", np.linalg.inv(implicit), bend)
        return S, (1 - theta) * kick - p, p + theta * kick

    @property
    def variances(self):
        """Of the noise of each step, in one dimension."""
        return self.h[:, 0] / self.metric.reshape(-1)

    def aim(self, k, x):
        """Where step k leads from states x (n,) in one dimension, and its standard deviation."""
        h, f = self.h[k, 0], self.system.drift(x[:, None], self.s[k])[:, 0]
        implicit = 1.0
        if self.theta:
            implicit = 1 - self.theta * h * self.system.jacobian(x[:, None], self.s[k])[:, 0, 0]
        return x + h * f / implicit, np.sqrt(self.variances[k]) / implicit

    def cost(self, k, x, y):
        """Action of step k between states that broadcast, in one dimension."""
        h, middle = self.h[k, 0], (x + self.theta * (y - x) if self.theta else x)[..., None]
        move = h * self.system.drift(middle, self.s[k])[..., 0]
        S = (y - x - move) ** 2 / (2 * self.variances[k])
        if self.theta:
            slope = self.system.jacobian(middle, self.s[k])[..., 0, 0]
            S = S - np.log(np.abs(1 - self.theta * h * slope))
        return S

    def precision(self, x):
        """Diagonal blocks and those right of them, linearised along one path (n_times, dim)."""
        y = x[:-1] + self.theta * np.diff(x, axis=0)
        J, unit = self.h[..., None] * self.system.jacobian(y, self.s), np.eye(x.shape[-1])
        L, R = unit + (1 - self.theta) * J, unit - self.theta * J
        return _precision(L, R, self.metric / self.h[..., None])

    def restoring(self, x):
        """The same without the signs of the linearised drift, which may run away from the path."""
        J = self.system.jacobian(x[:-1] + self.theta * np.diff(x, axis=0), self.s)
        spring = np.swapaxes(J, -1, -2) @ self.metric @ J * self.h[..., None] / 2
        unit = np.broadcast_to(np.eye(x.shape[-1]), J.shape)
        diagonal, upper = _precision(unit, unit, self.metric / self.h[..., None])
        return diagonal + spring[:-1] + spring[1:], upper


class _Transition(_Steps):
    """The exact steps ``x' = Phi x + shift + noise`` of a linear system."""

    def __init__(self, system, t, x0):
        dim = system.dim

        def full(matrix):  # simulate keeps a number or a column where that will do
            return matrix if np.shape(matrix) == (dim, dim) else matrix * np.eye(dim)

        parts = [
            (full(phi), np.zeros(dim) if shift is None else shift[:, 0], full(root))
            for phi, shift, root in Exact(system, t).steps
        ]
        self.phi, self.shift, root = (np.stack(part) for part in zip(*parts))
        self.noise = root @ np.swapaxes(root, -1, -2)
        size = np.linalg.norm(root, axis=-1, keepdims=True)
        size = np.where(size > 0, size, 1.0)  # powers of h less where there is no noise of its own
        whiten = np.linalg.pinv(root / size) / np.swapaxes(size, -1, -2)
        self.metric = np.swapaxes(whiten, -1, -2) @ whiten

    def slopes(self, x):
        noise = x[:, 1:] - self.shift - np.einsum("kij,pkj->pki", self.phi, x[:, :-1])
        p = np.einsum("pki,kij->pkj", noise, self.metric)
        return np.einsum("pki,pki->pk", noise, p) / 2, -np.einsum("pki,kij->pkj", p, self.phi), p

    def precision(self, x):
        unit = np.broadcast_to(np.eye(x.shape[-1]), self.phi.shape)
        return _precision(self.phi, unit, self.metric)


def _precision(L, R, weight):
    """Blocks of the precision of ``R q' = L q + noise``, ``weight`` the precision of the noise."""
    forth, back = np.swapaxes(R, -1, -2) @ weight, np.swapaxes(L, -1, -2) @ weight
    return (forth @ R)[:-1] + (back @ L)[1:], -(back @ R)[1:-1]


CHAIN_TYPES = {
    "exact": _Transition,
    "euler-maruyama": lambda system, t, x0: _Theta(system, t, x0, 0.0),
    "midpoint": lambda system, t, x0: _Theta(system, t, x0, 0.5),
}
