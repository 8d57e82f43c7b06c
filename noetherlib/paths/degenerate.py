"""Paths of least action with noise on some variables only: states and momenta together.

First noise is added where there is none, and taken away in steps: with the momenta of one step
carried into the next (`Eased`) each is an ordinary minimisation, which starts from a straight line.
Then Newton's method on Hamilton's equations themselves, to roundoff.
"""

from __future__ import annotations

import numpy as np

from ..lagrangian.action import explain_derivatives
from ..lagrangian.banded import damped, is_definite, yardstick
from ..lagrangian.continuous import Eased
from ..lagrangian.hamilton import Equations
from ..lagrangian.mesh import Mesh
from ..lagrangian.path import described
from ..system.derivatives import EPS
from ..system.noise import invert, is_diagonal, root
from .clock import bend, between
from .minimise import minimise

# the noise added, in units of what the coupling itself brings
EASES = 10.0 ** -np.array([0, 1, 2, 2, 3, 3, 4])
DAMPINGS = 0.0, 1e-8, 1e-6, 1e-4, 1e-2
SETTLED, SOFT = 1e-12, 1e-4  # errors of Hamilton's equations: solved; only the clock is left to move
SINGULAR = 1e-9  # of the reach of the noise: below this a direction is out of it


def solve_degenerate(mesh, x, tol, max_iter):
    """Least-action paths from the starts ``x`` (batch, n_times, dim), as the batched fields of `Path`."""
    found = [_solve(mesh, one, tol, max_iter) for one in x]
    return {name: np.array([fields[name] for fields in found]) for name in found[0]}


def _solve(mesh, x, tol, max_iter):
    check_reach(mesh, x)
    added = _added(mesh, x)
    q, steps, best = np.zeros((len(x) - 1, x.shape[-1])), 0, None
    for factor in EASES:
        eased = Mesh(Eased(mesh.lagrangian, factor * added, q), mesh.t)
        newton = minimise(eased, x[None], 1e-5, max(max_iter - steps, 0), rough=True)
        steps += int(newton.n_iter[0])
        x, q = newton.x[0], newton.terms.p[0]
        equations, count = _polish(Equations(mesh, x, q), added, max_iter - steps)
        steps += count
        fields, last = _describe(equations, added, tol), best
        if best is None or _rank(fields) < _rank(best):
            best = fields
        again = last is not None and last["converged"] and abs(fields["action"] - last["action"]) < 1e-9
        if best["kind"] == "minimum" or again or steps >= max_iter:
            break
    return {**best, "n_iter": steps}


def _rank(fields):
    """What to prefer: converged minima, then what is converged, then what is nearest to it."""
    return (
        not fields["converged"],
        fields["kind"] != "minimum",
        fields["constraint"],
        fields["gradient_norm"],
    )


def _polish(equations, added, max_iter):
    """Newton on Hamilton's equations while it helps.

    A path that rests is soft, and a whole step may lead too far: then it is damped as a free
    particle, and what is left to move is the clock.
    """
    mesh, terms, count = equations.mesh, equations.terms, 0
    D = mesh.lagrangian.system.noise(terms.x, terms.t)[0]
    inertia = mesh.inertia(invert(D + np.diag(added)))
    for count in range(1, max_iter + 1):  # noqa: B007  (it is returned)
        best = equations
        for damping in DAMPINGS:
            best = min(best, _moved(equations, inertia, damping), key=lambda e: e.error)
            if best.error < equations.error / 2:
                break
        slow = not best.error < equations.error / 2
        equations = best
        if slow or equations.error == 0:
            break
    if SETTLED < equations.error < SOFT:
        equations = _slide(equations, inertia)
    return equations, count


def _moved(equations, inertia, damping):
    """The equations after one step."""
    dx, dp = equations.step([damping * block for block in inertia] if damping else None)
    x = equations.x.copy()
    x[1:-1] += dx
    with np.errstate(all="ignore"):
        return Equations(equations.mesh, x, equations.p + dp)


def _slide(equations, inertia, rounds=25):
    """Along the valley of a path that rests, as `clock.slide` does; what is left across it relaxes."""
    mesh, reach = equations.mesh, 1.0
    for _ in range(rounds):
        if equations.error <= SETTLED or reach < 0.02:
            break
        dx, _ = equations.step()
        downhill = np.vdot(equations.jump, dx) < 0
        x, clock = bend(mesh.t, equations.x, dx * (reach if downhill else -reach))
        middle = np.interp(mesh.t_mid, mesh.t, clock)
        p = between(middle, mesh.t_mid, equations.p)
        trial = Equations(mesh, x, p)
        for _ in range(4):
            trial = _moved(trial, inertia, 1e-4)
        fell = trial.action <= equations.action + 1e-12 * abs(equations.action)
        if fell and (trial.error < equations.error or not downhill):
            equations, reach = trial, min(2 * reach, 8.0)
        else:
            reach /= 4
    return min(equations, _moved(equations, inertia, 0.0), key=lambda e: e.error)


