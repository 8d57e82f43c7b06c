"""Laplace's method: the density at the end of a path, and the Gaussian band around it."""

from __future__ import annotations

import warnings

import numpy as np

from ..inputs import as_a, as_count, as_streams
from ..lagrangian.path import Path
from ..paths import least_action_path
from .expansion import Expansion, check_minima, covariances

GOOD = 0.1  # relative error up to which the functional of the path is kept
BOUND = 0.25  # relative error beyond which a warning is due
KNOWN = 0.15  # relative standard error up to which the sampled remainder is believed


class WideFluctuations(RuntimeWarning):
    """A density by Laplace's method whose estimated error is large."""


class Density(np.ndarray):
    """Densities with what it takes to doubt them; a single one has shape ().

    Attributes
    ----------
    error : array
        Estimated absolute error of the value, or of its logarithm where that was asked for;
        infinite where it could not be told.
    corrected : array
        The value with all that Laplace's method leaves out, by sampling; nan where not known.
    standard_error : array
        Standard error of ``corrected``.
    functional : array of str
        The functional that was expanded.
    """

    def __array_finalize__(self, other):
        for name in ("error", "corrected", "standard_error", "functional"):
            setattr(self, name, getattr(other, name, None) if self.shape == np.shape(other) else None)

    def __array_wrap__(self, array, context=None, return_scalar=False):
        return np.asarray(array)[()]  # what is computed from a density has another error

    def __round__(self, digits=None):
        return round(float(self), digits)


def transition_density(path, *, log=False, walkers=2048, rng=0):
    """Density of ``x1`` at the end of a least-action path given its start, by Laplace's method.

    Parameters
    ----------
    path : Path
        Converged minima of the Onsager-Machlup or Freidlin-Wentzell action; a batch is fine.
    log : bool, optional
        Return the logarithm, for densities too small for a float.
    walkers : int, optional
        How many walkers estimate the error; linear systems need none.
    rng : int, SeedSequence or Generator, optional
        For the walkers; the value itself is not random.

    Returns
    -------
    Density
        ``rho(x1, t[-1] | x0, t[0])`` (...), in units of one over state to the power ``dim``, an
        array (a single number has shape ()) with ``error``, ``corrected`` and ``standard_error``.

    Warns
    -----
    WideFluctuations
        Where the estimated error exceeds a quarter of the density, or cannot be told.

    Raises
    ------
    ValueError
        For a path that did not converge or is not a minimum, for a functional with a ``U`` of the
        caller's, for noise that depends on the state, for a step so long that
        ``det(I - h/2 grad f)`` is not positive.

    Notes
    -----
    With S the Freidlin-Wentzell action of the path, A = grad f and B = grad grad (U - p . f) at the
    midpoints, and K the second derivative of Hamilton's action ``sum p.(dx - h f) - h p.D p - h U`` by
    momenta and inner nodes,

        log rho = -S + sum_k [log det(I - h/2 A) - h^2/4 tr(D B)] - 1/2 log abs(det K) - d/2 log 2 pi.

    K needs no inverse of D, which may be singular; where it is regular,
    ``abs(det K) = det H prod det(2 h D)`` with H the second derivative of the action. ``log det(I - h/2 A)``
    is the Jacobian of the midpoint chain, ``tr(D B)`` what the midpoint rule misses where the drift bends
    (the mean square of a fluctuation over a step exceeds that of its midpoint by D h / 2). Without
    either the error is O(h), with both O(h^2): that is not part of ``error``.

    Regime. Exact for linear drift. Else the relative error is O(D) at fixed time about the path of either
    functional, but over a long time T about the Onsager-Machlup path it grows as ``exp(O(D T))``,
    since that path waits where ``1/2 div f`` is low and not where the process does; about the
    Freidlin-Wentzell path, which waits at rest, it stays O(D). So the path's own functional is
    kept where its error is below a tenth; else both are tried, the second from the path given,
    and the better one is returned. Where paths of many shapes contribute alike (a crossing that may
    happen sooner or later, several routes) neither is good, and the warning says so: use
    `noetherlib.generator` or `simulate` there. A route that the path does not know, such as the
    other way round a cycle, is seen by no estimate: add the densities of several.

    ``error`` is the distance of the value from ``corrected`` and three standard errors of that, which
    guided walkers estimate to all orders in D, around the path. With noise on some variables
    too. Their end is widened by a sixteenth of the bridge's width.

    Source: Onsager and Machlup (1953); Langouche, Roekaerts and Tirapegui (1982), chapters 3 and 7;
    Schauer, van der Meulen and van Zanten (2017), Bernoulli 23, 2917, for the walkers.
    """
    if callable(as_a(Path, path, "path").functional):
        raise ValueError(
            "path must minimise the Onsager-Machlup or the Freidlin-Wentzell action: with another "
            "U, exp(-S) is not the density of this system's paths"
        )
    check_minima(path)
    walkers, lead = as_count(walkers, "walkers", 64), path.x.shape[:-2]
    members = [path[index] if lead else path for index in np.ndindex(lead)]
    seed = int(as_streams(rng, 1)[0].integers(2**63))  # the same for all: a batch answers as its members
    found = [_best(member, walkers, seed) for member in members]
    value, log_ratio, spread, functional = (np.reshape(each, lead) for each in zip(*found))
    ratio, known = np.exp(log_ratio), spread <= KNOWN
    spread = spread if log else ratio * spread
    error = np.where(known, np.abs(log_ratio if log else ratio - 1) + 3 * spread, np.inf)
    out = np.array(value if log else np.exp(value)).view(Density)
    scale = 1.0 if log else np.exp(value)
    out.error, out.functional = (scale * error)[()], functional[()]
    out.corrected = np.where(known, value + log_ratio if log else scale * ratio, np.nan)[()]
    out.standard_error = np.where(known, scale * spread, np.inf)[()]
    wide = np.abs(error) > BOUND
    if wide.any():
        _warn(np.argwhere(wide)[0], wide, known, ratio, error)
    return out


