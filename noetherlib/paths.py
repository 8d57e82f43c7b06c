"""Least-action paths: damped Newton on the midpoint action, every step a banded Cholesky."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace

import numpy as np

from .geometric import respace
from .inputs import as_a, as_count, as_positive, as_states, as_times
from .lagrangian import Lagrangian, Mesh, as_paths, finite_action
from .newton import Newton, NotConverged
from .system import System

PATIENCE = 40  # Newton steps before a path is taken for a hard case
CHUNK = 8192  # numbers of state per sweep: a batch is solved in pieces that stay in the cache


@dataclass(frozen=True, eq=False)
class Path:
    """A path of least action, or a batch of them: leading axes ``...`` as the end points had them.

    Attributes
    ----------
    t : array (n_times,)
    x : array (..., n_times, dim)
    action : float or array (...)
        Dimensionless.
    converged : bool or array (...)
        Whether the gradient fell to its tolerance.
    gradient_norm : float or array (...)
        Largest jump of the momentum at a node: the residual of the Euler-Lagrange equation.
    n_iter : int or array (...)
        Newton steps taken.
    functional : str or callable
    momentum : array (..., n_times, dim)
        Discrete momentum ``D2 L_d`` at the nodes, one over state: conserved exactly along every
        direction the system is invariant under.
    energy : array (..., n_times - 1)
        ``E = p.v - L`` on the intervals, one over time.
    t_mid : array (n_times - 1,)
    kind : str or array (...) of str
        "minimum" or "saddle" of the action, or "undetermined" where roundoff hides the sign.
    others : tuple of Path
        What the other guesses led to, by rising action; those that did not converge last.
    error : float or None
        Estimated error of the action, set by `refine`.
    system : System
    """

    t: np.ndarray
    x: np.ndarray
    action: float | np.ndarray
    converged: bool | np.ndarray
    gradient_norm: float | np.ndarray
    n_iter: int | np.ndarray
    functional: object
    momentum: np.ndarray
    energy: np.ndarray
    t_mid: np.ndarray
    kind: str | np.ndarray
    others: tuple = ()
    error: float | None = None
    system: System = field(default=None, repr=False)

    _batched = ("x", "action", "converged", "gradient_norm", "n_iter", "momentum", "energy", "kind")

    def __len__(self):
        if self.x.ndim == 2:
            raise TypeError("a single path has no length; len(path.t) is its number of times")
        return len(self.x)

    def __getitem__(self, index):
        """One path of a batch, or a smaller batch."""
        if self.x.ndim == 2:
            raise IndexError("this is a single path, not a batch")
        picked = {name: getattr(self, name)[index] for name in self._batched}
        return replace(self, **picked, others=tuple(other[index] for other in self.others))

    def __repr__(self):
        batch = "" if self.x.ndim == 2 else f"batch {self.x.shape[:-2]}, "
        return (
            f"<Path: {batch}{len(self.t)} times from {self.t[0]:.6g} to {self.t[-1]:.6g}, "
            f"action {self.action}, {self.kind}, converged {self.converged}>"
        )


def least_action_path(
    system, x0, x1, t, functional="onsager-machlup", guess=None, guesses=None,
    *, tol=1e-8, max_iter=2000,
):
    """Most likely path(s) from ``x0`` to ``x1`` in given time: a minimum of the action.

    Parameters
    ----------
    system : System
    x0, x1 : array (..., dim)
        End points; leading axes broadcast to a batch. A number will do in one dimension.
    t : array (n_times,)
        Strictly increasing times, at least three, not necessarily uniform.
    functional : {"onsager-machlup", "freidlin-wentzell"} or callable ``U(x, t)``
    guess : array (..., n_times, dim), optional
        Starting path; its end points are replaced by ``x0`` and ``x1``. The straight line if absent.
    guesses : sequence of such arrays, optional
        Alternatives for the same path: the one of least action is returned, the others are listed
        in ``path.others``.
    tol : float, optional
        The path has converged when the momentum jumps by less than ``tol`` times its largest
        value at every node (or by roundoff). Steps go on to roundoff where they still help.
    max_iter : int, optional
        Most Newton steps to take.

    Returns
    -------
    Path

    Warns
    -----
    NotConverged
        Where ``max_iter`` steps were not enough; ``path.converged`` is False there.

    Raises
    ------
    ValueError
        For shapes that do not fit, times that do not increase, numbers that are not finite, a
        drift that is not finite along the guess, an unknown functional.

    Notes
    -----
    Midpoint rule, error O(h^2). Newton's method on the block-tridiagonal second derivative, damped
    by the free particle's kinetic energy where it is not positive definite or the action would
    not fall. Source of the functionals: Onsager and Machlup (1953), Freidlin and Wentzell (1984);
    of the discretisation: Marsden and West (2001).
    """
    as_a(System, system, "system")
    t = as_times(t, minimum=3)
    x0, x1 = as_states(x0, system.dim, "x0"), as_states(x1, system.dim, "x1")
    tol, max_iter = as_positive(tol, "tol"), as_count(max_iter, "max_iter", 0)
    mesh = Mesh(Lagrangian(system, functional), t)
    if guess is not None and guesses is not None:
        raise ValueError("guess and guesses are alternatives: give one of them")
    if guesses is None:
        names, starts = ["guess"], [guess]
    else:
        starts = list(guesses) if np.iterable(guesses) else []
        names = [f"guesses[{i}]" for i in range(len(starts))]
        if not starts:
            raise ValueError(f"guesses must be a sequence of at least one path, got {guesses!r}")
    line = (t - t[0])[:, None] / (t[-1] - t[0])
    starts = [
        x0[..., None, :] + line * (x1 - x0)[..., None, :] if start is None
        else as_paths(start, len(t), system.dim, name)
        for name, start in zip(names, starts)
    ]
    try:
        lead = np.broadcast_shapes(x0.shape[:-1], x1.shape[:-1], *(s.shape[:-2] for s in starts))
    except ValueError:
        raise ValueError(
            f"x0, x1 and guess must broadcast over their leading axes, got {x0.shape[:-1]}, "
            f"{x1.shape[:-1]} and {[s.shape[:-2] for s in starts]}"
        ) from None
    x = np.empty((len(starts), *lead, len(t), system.dim))
    for i, start in enumerate(starts):
        x[i] = start
    x[..., 0, :], x[..., -1, :] = x0, x1
    finite_action(mesh, x)

    flat = x.reshape(-1, len(t), system.dim)
    size = max(1, CHUNK // flat[0].size)
    parts = [_solve(mesh, flat[i : i + size], tol, max_iter) for i in range(0, len(flat), size)]
    joined = {key: np.concatenate([part[key] for part in parts]) for key in Path._batched}
    shaped = {key: a.reshape(x.shape[:-2] + a.shape[1:]) for key, a in joined.items()}
    path = Path(t=t, t_mid=mesh.t_mid, functional=mesh.lagrangian.name, system=system, **shaped)

    order = np.argsort(np.where(path.converged, path.action, np.inf), axis=0, kind="stable")
    ranked = [path[_pick(order, rank)] for rank in range(len(starts))]
    best = replace(ranked[0], others=tuple(ranked[1:]))
    if not np.all(best.converged):
        advice = (
            "a path ran off to infinity, where this action has no lower bound"
            if np.abs(best.x).max() > 1e5 * (1 + np.abs(x).max())
            else "try another guess, a finer mesh or more steps"
        )
        warnings.warn(
            f"least_action_path: {np.sum(~np.asarray(best.converged))} of {max(1, np.size(best.converged))} "
            f"paths did not converge, after up to {np.max(best.n_iter)} steps (gradient norm up to "
            f"{np.max(best.gradient_norm):.2g}); {advice}",
            NotConverged,
            stacklevel=2,
        )
    return best


def refine(path, tol=1e-6, *, max_points=200_000):
    """The same path on a mesh fine enough for its action, with points where it needs them.

    Parameters
    ----------
    path : Path
        A single path; a batch shares its times and cannot be refined as one.
    tol : float, optional
        Error of the action to reach. With ``inf`` the path keeps its mesh and gets its estimate.
    max_points : int, optional
        Most times the mesh may have.

    Returns
    -------
    Path
        ``error`` holds the estimate, the larger of two: what the midpoint rule misses of the action of
        a smooth curve through the nodes, and 4/3 of the change of the action on a mesh of twice as many
        intervals. A path that is good enough comes back on its own mesh.

    Warns
    -----
    NotConverged
        Where ``max_points`` were not enough for ``tol`` or the path did not converge.

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
    if as_a(Path, path, "path").x.ndim != 2:
        raise ValueError(f"path must be a single path, got a batch of shape {path.x.shape[:-2]}")
    tol = np.inf if np.ndim(tol) == 0 and tol == np.inf else as_positive(tol, "tol")
    max_points = as_count(max_points, "max_points", 3)
    tries = 2  # to make a path converge whose action is settled
    while True:
        curve, missed = _smooth(path)
        t = _share(path, missed, 2 * len(path.t) - 1)
        x = curve(t)
        mesh = Mesh(Lagrangian(path.system, path.functional), t)
        if _is_autonomous(mesh, x):
            t, x = _follow(mesh, x, min(tol, missed.sum()))
        finer = _again(path, t, x, max_iter=PATIENCE)  # on the way a path need not be exact
        error = float(max(missed.sum(), abs(finer.action - path.action) * 4 / 3))
        if error <= tol and not path.converged and tries:
            tries -= 1
            path = _again(path, path.t, path.x)
            path = path if path.converged else finer
            continue
        path = replace(path, error=error)
        if error <= tol or len(t) > max_points:
            break
        path = finer
    if error > tol or not path.converged:
        warnings.warn(
            f"refine: error {error:.2g} for a tolerance of {tol:.2g} with {len(path.t)} times, "
            f"gradient norm {path.gradient_norm:.2g}, converged {path.converged}",
            NotConverged,
            stacklevel=2,
        )
    return path


