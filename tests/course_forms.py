"""A right answer to every task of the course, and right ones in unusual forms."""

import sys
import warnings
from fractions import Fraction

import numpy as np
import sympy as sp
from scipy.special import ndtri
from tqdm import tqdm

import noetherlib as nl
from tests.course_answers import (
    D,
    J,
    action,
    best,
    counts,
    estimate,
    euler_maruyama,
    growing,
    mean_and_error,
    t,
    verdicts,
    x,
    xdot,
    y,
    ydot,
)
from tests.course_path_answers import (
    angular,
    bent,
    bent_jacobian,
    by_seed,
    claimed,
    energy,
    escape,
    gradient,
    of,
    order,
    path_action,
    reverse_path,
)

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
