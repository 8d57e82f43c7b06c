"""A path's mesh, refined until its action is as exact as asked."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from ..inputs import as_a, as_count, as_positive
from ..lagrangian import Lagrangian, Mesh
from ..lagrangian.action import lacks_noise
from ..lagrangian.path import Path
from .clock import follow, is_autonomous
from .geometric import GeometricPath, refined
from .minimise import PATIENCE
from .newton import NotConverged
from .solve import nearest_path

LOOSE = 3  # paths, each on a finer mesh, that may fail to converge from the one given on


def refine(path, tol=1e-6, *, max_points=200_000):
    """The same path on a mesh fine enough for its action, with points where it needs them.

    Parameters
    ----------
    path : Path or GeometricPath
        A single path; a batch shares its times and cannot be refined as one.
    tol : float, optional
        Error of the action to reach. With ``inf`` the path keeps its mesh and gets its estimate.
    max_points : int, optional
        Most times the mesh may have.

    Returns
    -------
    Path or GeometricPath
        ``error`` holds the estimate, the larger of two: what the midpoint rule misses of the action of
        a smooth curve through the nodes, and 4/3 of the change of the action on a mesh of twice as many
        intervals. A path that is good enough comes back on its own mesh. Of a `GeometricPath` the points
        are doubled, and ``error`` is what the last doubling changed.

    Warns
    -----
    NotConverged
        Where ``max_points`` were not enough for ``tol``, or the path did not converge. One that comes
        unconverged is given up where the next mesh raises its action, or three meshes bring no
        convergence.

    Raises
    ------
    ValueError
        For a batch or a tolerance that is not positive.

    Notes
    -----
    Each round doubles the intervals, puts them where the path moves and where the rule misses, and solves
    again. Where the Lagrangian does not depend on time, the mesh moves with the path towards equal
    energies: a mesh that stands still holds the crossing of a long path where it happens to be coarse.
    """
    tol = np.inf if np.ndim(tol) == 0 and tol == np.inf else as_positive(tol, "tol")
    max_points = as_count(max_points, "max_points", 3)
    if isinstance(path, GeometricPath):
        return refined(path, tol, max_points)
    if as_a(Path, path, "path").x.ndim != 2:
        raise ValueError(f"path must be a single path, got a batch of shape {path.x.shape[:-2]}")
    tries = 4  # to make a path converge whose action is settled
    loose, why = 0 if path.converged else 1, ""  # paths before the first that converged
    while True:
        curve, missed = _smooth(path)
        t = _share(path, missed, 2 * len(path.t) - 1)
        x = curve(t)
        mesh = Mesh(Lagrangian(path.system, path.functional), t)
        if not lacks_noise(mesh, x) and is_autonomous(mesh, x):
            t, x = follow(mesh, x, min(tol, missed.sum()))
        finer = _again(path, t, x, max_iter=PATIENCE)  # on the way a path need not be exact
        error = float(max(missed.sum(), abs(finer.action - path.action) * 4 / 3))
        if error <= tol and not path.converged and tries:
            tries -= 1
            path = _again(path, path.t, path.x)
            path = path if path.converged or tries % 2 else finer
            continue
        path = replace(path, error=error)
        loose = loose + 1 if loose and not finer.converged else 0
        higher = finer.action - path.action > max(missed.sum(), 0.01 * abs(path.action))
        if error > tol and loose and (higher or loose > LOOSE):
            why = (
                f"; stopped: the path given did not converge, nor does one with {len(t)} times, of "
                f"action {finer.action:.6g}; hand in one that did"
            )
        if error <= tol or why or len(t) > max_points:
            break
        path = finer
    if error > tol or not path.converged:
        warnings.warn(
            f"refine: error {error:.2g} for a tolerance of {tol:.2g} with {len(path.t)} times, "
            f"gradient norm {path.gradient_norm:.2g}, converged {path.converged}{why}",
            NotConverged,
            stacklevel=2,
        )
    return path


def _again(path, t, x, **options):
    """The path solved anew on the times ``t`` from ``x``: no other one, though it cost less."""
    x = np.concatenate([path.x[:1], x[1:-1], path.x[-1:]])
    return nearest_path(Mesh(Lagrangian(path.system, path.functional), t), x, **options)


def _smooth(path, points=8):
    """Cubic curve through the nodes of a path, and the action that each interval misses of it."""
    from scipy.interpolate import CubicHermiteSpline  # slow to load, and only needed here

    lagrangian, t, h = Lagrangian(path.system, path.functional), path.t, np.diff(path.t)
    curve = CubicHermiteSpline(t, path.x, lagrangian.velocity(path.x, path.momentum, t))
    node, weight = np.polynomial.legendre.leggauss(points)
    inner = path.t_mid[:, None] + h[:, None] / 2 * node
    mesh = Mesh(lagrangian, t)
    if lacks_noise(mesh, path.x):  # a curve with a momentum that is not that of its velocity
        slope = lagrangian.terms_of_momentum(path.x, path.momentum, t).L_x
        momentum = CubicHermiteSpline(t, path.momentum, slope)
        L = lagrangian.terms_of_momentum(curve(inner), momentum(inner), inner, 0).L
        middle = (path.momentum[1:] + path.momentum[:-1]) / 2
        own = lagrangian.terms_of_momentum(mesh.split(path.x)[0], middle, path.t_mid, 0).L
    else:
        L = lagrangian.terms(curve(inner), curve.derivative()(inner), inner).L
        own = mesh.terms(path.x).L
    return curve, np.abs(L @ weight * h / 2 - own * h)


def _share(path, missed, n):
    """``n`` times: most of them shared out by what the rule misses, the rest by length and time."""
    h, length = np.diff(path.t), np.linalg.norm(np.diff(path.x, axis=0), axis=1)
    need = missed ** (1 / 3)  # an interval misses h**3
    parts = [(8, need), (1, length), (1, h)]
    weight = sum(share * part / part.sum() for share, part in parts if part.sum() > 0)
    t = np.interp(np.linspace(0, 1, n), np.append(0, np.cumsum(weight)) / weight.sum(), path.t)
    t[0], t[-1] = path.t[0], path.t[-1]
    return t
