"""Least action in very many variables: Newton's method by conjugate gradients, without matrices.

Nothing is kept but vectors as long as the path. The second derivative of the action is known by its
products alone, and `FreeModes` makes them well conditioned. As in `Newton` a step is damped by the free
particle's matrix: more of it where conjugate gradients meet a direction of negative curvature, or the
action does not fall as foreseen. Source: Nocedal and Wright (2006), Numerical Optimization, chapter 7.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ..inputs import brief
from ..lagrangian.action import explain_derivatives
from ..system.derivatives import EPS
from .lanczos import sign
from .preconditioner import FreeModes

LARGE = 256  # variables of a field on a ring: 10 times quicker than by matrices; as quick at 128
DAMPED = 1e12  # damping beyond which nothing moves
MOST = 400  # products for one step
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
        self.damping = 0.0
        with np.errstate(all="ignore"):
            self._take(x.copy(), mesh.terms(x, order=1))
        if not np.isfinite(self.norm):
            explain_derivatives(mesh, x[None])

    def _take(self, x, terms):
        mesh = self.mesh
        left, _ = mesh.ends(terms)
        self.x, self.terms, self.gradient = x, terms, mesh.gradient(terms)
        self.action = float(terms.L @ mesh.h)
        self.norm = float(np.abs(self.gradient).max())
        momentum = np.abs(left).max()
        self.floor = EPS * (momentum + np.abs(terms.A).max() / mesh.h.min() * np.abs(x).max())
        self.target = self.tol * momentum + 16 * self.floor
        self.scale = float((np.abs(terms.L) + terms.kinetic) @ mesh.h)

    @property
    def converged(self):
        return bool(self.norm <= self.target)

    def kind(self):
        """Minimum or saddle, by the sign of the undamped second derivative."""
        mesh, system = self.mesh, self.mesh.lagrangian.system
        noise = 10 * EPS * len(mesh.t) ** 2
        if system.flow.hvp is None:
            noise += EPS ** (2 / 3) * (mesh.t[-1] - mesh.t[0]) ** 2
        free = FreeModes(mesh, self.terms)
        found = sign(partial(mesh.hessian_product, self.terms), free.solve, self.gradient.shape, noise)
        return {1: "minimum", 0: "undetermined", -1: "saddle"}[found]

    def run(self, max_iter):
        """Step until nothing is gained any more."""
        first = self.norm
        with np.errstate(all="ignore"):
            while self.n_iter < max_iter and self.norm > 16 * self.floor and self.damping <= DAMPED:
                self.n_iter += 1
                step, predicted = self._step(min(ROUGH, np.sqrt(self.norm / first)))
                x, before = self.x.copy(), self.norm
                x[1:-1] += step
                terms = self.mesh.terms(x, order=1)
                fall = self.action - float(terms.L @ self.mesh.h)
                last = predicted <= 1e-12 * self.scale  # the fall drowns in roundoff: the gradient tells
                if last:
                    good = np.abs(self.mesh.gradient(terms)).max() < before
                else:
                    good = fall >= 1e-4 * predicted
                if good:
                    self._take(x, terms)
                if last and self.norm > before / 2:
                    break
                if good and fall > 0.75 * predicted:
                    self.damping = self.damping / 8 if self.damping > 1e-10 else 0.0
                if not last and not fall >= 0.25 * predicted:
                    self.damping = 4 * self.damping or 1e-3
                if np.abs(self.x).max() > 1e6 * (1 + self.reach):
                    break
            self._polish(max_iter)
        return self

    def _polish(self, max_iter):
        """Newton on the gradient alone while that halves: saddles, where the damping grows, end here."""
        while self.n_iter < max_iter and self.norm > 16 * self.floor:
            self.n_iter, before, self.damping = self.n_iter + 1, self.norm, 0.0
            x = self.x.copy()
            x[1:-1] += self._conjugate_gradients(1e-4, indefinite=True)[0]
            terms = self.mesh.terms(x, order=1)
            if not np.abs(self.mesh.gradient(terms)).max() < before / 2:
                break
            self._take(x, terms)

    def _step(self, leave):
        """A step (n-2, dim) and the fall that it promises; damping grows where it must.

        ``leave``: the part of the gradient that may be left, in the norm of the free modes.
        """
        while (found := self._conjugate_gradients(leave)) is None:
            self.damping = 4 * self.damping or 1e-3
            if self.damping > DAMPED:  # products that are not finite
                return np.zeros_like(self.gradient), 0.0
        step, predicted = found
        if self.damping:
            inertia = self.mesh.inertia_product(self.terms.A, step)
            predicted += self.damping * np.vdot(step, inertia) / 2
        return step, predicted

    def _conjugate_gradients(self, leave, indefinite=False):
        """The step at the damping of now, and the fall of its quadratic model.

        None at negative curvature, but where the matrix may be ``indefinite``.
        """
        mesh, terms, damping = self.mesh, self.terms, self.damping
        free = FreeModes(mesh, terms, damping)
        step, rest, predicted = np.zeros_like(self.gradient), -self.gradient, 0.0
        along = free.solve(rest)
        left = np.vdot(rest, along)
        enough = leave**2 * left
        for _ in range(MOST):
            curved = mesh.hessian_product(terms, along)
            if damping:
                curved += damping * mesh.inertia_product(terms.A, along)
            bent = np.vdot(along, curved)
            if not (bent > 0 or indefinite):
                return None
            length = left / bent
            step += length * along
            rest -= length * curved
            predicted += length * left / 2
            z = free.solve(rest)
            before, left = left, np.vdot(rest, z)
            if left <= enough:
                break
            along *= left / before
            along += z
        return step, predicted


def _describe(descent):
    mesh, terms = descent.mesh, descent.terms
    left, right = mesh.ends(terms)
    return {
        "x": descent.x,
        "action": descent.action,
        "converged": descent.converged,
        "gradient_norm": descent.norm,
        "n_iter": descent.n_iter,
        "momentum": np.concatenate([left[:1], right]),
        "energy": terms.energy,
        "kind": descent.kind() if descent.converged else "undetermined",
        "constraint": 0.0,
    }
