"""Symmetries of a noisy system found in data: drift samples, most likely paths, noisy trajectories.

Sought are all affine generators ``xi = A x + b`` with ``tau = tau_0 + tau_1 t`` that are symmetries
of an autonomous system with constant D, drift *and* noise:

    A f - (xi . grad) f - tau_1 f = 0,          A D + D A^T = tau_1 D.

In coordinates in which D is the identity the second says that A is a rotation plus ``tau_1 / 2``: it
is solved exactly, by the choice of basis. The first then is a linear map of the few coefficients
that remain, and its null space is the answer. A singular value is the relative defect of one
generator: root mean square over the samples, in units of the drift and its gradient. Generators are
called symmetries where it is below what roundoff and noise alone would produce. Time translation,
always there, is not listed; symmetries that need a gauge (boosts) are invisible to the drift.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from itertools import combinations, combinations_with_replacement
from math import comb

import numpy as np

from .inputs import as_count, as_floats, as_positive, as_times
from .symmetry import AffineSymmetry
from .system import System, check_positive_definite

SPREADS = 5.0  # how many standard deviations above its mean the defect due to noise may lie
SITES = 1000  # samples at which the defect of a fitted drift is evaluated
NEIGHBOURS = 5000  # samples used to tell a misfit, which neighbours share, from noise
TINY = np.finfo(float).tiny
ROWS = 20_000  # samples per block in the regression
FEATURES = 500  # monomials at most


class FoundSymmetry(AffineSymmetry):
    """One symmetry ``xi = matrix @ x + offset``, ``tau = tau1 t``; unpacks as those three.

    It is a `noetherlib.Symmetry`: `noetherlib.charge` takes it as it is. ``*_error`` are standard
    errors (zero for data without noise, nan where unknown) of the part that leaves the space of
    symmetries found; within that space the choice of basis is free.
    """

    def __init__(self, matrix, offset, tau1, matrix_error, offset_error, tau1_error):
        super().__init__(matrix, offset, tau1)
        self.matrix_error, self.offset_error, self.tau1_error = matrix_error, offset_error, tau1_error

    def __iter__(self):
        return iter((self.matrix, self.offset, self.tau1))


@dataclass(frozen=True, eq=False)
class Discovery:
    """The symmetries found: a sequence of `FoundSymmetry`, empty (and false) where there is none."""

    #: of `FoundSymmetry`: rotations of angular velocity 1, dilations of tau_1 = 2, translations of length 1
    symmetries: tuple
    #: relative defects of all candidate directions, increasing
    singular_values: np.ndarray
    #: the bound on the defect: of the last direction not rejected, else of the first rejected
    threshold: float
    #: smallest rejected singular value over its bound: large is a clear decision; inf if none was rejected
    gap: float
    #: number of directions below a bound that is above ``resolution``: neither confirmed nor excluded
    undetermined: int
    #: D given or estimated, (dim, dim), or None
    diffusion: np.ndarray | None = None
    #: the fitted `System` (drift a polynomial), or None where nothing was fitted
    system: System | None = field(default=None, repr=False)

    def __len__(self):
        return len(self.symmetries)

    def __getitem__(self, index):
        return self.symmetries[index]


def symmetries_from_drift(
    x, f, diffusion, jacobian=None, max_degree=7, tolerance=1e-6, resolution=0.1
):
    """Symmetries from samples of the drift, with or without noise on them.

    Parameters
    ----------
    x : (..., dim) array
        Sampled states; they must spread in every direction.
    f : (..., dim) array
        The drift there, possibly with independent errors of one covariance.
    diffusion : float, (dim,) or (dim, dim) array, or None
        The constant D. None leaves the noise's condition out: symmetries of the drift alone.
    jacobian : (..., dim, dim) array, optional
        df_i/dx_j there; ``f`` is then taken to be exact. Without it a polynomial is fitted to
        ``f``, of the total degree up to ``max_degree`` with the least leave-one-out error, and its
        gradient used; the coefficients' covariance tells the noise of every defect.
    max_degree : int, optional
    tolerance : float, optional
        Relative defect allowed even without noise, for roundoff and inexact derivatives.
    resolution : float, optional
        Where noise alone may produce a relative defect above this, a generator is not called a
        symmetry but counted as ``undetermined``, with a warning.

    Returns
    -------
    Discovery

    Raises
    ------
    ValueError
        For shapes that do not fit, states without spread in some direction, too few samples, or a D
        that is not constant and positive definite.

    Notes
    -----
    Source: linear determining equations of the symmetries of a stochastic differential equation
    (Gaeta and Rodriguez Quintero 1999) restricted to affine generators. Errors by first-order
    perturbation theory. A drift no polynomial of that degree fits leaves residuals that
    neighbours share; that misfit, twice, as steep as the last term of the fit, widens the threshold.
    Polynomials need a bounded region: samples in a box, and a higher ``max_degree``, decide more.
    """
    f = as_floats(f, "f")
    x = as_floats(x, "x")
    if x.ndim < 2 or f.shape != x.shape:
        raise ValueError(f"f and x must have one shape (..., dim), got {f.shape} and {x.shape}")
    dim = x.shape[-1]
    x, f = x.reshape(-1, dim), f.reshape(-1, dim)
    options = as_positive(tolerance, "tolerance"), as_positive(resolution, "resolution")
    diffusion = _as_diffusion(diffusion, dim)
    if jacobian is None:
        fit = _Fit(x, f, np.ones(len(x)), as_count(max_degree, "max_degree"))
        return _from_fit(fit, x, diffusion, options)
    jacobian = as_floats(jacobian, "jacobian")
    if jacobian.reshape(-1, dim, dim).shape[0] != len(x) or jacobian.shape[-2:] != (dim, dim):
        raise ValueError(f"jacobian must have shape (..., {dim}, {dim}) as x, got {jacobian.shape}")
    frame, basis = _Frame(x, diffusion), _basis(dim, diffusion is not None, True)
    u, gradient = frame.inward(x), frame.inverse @ jacobian.reshape(-1, dim, dim) @ frame.transform
    rows, _ = _defects(basis, u, f @ frame.inverse.T, gradient)
    return _decide(rows, _metric(basis, u), basis, frame, diffusion, options)


def symmetries_from_trajectories(t, x, max_degree=5, tolerance=1e-6, resolution=0.1):
    """Symmetries from noisy trajectories alone: drift and D are estimated first.

    The drift is the regression of the increments, by the left-point (Itô) rule, on polynomials of
    the state; D is half the residuals' covariance per time.

    Parameters
    ----------
    t : (n_times,) array
        Increasing sampling times; the steps should resolve the motion.
    x : (n_paths, n_times, dim) or (n_times, dim) array
    max_degree, tolerance, resolution
        As for `symmetries_from_drift`.

    Returns
    -------
    Discovery
        ``.diffusion`` is the estimated D, ``.system`` the fitted system.

    Raises
    ------
    ValueError
        As `symmetries_from_drift`.

    Notes
    -----
    The error of the drift over a total time T is of order ``sqrt(2 D / T)`` however fine the
    sampling; that of D, relative, ``sqrt((dim + 1) / n)`` for n increments, is part of every
    threshold and of ``matrix_error``. Finite steps bias both, but not the rotations and
    translations that leave them unchanged. Source of the estimators: Friedrich and Peinke (1997).
    """
    t = as_times(t)
    x = as_floats(x, "x")
    if x.ndim not in (2, 3) or x.shape[-2] != len(t):
        raise ValueError(f"x must be (n_paths, {len(t)}, dim) or ({len(t)}, dim), got shape {x.shape}")
    x = x.reshape(-1, *x.shape[-2:])
    dim = x.shape[-1]
    options = as_positive(tolerance, "tolerance"), as_positive(resolution, "resolution")
    steps = np.tile(np.diff(t), len(x))
    velocity, left = np.diff(x, axis=1).reshape(-1, dim) / steps[:, None], x[:, :-1].reshape(-1, dim)
    fit = _Fit(left, velocity, np.sqrt(steps), as_count(max_degree, "max_degree"))
    diffusion = fit.frame.transform @ fit.covariance @ fit.frame.transform.T / 2
    try:
        check_positive_definite(diffusion)
    except ValueError as error:
        raise ValueError(f"x must be noisy in every direction, or D cannot be estimated: {error}") from None
    return _from_fit(fit, left, diffusion, options, np.sqrt((dim + 1) / len(left)))


def symmetries_from_paths(paths, diffusion=None, tolerance=1e-3, dilations=False):
    """Symmetries from most likely paths: the affine ``xi`` whose charge ``p . xi`` is constant on each.

    Parameters
    ----------
    paths : path, pair, or sequence of them
        Results of `least_action_path` (``.x`` and ``.momentum``; batches too), or pairs ``(x, p)`` of
        arrays (..., n_times, dim). Momenta belong to a path: its shape alone does not give them.
    diffusion : float, (dim,) or (dim, dim) array, optional
        The constant D; then only its rotations and translations are tried. Without it every affine
        ``xi`` is: generic paths then imply ``A D + D A^T = 0`` by themselves.
    tolerance : float, optional
        Relative variation of a charge that is taken for constant. Charges of converged paths are
        constant to roundoff, those of other momenta to the square of the time step.
    dilations : bool, optional
        Try ``tau = tau_1 t`` too, with the charge ``p . xi - E tau_1 t``; needs D, and paths with
        ``.energy`` and ``.t_mid``. These charges vary with the square of the time step.

    Returns
    -------
    Discovery
        Standard errors by the jackknife over paths; nan for a single one.

    Raises
    ------
    ValueError
        For paths without momenta, shapes that do not fit, or states without spread in some direction.

    Notes
    -----
    Each path gives its own constants, so paths between different ends can be pooled, each in units
    of its own momentum. A generic path decides alone; special ones (straight through a fixed point,
    confined to a symmetry axis) conserve charges that are no symmetry, and more paths with generic
    ends exclude them. Source: Noether's theorem, read backwards.
    """
    tracks = list(_tracks(paths, dilations))
    dim = tracks[0][0].shape[-1]
    if any(x.shape[-1] != dim for x, *_ in tracks):
        raise ValueError("paths must all have the same dimension")
    if dilations and diffusion is None:
        raise ValueError("diffusion must be given where dilations are sought")
    diffusion = _as_diffusion(diffusion, dim)
    tolerance = as_positive(tolerance, "tolerance")
    frame = _Frame(np.concatenate([x for x, *_ in tracks]), diffusion, "paths")
    basis = _basis(dim, diffusion is not None, dilations)
    rows, metric = [], 0.0
    for x, p, *clock in tracks:
        u, p = frame.inward(x), p @ frame.transform
        size = np.sqrt((p**2).sum(axis=-1).mean())
        if size == 0:
            raise ValueError("paths must have momentum: on the noiseless flow every charge is zero")
        p = p / size
        charges = np.einsum("ni,nki->nk", p, _fields(basis, u))
        if dilations:
            t, energy = clock
            charges = (charges[1:] + charges[:-1]) / 2 - np.outer(t * energy / size, basis[2])
        rows.append((charges - charges.mean(axis=0)) / np.sqrt(len(charges) * len(tracks)))
        metric = metric + _metric(basis, u, (p**2).sum(axis=-1)) / len(tracks)

    def noise(theta, inverse):
        if inverse is None or len(rows) < 2:
            return 0.0, np.full((len(theta), 1), np.nan)
        pulls = np.stack([inverse @ (r.T @ (r @ theta)) for r in rows], axis=-1)
        return 0.0, (pulls - pulls.mean(axis=-1, keepdims=True)) * np.sqrt((len(rows) - 1) / len(rows))

    return _decide(np.concatenate(rows), metric, basis, frame, diffusion, (tolerance, np.inf), noise)


# ---- generators, in coordinates u in which D is a multiple of the identity -------------------


class _Frame:
    """``x = centre + transform @ u``: D a multiple of 1 (without D, each x_i scaled), u of size 1."""

    def __init__(self, x, diffusion, name="x"):
        self.centre = x.mean(axis=0)
        away = x - self.centre
        spread = away.T @ away / len(x)
        scale = np.abs(x).max() ** 2 + TINY
        if len(x) <= x.shape[1] or np.linalg.eigvalsh(spread)[0] < 1e-20 * scale:
            raise ValueError(f"{name} must spread in every direction, dim + 1 states in general position")
        root = np.diag(np.sqrt(np.diag(spread))) if diffusion is None else np.linalg.cholesky(diffusion)
        inverse = np.linalg.inv(root)
        size = np.sqrt(np.trace(inverse @ spread @ inverse.T) / x.shape[1])
        self.transform, self.inverse = root * size, inverse / size

    def inward(self, x):
        return (x - self.centre) @ self.inverse.T

    def outward(self, theta, basis):
        """(A, b, tau_1) in the caller's coordinates, of each column of ``theta``, stacked."""
        A, b, tau = (np.tensordot(theta.T, part, 1) for part in basis)
        A = self.transform @ A @ self.inverse
        return A, b @ self.transform.T - A @ self.centre, tau