def _again(path, t, x, **options):
    """The path solved anew on the times ``t`` from ``x``, without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConverged)
        return least_action_path(path.system, path.x[0], path.x[-1], t, path.functional, x, **options)


def _smooth(path, points=8):
    """Cubic curve through the nodes of a path, and the action that each interval misses of it."""
    from scipy.interpolate import CubicHermiteSpline

    system, lagrangian = path.system, Lagrangian(path.system, path.functional)
    t, h = path.t, np.diff(path.t)
    # on the nodes the velocity follows from the momentum: v = f + 2 D p
    D = system.diffusion(path.x, t)
    v = system.drift(path.x, t) + 2 * np.einsum("kij,kj->ki", D, path.momentum)
    curve = CubicHermiteSpline(t, path.x, v)
    node, weight = np.polynomial.legendre.leggauss(points)
    inner = path.t_mid[:, None] + h[:, None] / 2 * node
    terms = lagrangian.terms(curve(inner), curve.derivative()(inner), inner)
    own = Mesh(lagrangian, t).terms(path.x).value * h
    return curve, np.abs(terms.value @ weight * h / 2 - own)


def _share(path, missed, n):
    """``n`` times: most of them shared out by what the rule misses, the rest by length and time."""
    h, length = np.diff(path.t), np.linalg.norm(np.diff(path.x, axis=0), axis=1)
    need = missed ** (1 / 3)  # an interval misses h**3
    parts = [(8, need), (1, length), (1, h)]
    weight = sum(share * part / part.sum() for share, part in parts if part.sum() > 0)
    t = np.interp(np.linspace(0, 1, n), np.append(0, np.cumsum(weight)) / weight.sum(), path.t)
    t[0], t[-1] = path.t[0], path.t[-1]
    return t


def _pick(order, rank):
    """Index that takes, for every member of the batch, its guess of the given rank."""
    lead = np.indices(order.shape[1:], sparse=True)
    return (order[rank], *lead)


def _solve(mesh, x, tol, max_iter):
    """Least-action paths from the starts ``x`` (batch, n_times, dim), as the batched fields of `Path`."""
    newton = Newton(mesh, x, tol)
    if not newton.finite.all():
        raise ValueError(
            "jacobian and hessian must be finite along the guess, as must the derivatives of the "
            "diffusion and of the functional"
        )
    newton.descend(min(max_iter, PATIENCE))
    if max_iter > PATIENCE and not newton.converged.all():
        stuck = np.flatnonzero(~newton.converged)
        if _is_autonomous(mesh, newton.x[stuck]):
            eased = np.stack([_ease(mesh, newton.x[k]) for k in stuck])
            lower = mesh.action(eased) < newton.action[stuck]
            newton.expand(stuck[lower], eased[lower])
            newton.damping[stuck[lower]] = 0
            newton.descend(PATIENCE)
            newton.slide()
        newton.descend(max_iter - PATIENCE)
        newton.polish()
    terms = mesh.terms(newton.x, order=1)
    left, right = mesh.ends(terms)
    return {
        "x": newton.x,
        "action": newton.action,
        "converged": newton.converged,
        "gradient_norm": newton.gradient_norm,
        "n_iter": newton.n_iter,
        "momentum": np.concatenate([left[:, :1], right], axis=1),
        "energy": terms.energy,
        "kind": newton.kinds(),
    }


def _is_autonomous(mesh, x):
    """Whether the Lagrangian does not change when the clock along the paths ``x`` does."""
    mid, v = mesh.split(x)
    here, there = (mesh.lagrangian.terms(mid, v, t).value for t in (mesh.t_mid, mesh.t_mid[::-1]))
    return np.array_equal(here, there)


def _ease(mesh, x, rounds=40):
    """A better start for a long or steep path: nodes evenly spread in state, not in time.

    Long paths rest, and when they leave costs almost nothing: Newton's method creeps along that
    valley. Here the nodes keep their distance along the curve and the *times* move too.
    """
    best = np.inf
    for _ in range(rounds):
        t, x, action, scale = _retimed(mesh, respace(x, len(mesh.t)), 10)
        if not action < best - 1e-6 * scale:
            break
        best = action
    return np.stack([np.interp(mesh.t, t, column) for column in x.T], axis=-1)


def _follow(mesh, x, trust, rounds=30):
    """Times and states of a mesh that moves with the path ``x``, until the action falls no more.

    A fall of more than ``trust`` is no longer the path's but the rule's, which long intervals cheat;
    the first rounds, which undo the pinning, are free.
    """
    before, fall = np.inf, 0.0
    for i in range(rounds):
        t, x, action, scale = _retimed(mesh, x, 5)
        drop, before = before - action, action
        fall += drop if i > 2 else 0.0
        if drop <= 1e-9 * scale or fall > trust:
            break
    return t, x


def _retimed(mesh, x, steps):
    """One round of moving the times, then the states: both, the action and its scale."""
    t = _retime(mesh, x)
    newton = Newton(Mesh(mesh.lagrangian, t), x[None], 1e-8)
    if newton.finite.all():
        newton.descend(steps)
    return t, newton.x[0], newton.action[0], newton.scale[0]


def _retime(mesh, x):
    """The times of least action for the nodes ``x``, with the mesh's own first and last.

    At fixed nodes the action is ``sum a/h + b h``, least for equal energies: ``h = sqrt(a / (b + E))``, with
    E such that the times add up.
    """
    lagrangian, start, end = mesh.lagrangian, mesh.t[0], mesh.t[-1]
    mid, step = (x[1:] + x[:-1]) / 2, np.diff(x, axis=0)
    rest = lagrangian.terms(mid, np.zeros_like(mid), mesh.t_mid).value
    A = lagrangian.metric(mid, mesh.t_mid)
    a = np.einsum("ki,ki->k", step, (A @ step[..., None])[..., 0]) / 4
    a = np.maximum(a, 1e-12 * a.max() + 1e-300)

    def durations(log_energy):
        return np.sqrt(a / (rest - rest.min() + np.exp(log_energy)))

    span = end - start
    # h lies between sqrt(a / (b_max + E)) and sqrt(a / E): E is bracketed by the sums of both
    high = 2 * np.log(np.sqrt(a).sum() / span) + 1
    low = high - 10
    while durations(low).sum() < span:
        low -= 10
    for _ in range(60):
        energy = (low + high) / 2
        low, high = (energy, high) if durations(energy).sum() > span else (low, energy)
    t = start + np.concatenate([[0], np.cumsum(durations(energy))])
    t[-1] = end
    return t
