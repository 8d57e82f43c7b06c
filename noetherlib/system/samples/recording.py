"""Recordings: their increments, the drift fitted to them, and how sums of them scatter."""

from __future__ import annotations

import numpy as np

from .fit import ROWS, Fit

LAGS = 2  # products of increments further apart than this are uncorrelated


class Recording:
    """States (n_paths, n_times, dim) at times t, and their increments."""

    def __init__(self, t, x):
        self.x, self.steps, self.moves = x, np.diff(t), np.diff(x, axis=1)
        self.dim = x.shape[-1]

    def states(self, first=0, last=None):
        """Those at the beginnings of the steps from ``first`` to ``last``, (n, dim)."""
        return self.x[:, first : len(self.steps) if last is None else last].reshape(-1, self.dim)

    def durations(self, first=0, last=None):
        return np.tile(self.steps[first:last], len(self.x))


class Drift:
    """The drift fitted to the increments.

    The error of a recorded state, of covariance ``blur``, is in the increments before and after it.
    The state one step back knows nothing of these: it is the instrument.
    """

    def __init__(self, recording, max_degree, blur=None):
        self.lag, n = int(blur is not None), len(recording.steps)
        steps = recording.durations(self.lag)
        moves = recording.moves[:, self.lag :].reshape(-1, recording.dim)
        before, self.states = recording.states(0, n - self.lag), recording.states(self.lag)
        self._velocities = moves / steps[:, None]
        self.fit = Fit(
            before,
            self._velocities,
            np.sqrt(steps),
            range(1, max_degree + 1),
            read=self.states,
            blur=blur,
        )
        mean = self.fit.observed(recording.states()).reshape(recording.moves.shape)
        self.residual = recording.moves - recording.steps[:, None] * mean
        #: the share of the noise that the fit has taken out of the residuals
        self.taken = min(len(self.fit.coefficients) / len(moves), 0.2)
        few = self.states[:: -(-len(self.states) // ROWS)]
        #: mean of the drift's slope, (dim, dim)
        self.slope = self.fit.polynomial().jet(few)[1].mean(axis=0)

    def left_out(self):
        """The coefficients without one part of the recording, without another, ..."""
        return self.fit.left_out(self._velocities, self.states)

    def columns(self, recording, D, blur):
        """Errors of the coefficients, as columns (m, dim, K).

        Each step adds noise of covariance ``2 D(x) h``; each error of a state comes in twice, with
        opposite signs.
        """
        fit = self.fit
        if len(D.coefficients) == 1:
            columns = fit.spread(2 * D.matrix(self.states[:1], 0.0)[0])
        else:
            score = np.zeros((len(fit.factor), recording.dim) * 2)
            for b in fit.blocks():
                q, local = fit.instruments(b), 2 * positive(D.matrix(self.states[b], 0.0))
                for i, j in np.ndindex(local.shape[1:]):
                    score[:, i, :, j] += (q * local[:, i, j, None]).T @ q
            columns = columns_of(fit, score)
        if blur is None:
            return columns
        swing, n = 0.0, len(recording.steps) - self.lag
        for k in range(0, len(self.states), n):
            each = fit.instruments(slice(k, k + n)) / np.sqrt(recording.steps[self.lag :, None])
            change = np.diff(each, axis=0, prepend=0 * each[:1], append=0 * each[:1])
            swing = swing + change.T @ change
        score = np.einsum("ml,ij->milj", swing, blur)
        return np.concatenate([columns, columns_of(fit, score)], axis=-1)

    def squares(self):
        """Products (n_paths, n, p) of increments with themselves; the fit took a share of them."""
        r = self.residual
        return entries(r[..., :, None] * r[..., None, :]) / (1 - self.taken)

    def neighbours(self):
        """Products (n_paths, n - 1, p) of increments with the next ones."""
        return entries(self.residual[:, 1:, :, None] * self.residual[:, :-1, None, :])

    def windows(self):
        """Products of all but the first and the last with the sum of them and their neighbours."""
        r = self.residual
        around = r[:, :-2] + r[:, 1:-1] + r[:, 2:]
        return entries(r[:, 1:-1, :, None] * around[:, :, None, :]) / (1 - 3 * self.taken)


def entries(matrices):
    """Those on and above the diagonal of the symmetric part."""
    i, j = np.triu_indices(matrices.shape[-1])
    return (matrices[..., i, j] + matrices[..., j, i]) / 2


def mean_of(samples):
    """Mean of (n_paths, n, p), neighbours correlated, and the covariance of its error."""
    flat = samples.reshape(-1, samples.shape[-1])
    return flat.mean(axis=0), long_run(samples - flat.mean(axis=0)) / len(flat)


def long_run(e):
    """Covariance (p, p), per sample, of the sum of (n_paths, n, p) with mean zero."""
    total = np.einsum("kni,knj->ij", e, e)
    for lag in range(1, min(LAGS, e.shape[1] - 1) + 1):
        shared = np.einsum("kni,knj->ij", e[:, lag:], e[:, :-lag])
        total = total + shared + shared.T
    return positive(total) / (e.shape[0] * e.shape[1])


def score_covariance(fit, residual):
    """That of the sum of instruments times residuals (n_paths, n, p): (m, p, m, p)."""
    paths, n, p = residual.shape
    m, total = len(fit.factor), 0.0
    for k in range(paths):
        score = fit.instruments(slice(k * n, (k + 1) * n))[:, :, None] * residual[k, :, None, :]
        score = score.reshape(n, m * p)
        total = total + score.T @ score
        for lag in range(1, min(LAGS, n - 1) + 1):
            shared = score[lag:].T @ score[:-lag]
            total = total + shared + shared.T
    return total.reshape(m, p, m, p)


def columns_of(fit, score):
    """Errors of coefficients as columns (m, p, K), from the covariance of the projections."""
    m, p = score.shape[:2]
    return np.tensordot(fit.factor, root_of(score.reshape(m * p, m * p)).reshape(m, p, -1), 1)


def root_of(covariance):
    """Columns of independent errors with this covariance."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0))


def positive(matrices):
    """The positive semi-definite part of symmetric matrices."""
    values, vectors = np.linalg.eigh(matrices)
    return (vectors * np.maximum(values, 0)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
