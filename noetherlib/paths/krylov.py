"""Least action in very many variables: Newton's method by conjugate gradients, without matrices.

Nothing is kept but vectors as long as the path. The second derivative of the action is known by its
products alone, and `FreeModes` makes them well conditioned. Its norm is that of the distance within which
the quadratic model is trusted: a direction of negative curvature is followed that far, and the distance
shrinks where the action does not fall as foreseen. Source: Nocedal and Wright (2006), Numerical
Optimization, chapters 4 and 7.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ..inputs import brief
from ..lagrangian.action import explain_derivatives
from ..lagrangian.path import described
from ..system.derivatives import EPS
from .conjugate import conjugate_gradients
from .lanczos import sign
from .preconditioner import FreeModes

LARGE = 256  # variables of a field on a ring: 10 times quicker than by matrices; as quick at 128
MOST = 400  # products for one step
PRODUCTS = 20_000  # products for one path
DROWNED = 1e-12  # of the action's scale: falls below this are roundoff
GOOD = 0.75  # share of the foreseen fall from which a step is as good as its model
RELAXED, FEW = 2, 20  # how often a worse one is mended, and products for that
ROUGH = 0.1  # least part of the gradient that a step may leave while it is far from done


def solve_by_products(mesh, x, tol, max_iter):
    """Least-action paths from the starts ``x`` (batch, n_times, dim), as the batched fields of `Path`."""
    found = [_describe(Descent(mesh, one, tol).run(max_iter)) for one in x]
    return {name: np.array([fields[name] for fields in found]) for name in found[0]}


def by_products(mesh, method):
    """Whether conjugate gradients are to find the steps; refused where they are needed and cannot."""
    if method not in (None, "banded", "newton-cg"):
        raise ValueError(f'method must be "banded", "newton-cg" or None, got {brief(method)}')
    system = mesh.lagrangian.system
    if method == "banded" or method is None and not (system.has_products and system.dim >= LARGE):
        return False
    missing = _missing(mesh.lagrangian)
    if missing and (method or system.flow.jacobian is None):
        raise ValueError(f'method "newton-cg" needs {missing}')
    return missing is None


def _missing(lagrangian):
    """What products cannot do without, in words; None where it is there."""
    flow, U = lagrangian.system.flow, lagrangian.potential
    if lagrangian.system.constant_diffusion is None:
        return "a diffusion that is constant"
    A = lagrangian.system.inverse_diffusion(np.zeros(flow.dim), 0.0)
    if A.ndim > 1 or not np.isfinite(A).all():
        return "a diffusion that is diagonal, with noise on every variable"
    if flow.vjp is None and flow.jacobian is None:
        return "vjp=, the transposed Jacobian times a vector, or jacobian="
    if U is not None and not U.has_gradient:
        return 'a functional whose gradient is given: "freidlin-wentzell", or a U with a method gradient'
    return None


class Descent:
    """Newton's method on one path ``x`` (n_times, dim)."""

    def __init__(self, mesh, x, tol):
        self.mesh, self.tol, self.n_iter, self.reach = mesh, tol, 0, np.abs(x).max()
        self.products = 0
        with np.errstate(all="ignore"):
            self._take(x.copy(), mesh.terms(x, order=1))
            known = np.isfinite(mesh.hessian_product(self.terms, self.gradient)).all()
        if not (known and np.isfinite(self.norm)):
            explain_derivatives(mesh, x[None])

    def _take(self, x, terms):
        mesh = self.mesh
        left, _ = mesh.ends(terms)
        self.x, self.terms, self.gradient = x, terms, mesh.gradient(terms)
        self.free = FreeModes(mesh, terms)
        self.action = float(mesh.integral(terms.L))
        self.norm = float(np.abs(self.gradient).max())
        momentum = np.abs(left).max()
        self.floor = EPS * (momentum + np.abs(terms.A).max() / mesh.h.min() * np.abs(x).max())
        self.target = self.tol * momentum + 16 * self.floor
        self.scale = float(mesh.integral(np.abs(terms.L) + terms.kinetic))

    @property
    def converged(self):
        return bool(self.norm <= self.target)

    def kind(self):
        """Minimum or saddle, by the sign of the undamped second derivative."""
        mesh, system = self.mesh, self.mesh.lagrangian.system
        noise = 10 * EPS * len(mesh.t) ** 2
        if system.flow.hvp is None:
            noise += EPS ** (2 / 3) * (mesh.t[-1] - mesh.t[0]) ** 2
        product, start = partial(mesh.hessian_product, self.terms), self.free.draw(np.random.default_rng(0))
        found = sign(product, self.free.solve, start, noise)
        return {1: "minimum", 0: "undetermined", -1: "saddle"}[found]

    def run(self, max_iter):
        """Step until nothing is gained any more."""
        first, radius = self.norm, np.sqrt(np.vdot(self.gradient, self.free.solve(self.gradient)))
        with np.errstate(all="ignore"):
            while self._goes_on(max_iter):
                found = self._step(self.terms, leave=min(ROUGH, np.sqrt(self.norm / first)), radius=radius)
                if self.converged and found.negative:  # a saddle: its kind says so
                    break
                self.n_iter, before = self.n_iter + 1, self.norm
                last = found.fall <= DROWNED * self.scale  # the fall drowns in roundoff: the gradient tells
                x, terms, share = self._try(found)
                if np.abs(self.mesh.gradient(terms)).max() < before if last else share >= 1e-4:
                    self._take(x, terms)
                if last and not self.norm < before / 2:
                    break
                if share < 0.25:
                    radius = found.length / 2
                elif share > GOOD and found.length > 0.99 * radius:
                    radius *= 3
            self._polish(max_iter)
        return self

    def _goes_on(self, max_iter):
        moves = np.abs(self.x).max() <= 1e6 * (1 + self.reach)  # it has not run off to infinity
        return self.n_iter < max_iter and self.products < PRODUCTS and self.norm > 16 * self.floor and moves

    def _try(self, found):
        """The path after a step, its terms, and the share of the foreseen fall of the action that came.

        Valleys of long paths are flat and curved, for an event may come sooner or later: a straight step
        climbs their wall. So one that disappoints is judged after what it did across the valley has relaxed,
        by a few products that hardly move along it.
        """
        x, terms, share = self._moved(self.x, found.step, found.fall)
        worth = share < GOOD and found.fall > DROWNED * self.scale
        for _ in range(RELAXED if worth else 0):
            back = self._step(terms, leave=ROUGH, most=FEW, radius=found.length / 4)
            trial = self._moved(x, back.step, found.fall)
            if not trial[-1] > share:
                break
            x, terms, share = trial
        return x, terms, share

    def _moved(self, x, step, foreseen):
        x = x.copy()
        x[1:-1] += step
        terms = self.mesh.terms(x, order=1)
        return x, terms, (self.action - float(self.mesh.integral(terms.L))) / foreseen

    def _step(self, terms, most=MOST, **options):
        product, gradient = partial(self.mesh.hessian_product, terms), self.mesh.gradient(terms)
        found = conjugate_gradients(product, self.free.solve, gradient, most=most, **options)
        self.products += found.products
        return found

    def _polish(self, max_iter):
        """Newton on the gradient alone while that halves: saddles, which no descent finds, end here."""
        while self._goes_on(max_iter):
            self.n_iter, before = self.n_iter + 1, self.norm
            x = self.x.copy()
            x[1:-1] += self._step(self.terms, leave=1e-4, indefinite=True).step
            terms = self.mesh.terms(x, order=1)
            if not np.abs(self.mesh.gradient(terms)).max() < before / 2:
                break
            self._take(x, terms)


def _describe(descent):
    return described(
        descent.mesh,
        descent.x,
        descent.terms,
        action=descent.action,
        converged=descent.converged,
        gradient_norm=descent.norm,
        n_iter=descent.n_iter,
        kind=descent.kind() if descent.converged else "undetermined",
    )