def _basis(dim, noisy, dilations):
    """Matrices, offsets and tau_1 of generators that solve the noise's condition, if ``noisy``."""
    eye = np.eye(dim)
    if noisy:
        planes = combinations(range(dim), 2)
        matrices = [np.outer(eye[j], eye[i]) - np.outer(eye[i], eye[j]) for i, j in planes]
    else:
        matrices = [np.outer(a, b) for a in eye for b in eye]
    count = len(matrices) + dim + dilations
    A, b, tau = np.zeros((count, dim, dim)), np.zeros((count, dim)), np.zeros(count)
    if matrices:
        A[: len(matrices)] = matrices
    b[len(matrices) : len(matrices) + dim] = eye
    if dilations:
        tau[-1] = 1.0
        A[-1] = eye / 2 if noisy else 0.0
    return A, b, tau


def _fields(basis, u):
    """xi of every basis generator at the states u: (n, k, dim)."""
    return np.einsum("kij,nj->nki", basis[0], u) + basis[1]


def _metric(basis, u, weights=1.0):
    """Mean product of generators over the samples: what "a generator of size one" means."""
    xi = _fields(basis, u) * np.reshape(np.sqrt(weights), (-1, 1, 1))
    return np.einsum("nki,nli->kl", xi, xi) / xi.shape[0] / xi.shape[2] + np.outer(basis[2], basis[2])


