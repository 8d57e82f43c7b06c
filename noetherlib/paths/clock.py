"""Moving the clock along a path: where it rests long, or crosses steeply, times matter most."""

from __future__ import annotations

import numpy as np

from ..lagrangian import Mesh
from ..lagrangian.banded import solve_indefinite
from ..lagrangian.continuous import dot, times
from .newton import Newton


def is_autonomous(mesh, x):
    """Whether the Lagrangian along the paths ``x`` is known not to use the time."""
    return mesh.lagrangian.is_autonomous(mesh.split(x)[0], mesh.t_mid)


def slide(newton, rounds=25):
    """Move the unconverged paths of a `Newton` along the valley of long paths, which is flat and curved.

    A path that rests may start sooner or later at hardly any cost. Steps straight in x leave
    that valley at once; so the Newton step is taken as a shift of the clock, and what is left
    across the valley relaxes at a damping that hardly moves along it.
    """
    for k in np.flatnonzero(~newton.converged):
        newton.relax(k)
        reach = 1.0
        for _ in range(rounds):
            if newton.gradient_norm[k] <= newton.target[k] or reach < 0.02:
                break
            before = newton.x[k].copy(), newton.action[k], newton.gradient_norm[k]
            step = solve_indefinite(newton.hessian[k], -newton.gradient[k])
            downhill = np.vdot(newton.gradient[k], step) < 0
            bent, _ = bend(newton.mesh.t, before[0], step * (reach if downhill else -reach))
            newton.expand(np.array([k]), bent[None])
            newton.relax(k)
            fell = newton.action[k] <= before[1] + 1e-14 * newton.scale[k]
            if fell and (newton.gradient_norm[k] < before[2] or not downhill):
                reach = min(2 * reach, 8.0)
            else:
                newton.expand(np.array([k]), before[0][None])
                reach /= 4


def bend(t, x, step):
    """``x`` with the part of the step along the path taken as a shift of the clock; and that clock."""
    from scipy.interpolate import CubicSpline  # slow to load, seldom used

    v = np.gradient(x, t, axis=0)[1:-1]
    speed2 = np.einsum("ki,ki->k", v, v)
    shift = np.einsum("ki,ki->k", step, v) / (speed2 + 1e-6 * speed2.max() + 1e-300)
    clock = np.maximum.accumulate(np.clip(t[1:-1] + shift, t[0], t[-1]))
    bent = x.copy()
    bent[1:-1] = CubicSpline(t, x)(clock) + step - (clock - t[1:-1])[:, None] * v
    return bent, np.concatenate([t[:1], clock, t[-1:]])


def between(t, known, x):
    """States at times ``t`` on lines between ``x`` (n, dim) at the times ``known``; at rest beyond."""
    return np.stack([np.interp(t, known, column) for column in x.T], axis=-1)


def respace(x, n):
    """``n`` points at equal distances along the curve ``x`` (points, dim)."""
    from scipy.interpolate import PchipInterpolator  # slow to load, seldom used

    distance = length(x)
    new = np.append(True, np.diff(distance) > 0)  # a point that repeats its neighbour adds nothing
    spaced = PchipInterpolator(distance[new], x[new])(np.linspace(0, distance[-1], n))
    spaced[0], spaced[-1] = x[0], x[-1]
    return spaced


def length(x):
    """Distance along the curve ``x`` (points, dim) from its start."""
    return np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(x, axis=0), axis=1))])


def ease(mesh, x, rounds=40):
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
    return between(mesh.t, t, x)


def follow(mesh, x, trust, rounds=30):
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
    rest = lagrangian.terms(mid, np.zeros_like(mid), mesh.t_mid).L
    a = dot(step, times(lagrangian.metric(mid, mesh.t_mid)[0], step)) / 4
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
