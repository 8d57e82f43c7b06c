"""Paths of least action with noise on some variables only: states and momenta together.

First noise is added where there is none, and taken away in steps: with the momenta of one step
carried into the next (`Eased`) each is an ordinary minimisation, which starts from a straight line.
Then Newton's method on Hamilton's equations themselves, to roundoff.
"""

from __future__ import annotations

import numpy as np

from ..lagrangian.action import explain_derivatives
from ..lagrangian.banded import is_definite, pack
from ..lagrangian.continuous import Eased
from ..lagrangian.hamilton import Equations
from ..lagrangian.mesh import Mesh
from ..system.derivatives import EPS
from ..system.noise import invert, root
from .minimise import minimise

EASES = 10.0 ** -np.arange(7)  # the noise added, in units of what the coupling itself brings
SINGULAR = 1e-9  # of the reach of the noise: below this a direction is out of it


def solve_degenerate(mesh, x, tol, max_iter):
    """Least-action paths from the starts ``x`` (batch, n_times, dim), as the batched fields of `Path`."""
    found = [_solve(mesh, one, tol, max_iter) for one in x]
    return {name: np.array([fields[name] for fields in found]) for name in found[0]}


def _solve(mesh, x, tol, max_iter):
    added = _reach(mesh, x) ** 2 / (2 * (mesh.t[-1] - mesh.t[0]))
    D = mesh.lagrangian.system.noise(mesh.split(x)[0], mesh.t_mid)[0]
    if np.count_nonzero(D) == np.count_nonzero(np.einsum("...ii->...i", D)):
        lacks = (np.einsum("...ii->...i", D) == 0).reshape(-1, x.shape[-1]).any(axis=0)
        added = np.where(lacks, added, 0.0)
    q, steps, best = np.zeros((len(x) - 1, x.shape[-1])), 0, None
    for factor in EASES:
        eased = Mesh(Eased(mesh.lagrangian, factor * added, q), mesh.t)
        newton = minimise(eased, x[None], 1e-6, max(max_iter - steps, 0))
        steps += int(newton.n_iter[0])
        x, q = newton.x[0], eased.terms(newton.x).p[0]
        equations, count = _polish(Equations(mesh, x, q), max_iter - steps)
        steps += count
        fields = _describe(equations, added, tol, steps)
        if best is None or _rank(fields) < _rank(best):
            best = fields
        if best["kind"] == "minimum" or steps >= max_iter:
            break
    return {**best, "n_iter": steps}


def _rank(fields):
    """What to prefer: converged minima, then what is converged, then what is nearest to it."""
    return (not fields["converged"], fields["kind"] != "minimum", fields["constraint"], fields["gradient_norm"])


def _polish(equations, max_iter):
    """Newton on Hamilton's equations while it helps; each step is shortened until they are better met."""
    mesh, count = equations.mesh, 0
    for count in range(1, max_iter + 1):
        dx, dp = equations.step()
        better = None
        for length in (1.0, 0.5, 0.25, 0.1):
            x = equations.x.copy()
            x[1:-1] += length * dx
            with np.errstate(all="ignore"):
                trial = Equations(mesh, x, equations.p + length * dp)
            if trial.error < equations.error:
                better = trial
                break
        if better is None:
            break
        slow = better.error > equations.error / 2 and better.error < 1e-12
        equations = better
        if slow or equations.error == 0:
            break
    return equations, count


def _describe(equations, added, tol, steps):
    """The fields of `Path` of one solution."""
    mesh, terms = equations.mesh, equations.terms
    left, right = mesh.ends(terms)
    momentum = np.abs(left).max()
    miss, jump = (np.abs(r).max(initial=0.0) for r in (equations.constraint, equations.jump))
    reach = np.abs(equations.x).max()
    converged = bool(
        miss <= tol * np.ptp(equations.x, axis=0).max() + 64 * EPS * reach
        and jump <= tol * momentum + 64 * EPS * momentum
    )
    return {
        "x": equations.x,
        "action": float(terms.L @ mesh.h),
        "converged": converged,
        "gradient_norm": float(jump),
        "n_iter": steps,
        "momentum": np.concatenate([left[:1], right]),
        "energy": terms.energy,
        "kind": _kind(equations, added) if converged else "undetermined",
        "constraint": float(miss),
    }


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
        hessian, inertia = mesh.hessian(terms, bend), pack(*mesh.inertia(terms.A))
        if is_definite(hessian - noise * inertia):
            return "minimum"
        unsure = is_definite(hessian + noise * inertia)
    return "undetermined" if unsure else "saddle"


def _reach(mesh, x):
    """How far the noise carries each variable along ``x`` (n, dim), to first order.

    Raises where a combination of the variables is out of its reach: by the rank of the
    controllability Gramian, in the form of its root.
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
    each = np.linalg.norm(reach, axis=1)
    vectors, sizes, _ = np.linalg.svd(reach / np.where(each > 0, each, 1.0)[:, None])
    if sizes[-1] > SINGULAR * sizes[0]:
        return each
    combination = vectors[:, -1] / np.where(each > 0, each, 1.0)
    combination /= combination[np.abs(combination).argmax()]
    text = " + ".join(f"{c:.3g} x[{i}]" for i, c in enumerate(combination) if abs(c) > 1e-6)
    raise ValueError(
        f"x1 is out of reach of the noise along the guess: nothing that it does moves {text} "
        "(D is zero there, and the drift does not carry the noise on). Give a guess along which "
        "it does, or noise to that combination"
    )