def _defects(basis, u, velocity, gradient):
    """``A f - (xi . grad) f - tau_1 f`` of every basis generator, (n dim, k), and its unit."""
    A, _, tau = basis
    turned = A - tau[:, None, None] * np.eye(u.shape[1])
    rows = np.einsum("kij,nj->nik", turned, velocity) - np.einsum("nij,nkj->nik", gradient, _fields(basis, u))
    unit = np.sqrt(((velocity**2).sum() + (gradient**2).sum()) / len(u)) or 1.0
    return rows.reshape(-1, len(tau)) / (unit * np.sqrt(len(u))), unit


def _decide(
    rows, metric, basis, frame, diffusion, options, noise=None, misfit=0.0, rough_diffusion=0.0, system=None
):
    """The null space of ``rows``, by increasing defect until one exceeds what noise explains.

    ``noise(theta, inverse)`` gives the defect to expect from noise, and columns whose products with
    independent unit errors add up to the error of theta. ``misfit`` and ``rough_diffusion`` are the
    relative errors of a fitted drift beyond noise, and of an estimated D.
    """
    if len(rows) < 2 * len(metric):
        raise ValueError(
            f"more samples must be given: they make {len(rows)} equations for {len(metric)} unknowns"
        )
    tolerance, resolution = options
    root = np.linalg.cholesky(np.linalg.inv(metric))  # columns: generators of size one
    _, values, directions = np.linalg.svd(rows @ root, full_matrices=False)
    values, directions = values[::-1], (directions @ root.T)[::-1]
    accepted, threshold, gap, undetermined = [], None, np.inf, 0
    for value, theta in zip(values, directions):
        spread = noise(theta, None)[0] if noise else 0.0
        bound = float(np.linalg.norm([tolerance, misfit, SPREADS * rough_diffusion, spread]))
        if value > bound:
            threshold, gap = threshold or bound, float(value / bound)
            break
        threshold = bound
        if bound > resolution:
            undetermined += 1
        else:
            accepted.append(theta)
    if undetermined:
        warnings.warn(
            f"the data leave {undetermined} direction(s) open: relative defects up to {threshold:.2g} "
            f"cannot be told from noise or misfit (resolution = {resolution:g})",
            stacklevel=4,
        )
    strong, sizes = directions[len(accepted) :], np.maximum(values[len(accepted) :], TINY)
    inverse = (strong / sizes[:, None]).T @ (strong / sizes[:, None])
    found = tuple(
        _describe(theta, noise(theta, inverse)[1] if noise else None, basis, frame, rough_diffusion)
        for theta in _sparse(np.reshape(accepted, (-1, len(metric))), basis, frame)
    )
    return Discovery(found, values, threshold, gap, undetermined, diffusion, system)


