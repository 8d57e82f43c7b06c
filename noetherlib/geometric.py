"""Where the noiseless flow rests, and the cheapest curves between states when time is free."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np

from .inputs import as_a, as_box, as_count, as_number, as_positive, as_states
from .lagrangian import NAMES, Lagrangian, Mesh
from .newton import NotConverged, assemble, solve
from .system import System


@dataclass(frozen=True, eq=False)
class FixedPoint:
    """A state where the drift vanishes.

    Attributes
    ----------
    x : array (dim,)
    eigenvalues : complex array (dim,)
        Of the drift's Jacobian there, one over time, by falling real part.
    kind : str
        "stable", "saddle" or "source"; "marginal" where a real part is zero to roundoff.
    """

    x: np.ndarray
    eigenvalues: np.ndarray
    kind: str

    @property
    def stable(self):
        """Whether every small deviation decays."""
        return self.kind == "stable"


def fixed_points(system, box, t=0.0, *, starts=4096):
    """Fixed points of the drift inside a box, with their stability.

    Parameters
    ----------
    system : System
    box : array (dim, 2) or (2,)
        Lower and upper limit of each coordinate, or of all.
    t : float, optional
        The time at which a drift that depends on it is frozen.
    starts : int, optional
        Number of starting points, spread evenly over the box.

    Returns
    -------
    list of FixedPoint
        Stable ones first, then by their coordinates. Points whose basin under Newton's method no
        start hits can be missed: raise ``starts`` where the drift is steep.

    Raises
    ------
    ValueError
        For a box of the wrong shape or with lower >= upper.

    Notes
    -----
    Newton's method, damped to reduce ``|f|``, from a low-discrepancy set of starts.
    """
    as_a(System, system, "system")
    box = as_box(box, system.dim)
    starts = as_count(starts, "starts")
    t = as_number(t, "t")
    low, high = box.T
    # additive recurrence on the root of x^(d+1) = x + 1: spreads evenly in any dimension
    root = 2.0
    for _ in range(60):
        root = (1 + root) ** (1 / (system.dim + 1))
    fractions = (0.5 + np.outer(np.arange(starts), root ** -np.arange(1.0, system.dim + 1))) % 1
    x = low + fractions * (high - low)
    with np.errstate(all="ignore"):
        x = _root(system, x, t, (high - low) / 4)
        f = system.drift(x, t)
        J = system.jacobian(x, t)
    margin = 1e-9 * (high - low)
    inside = ((x >= low - margin) & (x <= high + margin)).all(axis=-1)
    stiffness = np.abs(J).max(axis=(-1, -2))
    rests = np.abs(f).max(axis=-1) <= 1e-10 * (1 + stiffness * np.abs(x).max(axis=-1))
    found = []
    for candidate in x[inside & rests]:
        if all(np.abs((candidate - other) / (high - low)).max() > 1e-6 for other in found):
            found.append(candidate)
    points = [_classify(system, point, t) for point in found]
    return sorted(points, key=lambda p: (not p.stable, *np.round(p.x, 9)))


def _root(system, x, t, reach, steps=100):
    """Newton's method on the drift from many starts at once; each step halves until |f| falls."""
    f = system.drift(x, t)
    for _ in range(steps):
        norm = np.abs(f).max(axis=-1)
        if not (norm > 0).any():
            break
        J = system.jacobian(x, t)
        # least squares, lightly damped, so that a singular Jacobian does no harm
        JT = np.swapaxes(J, -1, -2)
        ridge = 1e-14 * (1e-300 + np.einsum("...ij,...ij->...", J, J))[..., None, None]
        step = -np.linalg.solve(JT @ J + ridge * np.eye(system.dim), JT @ f[..., None])[..., 0]
        step = np.clip(step, -reach, reach)
        scale = np.ones(len(x))
        for _ in range(12):
            trial = x + scale[:, None] * step
            g = system.drift(trial, t)
            worse = ~(np.abs(g).max(axis=-1) < norm) & (norm > 0)
            if not worse.any():
                break
            scale[worse] /= 2
        better = ~worse
        x, f = np.where(better[:, None], trial, x), np.where(better[:, None], g, f)
        if not (better & (np.abs(step).max(axis=-1) * scale > 1e-15 * np.abs(x).max(axis=-1))).any():
            break
    return x


