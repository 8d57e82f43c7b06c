"""Answers to the problem set on paths and to the project, with options for the slips."""

import dataclasses
from functools import cache

import numpy as np
from scipy.optimize import root

import noetherlib as nl
from tests.course_answers import D, best, where


def split(i, at=0.5, drift=1, equal=False, divided=True):
    def parts(x, t):
        h = np.full((len(t) - 1, 1), t[1] - t[0]) if equal else np.diff(t)[:, None]
        v = np.diff(x, axis=0) / (h if divided else 1)
        return h, where(x, at), (v - drift * i.drift(where(x, at))) / (2 * D(i))

    return parts


def path_action(i, half=0.5, weighted=True, quarter=1.0, **options):
    def S(x, t):
        h, middle, p = split(i, **options)(x, t)
        each = quarter * D(i) * (p**2).sum(axis=1, keepdims=True) + half * i.divergence(middle)[:, None]
        return np.sum((h if weighted else 1) * each)

    return S


def momenta(i, half=0.5, kick=0.5, sums="kij,ki->kj", weighted=True, **options):
    def arrive_and_leave(x, t):
        h, middle, p = split(i, **options)(x, t)
        force = half * i.divergence_gradient(middle) - np.einsum(sums, i.jacobian(middle), p)
        step = kick * (h if weighted else 1) * force
        return p + step, p - step

    return arrive_and_leave


def gradient(i, factor=1.0, **options):
    def jumps(x, t):
        arrive, leave = momenta(i, **options)(x, t)
        return factor * (arrive[:-1] - leave[1:])

    return jumps


def left_path(i):
    """Of least left-point action: the forces by hand."""

    def jumps(inner):
        x = best(i).x.copy()
        x[1:-1] = inner.reshape(-1, 2)
        h, left, p = split(i, at=0)(x, i.times)
        force = i.divergence_gradient(left) / 2 - np.einsum("kij,ki->kj", i.jacobian(left), p)
        return (p[:-1] - p[1:] + h[1:] * force[1:]).ravel()

    x = best(i).x.copy()
    x[1:-1] = root(jumps, x[1:-1].ravel(), tol=1e-12).x.reshape(-1, 2)
    return x


def energy(i, sign=1, half=0.5, L=False, drift=1, **options):
    def E(x, t):
        h, middle, p = split(i, **options)(x, t)
        v, U = 2 * D(i) * p + i.drift(middle), half * i.divergence(middle)
        lagrangian = D(i) * (p**2).sum(axis=1) + U
        square = ((v**2).sum(axis=1) - drift * (i.drift(middle) ** 2).sum(axis=1)) / (4 * D(i))
        return lagrangian if L else sign * (square - U)

    return E


def angular(i, factor=1.0, **options):
    def momentum(x, t):
        arrive, _ = momenta(i, **options)(x, t)
        return factor * (x[1:, 0] * arrive[:, 1] - x[1:, 1] * arrive[:, 0])

    return momentum


@cache
def spreads(i):
    meshes = [np.linspace(0, i.T, n) for n in (41, 81, 161, 321)]
    return [np.ptp(energy(i)(nl.least_action_path(i.system, *i.ends, mesh).x, mesh)) for mesh in meshes]


def order(i, factor=1.0, base=np.log):
    h = 1 / np.array([40, 80, 160, 320])
    return spreads(i), factor * np.polyfit(base(h), np.log(spreads(i)), 1)[0]


def escape(i, bend=0.5, **options):
    s, times = np.linspace(0, 1, 61)[:, None], np.linspace(0, 8, 61)
    guess = (
        np.hstack([-np.cos(np.pi * s), bend * np.sin(np.pi * s)]) if bend else np.hstack([2 * s - 1, 0 * s])
    )
    ends = [-1, 0], [1, 0]
    return nl.least_action_path(i.two_wells, *ends, times, "freidlin-wentzell", guess=guess, **options)


@cache
def reverse_path(i):
    s = np.linspace(0, i.t_max - i.t_min, 61)
    return nl.least_action_path(i.reverse, [1.5, 0.0], [0.0, i.radius], s)


def bumped(path):
    return dataclasses.replace(path, x=path.x + 0.001 * np.sin(np.linspace(0, np.pi, 61))[:, None] ** 2)


def of(path):
    return path.system, path


def claimed(i, turn=True, shift=False, more=()):
    path = reverse_path(i)
    claims = {"turn": (path, nl.rotation(0, 1), turn), "shift": (path, nl.translation([1.0, 0.0]), shift)}
    claims |= {f"more {n}": (path, symmetry, verdict) for n, (symmetry, verdict) in enumerate(more)}
    return path.system, claims


def boost_claim(i):
    s = np.linspace(0, 1, 21)
    path = nl.least_action_path(nl.models.drift_diffusion(1.0, D(i)), 0.0, 2.0, s)
    boost = nl.Symmetry(lambda x, t: np.broadcast_to(t[..., None], x.shape))
    return path.system, {"boost": (path, boost, True), "stretch": (path, nl.Symmetry(lambda x, t: x), False)}


def broken_turn(i, noise=0.2, lean=0.0):
    """Claims that a rotation is a symmetry where the noise, or a shear of the drift, breaks it."""
    system = nl.System(lambda x, t: -x + lean * np.stack([x[..., 1], 0 * x[..., 0]], axis=-1), noise, 2)
    path = nl.least_action_path(system, [1.0, 0.0], [0.0, 1.0], np.linspace(0, 1, 21))
    shift = path, nl.translation([1.0, 0.0]), False
    return system, {"turn": (path, nl.rotation(0, 1), True), "shift": shift}


def by_seed(power=0.5, factor=1.0, stream=None, fresh=False, n=2000):
    def run(seed):
        z = np.random.default_rng(None if fresh else seed if stream is None else stream).normal(size=n)
        return z.mean(), factor * z.std() / n**power

    return run


def bent(jacobian=None, last=True):
    def drift(x, t):
        return np.stack([x[..., 1], -(x[..., 0] ** 3)], axis=-1) if last else np.array([x[1], -(x[0] ** 3)])

    return nl.System(drift, 0.1, 2, jacobian)


def bent_jacobian(x, t):
    rows = np.zeros(x.shape + (2,))
    rows[..., 0, 1], rows[..., 1, 0] = 1, -3 * x[..., 0] ** 2
    return rows
