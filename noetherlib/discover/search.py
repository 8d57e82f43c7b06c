"""The searches in samples of the drift and in noisy trajectories."""

from __future__ import annotations

import numpy as np

from ..inputs import as_count, as_floats, as_positive
from ..system import System
from ..system.noise import as_matrix, check_positive_definite
from ..system.samples.estimates import Field
from ..system.samples.fit import ROWS, Fit
from ..system.samples.frame import Frame
from ..system.samples.series import read_series
from .conditions import conditions
from .decide import decide
from .generators import basis_of, defects, metric_of, unit_of


def symmetries_from_drift(x, f, diffusion, jacobian=None, max_degree=7, tolerance=1e-6, resolution=0.1):
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
    (Gaeta and Rodriguez Quintero 1999) restricted to affine generators. Errors by perturbation
    theory, a bias of second order removed. A drift no polynomial of that degree fits leaves
    residuals that neighbours share; that misfit, twice, as steep as the last term of the fit,
    widens the threshold.
    Polynomials need a bounded region: samples in a box, and a higher ``max_degree``, decide more.
    """
    f = as_floats(f, "f")
    x = as_floats(x, "x")
    if x.ndim < 2 or f.shape != x.shape:
        raise ValueError(f"f and x must have one shape (..., dim), got {f.shape} and {x.shape}")
    dim = x.shape[-1]
    x, f = x.reshape(-1, dim), f.reshape(-1, dim)
    options = as_positive(tolerance, "tolerance"), as_positive(resolution, "resolution")
    diffusion = as_constant(diffusion, dim)
    frame, basis = Frame(x, diffusion), basis_of(dim, diffusion is not None, True)
    if jacobian is None:
        fit = Fit(x, f, np.ones(len(x)), range(1, as_count(max_degree, "max_degree") + 1))
        covariance = fit.residual.T @ fit.residual / (len(x) - len(fit.coefficients))
        drift = fit.polynomial()
        D = np.eye(dim) if diffusion is None else diffusion
        system = System(drift.vector, D, dim, drift.jacobian)
        fitted = [Field(fit, fit.spread(covariance), 1)]
        return _from_fields(fitted, x, frame, basis, options, diffusion=diffusion, system=system)
    jacobian = as_floats(jacobian, "jacobian")
    if jacobian.reshape(-1, dim, dim).shape[0] != len(x) or jacobian.shape[-2:] != (dim, dim):
        raise ValueError(f"jacobian must have shape (..., {dim}, {dim}) as x, got {jacobian.shape}")
    u = frame.inward(x)
    jet = f @ frame.inverse.T, frame.inverse @ jacobian.reshape(-1, dim, dim) @ frame.transform
    rows = defects(basis, u, 1, *jet) / (unit_of(*jet) * np.sqrt(len(u)))
    return decide(rows, metric_of(basis, u), basis, frame, options, diffusion=diffusion)


def _from_fields(fitted, x, frame, basis, options, **estimates):
    rows, errors, misfit = conditions(fitted, x, frame, basis)
    metric = metric_of(basis, frame.inward(x[:: -(-len(x) // ROWS)]))
    return decide(rows, metric, basis, frame, options, errors, misfit, **estimates)


def symmetries_from_trajectories(t, x, max_degree=5, tolerance=1e-6, resolution=0.1):
    """Symmetries from noisy trajectories alone: drift, D, measurement noise are estimated first.

    The drift is the regression of the increments, by the left-point (Itô) rule, on polynomials of
    the state, and D that of their products. A generator is a symmetry where it leaves both as they
    are; D may depend on the state.

    Parameters
    ----------
    t : (n_times,) array
        Increasing sampling times; the steps should resolve the motion.
    x : (n_paths, n_times, dim) or (n_times, dim) array
        At least four times per path, or measurement noise cannot be told from D.
    max_degree, tolerance, resolution
        As for `symmetries_from_drift`; ``max_degree`` is that of the drift.

    Returns
    -------
    Discovery
        ``.diffusion`` is the estimated D, its mean over the states where it depends on them;
        ``.p_constant`` the p-value of its being constant, ``.measurement_noise`` the covariance of
        the errors of the states, each with its ``_error``; ``.system`` the fitted system, with a
        polynomial for D where that is not constant. Every affine generator is tried.

    Raises
    ------
    ValueError
        As `symmetries_from_drift`, and for states without noise in some direction.

    Warns
    -----
    UserWarning
        For measurement noise or a D that depends on the state (tests at the level 0.001), for
        increments that are correlated as no measurement noise correlates them, for fewer than four
        times, and for generators that stay undetermined.

    Notes
    -----
    *Regime.* Markov recordings of an autonomous system with noise in every direction, with steps h
    short against its relaxation, enough of them for the central limit theorem (some thousand), and
    errors of the recorded states that are independent, normal and of one covariance R, small
    against the spread of the states. Then the standard errors hold. The error of the drift over a
    total time T is of order ``sqrt(2 D / T)`` however fine the sampling, that of D, relative,
    ``sqrt(6 / n)`` for n increments: the price of not knowing R.

    *Measurement noise.* The covariance of neighbouring increments is ``-R``, and a squared
    increment holds 2 R beside ``2 D h``. Where R is significant, products of three neighbours give
    D, and the state one step back serves as the instrument for the drift. Errors that have a memory
    are not recognised as errors.

    *Finite steps* bias the fitted drift by ``h (f . grad f + D : grad grad f) / 2``, and D by
    ``h (J D + D J^T) / 2`` with the drift's slope J. The latter is subtracted: all of it for
    samples of a continuous process, nothing for a chain of Euler's, as the data say; where they
    cannot say (J constant) half of it, and half is in the error. Terms of order h^2 remain: long
    steps look like a D that depends on the state. They leave rotations and translations untouched,
    as these are symmetries of the sampled process too, but not dilations.

    *Errors* of generators are by perturbation theory. Two biases of second order are removed: that of
    a null vector, and what the fitted drift has in common with the states visited, by conditions in
    which each state has a drift fitted without its tenth of the recording.

    *State-dependent D.* The score test sees polynomials up to degree four. What it does not reject
    is a constant D.

    Sources: estimators, Friedrich and Peinke (1997); covariance of neighbours, Vestergaard, Blainey
    and Flyvbjerg (2014).
    """
    options = as_positive(tolerance, "tolerance"), as_positive(resolution, "resolution")
    flow = read_series(t, x, max_degree)
    found, dim = flow.estimates, flow.dim
    states = np.asarray(x, dtype=float)[..., :-1, :].reshape(-1, dim)
    return _from_fields(
        found.fields,
        states,
        Frame(states, found.diffusion.matrix),
        basis_of(dim, False, True),
        options,
        diffusion=found.diffusion.matrix,
        diffusion_error=found.diffusion.error,
        system=System.of(flow),
        measurement_noise=found.noise.matrix,
        measurement_noise_error=found.noise.error,
        p_constant=found.p_constant,
    )


def as_constant(diffusion, dim):
    if diffusion is None:
        return None
    if callable(diffusion):
        raise ValueError("diffusion must be constant: these conditions do not hold where D varies")
    return check_positive_definite(as_matrix(diffusion, dim))
