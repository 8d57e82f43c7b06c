"""Starts that are free where nothing is paid: the noiseless flow from either end, and blended."""

from __future__ import annotations

import numpy as np

STEPS = 100  # of the noiseless flow, where its drift allows so few
FREE = 1e-3  # actions that less than this could be gained from are left alone


def better_starts(mesh, x, action):
    """Starts (batch, n_times, dim) of less action than the paths ``x`` found, and which paths those are.

    One evaluation of the action for each of the three candidates: the flow forward from the first
    state, the flow backward from the last, each bent to meet the other end, and their blend. Between
    states at rest all three are the straight line.
    """
    floor = 0.0 if mesh.lagrangian.potential is None else -np.inf
    worth = np.flatnonzero(np.isfinite(action) & (action > floor + FREE))
    system = mesh.lagrangian.system
    if not len(worth) or system.linear is not None:  # the action of a linear system is convex
        return worth[:0], x[:0]
    x, action = x[worth], action[worth]
    first, last = ends = x[:, :: len(mesh.t) - 1].swapaxes(0, 1)
    share = ((mesh.t - mesh.t[0]) / (mesh.t[-1] - mesh.t[0]))[:, None]
    with np.errstate(all="ignore"):
        if _rests(system, ends, mesh.t):
            candidates = (first[:, None] + share * (last - first)[:, None])[None]
        else:
            candidates = _along_flow(system, x, mesh.t, share)
        candidates[:, :, 0], candidates[:, :, -1] = first, last
        S = mesh.action(candidates)
    S[~np.isfinite(S)] = np.inf
    pick, least = S.argmin(axis=0), S.min(axis=0)
    gain = least < action - 1e-6 * (1 + np.abs(action))
    return worth[gain], candidates[pick[gain], gain]


def _rests(system, x, t):
    """Whether the noiseless flow leaves the states ``x`` where they are, at all times ``t``."""
    if system.drift(x, t[0]).any():
        return False
    return system.flow.autonomous or not system.drift(np.repeat(x[..., None, :], len(t), axis=-2), t).any()


def _along_flow(system, x, t, share):
    """The three candidates (3, batch, n, dim) between the ends of ``x``; ``share`` (n, 1) is 0 to 1."""
    first, last, some = x[:, 0], x[:, -1], _times(system, x, t)
    forth, back = _flow(system, np.stack([first, last]), np.stack([t[some], t[some][::-1]]))
    forth, back = (_between(t, t[some], one) for one in (forth, back[:, ::-1]))
    return np.stack(
        [
            forth + share * (last - forth[:, -1])[:, None],
            back + (1 - share) * (first - back[:, 0])[:, None],
            (1 - share) * forth + share * back,
        ]
    )


def _times(system, x, t):
    """Which of the times ``t`` the flow steps on: at most every other one, as Newton's method does the rest.

    Two steps in the shortest time of the drift, as its Jacobian has it at some states of the paths ``x``.
    """
    some = np.linspace(0, len(t) - 1, 20).astype(int)
    steep = np.abs(system.jacobian(x[:, some], t[some])).sum(axis=-1).max(initial=0.0)
    steps = max(STEPS, 2 * steep * (t[-1] - t[0]))
    return np.append(np.arange(0, len(t) - 1, max(2, int(len(t) / steps))), len(t) - 1)


def _between(t, known, x):
    """States (batch, n, dim) at the times ``t`` on straight lines between those at the times ``known``."""
    right = np.clip(np.searchsorted(known, t), 1, len(known) - 1)
    part = ((t - known[right - 1]) / (known[right] - known[right - 1]))[:, None]
    return (1 - part) * x[:, right - 1] + part * x[:, right]


def _flow(system, x, t):
    """The noiseless flow from ``x`` (k, batch, dim) along times ``t`` (k, n): Adams-Bashforth, second order.

    One evaluation of the drift for each step, and one more for the first.
    """
    out = np.empty((t.shape[1], *x.shape))
    h = np.diff(t.T, axis=0)[..., None, None]
    now = t.T[..., None]
    last = h[1:] ** 2 / (2 * h[:-1])  # the weight of the drift before
    before = system.drift(x, now[0])
    out[0] = x
    out[1] = x = x + h[0] * system.drift(x + h[0] / 2 * before, now[0] + h[0, ..., 0] / 2)
    for k, (this, that) in enumerate(zip(h[1:] + last, last), 1):
        f = system.drift(x, now[k])
        out[k + 1] = x = x + this * f - that * before
        before = f
    return out.transpose(1, 2, 0, 3)
