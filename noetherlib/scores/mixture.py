"""Mixtures of Gaussians: every derivative of the score as a cumulant over the components."""

from __future__ import annotations

import numpy as np

from ..inputs import as_floats
from .density import Density, as_widths, lift

BLOCK = 2**20  # numbers in a temporary array: queries are worked off in blocks of this size
NEGLIGIBLE = 1e-80  # component weights below this change no cumulant used here, at any noise level


class GaussianMixture(Density):
    """A mixture of Gaussians, ``sum_k w_k N(m_k, C_k)``; under noise ``C_k + t**2 I``.

    Parameters
    ----------
    means : (K, dim) array
    widths : float or (K,) array
        Standard deviations of round components, >= 0.
    covariances : (dim, dim) or (K, dim, dim) array
        Instead of ``widths``: symmetric, no negative eigenvalue.
    weights : (K,) array, optional
        Positive; they are normalised. Equal where absent.

    Raises
    ------
    ValueError
        For shapes that do not fit, or if not exactly one of ``widths`` and ``covariances`` is
        given.

    Notes
    -----
    Source: the cumulants of the components' own scores ``g_k = -P_k (x - m_k)``,
    ``P_k = (C_k + t**2 I)^-1``, under their posterior weights: with averages E and c = g - E[g]

        score = E[g],   d score = E[c c] - E[P],   divergence = tr of it,   and so on

    (Tweedie's formula and its derivatives; Robbins 1956, Efron 2011). Limits: one component is
    linear, score ``-P (x - m)``; ``t -> infinity`` is the Gaussian of the mixture's mean.
    """

    def __init__(self, means, widths=None, covariances=None, weights=None):
        self.means = as_floats(means, "means")
        if self.means.ndim != 2 or 0 in self.means.shape:
            raise ValueError(f"means must have shape (K, dim), got shape {self.means.shape}")
        count, self.dim = self.means.shape
        if (widths is None) == (covariances is None):
            raise ValueError("covariances or widths: give exactly one of the two")
        if covariances is None:
            self._bases = None
            spread = as_widths(widths, (count,)) ** 2
            self._spreads = np.broadcast_to(spread[:, None], self.means.shape)
        else:
            self._spreads, self._bases = _as_covariances(covariances, count, self.dim)
        self.weights = _as_weights(weights, count)
        self._blur = self._spreads.min()
        self._alike = self._bases is None and np.ptp(self._spreads) == 0

    def log_density(self, x, t):
        """log p, normalised (...)."""

        def evaluate(x, t):
            terms = self._log_terms(x, t)
            top = terms.max(axis=-1)
            return top + np.log(np.exp(terms - top[:, None]).sum(axis=-1))

        return self._blocks(x, t, 0, evaluate)

    def score(self, x, t):
        """grad log p (..., dim)."""
        return self._blocks(x, t, 1, lambda x, t: self._posterior(x, t)[2])

    def score_jacobian(self, x, t):
        """d score_i / dx_j (..., dim, dim)."""

        def evaluate(x, t):
            w, c, _, mean_p, _ = self._posterior(x, t)
            return _second(w, c, c) - mean_p

        return self._blocks(x, t, 2, evaluate)

    def score_hessian(self, x, t):
        """d2 score_i / dx_j dx_l (..., dim, dim, dim)."""

        def evaluate(x, t):
            w, c, _, _, p = self._posterior(x, t)
            out = np.empty(c.shape[:1] + (self.dim,) * 3)
            for k in range(self.dim):  # symmetric in all three: a third of the products will do
                part = _second(w * c[..., k], c[..., k:], c[..., k:])
                out[:, k:, k:, k] = out[:, k:, k, k:] = out[:, k, k:, k:] = part
            if p is not None:
                one = np.einsum("qk,qkij,qkl->qijl", w, p, c)
                out -= one + np.swapaxes(one, -1, -2) + np.moveaxis(one, -1, -3)
            return out

        return self._blocks(x, t, 3, evaluate)

    def score_hessian_along(self, x, t, p):
        """sum_i p_i d2 score_i / dx_j dx_l (..., dim, dim), ``p`` (..., dim): dim times cheaper."""

        def evaluate(x, t, p):
            w, c, _, _, excess = self._posterior(x, t)
            along = w * (c @ p[..., None])[..., 0]
            out = _second(along, c, c)
            if excess is not None:
                one = _second(w, (excess @ p[:, None, :, None])[..., 0], c)
                out -= one + np.swapaxes(one, -1, -2) + np.einsum("qk,qkij->qij", along, excess)
            return out

        return self._blocks(x, t, 2, evaluate, p)

    def divergence(self, x, t):
        """Divergence of the score (...)."""

        def evaluate(x, t):
            w, c, _, mean_p, _ = self._posterior(x, t)
            return (w * (c**2).sum(axis=-1)).sum(axis=-1) - np.trace(mean_p, axis1=-2, axis2=-1)

        return self._blocks(x, t, 0, evaluate)

    def divergence_gradient(self, x, t):
        """Gradient of the score's divergence (..., dim)."""

        def evaluate(x, t):
            w, c, _, _, p = self._posterior(x, t)
            out = ((w * _laplacian(c, p))[:, None, :] @ c)[:, 0]
            if p is not None:
                out -= 2 * np.einsum("qk,qkij,qkj->qi", w, p, c)
            return out

        return self._blocks(x, t, 1, evaluate)

    def divergence_hessian(self, x, t):
        """Second derivatives of the score's divergence (..., dim, dim)."""

        def evaluate(x, t):
            w, c, _, _, p = self._posterior(x, t)
            cov, q = _second(w, c, c), _laplacian(c, p)
            trace = lift(np.trace(cov, axis1=-2, axis2=-1), 2)
            out = _second(w * q, c, c) - trace * cov - 2 * cov @ cov
            if p is not None:
                cross = _second(w, (p @ c[..., None])[..., 0], c)
                out += np.einsum("qk,qkij->qij", w, 2 * p @ p - lift(q, 2) * p)
                out -= 2 * (cross + np.swapaxes(cross, -1, -2))
            return out

        return self._blocks(x, t, 2, evaluate)

    def sample(self, n, t, rng):
        """``n`` exact draws from ``p(., t)`` (n, dim); ``rng`` a seed, SeedSequence, Generator."""
        n, t, rng = self._drawing(n, t, rng)
        k = rng.choice(len(self.means), n, p=self.weights)
        step = np.sqrt(self._spreads[k] + t**2) * rng.standard_normal((n, self.dim))
        if self._bases is not None:
            step = (self._bases[k] @ step[..., None])[..., 0]
        return self.means[k] + step

    def _blocks(self, x, t, rank, evaluate, *vectors):
        """``evaluate`` on flat blocks of queries small enough to keep memory bounded."""
        x, t = self._prepare(x, t)
        lead, t = t.shape, t.ravel()
        states = [np.broadcast_to(v, x.shape).reshape(-1, self.dim) for v in vectors]
        flat = x.reshape(-1, self.dim)
        size = max(1, BLOCK // (self.means.size * (1 if self._alike else self.dim)))
        out = np.empty((len(t),) + (self.dim,) * rank)
        for k in range(0, len(t), size):
            block = slice(k, k + size)
            out[block] = evaluate(flat[block], t[block], *(v[block] for v in states))
        return out.reshape(lead + (self.dim,) * rank)

    def _log_terms(self, x, t):
        """log (w_k N_k), (q, K)."""
        z, v = self._away(x, slice(None)), self._spreads + lift(t**2, 2)
        return np.log(self.weights) - (z**2 / v + np.log(2 * np.pi * v)).sum(axis=-1) / 2

    def _away(self, x, alive):
        """x - m_k along the axes of component k, (q, K, dim)."""
        z = x[:, None, :] - self.means[alive]
        return z if self._bases is None else (z[..., None, :] @ self._bases[alive])[..., 0, :]

    def _posterior(self, x, t):
        """Weights (q, K), centred pulls c, score, E[P], and P - E[P] or None where it vanishes."""
        terms = self._log_terms(x, t)
        w = np.exp(terms - terms.max(axis=-1, keepdims=True))
        w /= w.sum(axis=-1, keepdims=True)
        alive = (w > NEGLIGIBLE).any(axis=0)  # few components, where the noise is small
        w, precision = w[:, alive], 1 / (self._spreads[alive] + lift(t**2, 2))
        pull = -precision * self._away(x, alive)
        if self._bases is not None:
            bases = self._bases[alive]
            pull = (bases @ pull[..., None])[..., 0]
        score = (w[:, None, :] @ pull)[:, 0]
        centred = pull - score[:, None, :]
        if self._alike:
            return w, centred, score, lift(precision[:, 0, 0], 2) * np.eye(self.dim), None
        if self._bases is None:
            p = precision[..., None] * np.eye(self.dim)
        else:
            p = (bases * precision[..., None, :]) @ np.swapaxes(bases, -1, -2)
        mean_p = np.einsum("qk,qkij->qij", w, p)
        return w, centred, score, mean_p, p - mean_p[:, None]


def _second(w, a, b):
    """sum_k w_k a_k b_k^T, (q, dim, dim)."""
    return np.swapaxes(w[..., None] * a, -1, -2) @ b


def _laplacian(c, p):
    """|c|**2 - tr(P - E[P]), each component's own contribution to the divergence."""
    square = (c**2).sum(axis=-1)
    return square if p is None else square - np.trace(p, axis1=-2, axis2=-1)


def _as_weights(value, count):
    weights = np.ones(count) if value is None else as_floats(value, "weights")
    if weights.shape != (count,):
        raise ValueError(f"weights must be {count} numbers, got shape {weights.shape}")
    if (weights <= 0).any():
        raise ValueError(f"weights must be positive, got {weights.min()}")
    return weights / weights.sum()


def _as_covariances(value, count, dim):
    """Eigenvalues (K, dim) and eigenvectors (K, dim, dim)."""
    matrices = as_floats(value, "covariances")
    if matrices.shape not in ((dim, dim), (count, dim, dim)):
        need = f"({dim}, {dim}) or ({count}, {dim}, {dim})"
        raise ValueError(f"covariances must be {need}, got shape {matrices.shape}")
    scale = np.abs(matrices).max()
    if np.abs(matrices - np.swapaxes(matrices, -1, -2)).max() > 1e-12 * scale:
        raise ValueError("covariances must be symmetric")
    spreads, bases = np.linalg.eigh(np.broadcast_to(matrices, (count, dim, dim)))
    if spreads.min() < -1e-12 * scale:
        raise ValueError(f"covariances must have no negative eigenvalue, got {spreads.min():.3g}")
    return np.maximum(spreads, 0), bases
