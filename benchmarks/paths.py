"""The path solver against L-BFGS-B, a boundary value solver, plain descent, its own parts and a loop.

Maier and Stein's system (beta = 10, D = 1/2), Freidlin-Wentzell, from one well over an arc to the other
in T = 10. Ours and the other's runs alternate and the best of each counts; a ratio is the other's time
over ours.
"""

import time

import numpy as np
from scipy.integrate import solve_bvp
from scipy.linalg import solveh_banded
from scipy.optimize import minimize

import noetherlib as nl
from noetherlib.lagrangian import Lagrangian, Mesh
from noetherlib.paths.newton import Newton

from .measure import megabytes, seconds

FW = "freidlin-wentzell"
SYSTEM = nl.models.maier_stein(0.5, beta=10.0)
ENDS = np.array([[-1.0, 0.0], [1.0, 0.0]])
T, N, ERROR = 10.0, 1000, 1e-5


def arc(n):
    s = np.linspace(0, 1, n)
    return T * s, np.stack([-np.cos(np.pi * s), 0.4 * np.sin(np.pi * s)], axis=-1)


TIMES, GUESS = arc(N)
MESH = Mesh(Lagrangian(SYSTEM, FW), TIMES)


def ours():
    return nl.least_action_path(SYSTEM, *ENDS, TIMES, FW, guess=GUESS)


BEST = ours().x


def action_and_gradient(inner):
    x = np.concatenate([ENDS[:1], inner.reshape(-1, 2), ENDS[1:]])
    terms = MESH.terms(x, order=1)
    return terms.L @ MESH.h, MESH.gradient(terms).ravel()


class Reached(Exception):
    """The path is as near as asked."""


def lbfgs():
    """L-BFGS-B with the exact gradient until the path is within 1e-5; the error it comes to."""
    error = np.inf

    def watch(inner):
        nonlocal error
        error = np.abs(inner.reshape(-1, 2) - BEST[1:-1]).max()
        if error <= ERROR:
            raise Reached

    try:
        minimize(
            action_and_gradient,
            GUESS[1:-1].ravel(),
            jac=True,
            method="L-BFGS-B",
            callback=watch,
            options=dict(maxcor=10, ftol=1e-15, gtol=1e-15, maxiter=10**6, maxfun=10**6),
        )
    except Reached:
        pass
    return error


def boundary_values(start):
    """Hamilton's equations by collocation, from the arc (momentum 0) or from our own solution."""

    def flow(t, z):
        x, p = z[:2].T, z[2:].T
        J = SYSTEM.jacobian(x, 0.0)
        return np.concatenate([(SYSTEM.drift(x, 0.0) + p).T, -np.einsum("kij,ki->jk", J, p)])

    def slopes(t, z):
        x, p = z[:2].T, z[2:].T
        J, H = SYSTEM.jacobian(x, 0.0), SYSTEM.hessian(x, 0.0)
        rows = np.zeros((4, 4, len(t)))
        rows[:2, :2], rows[:2, 2:] = np.moveaxis(J, 0, -1), np.eye(2)[..., None]
        rows[2:, :2], rows[2:, 2:] = -np.einsum("kijl,ki->jlk", H, p), -np.moveaxis(J, 0, -1).swapaxes(0, 1)
        return rows

    solution = solve_bvp(
        flow,
        lambda a, b: np.concatenate([a[:2] - ENDS[0], b[:2] - ENDS[1]]),
        TIMES,
        start,
        fun_jac=slopes,
        tol=1e-5,
        max_nodes=20 * N,
    )
    return solution.success, np.abs(solution.sol(TIMES)[:2].T - BEST).max()


