"""The cheapest curves between states when time is free."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np

from ..inputs import as_a, as_count, as_positive, as_states
from ..lagrangian import Lagrangian, Mesh
from ..lagrangian.action import lacks_noise
from ..lagrangian.banded import pack, solve
from ..lagrangian.continuous import dot, product, times
from ..lagrangian.mesh import as_matrix
from ..lagrangian.potential import NAMES
from ..system import System
from .clock import length, respace
from .newton import NotConverged


@dataclass(frozen=True, eq=False)
class GeometricPath:
    """The cheapest curve between two states when its duration is free.

    Attributes
    ----------
    x : array (n_points, dim)
        At equal distances along the curve, to some percent.
    arclength : array (n_points,)
        Euclidean length from ``x0``.
    action : float
        Freidlin-Wentzell action, the least over all durations; dimensionless.
    converged : bool
    gradient_norm : float
        Largest force across the curve, one over state.
    n_iter : int
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
    t: None = None
    system: System = field(default=None, repr=False)

    def __repr__(self):
        done = "converged" if self.converged else "not converged"
        return f"<GeometricPath: {len(self.x)} points, length {self.arclength[-1]:.6g}, action {self.action:.6g}, {done}>"


def geometric_path(
    system, x0, x1, n_points=200, functional="freidlin-wentzell", guess=None,
    *, tol=1e-8, max_iter=500,
):
    """Least-action curve from ``x0`` to ``x1`` with free transition time.

    Parameters
    ----------
    system : System
        Its drift and noise must not depend on time.
    x0, x1 : array (dim,)
    n_points : int, optional
        Points on the curve, at least 3.
    functional : {"freidlin-wentzell"}
        Nothing else: see Raises.
    guess : array (n, dim), optional
        Starting curve, any number of points; the straight line if absent.
    tol : float, optional
        Convergence when the force across the curve is below ``tol`` times the largest momentum.
    max_iter : int, optional

    Returns
    -------
    GeometricPath

    Warns
    -----
    NotConverged
        Where the force across the curve stays. A curve that runs through an attractor has a corner
        there and the action no derivative: find its two legs separately.

    Raises
    ------
    ValueError
        For "onsager-machlup" or another U: over free time that action has no lower bound, for
        waiting where ``U = 1/2 div f`` is negative lowers it for ever. Also for a system that depends
        on time and for shapes that do not fit.

    Notes
    -----
    At fixed points of the curve the best durations ``h`` make the energy of every interval vanish;
    what is left is ``sum 1/2 (|dx| |f| - dx.f)`` in the metric 1/D, minimised by Newton's method in the
    directions across the curve. Source: Heymann and Vanden-Eijnden (2008).
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
    if guess is None:
        x = np.linspace(x0, x1, n)
    else:
        x = as_states(guess, system.dim, "guess").copy()
        if x.ndim != 2:
            raise ValueError(f"guess must be one curve (n, {system.dim}), got shape {x.shape}")
        x[0], x[-1] = x0, x1
    if not np.linalg.norm(np.diff(x, axis=0), axis=1).sum() > 0:
        raise ValueError("x0 and x1 must differ, or guess must leave them")
    _need_autonomous(system, x)
    if lacks_noise(Mesh(lagrangian, np.arange(len(x), dtype=float)), x):
        raise ValueError("diffusion must be positive definite: with noise on some variables, use least_action_path")
    curve = _Curve(lagrangian, respace(x, n), tol)
    curve.descend(max_iter)
    _need_autonomous(system, curve.x)
    if not curve.converged:
        speed = np.linalg.norm(system.drift(curve.x[1:-1], 0.0), axis=1)
        slowest = curve.x[1 + np.argmin(speed)]
        warnings.warn(
            f"geometric_path did not converge in {curve.n_iter} steps (gradient norm "
            f"{curve.gradient_norm:.2g}). A curve through an attractor has a corner there: the drift is "
            f"slowest at {slowest}; if that is near one, find the legs to and from it separately",
            NotConverged,
            stacklevel=2,
        )
    return GeometricPath(
        curve.x, length(curve.x), float(curve.action), bool(curve.converged),
        float(curve.gradient_norm), curve.n_iter, system=system,
    )


def _need_autonomous(system, x):
    if not system.facts.autonomous(x, 0.0):
        raise ValueError(
            "system must not depend on time, for a free duration has no clock, and its drift or diffusion "
            "looks at t: where it does not matter, declare autonomous=True"
        )


class _Curve:
    """Newton's method on the geometric action, in the directions across the curve."""

    def __init__(self, lagrangian, x, tol):
        self.lagrangian, self.tol = lagrangian, tol
        self.n_iter, self.damping = 0, 0.0
        self._expand(x)

    @property
    def converged(self):
        return self.gradient_norm <= self.tol * self.momentum

    def descend(self, max_iter, restarts=3):
        for self.n_iter in range(max_iter):
            if self.gradient_norm <= 1e-3 * self.tol * self.momentum:
                break
            step, promised = self._solve()
            trial = self.x.copy()
            trial[1:-1] += step
            spacing = np.linalg.norm(np.diff(trial, axis=0), axis=1)
            uneven = spacing.max() > 1.3 * spacing.min()
            if uneven:
                trial = respace(trial, len(trial))
            with np.errstate(all="ignore"):
                fall = self.action - self._mesh(trial).action(trial)
            settled = promised <= 1e-11 * self.action
            before = self.gradient_norm
            if fall > 1e-4 * promised or (settled and np.isfinite(fall)):
                self._expand(trial)
                if fall > 0.75 * promised or settled:
                    self.damping = self.damping / 8 if self.damping > 1e-10 else 0.0
            if not fall > 0.25 * promised and not settled:
                self.damping = 4 * self.damping or 1e-3
            # points moved along the curve are a little off it, which one more step mends
            if (settled and not uneven and self.gradient_norm > before / 2) or self.damping > 1e12:
                if self.converged or not restarts:
                    break
                restarts -= 1  # where a node sits badly, others may not
                self._expand(respace(self.x, len(self.x)))
                self.damping = 0.0

    def _mesh(self, x):
        """The curve on the durations that give every interval the energy zero."""
        mesh = Mesh(self.lagrangian, np.arange(len(x), dtype=float))
        mid, step = mesh.split(x)
        a = dot(step, times(self.lagrangian.metric(mid, mesh.t_mid)[0], step)) / 4
        b = self.lagrangian.terms(mid, np.zeros_like(mid), mesh.t_mid).L
        # where the drift vanishes an interval would take for ever; a millionth of |f| is enough
        return Mesh(self.lagrangian, mesh.t, np.sqrt(a / np.maximum(b, 1e-12 * b.max())))

    def _expand(self, x):
        """Take the curve over, with the action's derivatives across it."""
        mesh = self._mesh(x)
        terms = mesh.terms(x, order=1)
        v = mesh.split(x)[1]
        h = mesh.h[:, None]
        diagonal, upper = mesh.blocks(terms, self.lagrangian.bend(terms))
        # the durations follow the nodes: what they take off the second derivatives
        pull = times(terms.A, v)
        stiffness = np.sqrt(dot(v, pull) / (2 * mesh.h))[:, None]
        slope = -np.einsum("kil,ki->kl", product(terms.A, terms.M), v) / 2 - terms.L_x
        left, right = (slope / 2 - pull / (2 * h)) / stiffness, (slope / 2 + pull / (2 * h)) / stiffness
        diagonal -= right[:-1, :, None] * right[:-1, None] + left[1:, :, None] * left[1:, None]
        upper -= left[1:-1, :, None] * right[1:-1, None]

        across = _normals(x)
        self.x, self.across = x, across
        self.action = terms.L @ mesh.h
        self.momentum = np.abs(terms.p).max()
        self.gradient = np.einsum("kin,ki->kn", across, mesh.gradient(terms))
        self.gradient_norm = np.abs(self.gradient).max(initial=0.0)
        self.band = self._project(diagonal, upper)
        # damping by an elastic curve, of the mean stiffness of this one
        even = Mesh(self.lagrangian, np.arange(len(x)) * np.median(mesh.h))
        self.inertia = self._project(*even.inertia(as_matrix(terms.A)))

    def _project(self, diagonal, upper):
        Q = self.across
        QT = np.swapaxes(Q, -1, -2)
        return pack(QT @ diagonal @ Q, QT[:-1] @ upper @ Q[1:])

    def _solve(self):
        """The step of the inner nodes and the fall of the action it promises."""
        while True:
            matrix = self.band + self.damping * self.inertia if self.damping else self.band
            step = solve(matrix, -self.gradient)
            if step is not None:
                return np.einsum("kin,kn->ki", self.across, step), -np.vdot(self.gradient, step) / 2
            self.damping = 4 * self.damping or 1e-3


def _normals(x):
    """Orthonormal directions across the curve at its inner nodes: (n-2, dim, dim-1)."""
    tangent = x[2:] - x[:-2]
    tangent = tangent / np.linalg.norm(tangent, axis=1, keepdims=True)
    # the reflection that takes the tangent to the first axis takes the others across the curve
    sign = np.where(tangent[:, :1] < 0, -1.0, 1.0)
    w = tangent.copy()
    w[:, :1] += sign
    reflection = np.eye(x.shape[1]) - 2 * w[:, :, None] * w[:, None] / np.sum(w**2, axis=1)[:, None, None]
    return reflection[:, :, 1:]
