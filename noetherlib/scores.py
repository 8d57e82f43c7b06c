"""Data under added noise: log density, score and its derivatives, and the probability-flow ODE.

The noise level *is* the time: ``p(., t)`` is the data's density convolved with ``N(0, t**2 I)``, the
variance-exploding diffusion of Song et al. (2021) with ``sigma(t) = t``, so that

    dp/dt = t laplacian(p)                      (the heat equation, with D = t).

Every class answers, at states ``x`` (..., dim) and noise levels ``t`` that broadcast against
``x[..., 0]``: ``log_density`` (...), ``score`` = grad log p (..., dim), ``score_jacobian``
(..., dim, dim), ``score_hessian`` (..., dim, dim, dim), and the score's ``divergence`` (...),
``divergence_gradient`` (..., dim), ``divergence_hessian`` (..., dim, dim), all exact; and
``sample(n, t, rng)``. States and ``t`` share one unit; a score has its inverse.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial.polynomial import polyder, polyval
from scipy.special import i0e, i1e

from .inputs import as_count, as_floats, as_positive, as_states, as_streams

BLOCK = 2**20  # numbers in a temporary array: queries are worked off in blocks of this size
NEGLIGIBLE = 1e-80  # component weights below this change no cumulant used here, at any noise level


class _Density:
    """Checks and bookkeeping common to all data; ``_blur`` is the data's own smallest variance."""

    def _prepare(self, x, t):
        x, t = as_states(x, self.dim, "x"), as_floats(t, "t")
        if (t < 0).any() or (self._blur == 0 and (t == 0).any()):
            need = ">= 0" if self._blur else "positive, for data without a width of their own,"
            raise ValueError(f"t is the noise level and must be {need} got {t.min():.6g}")
        try:
            lead = np.broadcast_shapes(x.shape[:-1], t.shape)
        except ValueError:
            raise ValueError(
                f"t must broadcast against x[..., 0], of shape {x.shape[:-1]}; got shape {t.shape}"
            ) from None
        return np.broadcast_to(x, lead + (self.dim,)), np.broadcast_to(t, lead)

    def _drawing(self, n, t, rng):
        t = as_floats(t, "t")
        if t.ndim or t < 0:
            raise ValueError(f"t must be one noise level >= 0, got {t}")
        return as_count(n, "n"), float(t), as_streams(rng, 1)[0]


