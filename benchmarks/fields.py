"""Fields of many variables: the path solver against L-BFGS-B, with whatever derivatives are given.

Allen and Cahn's field on a ring of d sites or on a torus, D = 0.05, Freidlin-Wentzell, from all -1 to all
+1 in T = 20. The other gets the exact gradient of the same discrete action.
"""

import tracemalloc

import numpy as np
from scipy.linalg.lapack import dpbsv
from scipy.optimize import minimize

import noetherlib as nl
from noetherlib.lagrangian import Lagrangian, Mesh
from noetherlib.paths.newton import Newton

from .measure import megabytes, seconds

FW = "freidlin-wentzell"
D, T, STEPS = 0.05, 20.0, 200
CASES = {  # what is given: sites, and the ratio it needs
    "drift alone": (16, ">= 1.5"),
    "jacobian": (32, ">= 4"),
    "jacobian, hessian": (64, ">= 5"),
    "jacobian, hessian_along": (64, ">= 12"),
}
SIDE, TORUS_STEPS = 32, 100
OPTIONS = dict(maxcor=10, ftol=1e-15, gtol=1e-8, maxiter=10**6, maxfun=10**6)


class Field:
    """A field at d sites, from all -1 to all +1; ``spread`` sums the differences to the neighbours."""

    def drift(self, x, t):
        return x - x**3 + self.k * self.spread(x)

    def pull(self, x, p):
        """The transposed Jacobian at x times p."""
        return (1 - 3 * x**2) * p + self.k * self.spread(p)

    def path(self, system, **options):
        return nl.least_action_path(system, *self.ends, self.t, FW, guess=self.guess, **options)

    def quasi_newton(self, **options):
        """L-BFGS-B on the same action, written out."""
        h = T / (len(self.t) - 1)

        def value(inner):
            x = np.concatenate([self.ends[0][None], inner.reshape(-1, self.d), self.ends[1][None]])
            mid = (x[1:] + x[:-1]) / 2
            w = np.diff(x, axis=0) / h - self.drift(mid, 0)
            p = w / (2 * D)
            kick = -h / 2 * self.pull(mid, p)
            return h * np.vdot(w, p) / 2, ((p + kick)[:-1] - (p - kick)[1:]).ravel()

        return minimize(
            value, self.guess[1:-1].ravel(), jac=True, method="L-BFGS-B", options=OPTIONS | options
        )


class Ring(Field):
    """On a ring, with its derivatives as matrices; the start bows into one wave."""

    def __init__(self, sites):
        self.d, self.k, self.each = sites, (sites / 10) ** 2 / 2, np.arange(sites)
        shift = np.roll(np.eye(sites), 1, axis=0)
        self.laplacian = self.k * (shift + shift.T - 2 * np.eye(sites))
        self.t = np.linspace(0, T, STEPS + 1)
        self.ends = -np.ones(sites), np.ones(sites)
        wave = np.sin(2 * np.pi * (self.each + 0.5) / sites)
        self.guess = np.linspace(*self.ends, STEPS + 1) + 0.3 * np.sin(np.pi * self.t / T)[:, None] * wave

    def spread(self, x):
        return np.roll(x, -1, -1) + np.roll(x, 1, -1) - 2 * x

    def jacobian(self, x, t):
        out = np.empty(x.shape + (self.d,))
        out[...] = self.laplacian
        out[..., self.each, self.each] += 1 - 3 * x**2
        return out

    def hessian(self, x, t):
        out = np.zeros(x.shape + (self.d, self.d))
        out[..., self.each, self.each, self.each] = -6 * x
        return out

    def hessian_along(self, x, t, p):
        out = np.zeros(x.shape + (self.d,))
        out[..., self.each, self.each] = -6 * x * p
        return out

    def system(self, given):
        known = {name: getattr(self, name) for name in given.split(", ") if hasattr(self, name)}
        return nl.System(self.drift, D, self.d, **known)


class Torus(Field):
    """On a square of sites; the start bows into one wave along each side."""

    def __init__(self, side, steps):
        self.side, self.d, self.k = side, side**2, (side / 10) ** 2 / 2
        self.t = np.linspace(0, T, steps + 1)
        self.ends = -np.ones(self.d), np.ones(self.d)
        wave = np.cos(2 * np.pi * (np.arange(side) + 0.5) / side - np.pi)
        wave = np.add.outer(wave, wave).ravel() / 2
        self.guess = np.linspace(*self.ends, steps + 1) + 0.3 * np.sin(np.pi * self.t / T)[:, None] * wave

    def spread(self, x):
        """Sum over the four neighbours, less four times the site."""
        y = x.reshape(*x.shape[:-1], self.side, self.side)
        around = sum(np.roll(y, way, axis) for way in (1, -1) for axis in (-1, -2))
        return (around - 4 * y).reshape(x.shape)

    def by_products(self):
        """Its system with products in place of matrices."""
        return nl.System(
            self.drift,
            D,
            self.d,
            jvp=lambda x, t, v: self.pull(x, v),
            vjp=lambda x, t, p: self.pull(x, p),
            hvp=lambda x, t, p, v: -6 * x * p * v,
            lattice=(self.side, self.side),
        )


def peak(field, system):
    """Megabytes that a path takes beyond what its system and its start do."""
    tracemalloc.start()
    field.path(system, max_iter=3)
    found = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return found


def rows(runs):
    """The lines of the table: what, ratio, what it needs to be, megabytes of ours, notes."""
    yield f"Allen-Cahn on a ring, {STEPS} steps: time of L-BFGS-B with the exact gradient over ours", None
    for given, (sites, goal) in CASES.items():
        field = Ring(sites)
        system, own, other = field.system(given), np.inf, np.inf
        for _ in range(max(1, runs // 3)):
            own = min(own, seconds(field.path, system, repeat=2))
            other = min(other, seconds(field.quasi_newton))
        path, S = field.path(system), field.quasi_newton().fun
        note = f"{1e3 * own:.0f} ms, {path.n_iter} steps, actions differ by {abs(path.action / S - 1):.0e}"
        yield f"d = {sites}, {given}", other / own, goal, peak(field, system), note

    yield f"The same on a torus of {SIDE} x {SIDE} sites, {TORUS_STEPS} steps, by products with vectors", None
    torus = Torus(SIDE, TORUS_STEPS)
    system = torus.by_products()
    own, other = seconds(torus.path, system, repeat=2), seconds(torus.quasi_newton)
    path, S, room = torus.path(system), torus.quasi_newton().fun, peak(torus, system)
    note = f"{own:.1f} s, {path.n_iter} steps, {path.kind}, actions differ by {abs(path.action / S - 1):.0e}"
    yield "jvp, vjp, hvp", other / own, ">= 3", room, note
    held = megabytes(lambda: torus.quasi_newton(maxiter=12))
    yield "memory of L-BFGS-B over ours", held / room, "", held, ""

    yield "One undamped step, d = 256: over one dpbsv of its size", None
    field = Ring(256)
    newton = Newton(
        Mesh(Lagrangian(field.system("jacobian, hessian_along"), FW), field.t), field.guess[None], 1e-8
    )
    newton.descend(12)
    newton.damping[0] = 0.0
    own = seconds(newton.step, np.array([0]))
    band, right = np.zeros((512, 256 * (STEPS - 1)), order="F"), np.ones(256 * (STEPS - 1))
    band[0], band[256] = 4.0, -1.0
    needed = seconds(lambda: dpbsv(band, right, lower=1))
    yield "jacobian, hessian_along", own / needed, "<= 2.5", None, f"{own:.2f} s over {needed:.2f} s"