def descend(steps):
    """Plain gradient descent at the largest stable rate; the error halfway and at the end."""
    rate = SYSTEM.constant_diffusion[0, 0] * MESH.h[0] / 2  # one over the largest curvature
    inner, errors = GUESS[1:-1].ravel().copy(), []
    for k in range(steps):
        inner -= rate * action_and_gradient(inner)[1]
        if k + 1 in (steps // 2, steps):
            errors.append(np.abs(inner.reshape(-1, 2) - BEST[1:-1]).max())
    return errors


def steps(n):
    """Seconds of each of Newton's steps over the arc on a mesh of n points, and where they end."""
    t, guess = arc(n)
    newton, active, spent = Newton(Mesh(Lagrangian(SYSTEM, FW), t), guess[None], 1e-8), np.array([0]), []
    while len(active) and len(spent) < 40:
        begin = time.perf_counter()
        active = active[newton.step(active)]
        spent.append(time.perf_counter() - begin)
    return spent, newton


def parts(newton):
    """What a step cannot do without: drift, Jacobian, Hessian and one banded solution."""
    mid, t = newton.mesh.split(newton.x)[0], newton.mesh.t_mid
    band = newton.hessian[0].reshape(-1, 4).T.copy()
    right = newton.gradient[0].ravel()
    return [
        lambda: SYSTEM.drift(mid, t),
        lambda: SYSTEM.jacobian(mid, t),
        lambda: SYSTEM.hessian(mid, t),
        lambda: solveh_banded(band, right, lower=True),
    ]


def batch(kind, count=500, n=100):
    """Ends and guesses of many paths: near one well, or over the arc to the saddle."""
    rng, s = np.random.default_rng(0), np.linspace(0, 1, n)[:, None]
    x0 = [-1, 0] + 0.1 * rng.normal(size=(count, 2))
    if kind == "undamped":
        return x0, [-1, 0] + 0.1 * rng.normal(size=(count, 2)), 2 * s[:, 0], None
    x1 = 0.05 * rng.normal(size=(count, 2))
    return x0, x1, 5 * s[:, 0], x0[:, None] + (x1 - x0)[:, None] * s + np.sin(np.pi * s) * [0, 0.3]


def together(x0, x1, t, guess):
    return nl.least_action_path(SYSTEM, x0, x1, t, FW, guess=guess).x


def one_by_one(x0, x1, t, guess):
    guesses = [None] * len(x0) if guess is None else guess
    return [
        nl.least_action_path(SYSTEM, a, b, t, FW, guess=g).x for a, b, g in zip(x0, x1, guesses, strict=True)
    ]


def rows(runs):
    """The lines of the table: what, ratio, what it needs to be, megabytes of the other (or of it), notes."""
    path, error = ours(), lbfgs()
    own = other = np.inf
    for _ in range(runs):
        own, other = min(own, seconds(ours, repeat=5)), min(other, seconds(lbfgs))
    yield f"Maier-Stein, beta = 10, N = {N}, T = {T:g}: time of the other over ours", None
    yield "ours", 1.0, "", megabytes(ours), f"{1e3 * own:.1f} ms, {path.n_iter} steps, {path.kind}"
    yield "L-BFGS-B, exact gradient, to 1e-5", other / own, ">= 100", megabytes(lbfgs), f"error {error:.0e}"
    for name, momentum in (("cold", 0 * path.x), ("from our path", path.momentum)):
        start = np.concatenate([(GUESS if name == "cold" else path.x).T, momentum.T])
        success, error = boundary_values(start)
        ratio = seconds(boundary_values, start) / own
        note = f"{'' if success else 'failed, '}error {error:.0e}"
        yield f"solve_bvp, {name}", ratio, "", megabytes(boundary_values, start), note
    count = 4000
    begin = time.perf_counter()
    halfway, end = descend(count)
    each = (time.perf_counter() - begin) / count
    more = np.log(end / ERROR) / np.log(halfway / end) * count / 2
    note = f"extrapolated: {count + more:.1g} steps; error {end:.1e} after {count}"
    yield "plain gradient descent", (count + more) * each / own, "", megabytes(descend, 10), note

    short = arc(50)
    own = min(
        seconds(lambda: nl.least_action_path(SYSTEM, *ENDS, short[0], FW, guess=short[1]), repeat=50)
        for _ in range(runs)
    )
    yield "A path of 50 points: microseconds per step and point, over those of 1,000 points", None
    steps_50 = nl.least_action_path(SYSTEM, *ENDS, short[0], FW, guess=short[1]).n_iter
    long = min(seconds(ours, repeat=5) for _ in range(runs)) / path.n_iter / N
    yield (
        "N = 50: what overhead costs",
        own / steps_50 / 50 / long,
        "",
        None,
        f"{1e3 * own:.2f} ms, {steps_50} steps",
    )

    own, needed = np.inf, np.inf
    for _ in range(20 * runs):  # the best of each step, and of each part
        spent, newton = steps(N)
        own = np.minimum(own, spent)
        needed = np.minimum(needed, [seconds(part, repeat=20) for part in parts(newton)])
    own, needed = own.mean(), needed.sum()
    yield f"One Newton step, N = {N}, with its damping and its trial: over the time of its parts", None
    note = f"{1e6 * own:.0f} us over {1e6 * needed:.0f} us"
    yield "drift, Jacobian, Hessian, solveh_banded", own / needed, "<= 2.5", None, note

    yield "Time per Newton step and point, over that for N = 1,000", None
    base = None
    for n in (1000, 10_000, 100_000):
        found = [steps(n) for _ in range(4 * runs)]
        spent, newton = np.min([s for s, _ in found], axis=0).mean() / n, found[0][1]
        base = base or spent
        yield f"N = {n:,}", spent / base, "", megabytes(steps, n), f"{newton.n_iter[0]} steps"

    yield "500 paths of 100 points: time of a loop over that of one call", None
    for kind, goal in (("undamped", ">= 4"), ("damped", ">= 1.5")):
        many = batch(kind)
        apart = np.abs(together(*many) - one_by_one(*many)).max()
        own = other = np.inf
        for _ in range(runs):
            own, other = min(own, seconds(together, *many, repeat=2)), min(other, seconds(one_by_one, *many))
        yield kind, other / own, goal, megabytes(together, *many), f"paths differ by {apart:.0e}"
