"""Bridges in one dimension, proposed with what is left to pay, which is known on a grid."""

from __future__ import annotations

import numpy as np

from .sampler import CHAINS

NODES, MOST = 200, 1_000  # of the grid, at least and at most
FINE = 1.0  # its width, in standard deviations of the noise of a step, at most
POOL = 2_000  # paths that are proposed at once
BURN = 20  # proposals of each chain that are not kept
NEWTON = 2  # steps to the middle of a proposal
LEAST = 0.1  # share of proposals to be accepted
STEEP = 0.5  # the most that what is left to pay widens a step, as a share of its variance


class Guided:
    """Metropolis's algorithm with independent proposals, chains side by side.

    With ``l_k(x)`` the logarithm of the chain's density of ``x1`` at the end given x at node k, its
    bridge steps from x to y with the density ``K_k(y | x) exp(l_{k+1}(y) - l_k(x))``. Known on a
    grid, and expanded to second order about the likely step, it proposes steps that are Gaussian.
    What is missed is made good by accepting a path with the probability ``min(1, w / w_before)``,
    w being its density under the chain over that of its proposal.

    Source: Schauer, van der Meulen and van Zanten (2017), Bernoulli 23, 2917, for guided proposals;
    Guarniero, Johansen and Lee (2017), J. Am. Stat. Assoc. 112, 1636, for a chain twisted by what
    lies ahead; Tierney (1994), Ann. Stat. 22, 1701, for independent proposals.
    """

    burn = BURN

    def __init__(self, steps, ends, rng, n_paths):
        self.steps, self.ends, self.rng, self.n_paths = steps, ends, rng, n_paths
        self.width = FINE * np.sqrt(steps.variances.min())
        with np.errstate(all="ignore"):  # far from where bridges go
            self.ahead = self._look_ahead(self._range())
        self.pool, self.acceptance = [], []
        self.turn = np.inf  # nothing to lengthen
        self.x, self.action, self.weight = self._fresh()

    def _range(self):
        """Where bridges go: what paths reach from either end, unless a drift carries them away."""
        ends = np.array(self.ends)
        x, seen = np.repeat(ends, CHAINS), [ends]
        with np.errstate(all="ignore"):
            for k in range(len(self.steps.h)):
                m, s = self.steps.aim(k, x)
                x = m + s * self.rng.standard_normal(len(x))
                seen.append(x[np.isfinite(x)])
        seen, free = np.concatenate(seen), 5 * np.sqrt(self.steps.variances.sum() / 4)
        low, high = seen.min(), seen.max()
        if high - low > MOST * self.width:
            low, high = max(low, ends.min() - free), min(high, ends.max() + free)
        return low - (high - low) / 4, high + (high - low) / 4

    def _look_ahead(self, limits):
        """l_k for k = 1 ... count - 1, each a spline; None before."""
        from scipy.interpolate import CubicSpline  # slow to load, and only needed here

        steps, count = self.steps, int((limits[1] - limits[0]) / self.width)
        grid = np.linspace(*limits, min(max(NODES, count), MOST))
        splines, value = [None], -steps.cost(len(steps.h) - 1, grid, self.ends[1])
        for k in range(len(steps.h) - 2, -1, -1):
            known = np.isfinite(value)
            value = np.where(known, value, np.min(value, where=known, initial=0.0))
            splines.insert(1, CubicSpline(grid, value - value.max()))
            if k:
                value = value - steps.cost(k, grid[:, None], grid)
                top = value.max(axis=1)
                value = top + np.log(np.exp(value - top[:, None]).sum(axis=1))
        return splines

    def _step(self, k, x, ahead):
        """Mean and standard deviation of the proposed step from x at node k."""
        aim, s = self.steps.aim(k, x)
        y = aim
        for _ in range(NEWTON):
            inside = np.clip(y, ahead.x[0], ahead.x[-1])
            bend = ahead(inside, 2)
            share = 1 - np.minimum(s**2 * bend, STEEP)
            y = y + (aim - y + s**2 * (ahead(inside, 1) + bend * (y - inside))) / share
        return y, s / np.sqrt(share)

    def _propose(self, count):
        """Paths, their actions, and the logarithms of their weights."""
        n = len(self.steps.h)
        x = np.empty((n + 1, count))
        x[0], x[n] = self.ends
        action, log_proposal = np.zeros(count), np.zeros(count)
        for k in range(n):
            if k < n - 1:
                mean, spread = self._step(k, x[k], self.ahead[k + 1])
                z = self.rng.standard_normal(count)
                x[k + 1] = mean + spread * z
                log_proposal -= z**2 / 2 + np.log(spread)
            action += self.steps.cost(k, x[k], x[k + 1])
        return x.T[..., None], action, -action - log_proposal

    def _fresh(self):
        if not self.pool:
            with np.errstate(all="ignore"):  # a path off to infinity is not accepted
                whole = self._propose(POOL)
            rows = (slice(i, i + CHAINS) for i in range(0, POOL, CHAINS))
            self.pool = [tuple(part[some] for part in whole) for some in rows]
        x, action, weight = self.pool.pop()
        return x.copy(), action.copy(), np.where(np.isfinite(weight), weight, -np.inf)

    def move(self):
        """One proposal for every chain."""
        x, action, weight = self._fresh()
        with np.errstate(invalid="ignore"):
            go = np.log(self.rng.random(CHAINS)) < weight - self.weight
        self.x[go], self.action[go], self.weight[go] = x[go], action[go], weight[go]
        self.acceptance.append(go.mean())

    def settle(self, tally, count=BURN):
        """Leave the start behind; whether enough proposals were accepted to go on."""
        for _ in range(count):
            self.move()
            tally.step()
        good = np.mean(self.acceptance) > LEAST
        self.acceptance.clear()
        return good

    def summary(self):
        """What the autocorrelation is measured on: action and state halfway (2, CHAINS)."""
        return np.vstack([self.action, self.x[:, self.x.shape[1] // 2].T])