def _sparse(space, basis, frame):
    """A basis of the space of symmetries with as many zeros as elimination gives, normalised."""
    # what to make zero: the entries of A, b, tau_1 as the caller sees them, about x = 0
    outward = zip(*frame.outward(np.eye(len(basis[2])), basis))
    seen = np.stack([np.concatenate([A.ravel(), frame.inverse @ b, [tau]]) for A, b, tau in outward])
    space, entries = space.copy(), space @ seen
    free = list(range(len(space)))
    while free:
        row, column = np.unravel_index(np.abs(entries[free]).argmax(), (len(free), seen.shape[1]))
        row = free.pop(row)
        for other in set(range(len(space))) - {row}:
            space[other] -= entries[other, column] / entries[row, column] * space[row]
        entries = space @ seen
    for theta in space:
        A, b, tau = (np.tensordot(theta, part, 1) for part in basis)
        turn = A - np.trace(A) / len(A) * np.eye(len(A))
        size = np.linalg.norm(turn) + np.linalg.norm(b) + abs(tau)
        if np.linalg.norm(turn) > 0.1 * size:
            speed = abs(np.trace(turn @ turn)) / 2  # the angular velocity squared, in any coordinates
            speed = np.sqrt(speed if speed > 1e-3 * (turn**2).sum() else (turn**2).sum() / 2)
            lower = np.tril(turn - turn.T)
            theta /= speed * (np.sign(lower.flat[np.abs(lower).argmax()]) or 1.0)
        elif abs(tau) > 0.1 * size:
            theta *= 2 / tau
        else:
            b = frame.transform @ b
            theta /= np.linalg.norm(b) * (np.sign(b[np.abs(b).argmax()]) or 1.0)
    return space


