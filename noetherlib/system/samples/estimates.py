"""What recordings tell of a system: drift, measurement noise and D, each with its error."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import chdtrc

from ..noise import check_positive_definite
from .fit import Fit
from .polynomials import unfolding
from .recording import (
    Drift,
    columns_of,
    entries,
    long_run,
    mean_of,
    positive,
    root_of,
    score_covariance,
)

LEVEL = 1e-3  # of the tests for measurement noise and for a D that depends on the state
DEGREE = 4  # of D as a polynomial, at most
ENTRIES = 400  # coefficients of D, at most


@dataclass(frozen=True)
class Field:
    """A fitted field and its errors: ``fit``, columns of independent errors, and its kind."""

    fit: Fit
    columns: np.ndarray  # (m, p, K): errors of the coefficients
    rank: int  # 1: the drift; 2: D, of which the fit holds the entries on and above the diagonal
    left_out: np.ndarray | None = None  # the coefficients without each part of a recording, if it is one


@dataclass(frozen=True)
class Estimated:
    """A symmetric matrix and the covariance of the errors of its entries from the diagonal on."""

    matrix: np.ndarray
    covariance: np.ndarray

    @property
    def error(self):
        dim = len(self.matrix)
        return np.sqrt(unfolding(dim) @ np.diag(self.covariance)).reshape(dim, dim)


@dataclass(frozen=True)
class Noise(Estimated):
    """Covariance of the errors of recorded states."""

    positive: np.ndarray | None = None  # the positive semi-definite part
    p: float = 1.0  # p-value of no measurement noise
    p_opposite: float = 1.0  # of increments that are not positively correlated

    @property
    def found(self):
        return self.p < LEVEL


@dataclass(frozen=True)
class Estimates:
    """All of it: fields for the search, the mean D, the measurement noise."""

    fields: tuple
    diffusion: Estimated
    noise: Noise
    p_constant: float

    @property
    def varies(self):
        """Whether D depends on the state, by the test."""
        return self.p_constant < LEVEL


def estimate(recording, max_degree):
    """`Estimates`, with measurement noise taken into account where it is significant."""
    check_noisy(np.einsum("kni,knj->ij", recording.moves, recording.moves))
    drift, blur = Drift(recording, max_degree), None
    noise = measurement_noise(recording, drift)
    for _ in range(2 * noise.found):  # the drift depends on the noise, which depends on it
        blur = noise.positive
        drift = Drift(recording, max_degree, blur)
        noise = replace(measurement_noise(recording, drift), p=noise.p)
    D, field, p = diffusion(recording, drift, noise)
    columns = drift.columns(recording, field.fit.polynomial(), blur)
    return Estimates((Field(drift.fit, columns, 1, drift.left_out()), field), D, noise, p)


def measurement_noise(recording, drift):
    """From the covariance of neighbouring increments: they share a state's error, as ``-R``."""
    dim, unfold = recording.dim, unfolding(recording.dim)
    if len(recording.steps) < 3:
        return Noise(np.full((dim, dim), np.nan), np.full((unfold.shape[1],) * 2, np.nan))
    mean, covariance = mean_of(-drift.neighbours())
    total = mean_of(drift.windows())[0]
    R = (unfold @ (mean - drift.taken * total)).reshape(dim, dim)
    turned = drift.slope @ R * recording.steps.mean()
    R = R - (turned + turned.T) / 2  # the error of a state is in the drift, too
    root = np.linalg.cholesky(check_noisy((unfold @ total).reshape(dim, dim)))
    inverse = np.linalg.inv(root)
    above = root @ positive(inverse @ R @ inverse.T) @ root.T

    def p_value(part):
        upper = entries(part)
        return float(chdtrc(len(upper), upper @ np.linalg.solve(covariance, upper)))

    return Noise(R, covariance, above, p_value(above), p_value(R - above))


def diffusion(recording, drift, noise):
    """Mean D, D as a `Field`, and the p-value of its being constant.

    A squared increment has the mean ``2 D h + 2 R``. Where measurement noise R is found, products
    of an increment with itself and its neighbours, of mean ``2 D h``, are used instead. What finite
    steps add is subtracted, see `_share`. The p-value is that of a score test of what is left,
    against all polynomials up to ``DEGREE``.
    """
    dim, n = recording.dim, len(recording.steps)
    first, last, lag = (2, n - 1, 2) if noise.found else (0, n, 0)
    products = drift.windows()[:, 1:] if noise.found else drift.squares()
    steps, read = recording.durations(first, last), recording.states(first, last)
    # instruments: states whose errors are in none of the three increments
    before, weights = recording.states(first - lag, last - lag), np.sqrt(steps)
    target = products.reshape(len(steps), -1) / (2 * steps[:, None])
    blur = noise.positive if noise.found else None

    def fitted(target, degrees):
        most = ENTRIES // target.shape[1]
        fit = Fit(before, target, weights, degrees, most, read=read, blur=blur)
        return fit, (weights[:, None] * fit.residual).reshape(products.shape)

    constant, residual = fitted(target, range(1))
    per_sample, mean = long_run(residual), constant.coefficients[0]
    offset, uncertain = np.zeros_like(mean), np.zeros_like(per_sample)  # from measurement noise
    if not noise.found and n > 2:
        h = recording.steps.mean()
        offset, uncertain = entries(noise.matrix) / h, noise.covariance / h**2

    def matrix(upper):
        return (unfolding(dim) @ upper).reshape(dim, dim)

    slopes = drift.fit.polynomial().jet(read)[1]
    finite = entries(slopes @ matrix(mean - offset)) * steps[:, None]
    average = steps @ finite / steps.sum()
    away = finite - average
    share, error = _share(weights[:, None] * away, weights[:, None] * target, per_sample)
    score = fitted(target - share * away, range(DEGREE + 1))[0].projections[1:]
    p = float(chdtrc(score.size, np.sum(score * np.linalg.solve(per_sample, score.T).T)))
    if p < LEVEL:
        fit, residual = fitted(target, range(DEGREE + 1))
        per_sample, share, error = long_run(residual), 1.0, 0.0
        columns, shift = columns_of(fit, score_covariance(fit, residual)), offset
    else:
        fit, columns, shift = constant, constant.spread(per_sample), offset + share * average
    uncertain = uncertain + error**2 * np.outer(average, average)
    common = np.zeros(columns.shape[:2] + (len(uncertain),))
    common[0] = root_of(uncertain)  # errors of the constant
    field = Field(fit.shifted(-shift), np.concatenate([columns, common], axis=-1), 2)
    D = check_noisy(matrix(mean - offset - share * average))
    return Estimated(D, per_sample / steps.sum() + uncertain), field, p


def _share(away, target, per_sample):
    """The share of ``h (J D + D J^T) / 2`` that finite steps add to D, and its error.

    J is the drift's slope. All of it in a continuous process, nothing in Euler's scheme: between 0
    and 1, fitted where the slope changes with the state, and 1/2 within 1/2 where it does not.
    """
    pull = np.linalg.solve(per_sample, away.T).T
    sharpness = np.sum(away * pull) + 4.0
    share, error = (np.sum(pull * target) + 2.0) / sharpness, 1 / np.sqrt(sharpness)
    return np.clip(share, -4 * error, 1 + 4 * error), error


def check_noisy(matrix):
    """The symmetric part of an estimated D, if it is positive definite."""
    try:
        return check_positive_definite((matrix + matrix.T) / 2)
    except ValueError as error:
        raise ValueError(f"x must be noisy in every direction, or D cannot be estimated: {error}") from None
