"""The cheapest curves between states when time is free."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace

import numpy as np

from ..inputs import as_a, as_count, as_positive, as_states
from ..lagrangian import Lagrangian, Mesh
from ..lagrangian.action import lacks_noise
from ..lagrangian.potential import NAMES
from ..system import System, tell_outside
from .clock import length
from .newton import NotConverged
from .search import Search


@dataclass(frozen=True, eq=False)
class GeometricPath:
    """The cheapest curve between two states when its duration is free.

    Attributes
    ----------
    x : array (n_points, dim)
        At equal distances along the curve, to some percent; where it winds, closer together, and
        there may be more of them than asked for.
    arclength : array (n_points,)
        Euclidean length from ``x0``.
    action : float
        Freidlin-Wentzell action, the least over all durations; dimensionless.
    converged : bool
        Whether the force across the curve fell to its tolerance, and ``error`` too.
    gradient_norm : float
        Largest force across the curve, one over state.
    n_iter : int
    kind : str
        "minimum" or "saddle" of the action, by its second derivative across the curve, or
        "undetermined". A minimum is one among its neighbours; what else was found is in ``others``.
    error : float
        Estimated error of the action: what it changed by from half the points, and, where paths of
        given time were used, by as the time doubled; the action itself where that still falls.
    others : tuple of GeometricPath
        Other curves that were found, by rising action, on the coarser mesh of the search.
    joints : tuple of int
        Where in ``x`` the curve passes through fixed points, at which it may have corners.
    duration : float or None
        Where the curve is that of a path in given, long time, that time.
    t : None
        A curve from or to a fixed point takes infinitely long; only its shape is known.
    system : System
    """

    x: np.ndarray
    arclength: np.ndarray
    action: float
    converged: bool
    gradient_norm: float
    n_iter: int
    kind: str
    error: float
    others: tuple = field(default=(), repr=False)
    joints: tuple = ()
    duration: float | None = None
    t: None = None
    system: System = field(default=None, repr=False)

    def __repr__(self):
        done = "converged" if self.converged else "not converged"
        return (
            f"<GeometricPath: {len(self.x)} points, length {self.arclength[-1]:.6g}, action "
            f"{self.action:.6g} +- {self.error:.2g}, {self.kind}, {done}>"
        )


def geometric_path(
    system,
    x0,
    x1,
    n_points=200,
    functional="freidlin-wentzell",
    guess=None,
    *,
    guesses=None,
    tol=1e-8,
    max_iter=500,
):
    """Least-action curve from ``x0`` to ``x1`` with free transition time.

    Parameters
    ----------
    system : System
        Its drift and noise must not depend on time. Noise may act on some variables alone.
    x0, x1 : array (dim,)
    n_points : int, optional
        Points on the curve, at least 3. More are used where the error would be over 0.2 % of the action.
    functional : {"freidlin-wentzell"}
        Nothing else: see Raises.
    guess : array (n, dim), optional
        A starting curve, any number of points, beside those that are tried anyway.
    guesses : sequence of such arrays, optional
        Several; the cheapest of all curves found is returned, the others are in ``.others``.
    tol : float, optional
        Convergence when the force across the curve is below ``tol`` times the largest momentum.
    max_iter : int, optional
        Newton steps on each mesh.

    Returns
    -------
    GeometricPath

    Warns
    -----
    NotConverged
        Where the force across the curve stays, the error is over 0.2 % of the action, or the action
        still falls as more time is given.

    Raises
    ------
    ValueError
        For "onsager-machlup" or another U: over free time that action has no lower bound, for
        waiting where ``U = 1/2 div f`` is negative lowers it for ever. Also for a system that depends
        on time, for shapes that do not fit, and for an end that noise on some variables cannot reach.

    Notes
    -----
    At fixed points of the curve the best durations ``h`` make the energy of every interval vanish;
    what is left is ``sum 1/2 (|dx| |f| - dx.f)`` in the metric 1/D, minimised by Newton's method in the
    directions across the curve. An interval that ends at a fixed point counts by the linear flow there.

    A curve that is a minimum among its neighbours need not be the cheapest. Starts are the guesses, the
    straight line, two bows, curves beside saddles of the action, and routes joined at the fixed points
    of the drift around them. Paths of given time, which is doubled until the action settles, are an
    independent check, and the answer where a curve winds too often or D is singular; where the flow comes
    back to a state of the path, whole loops of it are put in, which cost nothing. The action of such
    paths is that of two meshes, extrapolated to an infinitely fine one.

    The search ends early where nothing can be cheaper: a curve that costs nothing, or climbs a potential
    against the drift. Elsewhere no search is complete: the action is an upper bound, and ``error`` that
    of the curve found. With D singular neither bows nor joints are tried.

    Source: Heymann and Vanden-Eijnden (2008).
    """
    as_a(System, system, "system")
    if callable(functional) or isinstance(functional, str) and NAMES.get(functional) == "onsager-machlup":
        raise ValueError(
            'functional must be "freidlin-wentzell" when time is free: with U = 1/2 div f (or any U < 0) '
            "the action has no lower bound, since waiting where U is negative lowers it for ever"
        )
    lagrangian = Lagrangian(system, functional)
    x0, x1 = as_states(x0, system.dim, "x0"), as_states(x1, system.dim, "x1")
    if x0.ndim != 1 or x1.ndim != 1:
        raise ValueError(f"x0 and x1 must be single states ({system.dim},), got {x0.shape} and {x1.shape}")
    n = as_count(n_points, "n_points", 3)
    tol, max_iter = as_positive(tol, "tol"), as_count(max_iter, "max_iter", 0)
    starts = [] if guess is None else [_as_curve(guess, x0, x1, "guess")]
    if guesses is not None:
        if isinstance(guesses, (str, np.ndarray)) or not hasattr(guesses, "__iter__"):
            raise ValueError("guesses must be a sequence of curves")
        given = ((i, one) for i, one in enumerate(guesses) if one is not None)
        starts += [_as_curve(one, x0, x1, f"guesses[{i}]") for i, one in given]
    if (x0 != x1).any():
        starts.append(np.linspace(x0, x1, 50))
    elif not starts:
        raise ValueError("x0 and x1 must differ, or guess must leave them")
    for x in starts:
        if not np.isfinite(system.drift(x, 0.0)).all():
            raise ValueError("drift must be finite along every start, and is not along one")
        _need_autonomous(system, x)
    singular = any(lacks_noise(Mesh(lagrangian, np.arange(len(x), dtype=float)), x) for x in starts)
    found = Search(lagrangian, starts, n, tol, max_iter, singular).run()
    _need_autonomous(system, found[0].x)
    tell_outside(system, found[0].x, "geometric_path")
    best, *others = (_result(system, one) for one in found)
    return _tell(replace(best, others=tuple(sorted(others, key=lambda one: one.action))), 3)


def refined(geo, tol, max_points):
    """A curve with the error of its action below ``tol``: what `refine` does with a `GeometricPath`."""
    if geo.error <= tol:
        return geo
    lagrangian = Lagrangian(geo.system, "freidlin-wentzell")
    singular = lacks_noise(Mesh(lagrangian, np.arange(len(geo.x), dtype=float)), geo.x)
    search = Search(lagrangian, [geo.x], len(geo.x), 1e-8, 500, singular)
    finer = _result(geo.system, search.again(geo.joints, geo.duration, geo.action, tol, max_points))
    return _tell(replace(finer, others=geo.others), 4)


def _as_curve(guess, x0, x1, name):
    x = as_states(guess, len(x0), name).copy()
    if x.ndim != 2:
        raise ValueError(f"{name} must be one curve (n, {len(x0)}), got shape {x.shape}")
    x[0], x[-1] = x0, x1
    if not length(x)[-1] > 0:
        raise ValueError(f"x0 and x1 must differ, or {name} must leave them")
    return x


def _need_autonomous(system, x):
    if not system.facts.autonomous(x, 0.0):
        raise ValueError(
            "system must not depend on time, for a free duration has no clock, and its drift or diffusion "
            "looks at t: where it does not matter, declare autonomous=True"
        )


def _result(system, found):
    return GeometricPath(
        found.x,
        length(found.x),
        found.action,
        found.converged and found.error <= found.bound,
        found.gradient_norm,
        found.n_iter,
        found.kind,
        found.error,
        (),
        found.joints,
        found.duration,
        system=system,
    )


def _tell(geo, stacklevel):
    """The curve, after a warning where it is not what was asked for."""
    if not geo.converged:
        falls = "; it still falls as more time is given" if geo.error >= geo.action else ""
        warnings.warn(
            f"geometric_path did not converge: action {geo.action:.4g} with an error of "
            f"{geo.error:.2g}{falls}, gradient norm {geo.gradient_norm:.2g}, {len(geo.x)} points. The action "
            "is an upper bound: try other guesses",
            NotConverged,
            stacklevel=stacklevel,
        )
    return geo