def _describe(theta, errors, basis, frame, rough_diffusion):
    A, b, tau = (part[0] for part in frame.outward(theta[:, None], basis))
    if errors is None:
        return FoundSymmetry(A, b, float(tau), 0 * A, 0 * b, 0.0)
    spread = [(part**2).sum(axis=0) for part in frame.outward(errors, basis)]
    if rough_diffusion:  # an error S of the root of D turns A by the commutator [S, A]
        dim = len(A)
        inner = frame.inverse @ A @ frame.transform
        for i, j in combinations_with_replacement(range(dim), 2):
            S = np.zeros((dim, dim))
            S[i, j] = S[j, i] = rough_diffusion / np.sqrt(dim + 1) * (0.5 if i < j else np.sqrt(0.5))
            spread[0] += (frame.transform @ (S @ inner - inner @ S) @ frame.inverse) ** 2
    spread = [np.sqrt(part) for part in spread]
    return FoundSymmetry(A, b, float(tau), spread[0], spread[1], float(spread[2]))


# ---- a drift fitted to data ------------------------------------------------------------------


def _from_fit(fit, x, diffusion, options, rough_diffusion=0.0):
    """The decision for a fitted drift, whose coefficients' covariance gives the noise."""
    dim = x.shape[1]
    frame, basis = _Frame(x, diffusion), _basis(dim, diffusion is not None, True)
    sites = x[:: -(-len(x) // SITES)]
    u, inner = frame.inward(sites), fit.frame.inward(sites)
    turn = frame.inverse @ fit.frame.transform  # from the frame of the fit to this one
    features, root = fit.features(inner), turn @ fit.root
    slopes = fit.gradients(inner) @ np.linalg.inv(turn)

    def field(coefficients):
        c = coefficients @ turn.T
        return features @ c, np.einsum("nmj,mi->nij", slopes, c)

    rows, unit = _defects(basis, u, *field(fit.coefficients))
    misfit = 0.0
    if fit.misfit > 1e-10 * np.linalg.norm(fit.coefficients):
        # the series goes on: what is missing is steeper than it is large, at least as the last term is
        last, slope = (np.linalg.norm(part) for part in field(fit.last))
        misfit = 2 * np.linalg.norm(turn, 2) * fit.misfit * np.hypot(1, slope / max(last, TINY)) / unit
    scale = 1 / (unit * np.sqrt(len(u)))
    features = features @ fit.factor * scale
    slopes = np.einsum("nmj,mk->nkj", slopes, fit.factor, optimize=True) * scale
    folded = rows.reshape(len(u), dim, -1)

    def noise(theta, inverse):
        # the defect of theta responds to the coefficients' errors by  turned x features - root x along
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
    metric, errors = _metric(basis, u), (noise, misfit, rough_diffusion)
    return _decide(rows, metric, basis, frame, diffusion, options, *errors, system)


class _Fit:
    """Weighted least squares of velocities on polynomials of the state, of the degree that predicts best.

    ``coefficients`` (m, dim) have errors ``factor @ Z @ root.T``, Z of independent unit normals;
    ``last`` is what the highest degree contributed to them.
    """

    def __init__(self, x, velocity, weights, max_degree):
        self.frame = _Frame(x, None)
        u, dim = self.frame.inward(x), x.shape[1]
        targets = velocity @ self.frame.inverse.T * weights[:, None]
        if len(u) < 2 * (dim + 1):
            raise ValueError(f"x must have at least {2 * (dim + 1)} states to fit a drift to, got {len(u)}")
        sizes = [comb(dim + k, k) for k in range(1, max_degree + 1)]
        sizes = [m for m in sizes if m == dim + 1 or m <= min(len(u) // 4, FEATURES)]
        self.terms = [c for k in range(len(sizes) + 1) for c in combinations_with_replacement(range(dim), k)]
        blocks = [slice(k, k + ROWS) for k in range(0, len(u), ROWS)]
        triangle = np.zeros((0, sizes[-1]))
        for block in blocks:
            rows = self.features(u[block]) * weights[block, None]
            triangle = np.linalg.qr(np.concatenate([triangle, rows]), mode="r")
        # powers that depend on lower ones at these states (all on a circle, say) cannot be told apart
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
        best = int(np.argmax(losses <= losses.min() + 1e-20 * (targets**2).sum()))  # the lowest exact one
        size, below = sizes[best], sizes[best - 1] if best else 1
        self.factor, self.terms = inverse[:size, :size], self.terms[:size]
        self.coefficients = self.factor @ projections[:size]
        self.last = self.factor[:, below:] @ projections[below:size]
        residual = np.concatenate(
            [targets[b] - weights[b, None] * (self.features(u[b]) @ self.coefficients) for b in blocks]
        )
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
    """Root mean square of what residuals of nearest neighbours have in common, if that is significant."""
    from scipy.spatial import cKDTree  # slow to import, and only needed here

    skip = max(1, len(u) // NEIGHBOURS)
    u, residual = u[::skip], residual[::skip]
    nearest = cKDTree(u).query(u, k=2)[1][:, 1]
    # most neighbours are mutual: each pair counts once
    pairs = np.unique(np.sort(np.stack([np.arange(len(u)), nearest], axis=1), axis=1), axis=0)
    product = residual[pairs].prod(axis=1).sum(axis=1)
    return float(np.sqrt(max(0.0, product.mean() - 4 * product.std() / np.sqrt(len(pairs)))))


# ---- what callers hand in --------------------------------------------------------------------


def _as_diffusion(diffusion, dim):
    if diffusion is None:
        return None
    if callable(diffusion):
        raise ValueError("diffusion must be constant: these conditions do not hold where D varies")
    return System(np.zeros_like, diffusion, dim).constant_diffusion


def _tracks(paths, dilations):
    """Each path as ``(x, p)``, with ``(t, energy)`` on the intervals where dilations ask for them."""
    if hasattr(paths, "momentum") or (isinstance(paths, tuple) and len(paths) == 2):
        paths = [paths]
    try:
        paths = list(paths)
    except TypeError:
        raise ValueError(f"paths must be paths or pairs (x, p), got {paths!r}") from None
    if not paths:
        raise ValueError("paths must not be empty")
    for path in paths:
        if hasattr(path, "momentum"):
            x, p = path.x, path.momentum
        elif isinstance(path, (tuple, list)) and len(path) == 2 and not dilations:
            x, p = path
        else:
            need = "" if dilations else ", or pairs (x, p) of states and momenta"
            raise ValueError(f"paths must be results of least_action_path{need}; got {type(path).__name__}")
        x, p = as_floats(x, "paths"), as_floats(p, "paths")
        if x.ndim < 2 or x.shape != p.shape or x.shape[-2] < 3:
            raise ValueError(
                f"paths must have states and momenta of one shape (..., n_times, dim), at least 3 times; "
                f"got {x.shape} and {p.shape}"
            )
        x, p = (a.reshape(-1, *a.shape[-2:]) for a in (x, p))
        if dilations:
            energy = np.reshape(path.energy, (len(x), -1))
            yield from ((x[k], p[k], path.t_mid, energy[k]) for k in range(len(x)))
        else:
            yield from zip(x, p)
