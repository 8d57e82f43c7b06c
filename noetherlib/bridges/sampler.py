"""Hamiltonian Monte Carlo for bridges, and how long its chains remember."""

from __future__ import annotations

import numpy as np
from scipy.linalg.lapack import dpbtrf, dtbtrs

from ..lagrangian.banded import band, pack_band
from ..system.layout import componentwise

CHAINS = 100  # Markov chains that run side by side from each start
BURN = 100  # trajectories in which the step is tuned
#: Mean length of a trajectory as an angle: usual, and for modes that are all but free.
TURN = np.pi, 4 * np.pi
MOST = 400  # steps of a trajectory
PATIENCE = 10  # autocorrelation times that the chains run before a path is kept


class Gaussian:
    """Paths around ``mean`` (n_times, dim), inner nodes of given precision, from white noise."""

    def __init__(self, mean, diagonal, upper):
        self.mean = mean.copy()
        self.factor, info = dpbtrf(band(pack_band(diagonal, upper)), lower=1)
        if info:
            raise ValueError("t must have steps short enough for the drift along the path")

    def paths(self, z):
        """White noise (paths, (n_times - 2) dim) to paths (paths, n_times, dim)."""
        x = componentwise(np.repeat(self.mean[None], len(z), axis=0))
        x[:, 1:-1] += dtbtrs(self.factor, z.T, uplo="L", trans="T")[0].T.reshape(x[:, 1:-1].shape)
        return x

    def whiten(self, gradient):
        """A derivative by the inner nodes to that by the white noise."""
        return dtbtrs(self.factor, gradient.reshape(len(gradient), -1).T, uplo="L")[0].T


class Sampler:
    """Hamiltonian Monte Carlo for bridges, chains side by side.

    In the coordinates z the reference is white. Energy ``S(z) + |v|**2 / 2``; its Gaussian part
    turns (z, v) by an angle, the rest kicks v: no error is made on the many modes that are all but
    free.
    """

    burn = BURN

    def __init__(self, steps, start, rng, n_paths):
        self.steps, self.rng, self.n_paths = steps, rng, n_paths
        self.reference = Gaussian(start, *steps.restoring(start))
        self.log_angle, self.turn = np.log(0.2), TURN[0]
        self.acceptance = []
        # on the start: noise might leave its route
        self._expand(np.zeros((CHAINS, start[1:-1].size)))

    def _expand(self, z):
        self.z, self.x = z, self.reference.paths(z)
        self.action, gradient = self.steps.gradient(self.x)
        self.force = z - self.reference.whiten(gradient)  # what the rotation leaves

    def move(self, tune=0.0):
        """One trajectory of every chain, its length varied lest some mode come back."""
        rng, before = self.rng, (self.z, self.x, self.action, self.force)
        whole = self.turn * rng.uniform(0.5, 1.5)
        step = min(np.exp(self.log_angle), np.pi / 2)
        count = min(int(np.ceil(whole / step)), MOST)
        angle = min(whole / count, step)
        c, s = np.cos(angle), np.sin(angle)
        v = rng.standard_normal(self.z.shape)
        energy = self.action + np.einsum("pi,pi->p", v, v) / 2
        with np.errstate(all="ignore"):  # a trajectory off to infinity is not accepted
            for _ in range(count):
                v = v + angle / 2 * self.force
                z, v = c * self.z + s * v, c * v - s * self.z
                self._expand(z)
                v += angle / 2 * self.force
            loss = self.action + np.einsum("pi,pi->p", v, v) / 2 - energy
            chance = np.exp(-np.clip(np.nan_to_num(loss, nan=np.inf), 0, np.inf))
        stay = rng.random(CHAINS) >= chance
        for new, old in zip((self.z, self.x, self.action, self.force), before):
            new[stay] = old[stay]
        self.log_angle += tune * (chance.mean() - 0.8)
        self.acceptance.append(1 - stay.mean())

    def settle(self, tally, count=BURN):
        """Tune the step."""
        for i in range(count):
            self.move(tune=0.5 / np.sqrt(1 + i / 5))
            tally.step()
        self.acceptance.clear()

    def summary(self):
        """What the autocorrelation is measured on: action and state halfway (1 + dim, CHAINS)."""
        return np.vstack([self.action, self.x[:, self.x.shape[1] // 2].T])


def sample(samplers, max_iter, tally):
    """Run the chains until they have forgotten their start, then keep paths far apart.

    Returns the paths, the acceptance and the autocorrelation time of what was kept, infinite where
    ``max_iter`` trajectories were too few to tell. The ``tally`` counts trajectories of the chains of one
    start.
    """
    record = []
    goal, spent = 10 * PATIENCE, 0
    rounds = max(-(-s.n_paths // CHAINS) for s in samplers)  # each keeps one path of every chain

    def run(count):
        for _ in range(count):
            for sampler in samplers:
                sampler.move()
                tally.step()
            record.append([sampler.summary() for sampler in samplers])

    def expect(moves, settling=0):
        tally.expect(settling + len(samplers) * moves)

    expect(min(goal, max_iter) + rounds, sum(s.burn for s in samplers))
    for sampler in samplers:
        sampler.settle(tally, sampler.burn)
    while True:
        run(min(goal, max_iter - spent))
        late = record[len(record) // 2 :]  # the first half may remember the start
        tau = _autocorrelation_time(late)
        known = len(late) >= PATIENCE * tau
        spent += len(record)
        if known or spent >= max_iter:
            break
        record.clear()
        goal *= 1 if samplers[0].turn < TURN[1] else 2
        short = [s for s in samplers if s.turn < TURN[1]]  # soft modes need longer trajectories
        expect(min(goal, max_iter - spent) + rounds, len(short) * (BURN // 4))
        for sampler in short:
            sampler.turn *= 2
            sampler.settle(tally, BURN // 4)
    record[:] = late
    gap = int(np.ceil(tau)) if known else 1
    kept = [[] for _ in samplers]
    expect(rounds * gap)
    for _ in range(rounds):
        run(gap)
        for x, sampler in zip(kept, samplers):
            x.append(sampler.x.copy())
    x = [np.concatenate(x)[: s.n_paths] for x, s in zip(kept, samplers) if s.n_paths]
    tau = float(_autocorrelation_time(record, gap)) if known else np.inf
    return np.concatenate(x), float(np.mean([s.acceptance for s in samplers])), tau


def _autocorrelation_time(record, gap=1):
    """Integrated autocorrelation time of the worst row of any start, in units of ``gap``, >= 1.

    ``record`` has a list of summaries (rows, chains), one per start, for each time. A row has one
    mean for all its chains, so that chains that disagree count as correlated for ever. Summed up
    to a lag of five such times (Sokal 1997); infinity where the record is shorter.
    """
    n, worst = len(record), 1.0
    for summaries in zip(*record):
        y = np.array(summaries)
        y -= y.mean(axis=(0, 2), keepdims=True)
        power = np.abs(np.fft.rfft(y, 2 * n, axis=0)) ** 2
        correlation = np.fft.irfft(power.sum(axis=2), 2 * n, axis=0)[:n]
        correlation /= np.arange(n, 0, -1)[:, None]
        for rho in correlation.T[correlation[0] > 0]:
            rho = rho / rho[0]
            window = np.flatnonzero(np.arange(n) >= 5 * np.maximum(2 * np.cumsum(rho) - 1, 1))
            if not len(window):
                return np.inf
            worst = max(worst, 2 * rho[: window[0] + 1 : gap].sum() - 1)
    return worst
