"""A drift fitted to data: a polynomial of the degree that predicts best, and its errors."""

from __future__ import annotations

from itertools import combinations_with_replacement
from math import comb

import numpy as np

from ..system import System
from .decide import SPREADS, decide
from .generators import TINY, Frame, basis_of, defects, metric_of

SITES = 1000  # samples at which the defect of a fitted drift is evaluated
NEIGHBOURS = 5000  # samples used to tell a misfit, which neighbours share, from noise
ROWS = 20_000  # samples per block in the regression
FEATURES = 500  # monomials at most


def from_fit(fit, x, diffusion, options, rough_diffusion=0.0):
    """The decision for a fitted drift, whose coefficients' covariance gives the noise."""
    dim = x.shape[1]
    frame, basis = Frame(x, diffusion), basis_of(dim, diffusion is not None, True)
    sites = x[:: -(-len(x) // SITES)]
    u, inner = frame.inward(sites), fit.frame.inward(sites)
    turn = frame.inverse @ fit.frame.transform  # from the frame of the fit to this one
    features, root = fit.features(inner), turn @ fit.root
    slopes = fit.gradients(inner) @ np.linalg.inv(turn)

    def field(coefficients):
        c = coefficients @ turn.T
        return features @ c, np.einsum("nmj,mi->nij", slopes, c)

    rows, unit = defects(basis, u, *field(fit.coefficients))
    misfit = 0.0
    if fit.misfit > 1e-10 * np.linalg.norm(fit.coefficients):
        # the series goes on: what is missing is at least as steep for its size as the last term
        last, slope = (np.linalg.norm(part) for part in field(fit.last))
        steepness = np.hypot(1, slope / max(last, TINY))
        misfit = 2 * np.linalg.norm(turn, 2) * fit.misfit * steepness / unit
    scale = 1 / (unit * np.sqrt(len(u)))
    features = features @ fit.factor * scale
    slopes = np.einsum("nmj,mk->nkj", slopes, fit.factor, optimize=True) * scale
    folded = rows.reshape(len(u), dim, -1)

    def noise(theta, inverse):
        # the defect of theta responds to the coefficients' errors: turned x features - root x along
        A, b, tau = (np.tensordot(theta, part, 1) for part in basis)
        turned = (A - tau * np.eye(dim)) @ root
        along = np.einsum("nkj,nj->nk", slopes, u @ A.T + b)
        cross = turned.T @ root, features.T @ along
        terms = (turned.T @ turned, features.T @ features), (root.T @ root, along.T @ along)
        terms += (-cross[0], cross[1]), (-cross[0].T, cross[1].T)
        mean = sum(np.trace(p) * np.trace(q) for p, q in terms)
        square = sum((p * r).sum() * (q * s).sum() for p, q in terms for r, s in terms)
        square = np.sqrt(mean + SPREADS * np.sqrt(2 * max(square, 0.0)))
        if inverse is None:
            return square, None
        pull = np.einsum("nik,ij,nm->kjm", folded, turned, features, optimize=True)
        pull -= np.einsum("nik,ij,nm->kjm", folded, root, along, optimize=True)
        return square, -inverse @ pull.reshape(len(theta), -1)

    system = System(fit.drift, np.eye(dim) if diffusion is None else diffusion, dim, fit.jacobian)
    metric, errors = metric_of(basis, u), (noise, misfit, rough_diffusion)
    return decide(rows, metric, basis, frame, diffusion, options, *errors, system)


class Fit:
    """Weighted least squares of velocities on polynomials, of the degree that predicts best.

    ``coefficients`` (m, dim) have errors ``factor @ Z @ root.T``, Z of independent unit normals;
    ``last`` is what the highest degree contributed to them.
    """

    def __init__(self, x, velocity, weights, max_degree):
        self.frame = Frame(x, None)
        u, dim = self.frame.inward(x), x.shape[1]
        targets = velocity @ self.frame.inverse.T * weights[:, None]
        if len(u) < 2 * (dim + 1):
            need = 2 * (dim + 1)
            raise ValueError(f"x must have at least {need} states to fit a drift to, got {len(u)}")
        sizes = [comb(dim + k, k) for k in range(1, max_degree + 1)]
        sizes = [m for m in sizes if m == dim + 1 or m <= min(len(u) // 4, FEATURES)]
        degrees = range(len(sizes) + 1)
        self.terms = [c for k in degrees for c in combinations_with_replacement(range(dim), k)]
        blocks = [slice(k, k + ROWS) for k in range(0, len(u), ROWS)]
        triangle = np.zeros((0, sizes[-1]))
        for block in blocks:
            rows = self.features(u[block]) * weights[block, None]
            triangle = np.linalg.qr(np.concatenate([triangle, rows]), mode="r")
        # powers that depend on lower ones at these states (on a circle, say) cannot be told apart
        sound = np.abs(np.diag(triangle)) > 1e-9 * np.linalg.norm(triangle, axis=0)
        sizes = [m for m in sizes if sound[:m].all()] or sizes[:1]
        inverse = np.linalg.inv(triangle[: sizes[-1], : sizes[-1]])
        self.terms = self.terms[: sizes[-1]]

        def orthonormal(block):
            return self.features(u[block]) * weights[block, None] @ inverse

        projections = sum(orthonormal(block).T @ targets[block] for block in blocks)
        losses = np.zeros(len(sizes))
        for block in blocks:  # one orthonormal basis holds the fits of all degrees
            q, left, leverage, done = orthonormal(block), targets[block], 0.0, 0
            for k, m in enumerate(sizes):
                left = left - q[:, done:m] @ projections[done:m]
                leverage = leverage + (q[:, done:m] ** 2).sum(axis=1, keepdims=True)
                losses[k] += ((left / np.maximum(1 - leverage, 1e-3)) ** 2).sum()
                done = m
        exact = losses.min() + 1e-20 * (targets**2).sum()
        best = int(np.argmax(losses <= exact))  # the lowest of several exact ones
        size, below = sizes[best], sizes[best - 1] if best else 1
        self.factor, self.terms = inverse[:size, :size], self.terms[:size]
        self.coefficients = self.factor @ projections[:size]
        self.last = self.factor[:, below:] @ projections[below:size]
        fitted = (weights[b, None] * (self.features(u[b]) @ self.coefficients) for b in blocks)
        residual = np.concatenate([targets[b] - part for b, part in zip(blocks, fitted)])
        self.covariance = residual.T @ residual / (len(u) - size)
        values, vectors = np.linalg.eigh(self.covariance)
        self.root = vectors * np.sqrt(np.maximum(values, 0))
        self.misfit = _shared(u, residual / weights[:, None])

    def features(self, u):
        """Monomials at u, (n, m)."""
        place, columns = {(): 0}, [np.ones(len(u))]
        for i, c in enumerate(self.terms[1:], 1):
            place[c] = i
            columns.append(columns[place[c[:-1]]] * u[:, c[-1]])
        return np.stack(columns, axis=-1)

    def gradients(self, u):
        """Their gradients, (n, m, dim)."""
        values = self.features(u)
        place = {c: i for i, c in enumerate(self.terms)}
        out = np.zeros(values.shape + u.shape[1:])
        for i, c in enumerate(self.terms[1:], 1):
            before = place[c[:-1]]
            out[:, i] = out[:, before] * u[:, c[-1], None]
            out[:, i, c[-1]] += values[:, before]
        return out

    def drift(self, x, t):
        """The fitted drift in the caller's coordinates."""
        u = self.frame.inward(x).reshape(-1, x.shape[-1])
        return (self.features(u) @ self.coefficients @ self.frame.transform.T).reshape(x.shape)

    def jacobian(self, x, t):
        u = self.frame.inward(x).reshape(-1, x.shape[-1])
        slopes = np.einsum("nmj,mi->nij", self.gradients(u), self.coefficients)
        return (self.frame.transform @ slopes @ self.frame.inverse).reshape(x.shape + x.shape[-1:])


def _shared(u, residual):
    """Root mean square of what residuals of nearest neighbours share, if that is significant."""
    from scipy.spatial import cKDTree  # slow to import, and only needed here

    skip = max(1, len(u) // NEIGHBOURS)
    u, residual = u[::skip], residual[::skip]
    nearest = cKDTree(u).query(u, k=2)[1][:, 1]
    # most neighbours are mutual: each pair counts once
    pairs = np.unique(np.sort(np.stack([np.arange(len(u)), nearest], axis=1), axis=1), axis=0)
    product = residual[pairs].prod(axis=1).sum(axis=1)
    return float(np.sqrt(max(0.0, product.mean() - 4 * product.std() / np.sqrt(len(pairs)))))
