"""Least-action paths: damped Newton on the midpoint action."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from ..inputs import as_a, as_count, as_positive, as_states, as_times, brief
from ..lagrangian import Lagrangian, Mesh
from ..lagrangian.action import as_paths, finite_action, lacks_noise
from ..lagrangian.continuous import largest
from ..lagrangian.path import Path, described
from ..system import System, tell_outside
from .breaks import WIDTHS, NotSmooth, find_breaks, smoothed
from .degenerate import solve_degenerate
from .krylov import PRODUCTS, by_products, solve_by_products
from .minimise import minimise
from .newton import NotConverged
from .starts import better_starts

CHUNK = 8192  # numbers of state per sweep: a batch is solved in pieces that stay in the cache


def least_action_path(
    system,
    x0,
    x1,
    t,
    functional="onsager-machlup",
    guess=None,
    guesses=None,
    *,
    tol=1e-8,
    max_iter=2000,
    method=None,
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
    method : {"banded", "newton-cg"}, optional
        How Newton's steps are found: by factorising second derivatives, or by conjugate gradients, from
        products and in memory of the order of the path. The second from 256 variables on where absent,
        if the system has ``vjp``; it knows constant diagonal D alone, and tries no starts but those given.

    Returns
    -------
    Path

    Warns
    -----
    NotConverged
        Where ``max_iter`` steps were not enough; ``path.converged`` is False there.
    OutsideData
        Where a system learned from samples is followed to states that had none.

    Raises
    ------
    ValueError
        For shapes that do not fit, times that do not increase, numbers that are not finite, a
        drift that is not finite along the guess, an unknown functional; and, with noise on some
        variables, an end that the noise cannot reach along the guess (the message says which
        combination of variables is out of reach).

    Notes
    -----
    With noise on some variables alone (D singular) the paths are those that follow the drift where
    there is no noise, ``dx = h (f + 2 D p)`` on each interval, and p is a variable of its own: noise is
    added where there is none and taken away in steps, then Newton's method solves Hamilton's equations
    to roundoff. ``path.constraint`` says by how much the first is missed, which is roundoff unless
    the path did not converge; ``path.kind`` is that among the paths which the noise allows.

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
            raise ValueError(f"guesses must be a sequence of at least one path, got {brief(guesses)}")
    line = (t - t[0])[:, None] / (t[-1] - t[0])
    starts = [
        x0[..., None, :] + line * (x1 - x0)[..., None, :]
        if start is None
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
    if 0 in lead:
        raise ValueError(f"x0, x1 and guess must hold at least one path, got leading axes {lead}")
    x = np.empty((len(starts), *lead, len(t), system.dim))
    for i, start in enumerate(starts):
        x[i] = start
    x[..., 0, :], x[..., -1, :] = x0, x1
    regular = not (products := by_products(mesh, method)) and not lacks_noise(mesh, x)
    path = _paths(
        mesh, x, tol, max_iter, solve_by_products if products else _solve if regular else solve_degenerate
    )
    best = _ranked(path) if len(starts) > 1 else path[0]
    if regular and max_iter:
        best = _mind_breaks(mesh, _improve(mesh, best, tol, max_iter), tol, max_iter)
    if not np.all(best.converged):
        advice = (
            "a path ran off to infinity, where this action has no lower bound"
            if np.abs(best.x).max() > 1e5 * (1 + np.abs(x).max())
            else f"its valley is too flat for {PRODUCTS} products: try another guess or a finer mesh"
            if products and np.max(best.n_iter) < max_iter
            else "try another guess, a finer mesh or more steps"
        )
        warnings.warn(
            f"least_action_path: {np.sum(~np.asarray(best.converged))} of {max(1, np.size(best.converged))} "
            f"paths did not converge, after up to {np.max(best.n_iter)} steps (gradient norm up to "
            f"{np.max(best.gradient_norm):.2g}); {advice}",
            NotConverged,
            stacklevel=2,
        )
    tell_outside(system, best.x, "least_action_path")
    return best


def nearest_path(mesh, x, tol=1e-8, max_iter=2000):
    """The path that the start ``x`` (n_times, dim) leads to, whatever others there are."""
    regular = not lacks_noise(mesh, x)
    path = _paths(mesh, x, tol, max_iter, _solve if regular else solve_degenerate)
    return _mind_breaks(mesh, path, tol, max_iter) if regular else path


def _paths(mesh, x, tol, max_iter, solve):
    """A `Path` from the starts ``x`` (..., n_times, dim), each by itself."""
    if solve is solve_by_products:
        finite_action(mesh, x)
    flat = x.reshape(-1, *x.shape[-2:])
    size = max(1, CHUNK // flat[0].size)
    parts = [solve(mesh, flat[i : i + size], tol, max_iter) for i in range(0, len(flat), size)]
    joined = {
        key: np.concatenate([part[key] for part in parts]) if len(parts) > 1 else parts[0][key]
        for key in Path._batched
    }
    shaped = {key: a.reshape(x.shape[:-2] + a.shape[1:])[()] for key, a in joined.items()}
    lagrangian = mesh.lagrangian
    return Path(t=mesh.t, t_mid=mesh.t_mid, functional=lagrangian.name, system=lagrangian.system, **shaped)


def _improve(mesh, path, tol, max_iter):
    """The paths, those replaced for which the noiseless flow leads to less action."""
    lead = path.x.shape[:-2]
    which, starts = better_starts(mesh, path.x.reshape(-1, *path.x.shape[-2:]), np.ravel(path.action))
    if not len(which):
        return path
    fields = {
        name: np.array(getattr(path, name)).reshape(-1, *np.shape(getattr(path, name))[len(lead) :])
        for name in Path._batched
    }
    found = _solve(mesh, starts, tol, max_iter)
    less = found["action"] < fields["action"][which] - 1e-9 * (1 + np.abs(fields["action"][which]))
    less &= largest(found["x"], (1, 2)) < 1e5 * (1 + largest(starts, (1, 2)))
    for name, value in fields.items():
        value[which[less]] = found[name][less]
    return replace(
        path, **{name: value.reshape(lead + value.shape[1:])[()] for name, value in fields.items()}
    )


def _mind_breaks(mesh, path, tol, max_iter):
    """The paths, none called a minimum where the drift jumps or kinks under it; a warning tells where."""
    lead, dim = path.x.shape[:-2], path.x.shape[-1]
    flat = path.x.reshape(-1, *path.x.shape[-2:])
    breaks = find_breaks(mesh, flat)
    broken = np.array([bool(each) for each in breaks])
    if not broken.any():
        return path
    kind = np.where(broken & (np.ravel(path.kind) != "saddle"), "undetermined", np.ravel(path.kind))
    path = replace(path, kind=kind.reshape(lead)[()])
    time, state, name = min((one for each in breaks for one in each), key=lambda one: one[2] != "jump")
    places = np.unique([round(float(x[0]), 6) for each in breaks for _, x, what in each if what == "jump"])
    said = "that no sum over a mesh has right: the action may be too high"
    if name == "jump" and dim == 1 and not lead:
        path = _smooth(mesh, path, places, tol, max_iter)
        said = f"which was smoothed; its action has an error of about {path.error:.2g}"
    elif name == "kink":
        said = "which is no minimum that second derivatives could tell"
    warnings.warn(
        f"least_action_path: the drift has a {name} under {broken.sum()} of {len(broken)} paths, near "
        f"t = {time:.4g}, x[0] = {state[0]:.4g}, {said}",
        NotSmooth,
        stacklevel=3,
    )
    return path


def _smooth(mesh, path, places, tol, max_iter):
    """A path in one dimension over jumps at ``places``: least action as they are smoothed less and less."""
    x, actions, reach = path.x, [], np.ptp(path.x)
    for width in WIDTHS:
        system = smoothed(mesh.lagrangian.system, places, width * reach)
        soft = Mesh(Lagrangian(system, mesh.lagrangian.name), mesh.t)
        found = minimise(soft, x[None], tol, max_iter)
        x = found.x[0]
        actions.append(float(found.action[0]))
    fields = _describe(soft, found)
    error = 2 * max(abs(np.diff(actions[-3:])))
    return replace(
        path, **{name: value[0] for name, value in fields.items()} | {"kind": "undetermined"}, error=error
    )


def _ranked(path):
    """The best of each member's guesses (the first axis), with the others, as they come after it."""
    order = np.argsort(np.where(path.converged, path.action, np.inf), axis=0, kind="stable")
    members = np.indices(order.shape[1:], sparse=True)
    best, *others = (path[(each, *members)] for each in order)
    return replace(best, others=tuple(others))


def _solve(mesh, x, tol, max_iter):
    """Least-action paths from the starts ``x`` (batch, n_times, dim), as the batched fields of `Path`."""
    return _describe(mesh, minimise(mesh, x, tol, max_iter))


def _describe(mesh, newton):
    found = {name: getattr(newton, name) for name in ("action", "converged", "gradient_norm")}
    found |= {"kind": newton.kinds(), "n_iter": np.array(newton.n_iter)}
    return described(mesh, newton.x, newton.terms, **found)