def _describe(equations, added, tol):
    """The fields of `Path` of one solution."""
    mesh, terms = equations.mesh, equations.terms
    momentum = np.abs(mesh.ends(terms)[0]).max()
    miss, jump = (np.abs(r).max(initial=0.0) for r in (equations.constraint, equations.jump))
    reach = np.abs(equations.x).max()
    converged = bool(
        miss <= tol * np.ptp(equations.x, axis=0).max() + 64 * EPS * reach
        and jump <= tol * momentum + 64 * EPS * momentum
    )
    return described(
        mesh,
        equations.x,
        terms,
        action=equations.action,
        converged=converged,
        gradient_norm=float(jump),
        kind=_kind(equations, added) if converged else "undetermined",
        constraint=float(miss),
    )


def _kind(equations, added):
    """Minimum or saddle among the paths that the noise allows.

    With noise ``eps E`` added and the momenta eliminated the second derivative grows as eps falls,
    and is positive definite for small eps exactly where it is on the allowed paths.
    """
    mesh, terms, lagrangian = equations.mesh, equations.terms, equations.mesh.lagrangian
    noise = 10 * EPS * len(mesh.t) ** 2
    if lagrangian.system.derivative_noise > EPS:
        noise += lagrangian.system.derivative_noise * (mesh.t[-1] - mesh.t[0]) ** 2
    D, bend = lagrangian.system.noise(terms.x, terms.t)[0], lagrangian.bend(terms)
    unsure = False
    for factor in (1e-2, 1e-4, 1e-6):
        terms.A = invert(D + np.diag(factor * added))
        hessian, inertia = mesh.hessian(terms, bend), yardstick(*mesh.inertia(terms.A))
        if is_definite(damped(hessian, -noise, inertia)):
            return "minimum"
        unsure = is_definite(damped(hessian, noise, inertia))
    return "undetermined" if unsure else "saddle"


def _added(mesh, x):
    """The diagonal of the noise to add along ``x`` (n, dim): that of a free particle that gets as far.

    Each variable gets what would carry it over its range in the time at hand, but no less than what the
    coupling to the noise brings it while the drift keeps its direction.
    """
    system, mid = mesh.lagrangian.system, mesh.split(x)[0]
    D = system.noise(mid, mesh.t_mid)[0]
    D = np.broadcast_to(D, mid.shape[:1] + D.shape[-2:])
    J = system.jacobian(mid, mesh.t_mid)
    rate = np.abs(J).sum(axis=-1).max() + 1 / (mesh.t[-1] - mesh.t[0])
    brought = np.einsum("...ii->...i", D).max(axis=0)
    coupling = np.abs(J).max(axis=0) / rate
    for _ in range(len(brought)):  # from variable to variable
        brought = np.maximum(brought, (coupling**2 * brought).max(axis=1))
    added = np.maximum(np.ptp(x, axis=0) ** 2 / (mesh.t[-1] - mesh.t[0]), brought)
    if not is_diagonal(D):
        return added
    return np.where((np.einsum("...ii->...i", D) == 0).any(axis=0), added, 0.0)


def check_reach(mesh, x):
    """Raise where a combination of the variables is out of reach of the noise along ``x`` (n, dim).

    By the rank of the controllability Gramian, in the form of its root.
    """
    system, mid, h = mesh.lagrangian.system, mesh.split(x)[0], mesh.h[:, None, None]
    one = np.eye(x.shape[-1])
    J = h / 2 * system.jacobian(mid, mesh.t_mid)
    if not np.isfinite(J).all():
        explain_derivatives(mesh, x)
    flow = np.linalg.solve(one - J, one + J)
    push = np.linalg.solve(one - J, np.broadcast_to(root(2 * h * system.noise(mid, mesh.t_mid)[0]), J.shape))
    reach = np.zeros_like(one)
    for Phi, G in zip(flow, push):
        reach = np.linalg.qr(np.concatenate([Phi @ reach, G], axis=1).T, mode="r").T
        reach /= max(np.abs(reach).max(), 1e-300)  # of which only the directions matter
    each = np.linalg.norm(reach, axis=1)
    scale = np.where(each > 0, each, 1.0)
    vectors, sizes, _ = np.linalg.svd(reach / scale[:, None])
    if sizes[-1] > SINGULAR * sizes[0]:
        return
    combination = vectors[:, -1] / scale
    combination /= combination[np.abs(combination).argmax()]
    text = " + ".join(f"{c:.3g} x[{i}]" for i, c in enumerate(combination) if abs(c) > 1e-6)
    raise ValueError(
        f"x1 is out of reach of the noise along the guess: nothing that it does moves {text} "
        "(D is zero there, and the drift does not carry the noise on). Give a guess along which "
        "it does, or noise to that combination"
    )