def _classify(system, x, t):
    eigenvalues = np.linalg.eigvals(system.jacobian(x, t))
    eigenvalues = eigenvalues[np.argsort(-eigenvalues.real, kind="stable")]
    real = eigenvalues.real
    if (np.abs(real) <= 1e-9 * np.abs(eigenvalues).max()).any():
        kind = "marginal"
    else:
        kind = "stable" if (real < 0).all() else "source" if (real > 0).all() else "saddle"
    return FixedPoint(x, eigenvalues, kind)


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
    for clock in (0.0, 1.0, np.pi):
        if not np.array_equal(system.drift(x, clock), system.drift(x, 0.0)) or not np.array_equal(
            system.diffusion(x, clock), system.diffusion(x, 0.0)
        ):
            raise ValueError("system must not depend on time: a free duration has no clock")
    curve = _Curve(lagrangian, respace(x, n), tol)
    curve.descend(max_iter)
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
        curve.x, _length(curve.x), float(curve.action), bool(curve.converged),
        float(curve.gradient_norm), curve.n_iter, system=system,
    )


def _length(x):
    return np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(x, axis=0), axis=1))])


def respace(x, n):
    """``n`` points at equal distances along the curve ``x`` (points, dim)."""
    from scipy.interpolate import PchipInterpolator  # slow to load, seldom used

    length = _length(x)
    new = np.append(True, np.diff(length) > 0)  # a point that repeats its neighbour adds nothing
    spaced = PchipInterpolator(length[new], x[new])(np.linspace(0, length[-1], n))
    spaced[0], spaced[-1] = x[0], x[-1]
    return spaced


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
        A = self.lagrangian.metric(mid, mesh.t_mid)
        a = np.einsum("ki,ki->k", step, (A @ step[..., None])[..., 0]) / 4
        b = self.lagrangian.terms(mid, np.zeros_like(mid), mesh.t_mid).value
        # where the drift vanishes an interval would take for ever; a millionth of |f| is enough
        mesh.h = np.sqrt(a / np.maximum(b, 1e-12 * b.max()))
        return mesh

    def _expand(self, x):
        """Take the curve over, with the action's derivatives across it."""
        mesh = self._mesh(x)
        terms = mesh.terms(x, order=2)
        v = mesh.split(x)[1]
        h = mesh.h[:, None]
        diagonal, upper = mesh.blocks(terms)
        # the durations follow the nodes: what they take off the second derivatives
        pull = (terms.metric @ v[..., None])[..., 0]
        stiffness = np.sqrt(np.einsum("ki,ki->k", v, pull) / (2 * mesh.h))[:, None]
        drag = -np.einsum("kil,ki->kl", terms.twist, v) / 2 - terms.dx
        left, right = (drag / 2 - pull / (2 * h)) / stiffness, (drag / 2 + pull / (2 * h)) / stiffness
        diagonal -= right[:-1, :, None] * right[:-1, None] + left[1:, :, None] * left[1:, None]
        upper -= left[1:-1, :, None] * right[1:-1, None]

        across = _normals(x)
        self.x, self.across = x, across
        self.action = terms.value @ mesh.h
        self.momentum = np.abs(terms.p).max()
        self.gradient = np.einsum("kin,ki->kn", across, mesh.gradient(terms))
        self.gradient_norm = np.abs(self.gradient).max(initial=0.0)
        self.band = self._project(diagonal, upper)
        # damping by an elastic curve, of the mean stiffness of this one
        even = Mesh(self.lagrangian, np.arange(len(x)) * np.median(mesh.h))
        self.inertia = self._project(*even.inertia(x))

    def _project(self, diagonal, upper):
        Q = self.across
        QT = np.swapaxes(Q, -1, -2)
        return assemble(QT @ diagonal @ Q, QT[:-1] @ upper @ Q[1:])

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
