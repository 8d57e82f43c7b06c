"""How far a least-action path can be trusted where its system was learned from samples."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np

from ..inputs import as_a, as_count, as_streams
from ..lagrangian import Lagrangian, Mesh
from ..lagrangian.path import Path
from ..system import System
from ..system.samples import Sampled
from .breaks import NotSmooth
from .solve import nearest_path


@dataclass(frozen=True, eq=False)
class Spread:
    """A path's action and states over refits of its system.

    Attributes
    ----------
    action : float
        Of the path itself.
    error : float
        Standard deviation of the refits' actions: the standard error of ``action`` from the samples.
    x_error : array (n_times, dim)
        The same of the states; zero at the ends.
    actions : array (n,)
    x : array (n, n_times, dim)
        The refits' paths, of those that converged.
    lost : int
        Number of refits whose path did not converge; where it is not zero the spread is too small.
    """

    action: float
    error: float
    x_error: np.ndarray
    actions: np.ndarray = field(repr=False)
    x: np.ndarray = field(repr=False)
    lost: int

    def __repr__(self):
        lost = f", {self.lost} lost" if self.lost else ""
        return (
            f"<Spread: action {self.action:.4g} +- {self.error:.2g}, states +- {self.x_error.max():.2g} "
            f"at most, {len(self.actions)} refits{lost}>"
        )


def path_spread(path, n_refits=50, rng=0):
    """Uncertainty of a least-action path that comes from the samples its system was learned from.

    Parameters
    ----------
    path : Path
        A single converged one, of a `System.from_samples`.
    n_refits : int, optional
        At least 2. The relative error of the standard deviations is ``1 / sqrt(2 n_refits)``.
    rng : int, SeedSequence or Generator, optional

    Returns
    -------
    Spread

    Raises
    ------
    ValueError
        For a batch, a path that did not converge, or a system that was not learned from samples.

    Notes
    -----
    Each refit is what another such set of samples might have said, and its path is sought from this
    one. Of a recorded series the coefficients of drift and D are drawn from the normal distribution
    of their errors, which are asymptotic; the degree is kept. Of a scattered field the velocities are
    drawn as the fitted ones with the errors that cross-validation saw, each with a random sign (the
    wild bootstrap: Wu 1986, Liu 1988); the smoothing is kept. That holds the errors of the samples, not
    what the family of curves cannot express, and nothing where there are no samples. To first order
    the action moves by ``-int p . df dt`` (Freidlin-Wentzell, D known).
    """
    path = as_a(Path, path, "path")
    flow, n = path.system.flow, as_count(n_refits, "n_refits", 2)
    if path.x.ndim != 2 or not path.converged:
        raise ValueError(f"path must be a single converged one, got {path!r}")
    if not isinstance(flow, Sampled):
        raise ValueError(
            "path must be of a system that System.from_samples made: of others no error is known"
        )
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotSmooth)
        for stream in as_streams(rng, n):
            lagrangian = Lagrangian(System.of(flow.refit(stream)), path.functional)
            found.append(nearest_path(Mesh(lagrangian, path.t), path.x))
    kept = [one for one in found if one.converged]
    if len(kept) < 2:
        raise ValueError(f"path must be surer: of {n} refits {len(kept)} have a path near it")
    actions, x = np.array([one.action for one in kept]), np.stack([one.x for one in kept])
    return Spread(path.action, actions.std(ddof=1), x.std(axis=0, ddof=1), actions, x, len(found) - len(kept))