class Ring(_Density):
    """A ring in the plane, blurred: uniform on a circle, plus Gaussian noise.

    Parameters
    ----------
    radius : float
        R, in units of the state.
    width : float
        sigma_0 >= 0, the blur of the data themselves (standard deviation per coordinate).

    Raises
    ------
    ValueError
        For a radius that is not positive, a negative width, and at the call for ``t < 0`` (or
        ``t = 0`` where the width is zero: the circle itself has no density).

    Notes
    -----
    With ``v = sigma_0**2 + t**2`` and ``r = |x|``

        p(x, t) = exp(-(r**2 + R**2) / 2v) I0(R r / v) / (2 pi v),
        score   = (R A(R r / v) x/r - x) / v,   A = I1 / I0

    (Rice 1945; Vastola 2025, arXiv 2504.09761, Figure 2, without that page's regulariser q).
    Limits: ``t >> R`` is the Gaussian, score ``-x / v``; ``v << R r`` is the radial Gaussian,
    score ``(R - r)/v - 1/2r`` outwards. Scaled Bessel functions and series keep both exact.
    """

    dim = 2

    def __init__(self, radius, width):
        self.radius, self.width = as_positive(radius, "radius"), _as_widths(width, ())[()]
        self._blur = self.width**2

    def log_density(self, x, t):
        """log p, normalised (...)."""
        x, t = self._prepare(x, t)
        v, r = self._blur + t**2, np.hypot(x[..., 0], x[..., 1])
        return np.log(i0e(self.radius * r / v)) - (r - self.radius) ** 2 / (2 * v) - np.log(2 * np.pi * v)

    # log p = Phi(r**2 / 2): in that variable nothing is singular at the centre.

    def score(self, x, t):
        """grad log p (..., 2)."""
        x, _, first = self._slopes(x, t, 1)
        return first[..., None] * x

    def score_jacobian(self, x, t):
        """d score_i / dx_j (..., 2, 2)."""
        x, _, first, second = self._slopes(x, t, 2)
        return _lift(first, 2) * np.eye(2) + _lift(second, 2) * _outer(x)

    def score_hessian(self, x, t):
        """d2 score_i / dx_j dx_l (..., 2, 2, 2)."""
        x, _, _, second, third = self._slopes(x, t, 3)
        one = np.eye(2)[:, :, None] * x[..., None, None, :]
        ones = one + np.swapaxes(one, -1, -2) + np.moveaxis(one, -1, -3)
        return _lift(second, 3) * ones + _lift(third, 3) * _outer(x)[..., None] * x[..., None, None, :]

    def divergence(self, x, t):
        """Divergence of the score (...)."""
        _, square, first, second = self._slopes(x, t, 2)
        return 2 * first + square * second

    def divergence_gradient(self, x, t):
        """Gradient of the score's divergence (..., 2)."""
        x, square, _, second, third = self._slopes(x, t, 3)
        return (4 * second + square * third)[..., None] * x

    def divergence_hessian(self, x, t):
        """Second derivatives of the score's divergence (..., 2, 2)."""
        x, square, _, second, third, fourth = self._slopes(x, t, 4)
        return _lift(4 * second + square * third, 2) * np.eye(2) + (
            _lift(6 * third + square * fourth, 2) * _outer(x)
        )

    def sample(self, n, t, rng):
        """``n`` exact draws from ``p(., t)`` (n, 2); ``rng`` an int seed, SeedSequence or Generator."""
        n, t, rng = self._drawing(n, t, rng)
        angle = rng.uniform(0, 2 * np.pi, n)
        ring = self.radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        return ring + np.sqrt(self._blur + t**2) * rng.standard_normal((n, 2))

    def _slopes(self, x, t, order):
        """x, r**2, and the first ``order`` derivatives of Phi with respect to r**2 / 2."""
        x, t = self._prepare(x, t)
        v, square = self._blur + t**2, (x**2).sum(axis=-1)
        rate = (self.radius / v) ** 2
        slopes = _bessel_slopes(self.radius * np.sqrt(square) / v, order)
        slopes = [rate ** (n + 1) * slope for n, slope in enumerate(slopes)]
        slopes[0] = slopes[0] - 1 / v
        return x, square, *slopes


def _bessel_slopes(a, order):
    """[G_1, ..., G_order], G_n = (d / a da)^n log I0(a), to roundoff for any ``a >= 0``.

    In between, from the Riccati equation ``A' = 1 - A/a - A**2`` of ``A = I1/I0 = a G_1``; for small
    and large ``a`` that cancels, and the power series and the asymptotic one take over.
    """
    small, large = a < 1, a > 30
    y = np.where(small | large, 1.0, a) ** 2
    g = [(i1e(np.sqrt(y)) / i0e(np.sqrt(y))) / np.sqrt(y)]
    g.append((1 - 2 * g[0] - y * g[0] ** 2) / y)
    g.append(-(4 * g[1] + 2 * g[0] ** 2 + 2 * y * g[0] * g[1]) / y)
    g.append(-(6 * g[2] + 8 * g[0] * g[1] + 2 * y * (g[1] ** 2 + g[0] * g[2])) / y)
    y, w = np.where(small, a, 0.0) ** 2, 1 / np.where(large, a, np.inf)
    near, far = POWERS, ASYMPTOTIC
    for n in range(order):
        g[n] = np.where(small, polyval(y, near), np.where(large, polyval(w, far), g[n]))
        near = 2 * polyder(near)  # d / a da of a series in y = a**2
        far = np.concatenate([[0, 0], -np.arange(len(far)) * far])  # and of one in w = 1/a
    return g[:order]


def _ratio_series():
    """Coefficients of A/a in powers of a**2, and in powers of 1/a, by the Riccati equation."""
    near = [0.5]
    for n in range(1, 34):
        near.append(-np.dot(near, near[::-1]) / (2 * n + 2))
    far = [1.0]
    for n in range(1, 21):
        far.append(((n - 2) * far[n - 1] - np.dot(far[1:n], far[n - 1:0:-1])) / 2)
    return np.array(near), np.array([0.0, *far])


