"""The three searches: in samples of the drift, in noisy trajectories, in most likely paths."""

from __future__ import annotations

import numpy as np

from ..inputs import as_count, as_floats, as_positive, as_times, brief
from ..lagrangian.path import Path
from ..system.noise import as_matrix, check_positive_definite
from .decide import decide
from .fit import Fit, from_fit
from .generators import Frame, basis_of, defects, fields, metric_of


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
    perturbation theory. A drift no polynomial of that degree fits leaves residuals that neighbours
    share; that misfit, twice, as steep as the last term of the fit, widens the threshold.
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
        fit = Fit(x, f, np.ones(len(x)), as_count(max_degree, "max_degree"))
        return from_fit(fit, x, diffusion, options)
    jacobian = as_floats(jacobian, "jacobian")
    if jacobian.reshape(-1, dim, dim).shape[0] != len(x) or jacobian.shape[-2:] != (dim, dim):
        raise ValueError(f"jacobian must have shape (..., {dim}, {dim}) as x, got {jacobian.shape}")
    frame, basis = Frame(x, diffusion), basis_of(dim, diffusion is not None, True)
    u, gradient = frame.inward(x), frame.inverse @ jacobian.reshape(-1, dim, dim) @ frame.transform
    rows, _ = defects(basis, u, f @ frame.inverse.T, gradient)
    return decide(rows, metric_of(basis, u), basis, frame, diffusion, options)


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
        raise ValueError(
            f"x must be (n_paths, {len(t)}, dim) or ({len(t)}, dim), got shape {x.shape}"
        )
    x = x.reshape(-1, *x.shape[-2:])
    dim = x.shape[-1]
    options = as_positive(tolerance, "tolerance"), as_positive(resolution, "resolution")
    steps = np.tile(np.diff(t), len(x))
    velocity = np.diff(x, axis=1).reshape(-1, dim) / steps[:, None]
    left = x[:, :-1].reshape(-1, dim)
    fit = Fit(left, velocity, np.sqrt(steps), as_count(max_degree, "max_degree"))
    diffusion = fit.frame.transform @ fit.covariance @ fit.frame.transform.T / 2
    try:
        check_positive_definite(diffusion)
    except ValueError as error:
        raise ValueError(
            f"x must be noisy in every direction, or D cannot be estimated: {error}"
        ) from None
    return from_fit(fit, left, diffusion, options, np.sqrt((dim + 1) / len(left)))


def symmetries_from_paths(paths, diffusion=None, tolerance=1e-3, dilations=False):
    """Symmetries from most likely paths: the affine ``xi`` whose charge ``p . xi`` each conserves.

    Parameters
    ----------
    paths : path, pair, or sequence of them
        Results of `least_action_path` (``.x`` and ``.momentum``; batches too), or pairs ``(x, p)``
        of arrays (..., n_times, dim). Momenta belong to a path: its shape alone does not give
        them.
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
        For paths without momenta, shapes that do not fit, or states without spread in some
        direction.

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
    frame = Frame(np.concatenate([x for x, *_ in tracks]), diffusion, "paths")
    basis = basis_of(dim, diffusion is not None, dilations)
    rows, metric = [], 0.0
    for x, p, *clock in tracks:
        u, p = frame.inward(x), p @ frame.transform
        size = np.sqrt((p**2).sum(axis=-1).mean())
        if size == 0:
            raise ValueError("paths must have momentum: on the noiseless flow every charge is zero")
        p = p / size
        charges = np.einsum("ni,nki->nk", p, fields(basis, u))
        if dilations:
            t, energy = clock
            charges = (charges[1:] + charges[:-1]) / 2 - np.outer(t * energy / size, basis[2])
        rows.append((charges - charges.mean(axis=0)) / np.sqrt(len(charges) * len(tracks)))
        metric = metric + metric_of(basis, u, (p**2).sum(axis=-1)) / len(tracks)

    def noise(theta, inverse):
        if inverse is None or len(rows) < 2:
            return 0.0, np.full((len(theta), 1), np.nan)
        pulls = np.stack([inverse @ (r.T @ (r @ theta)) for r in rows], axis=-1)
        pulls -= pulls.mean(axis=-1, keepdims=True)
        return 0.0, pulls * np.sqrt((len(rows) - 1) / len(rows))

    return decide(np.concatenate(rows), metric, basis, frame, diffusion, (tolerance, np.inf), noise)


def _as_diffusion(diffusion, dim):
    if diffusion is None:
        return None
    if callable(diffusion):
        raise ValueError("diffusion must be constant: these conditions do not hold where D varies")
    return check_positive_definite(as_matrix(diffusion, dim))


def _tracks(paths, dilations):
    """Each path as ``(x, p)``, with ``(t, energy)`` on the intervals if dilations ask for them."""
    if isinstance(paths, Path) or (isinstance(paths, tuple) and len(paths) == 2):
        paths = [paths]
    try:
        paths = list(paths)
    except TypeError:
        raise ValueError(f"paths must be paths or pairs (x, p), got {brief(paths)}") from None
    if not paths:
        raise ValueError("paths must not be empty")
    for path in paths:
        if isinstance(path, Path):
            x, p = path.x, path.momentum
        elif isinstance(path, (tuple, list)) and len(path) == 2 and not dilations:
            x, p = path
        else:
            need = "" if dilations else ", or pairs (x, p) of states and momenta"
            raise ValueError(
                f"paths must be results of least_action_path{need}; got {type(path).__name__}"
            )
        x, p = as_floats(x, "paths"), as_floats(p, "paths")
        if x.ndim < 2 or x.shape != p.shape or x.shape[-2] < 3:
            raise ValueError(
                "paths must have states and momenta of one shape (..., n_times, dim), at least 3 "
                f"times; got {x.shape} and {p.shape}"
            )
        x, p = (a.reshape(-1, *a.shape[-2:]) for a in (x, p))
        if dilations:
            energy = np.reshape(path.energy, (len(x), -1))
            yield from ((x[k], p[k], path.t_mid, energy[k]) for k in range(len(x)))
        else:
            yield from zip(x, p)