def _warn(index, wide, known, ratio, error):
    first = tuple(map(int, index))
    where = f" ({wide.sum()} of {wide.size}; this is {first})" if wide.ndim else ""
    what = (
        f"by an estimated factor of {ratio[first]:.3g} (relative error {error[first]:.2g}); its "
        "`corrected` has that factor"
        if known[first]
        else "by a factor that cannot be told: more than the surroundings of one path contribute"
    )
    warnings.warn(
        f"transition_density: Laplace's method is off {what}{where}. Smaller noise, the sum over several "
        "paths, or a grid or a simulation of the process may serve",
        WideFluctuations,
        stacklevel=3,
    )


def _best(path, walkers, seed):
    """Log density, the log of what corrects it and its relative standard error, functional."""
    own = _expand(path, walkers, seed)
    if _relative(own) <= GOOD:
        return own
    other = "freidlin-wentzell" if path.functional == "onsager-machlup" else "onsager-machlup"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ends = path.x[0], path.x[-1]
        second = least_action_path(path.system, *ends, path.t, other, guess=path.x)
    if not (second.converged and second.kind == "minimum"):
        return own
    return min(own, _expand(second, walkers, seed), key=_relative)


def _relative(found):
    _, log_ratio, spread, _ = found
    return np.abs(np.expm1(log_ratio)) + 3 * spread * np.exp(log_ratio) if spread <= KNOWN else np.inf


def _expand(path, walkers, seed):
    expansion = Expansion(path)
    value = expansion.log_density()
    if path.system.linear is not None:
        return value, 0.0, 0.0, path.functional
    with np.errstate(all="ignore"):
        R, error = expansion.guide().remainder(walkers, np.random.default_rng(seed))
        good = np.isfinite(error) and R > 0
        spread = error / R if good else np.inf
        return value, np.log(R) + expansion.missed if good else 0.0, spread, path.functional


def fluctuations(path):
    """Covariance of the bridge around a least-action path, at every node, for weak noise.

    Parameters
    ----------
    path : Path
        Converged minima; a batch is fine.

    Returns
    -------
    array (..., n_times, dim, dim)
        Diagonal blocks of the inverse of the action's second derivative, in units of state squared;
        zero at the ends. Exact (to O(h^2)) for linear drift. Relative error O(D) else, about a
        Freidlin-Wentzell path at any time; about an Onsager-Machlup path, or where a crossing may
        happen sooner or later, only for short times (see `transition_density`, which tells).

    Raises
    ------
    ValueError
        For a path that did not converge or is not a minimum.

    Notes
    -----
    Forward elimination, then back substitution for the diagonal blocks alone: the
    Rauch-Tung-Striebel smoother (1965). With noise on some variables the blocks of the inverse of
    Hamilton's second derivative, by momenta and states, which needs no inverse of D.
    """
    check_minima(path)
    return covariances(path)
