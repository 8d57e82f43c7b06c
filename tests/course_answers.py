"""Answers to the course's first two problem sets: functions of the instance, with options for the slips."""

from functools import cache

import numpy as np
import sympy as sp

import noetherlib as nl
from noetherlib.course import PROBLEM_SETS, instance

STUDENTS = ["ada", "emmy", "student 3", "0042", "x@example.org"]
x, y, xdot, ydot, t = sp.symbols("x y xdot ydot t")


def numbers(task, student):
    name = next(name for name in PROBLEM_SETS if task in getattr(nl.course, name).TASKS)
    return instance(name, student)


@cache
def best(i):
    """The library's most likely path of problem set 3."""
    return nl.least_action_path(i.system, *i.ends, i.times)


def D(i):
    return i.sigma**2 / 2


def right_noise(D, h):
    return np.sqrt(2 * D * h)


def normal(rng, n):
    return rng.normal(size=n)


def euler_maruyama(
    noise=right_noise, seed=None, legacy=False, law=normal, swap=False, equal=False, drift=1, h=True, **own
):
    """``own`` noise: ``once`` for all steps, ``first`` for all paths, or ``apart`` from the drift."""

    def run(f, D, x0, t, n_paths, rng):
        if legacy:
            np.random.seed(0)
        if seed is not None:
            rng = np.random.default_rng(seed)
        kept = law(rng, n_paths) if own.get("once") else None
        x, moved = [np.full(n_paths, x0)], 0
        for step in np.diff(t):
            step = t[1] - t[0] if equal else step
            z = np.random.normal(size=n_paths) if legacy else law(rng, n_paths) if kept is None else kept
            z = z[0] if own.get("first") else z
            push = noise(D, step) * z
            at = x[-1] - moved if own.get("apart") else x[-1]
            x.append(x[-1] + drift * f(at) * (step if h else 1) + push)
            moved = moved + push
        return np.array(x) if swap else np.array(x).T

    return run


def where(x, at):
    return (1 - at) * x[:-1] + at * x[1:]


def action(at=0.5, half=0.5, quarter=0.25, drift=1, equal=False, weighted=True, divided=True):
    def S(x, t, f, divergence, D):
        h = np.full(len(t) - 1, t[1] - t[0]) if equal else np.diff(t)
        push = np.diff(x) / (h if divided else 1) - drift * f(where(x, at))
        return np.sum((h if weighted else 1) * (quarter * push**2 / D + half * divergence(where(x, at))))

    return S


def estimate(i, noise=1.0, rate=2.0, time=0.25, error=None, n=10_000, steps=None):
    """``estimate(seed)`` of the variance, exact in its steps or by Euler and Maruyama."""

    def run(seed):
        ou = nl.models.ornstein_uhlenbeck(1, rate * i.a, noise * D(i))
        if steps is None:
            squares = nl.simulate(ou, 0.0, [0, time * i.T], n, rng=seed, save="final").x[:, 0, 0] ** 2
        else:
            t = np.linspace(0, time * i.T, steps + 1)
            generator = np.random.default_rng(seed)
            squares = euler_maruyama()(lambda x: -rate * i.a * x, D(i), 0.0, t, n, generator)[:, -1] ** 2
        return squares.mean(), squares.std() / np.sqrt(n) if error is None else error * squares.std()

    return run


def exact_variance(i):
    return D(i) / (2 * i.a) * (1 - np.exp(-i.a * i.T))


def mean_and_error(power=0.5, factor=1.0):
    return lambda samples: (samples.mean(), factor * samples.std(ddof=1) / len(samples) ** power)


def J(i, drift=1, factor=0.5):
    fx, fy = i.drift(x, y)
    return factor * (x * (ydot - drift * fy) - y * (xdot - drift * fx)) / D(i)


def growing(i, share=1.0, drift=1):
    return sp.exp(i.k * t) * ((xdot + drift * i.k * x) / (2 * D(i)) - share * i.k * x / D(i))


def verdicts(i, **changed):
    a, b = (D[0] == D[1] for D in i.noises)
    right = dict.fromkeys(["time translation, system A", "boost, drift-diffusion"], True)
    right |= {"ξ = x + vt, τ = 2t, drift-diffusion": True, "translation along x, system A": False}
    right |= {
        "ξ = x, τ = t, drift-diffusion with v = 0": False,
        "rotation, system A": a,
        "rotation, system B": b,
    }
    return right | changed


def counts(i):
    """How many symmetries the library finds, with the functions of time that belong to the system."""
    rate = sp.Rational(str(i.k))
    basis = (1, t, t**2, *(sp.exp(n * rate * t) for n in (1, -1, 2, -2)))
    noise = sp.Rational(str(i.sigma)) ** 2 / 2
    systems = [nl.symbolic.lagrangian(drift, noise, x) for drift in i.lines(x)]
    return [len(nl.symbolic.find_symmetries(system, time_basis=basis)) for system in systems]
