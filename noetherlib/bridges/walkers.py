"""What a Gaussian around a path leaves out of the integral over all paths, by guided walkers.

Laplace's density times R is the density. Walkers follow the drift itself, their noise ``2 h D p + G z``
(G G^T = 2 h D) pushed as the Gaussian around the path pushes it, ``z = L n - K xi`` with n standard
normal and xi the departure from the path; a step multiplies their weight by

    exp(-p.G z - |z|**2 / 2 + |n|**2 / 2),

and R is the mean weight, walkers being drawn again where few carry it. Where the path rests nothing
is pushed and nothing weighted: the error does not grow with the time that a path waits. The end is a
narrow Gaussian, so that D may be singular.

Source: Schauer, van der Meulen and van Zanten (2017), Bernoulli 23, 2917 (guided proposals);
Del Moral (2004), Feynman-Kac Formulae, chapter 9 (weights and redrawing).
"""

from __future__ import annotations

import numpy as np

from ..lagrangian.continuous import dot
from ..system.noise import root

GROUPS = 32  # independent runs, whose spread is the error
LOOK = 8  # steps between looks at the weights
END = 4e-3  # variance of the end, in units of the largest variance along the way


class Guide:
    """The Gaussian around one path as a chain of pushes.

    ``terms`` and ``bend`` of the path ``x`` (n_times, dim), ``covariance`` (n_times, dim, dim).
    """

    def __init__(self, mesh, x, terms, bend, covariance, momentum):
        (n, dim), h, one = terms.p.shape, mesh.h[:, None, None], np.eye(x.shape[-1])
        self.mesh, self.x, self.p, self.momentum = mesh, x, terms.p, momentum
        self.solve, self.earlier = np.linalg.inv(one - h / 2 * terms.M), one + h / 2 * terms.M
        D = np.broadcast_to(mesh.lagrangian.system.noise(terms.x, terms.t)[0], (n, dim, dim))
        self.G = root(2 * h * D)
        self.f = mesh.lagrangian.system.drift(terms.x, terms.t)
        #: what is left to pay from each node on, as a path departs from it: its second derivative
        self.ahead = np.empty((n + 1, dim, dim))
        self.ahead[n] = np.diag(1 / (END * np.einsum("kii->ik", covariance).max(axis=1)))
        self.K, self.L = np.empty((2, n, dim, dim))
        for k in range(n - 1, -1, -1):
            by_xi, by_z = self.solve[k] @ self.earlier[k], self.solve[k] @ self.G[k]
            mid_xi, mid_z, B = (one + by_xi) / 2, by_z / 2, mesh.h[k] * np.broadcast_to(bend, D.shape)[k]
            P = self.ahead[k + 1]
            zz = one + mid_z.T @ B @ mid_z + by_z.T @ P @ by_z
            zx = mid_z.T @ B @ mid_xi + by_z.T @ P @ by_xi
            self.L[k] = np.linalg.inv(np.linalg.cholesky(zz)).T
            self.K[k] = self.L[k] @ self.L[k].T @ zx
            P = mid_xi.T @ B @ mid_xi + by_xi.T @ P @ by_xi - zx.T @ self.K[k]
            self.ahead[k] = (P + P.T) / 2

    def remainder(self, walkers, rng):
        """R and its standard error."""
        xi = np.zeros((GROUPS, -(-walkers // GROUPS), self.x.shape[-1]))
        log_mean, log_weight = np.zeros(GROUPS), np.zeros(xi.shape[:2])
        n = len(self.p)
        with np.errstate(all="ignore"):
            for k in range(n):
                xi, change = self._step(k, xi, rng)
                log_weight += change
                if k % LOOK == LOOK - 1 and k < n - 1:
                    value = xi @ self.momentum[k + 1] - self._departure(k + 1, xi)
                    for g in range(GROUPS):
                        index, gained = _redraw(log_weight[g] + value[g], rng)
                        if index is not None:
                            log_mean[g] += gained
                            xi[g], log_weight[g] = xi[g][index], -value[g][index]
            log_weight += -self._departure(n, xi)
            R = np.exp(log_mean[:, None] + np.nan_to_num(log_weight, nan=-np.inf)).mean(axis=1)
        return R.mean(), R.std(ddof=1) / np.sqrt(GROUPS)

    def _step(self, k, xi, rng):
        """The walkers one step on, and what that adds to the logarithms of their weights.

        A walker's mean square departure over a step exceeds that of its midpoint by ``D h / 2``:
        the drift is taken at points scattered as much, or the chain were of first order only.
        """
        n, push = rng.standard_normal(xi.shape), self.p[k] @ self.G[k]
        z = n @ self.L[k].T - xi @ self.K[k].T
        noise = z @ self.G[k].T
        to = (xi @ self.earlier[k].T + noise) @ self.solve[k].T  # the linear step; then Newton's
        system, h, t = self.mesh.lagrangian.system, self.mesh.h[k], self.mesh.t_mid[k]
        middle = (self.x[k] + self.x[k + 1]) / 2
        middle = middle + rng.standard_normal(xi.shape) @ self.G[k].T / 2
        for _ in range(3):
            f = system.drift(middle + (xi + to) / 2, t) - self.f[k]
            to = to + (xi + h * f + noise - to) @ self.solve[k].T
        return to, dot(n, n) / 2 - dot(z, z) / 2 - z @ push

    def _departure(self, k, xi):
        return np.einsum("...i,ij,...j->...", xi, self.ahead[k], xi) / 2


def _redraw(log_weight, rng):
    """Which walkers to go on with and the log of their mean weight; None where all may go on."""
    finite = np.isfinite(log_weight)
    top = log_weight[finite].max(initial=-np.inf)
    weight = np.where(finite, np.exp(log_weight - top), 0.0)
    total, count = weight.sum(), len(weight)
    if not 0 < total or total**2 > count / 2 * (weight @ weight):
        return None, 0.0
    picks = (rng.random() + np.arange(count)) / count * total
    index = np.minimum(np.searchsorted(np.cumsum(weight), picks), count - 1)
    return index, top + np.log(total / count)
