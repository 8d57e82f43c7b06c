"""The quasipotential on a grid in two dimensions."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np
from scipy.interpolate import RegularGridInterpolator
from scipy.ndimage import maximum_filter

from ..grid import Coarse
from ..inputs import as_a, as_box, as_count, as_states, brief
from ..paths import NotConverged
from ..system import System
from .sweep import PASSES, REACH, SEED, SETTLED, Sweep
from .taylor import cubic, curvature, quartic, rest_point

LEAST = 41  # nodes along a coordinate
ROUGH = 0.02  # median error, as a part of the level, that is worth a word


@dataclass(frozen=True, eq=False)
class Quasipotential:
    """The quasipotential of an attractor, on the nodes of a grid.

    Attributes
    ----------
    values : array (n, m)
        Dimensionless: states are reached at a rate like ``exp(-values)``. nan above ``level``.
    error : array (n, m)
        Estimated absolute errors, from a grid of half as many nodes.
    converged : bool
        Whether the last pass, on this grid and on that one, changed no value by over a millionth of the
        level.
    gradient : array (n, m, 2)
        The momentum with which the cheapest path arrives; ``f + 2 D gradient`` is its direction. Where
        two paths are equally cheap, that of one of them.
    axes : tuple of two arrays
        Coordinates of the nodes, the edges of the box among them.
    level : float
        Least value six nodes inside the edge of the box: above it a path through the outside
        might be cheaper.
    attractor : array (2,)
    system : System
    """

    values: np.ndarray
    error: np.ndarray
    converged: bool
    gradient: np.ndarray
    axes: tuple
    level: float
    attractor: np.ndarray
    system: System = field(repr=False)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)

    def __repr__(self):
        known = np.isfinite(self.values)
        return (
            f"<Quasipotential on {' x '.join(map(str, known.shape))} nodes: up to {self.level:.4g} on "
            f"{known.mean():.0%} of the box, error {np.median(self.error[known]):.2g}, at most "
            f"{self.error[known].max():.2g}{'' if self.converged else ', not converged'}>"
        )

    def at(self, x):
        """Values at states ``x`` (..., 2): cubic in each cell, nan where a corner of it is nan.

        Raises
        ------
        ValueError
            For states outside the box.
        """
        return hermite(self.axes, self.values, self.gradient, self._within(x))

    def error_at(self, x):
        """Estimated errors at states ``x`` (..., 2)."""
        x = self._within(x)
        return RegularGridInterpolator(self.axes, self.error)(x).reshape(x.shape[:-1])[()]

    def _within(self, x):
        x = as_states(x, 2, "x")
        box = np.array([axis[[0, -1]] for axis in self.axes])
        if ((x < box[:, 0]) | (x > box[:, 1])).any():
            raise ValueError(f"x must lie in the box {box.tolist()}, and a state lies outside")
        return x


def quasipotential(system, attractor, box, shape):
    """Quasipotential of a stable fixed point on a grid, in two dimensions.

    Parameters
    ----------
    system : System
        Two variables, constant regular D, nothing depends on time.
    attractor : array (2,), or FixedPoint
        A stable fixed point at least eight nodes inside the box. (Limit cycles are not covered.)
    box : array (2, 2) or (2,)
        Lower and upper limit of each coordinate, or of both.
    shape : int or pair of ints
        Number of nodes along each coordinate, at least 41.

    Returns
    -------
    Quasipotential
        ``.values``, ``.error``, ``.gradient`` on the nodes, ``.at(x)`` between them, and ``.level``, up
        to which they are known: take a larger box for more.

    Raises
    ------
    ValueError
        For other than two variables, a D that is singular or depends on the state, a system that
        depends on time, an attractor that is none or lies outside of the box or near its edge, a
        drift that is not finite in the box, a box or shape that does not fit.

    Warns
    -----
    Coarse
        Where half of the errors are more than 2 % of the level.
    NotConverged
        Where the values still change when the passes run out; ``.converged`` is False there, and the last
        change is part of ``.error``.

    Notes
    -----
    V(x) is the least Freidlin-Wentzell action ``int 1/4 (dx/dt - f) . D^-1 (dx/dt - f) dt`` of all
    paths from the attractor to x, of any duration. It solves ``f . grad V + grad V . D grad V = 0``;
    rates and the stationary density go like ``exp(-V)``, and V is proportional to 1/D. The literature
    writes the noise as ``sqrt(eps) dW``, the action as ``1/2 int |dx/dt - b|**2 dt`` and the rate as
    ``exp(-U / eps)``: then ``D = eps / 2`` and ``V = U / eps``. With a potential, ``f = -D grad phi``, and
    equally with a rotation along its level sets added, V is phi, up to the first saddle.

    Around the attractor V is its Taylor series to fourth order; from there line integrals over arcs
    of three cells, the values at their feet interpolated cubically, and Howard's policy iteration
    instead of an order of acceptance: all nodes at once, with as few as four solutions of a sparse
    linear system. Where V is smooth errors fall like about the second to fourth power of the width of
    the cells (1.7 to 4 was measured). ``.error`` is the change from half as many nodes, the largest
    nearby. On exact examples half of the estimates are more than 4 to 60 times too large, most of all near
    the level, where the coarser grid feels the edge of the box; and yet, where the drift turns, up to 9 %
    of the nodes are off by more than theirs, by up to twice as much. At a kink, where V changes from one
    path to another, errors are of first order and local.

    Source: Freidlin and Wentzell (2012), chapter 4; Cameron (2012), Physica D 241, 1532; Dahiya and
    Cameron (2018), J. Sci. Comput. 75, 1351 (ordered line integrals); Paskal and Cameron (2022), J. Sci.
    Comput. 91 (curved pieces, higher order); Howard (1960).
    """
    dim = as_a(System, system, "system").dim
    if dim != 2:
        raise ValueError(f"system must have two variables, got {dim}: see geometric_path")
    box = as_box(box, 2)
    shape = tuple(np.atleast_1d(np.asarray(shape, dtype=object)).tolist())
    if len(shape) > 2:
        raise ValueError(f"shape must be a number of nodes or two, got {brief(shape)}")
    shape = tuple(as_count(n, "shape", LEAST) for n in shape) * (3 - len(shape))
    D = system.constant_diffusion
    if D is None:
        raise ValueError("system must have noise that is constant, given as numbers: its D is a function")
    if np.linalg.cond(D) > 1e12:
        raise ValueError(
            "system must have noise on both variables, and its D is singular: see geometric_path"
        )
    start, A = rest_point(system, attractor, "attractor")
    if (growth := np.linalg.eigvals(A).real.max()) >= 0:
        raise ValueError(f"attractor must be stable, and deviations grow there at the rate {growth:.3g}")
    halves = [(n + 1) // 2 for n in shape]
    cells = (np.abs(start[:, None] - box) * [[n - 1] for n in shape] / np.ptp(box, axis=1)[:, None]).min()
    if ((start < box[:, 0]) | (start > box[:, 1])).any() or cells < SEED:
        raise ValueError(
            f"attractor must lie inside the box, at least {SEED:.0f} nodes from its edge: got "
            f"{np.round(start, 6).tolist()} in {box.tolist()}"
        )
    series = _series(system, start, D, curvature(A, D, "attractor"))
    x = np.stack(np.meshgrid(*[np.linspace(*limits, n) for limits, n in zip(box, shape)]), axis=-1)
    if not np.isfinite(system.drift(x, 0.0)).all():
        raise ValueError("system must have a finite drift all over the box, and somewhere it is not")
    if not system.facts.autonomous(x.reshape(-1, 2)[:: x.size // 128], 0.0):
        raise ValueError("system must not depend on time, and its drift looks at t")
    return _two_grids(system, D, box, (halves, shape), start, series)


def _two_grids(system, D, box, shapes, start, series):
    """The finer of two grids, started from the coarser, with what they differ by."""
    coarse, fine = (Sweep(lambda x: system.drift(x, 0.0), D, box, n, start, series) for n in shapes)
    coarse.along_edges()
    *_, at_first = coarse.settle()
    guess = RegularGridInterpolator(coarse.axes, coarse.grid(coarse.V))
    fine.V[fine.free] = guess(fine.x[fine.free])
    level, change, settled = fine.settle()
    V, p, rough = fine.grid(fine.V), fine.grid(fine.p), coarse.grid(coarse.V)
    at = np.stack(np.meshgrid(*coarse.axes, indexing="ij"), axis=-1)
    gap = np.abs(hermite(fine.axes, V, p, at) - rough)
    gap[~np.isfinite(gap)] = -1.0
    while (gap < 0).any():  # where nothing is to be compared, take the largest error beside it
        gap = np.where(gap < 0, maximum_filter(gap, 3, mode="nearest"), gap)
    spread = RegularGridInterpolator(coarse.axes, maximum_filter(gap, 3, mode="nearest"))
    error = spread(fine.grid(fine.x)) + max(change, SETTLED * level)
    above = level < V
    above[: 2 * REACH], above[-2 * REACH :], above[:, : 2 * REACH], above[:, -2 * REACH :] = (True,) * 4
    V[above], error[above], p[above] = np.nan, np.nan, np.nan
    if (usual := np.nanmedian(error)) > ROUGH * level:
        warnings.warn(
            f"half of the errors are over {usual:.2g}, of values up to {level:.4g}: take more nodes",
            Coarse,
            stacklevel=3,
        )
    converged = at_first and settled
    if not converged:
        warnings.warn(
            f"quasipotential: after {PASSES} passes values still change, by {change:.2g} of values up to "
            f"{level:.4g}: take another shape, or a larger box",
            NotConverged,
            stacklevel=3,
        )
    return Quasipotential(V, error, converged, p, fine.axes, float(level), start, system)


def _series(system, x, D, P):
    """Value, gradient and fourth-order term of the quasipotential as functions of the step from ``x``."""
    T = cubic(system, x, P, D)
    Q = quartic(system, x, P, D, T)

    def series(z):
        once, twice = np.einsum("ijk,...k->...ij", T, z), np.einsum("ijkl,...k,...l->...ij", Q, z, z)
        values = [np.einsum("...ij,...i,...j", M, z, z) for M in (P / 2 + once / 6, twice / 24)]
        return sum(values), np.einsum("...ij,...j->...i", P + once / 2 + twice / 6, z), values[1]

    return series


def hermite(axes, values, gradient, x):
    """Cubic interpolation in each cell from values and gradients at its corners (Adini's element)."""
    width = np.array([axis[1] - axis[0] for axis in axes])
    place = (x - [axis[0] for axis in axes]) / width
    place = np.where(np.abs(place - np.round(place)) < 1e-9, np.round(place), place)
    cell = np.minimum(np.floor(place).astype(int), np.array(values.shape) - 2)
    u = 2 * (place - cell) - 1  # -1 to 1
    total = np.zeros(x.shape[:-1])
    for corner in np.ndindex(2, 2):
        sign = 2 * np.array(corner) - 1
        a, b = np.moveaxis(1 + sign * u, -1, 0)
        at = tuple(np.moveaxis(cell + corner, -1, 0))
        slope = gradient[at] * sign * width / 2
        part = (a + b - (u**2).sum(axis=-1)) * values[at]
        part += a * (a - 2) * slope[..., 0] + b * (b - 2) * slope[..., 1]
        total += np.where(a * b == 0, 0.0, a * b * part / 8)
    return total[()]