POWERS, ASYMPTOTIC = _ratio_series()


class GaussianMixture(_Density):
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
        For shapes that do not fit, or if not exactly one of ``widths`` and ``covariances`` is given.

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
            spread = _as_widths(widths, (count,)) ** 2
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
        """sum_i p_i d2 score_i / dx_j dx_l (..., dim, dim) for ``p`` (..., dim): dim times cheaper."""
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
            trace = _lift(np.trace(cov, axis1=-2, axis2=-1), 2)
            out = _second(w * q, c, c) - trace * cov - 2 * cov @ cov
            if p is not None:
                cross = _second(w, (p @ c[..., None])[..., 0], c)
                out += np.einsum("qk,qkij->qij", w, 2 * p @ p - _lift(q, 2) * p)
                out -= 2 * (cross + np.swapaxes(cross, -1, -2))
            return out

        return self._blocks(x, t, 2, evaluate)

    def sample(self, n, t, rng):
        """``n`` exact draws from ``p(., t)`` (n, dim); ``rng`` an int seed, SeedSequence or Generator."""
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
        z, v = self._away(x, slice(None)), self._spreads + _lift(t**2, 2)
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
        w, precision = w[:, alive], 1 / (self._spreads[alive] + _lift(t**2, 2))
        pull = -precision * self._away(x, alive)
        if self._bases is not None:
            bases = self._bases[alive]
            pull = (bases @ pull[..., None])[..., 0]
        score = (w[:, None, :] @ pull)[:, 0]
        centred = pull - score[:, None, :]
        if self._alike:
            return w, centred, score, _lift(precision[:, 0, 0], 2) * np.eye(self.dim), None
        if self._bases is None:
            p = precision[..., None] * np.eye(self.dim)
        else:
            p = (bases * precision[..., None, :]) @ np.swapaxes(bases, -1, -2)
        mean_p = np.einsum("qk,qkij->qij", w, p)
        return w, centred, score, mean_p, p - mean_p[:, None]


class Empirical(GaussianMixture):
    """Data points themselves as the data distribution: the exact score of a finite data set.

    Parameters
    ----------
    data : (n, dim) array
    width : float, optional
        Kernel width >= 0 given to each point; 0 is the empirical measure.
    weights : (n,) array, optional

    Raises
    ------
    ValueError
        As `GaussianMixture`; and at the call for ``t = 0`` where the width is zero.

    Notes
    -----
    ``score = (E[m | x] - x) / (width**2 + t**2)``, E over the points with weights proportional to
    ``exp(-|x - m|**2 / 2v)``: the optimal denoiser (Karras et al. 2022, equation 3 and appendix B.3).
    Limits: ``t -> 0`` pulls to the nearest point alone; ``t -> infinity`` to the data's mean.
    Memory stays bounded in the number of queries, time is proportional to n dim per query.
    """

    def __init__(self, data, width=0.0, weights=None):
        data = as_floats(data, "data")
        if data.ndim != 2 or 0 in data.shape:
            raise ValueError(f"data must have shape (n, dim), got shape {data.shape}")
        super().__init__(data, widths=_as_widths(width, ()), weights=weights)
        self._centre = data.mean(axis=0)
        self._near = data - self._centre
        self._lengths = (self._near**2).sum(axis=-1)

    def score(self, x, t):
        """grad log p (..., dim)."""
        def evaluate(x, t):
            terms = self._log_terms(x, t)
            w = np.exp(terms - terms.max(axis=-1, keepdims=True))
            w /= w.sum(axis=-1, keepdims=True)
            return (w @ self._near - (x - self._centre)) / (self._blur + t**2)[:, None]

        return self._blocks(x, t, 1, evaluate)

    def _log_terms(self, x, t):
        v, z = self._blur + t**2, x - self._centre
        # |x - m|**2 by the binomial formula is one matrix product, but loses |m|**2 / v units of roundoff
        lengths = (z**2).sum(axis=-1)
        if np.finfo(float).eps * (lengths + self._lengths.max()).max() < 1e-10 * v.min():
            squares = lengths[:, None] + self._lengths - 2 * z @ self._near.T
        else:
            squares = ((z[:, None, :] - self._near) ** 2).sum(axis=-1)
        peak = -self.dim / 2 * np.log(2 * np.pi * v)
        return np.log(self.weights) + peak[:, None] - squares / (2 * v[:, None])


