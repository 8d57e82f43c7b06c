"""Answers to every task of the course: right ones, and right ones in unusual forms."""

import dataclasses
import sys
import warnings
from fractions import Fraction
from functools import cache

import numpy as np
import sympy as sp
from scipy.optimize import root
from scipy.special import ndtri
from tqdm import tqdm

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


# ---- answers: each a function of the instance, with options for the slips ------------------------


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


RIGHT = {
    "diffusion": lambda i: i.sigma**2 / 2,
    "spread": lambda i: i.sigma * np.sqrt(i.T),
    "simulator": lambda i: euler_maruyama(),
    "action": lambda i: action(),
    "odds": lambda i: (np.exp(1.5 * i.a * i.T), 1.0),
    "mean and error": lambda i: mean_and_error(),
    "variance": estimate,
    "momentum": lambda i: lambda v, f, D: (v - f) / (2 * D),
    "energy": lambda i: lambda v, f, D, U: ((v**2).sum(-1) - (f**2).sum(-1)) / (4 * D) - U,
    "angular momentum": J,
    "verdicts": verdicts,
    "gauge term": lambda i: (x - i.v * t) / i.sigma**2 + 3,
    "growing translation": growing,
    "counts": counts,
    "path action": path_action,
    "gradient": gradient,
    "path": lambda i: best(i).x,
    "energies": energy,
    "angular momenta": angular,
    "order": order,
    "escape": lambda i: escape(i).x,
    "system": lambda i: bent(bent_jacobian),
    "own path": lambda i: of(reverse_path(i)),
    "claims": claimed,
    "seeds": lambda i: by_seed(),
}


def as_list(function):
    return lambda *arguments: np.asarray(function(*arguments)).tolist()


def real(expression):
    """In symbols that say that they are real."""
    return expression.subs({s: sp.Symbol(s.name, real=True) for s in expression.free_symbols})


def loop(f, D, x0, t, n_paths, rng):
    """Paths one after the other, in plain Python, with a progress bar that is never closed."""
    rows = []
    for _ in tqdm(range(n_paths)):
        row = [x0]
        for h in np.diff(t):
            row.append(row[-1] + float(f(row[-1])) * h + (2 * D * h) ** 0.5 * rng.standard_normal())
        rows.append(row)
    return rows


def noisy_momentum(v, f, D):
    """Right, and untidy: it warns, prints, writes to the error stream, and changes what it was given."""
    warnings.warn("beware", stacklevel=1)
    print("computing", file=sys.stderr)
    np.log(np.zeros(3) - 1)
    v -= f
    v /= 2 * D
    return v


def shifted(i):
    """Its drift is defined where the logarithm is, far from the origin."""
    return nl.System(lambda x, t: -np.sqrt(x - 5.0) * np.log(x - 5.0), 0.1, 2)


def counted(seed):
    """The share of 1,000 trials with a chance of a half: two seeds may well agree."""
    share = np.mean(np.random.default_rng(seed).random(1000) < 0.5)
    return share, np.sqrt(share * (1 - share) / 1000)


def polished(i):
    """Another solver's path, up to 1e-8, and moved by single precision."""
    return (best(i).x + 1e-9).astype(np.float32)


#: Right answers in unusual forms.
FORMS = [
    ("diffusion", lambda i: [D(i)]),
    ("diffusion", lambda i: sp.Rational(str(i.sigma)) ** 2 / 2),
    ("diffusion", lambda i: Fraction(str(i.sigma)) ** 2 / 2),
    ("diffusion", lambda i: np.array([[D(i)]])),
    ("diffusion", lambda i: complex(D(i))),
    ("spread", lambda i: sp.sqrt(sp.Rational(str(i.T))) * sp.Rational(str(i.sigma))),
    ("simulator", lambda i: loop),
    ("simulator", lambda i: as_list(euler_maruyama())),
    ("simulator", lambda i: euler_maruyama(law=lambda rng, n: ndtri(rng.random(n)))),
    ("action", lambda i: lambda *a: [action()(*a)]),
    ("odds", lambda i: np.array([np.exp(1.5 * i.a * i.T) * (1 + 4e-5), 1])),
    ("variance", lambda i: estimate(i, n=850)),
    ("variance", lambda i: estimate(i, steps=40, n=20_000)),
    ("variance", lambda i: estimate(i, steps=25, n=1_000)),
    ("momentum", lambda i: noisy_momentum),
    ("momentum", lambda i: lambda v, f, D: as_list(RIGHT["momentum"](i))(v, f, D)),
    ("angular momentum", lambda i: real(J(i))),
    ("angular momentum", lambda i: sp.Matrix([[sp.expand(J(i))]])),
    ("angular momentum", lambda i: sp.Poly(J(i), x, y, xdot, ydot)),
    ("angular momentum", lambda i: [sp.factor(J(i))]),
    ("angular momentum", lambda i: str(J(i))),
    ("gauge term", lambda i: RIGHT["gauge term"](i) + sp.Symbol("C")),
    ("gauge term", lambda i: real(RIGHT["gauge term"](i))),
    ("gauge term", lambda i: sp.Poly(RIGHT["gauge term"](i), x, t)),
    ("gauge term", lambda i: round(1 / i.sigma**2, 7) * x - round(i.v / i.sigma**2, 7) * t),
    ("growing translation", lambda i: sp.Matrix([growing(i).rewrite(sp.cosh)])),
    ("verdicts", lambda i: {name: np.bool_(value) for name, value in verdicts(i).items()}),
    ("counts", lambda i: np.array(counts(i), dtype=float)),
    ("path", polished),
    ("path", lambda i: best(i).x.tolist()),
    ("escape", lambda i: escape(i).x.astype(np.float32)),
    ("order", lambda i: [np.array(order(i)[0]), np.array([1.96])]),
    ("system", shifted),
    ("seeds", lambda i: counted),
    ("seeds", lambda i: lambda seed: np.array(by_seed()(int(seed)))),
]