def probability_flow(score, x, t, rtol=1e-10, atol=1e-12):
    """Follow states along the probability-flow ODE ``dx/dt = -t score(x, t)``.

    Parameters
    ----------
    score : object with ``.score(x, t)``, or callable ``(x, t) -> (..., dim)``
    x : (..., dim) array
        States at the first noise level ``t[0]``.
    t : (n_times,) array
        Noise levels, strictly increasing (data to noise) or decreasing (noise to data), none negative.
    rtol, atol : float, optional
        Tolerances of the integrator, for the root mean square over all the states.

    Returns
    -------
    (..., n_times, dim) array
        States at each ``t``; the first is ``x``.

    Raises
    ------
    ValueError
        For times that are not monotone or negative, a score that is not one, or not finite.
    RuntimeError
        If the integrator gives up.

    Notes
    -----
    Source: Song et al. (2021), arXiv 2011.13456, equation 13, with sigma(t) = t; it carries the
    density ``p(., t)`` exactly. Gaussian data of variance s**2 keep ``x(t) / sqrt(s**2 + t**2)``.
    Integrated by DOP853 in the clock log t, where the equation is not stiff (``dx/dlog t = x`` minus
    the denoised x); in t itself if a noise level is zero.
    """
    from scipy.integrate import solve_ivp  # slow to import, and only needed here

    function = getattr(score, "score", score)
    if not callable(function):
        raise ValueError(f"score must have a method .score or be a function of (x, t), got {score!r}")
    t, x = as_floats(t, "t"), as_floats(x, "x")
    if t.ndim != 1 or len(t) < 2 or (t < 0).any() or not ((np.diff(t) > 0).all() or (np.diff(t) < 0).all()):
        raise ValueError(f"t must be at least two noise levels >= 0, strictly monotone, got {t}")
    if x.ndim == 0:
        raise ValueError("x must have the state on its last axis, shape (..., dim), got a number")
    logarithmic = t.min() > 0

    def velocity(clock, flat):
        level = np.exp(clock) if logarithmic else max(clock, 0.0)
        slope = np.asarray(function(flat.reshape(x.shape), np.asarray(level)), dtype=float)
        if slope.shape != x.shape or not np.isfinite(slope).all():
            what = "not finite" if slope.shape == x.shape else f"of shape {slope.shape}"
            raise ValueError(f"score(x, t) must be finite, of shape {x.shape}; got {what} at t = {level:g}")
        return -level * (level if logarithmic else 1.0) * slope.ravel()

    clock = np.log(t) if logarithmic else t
    result = solve_ivp(velocity, (clock[0], clock[-1]), x.ravel(), "DOP853", clock, rtol=rtol, atol=atol)
    if not result.success:
        raise RuntimeError(f"the probability-flow ODE could not be integrated: {result.message}")
    return np.moveaxis(result.y.reshape(x.shape + (len(t),)), -1, -2)


def _lift(value, axes):
    """``value`` with trailing axes of length one, to multiply arrays of that many more axes."""
    return value.reshape(value.shape + (1,) * axes)


def _outer(x):
    return x[..., :, None] * x[..., None, :]


def _second(w, a, b):
    """sum_k w_k a_k b_k^T, (q, dim, dim)."""
    return np.swapaxes(w[..., None] * a, -1, -2) @ b


def _laplacian(c, p):
    """|c|**2 - tr(P - E[P]), each component's own contribution to the divergence."""
    square = (c**2).sum(axis=-1)
    return square if p is None else square - np.trace(p, axis1=-2, axis2=-1)


def _as_widths(value, shape):
    widths = as_floats(value, "width" if shape == () else "widths")
    if widths.shape not in ((), shape) or (widths < 0).any():
        raise ValueError(f"widths must be one number >= 0 or an array of shape {shape}, got {value!r}")
    return np.broadcast_to(widths, shape)


def _as_weights(value, count):
    weights = np.ones(count) if value is None else as_floats(value, "weights")
    if weights.shape != (count,) or (weights <= 0).any():
        raise ValueError(f"weights must be {count} positive numbers, got {value!r}")
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
