"""Damped Newton on the discrete action of a batch of paths."""

from __future__ import annotations

import numpy as np

from ..lagrangian.banded import (
    WIDE,
    damped,
    is_definite,
    quadratic,
    solve,
    solve_indefinite,
    yardstick,
)
from ..lagrangian.continuous import largest
from ..system.derivatives import EPS
from ..system.layout import componentwise
from ..system.sparsity import Sparsity


class NotConverged(RuntimeWarning):
    """A path was returned that did not converge."""


class Newton:
    """Damped Newton on a batch of paths ``x`` (batch, n_times, dim), each with its own damping.

    The matrix of a step is ``H + damping * K``: H the second derivative of the action, K the free
    particle's. K is the right yardstick at every mesh width, so that the damping means the same
    on any mesh. Where second derivatives of the drift are differenced in many variables, those of
    the step before serve again as long as the gradient falls eightfold.
    """

    def __init__(self, mesh, x, tol):
        self.mesh, self.tol, self.inertia = mesh, tol, None
        batch, n, dim = x.shape
        self.x = componentwise(x.copy(), small=0)
        self.damping, self.n_iter = [0.0] * batch, [0] * batch
        self.size = largest(x, (1, 2))
        #: an action without lower bound (U < 0 far out) sends the path off to infinity
        self.far = (1e6 * (1 + self.size)).tolist()
        self.action, self.scale, self.gradient_norm, self.momentum, self.floor = np.zeros((5, batch))
        self.roundoff = self._terms = None
        self.gradient = np.zeros((batch, n - 2, dim))
        self.hessian = np.zeros((batch, n - 2, *((2, dim, dim) if dim >= WIDE else (dim, 2 * dim))))
        self.costly, self.slope_noise = mesh.lagrangian.costly, mesh.lagrangian.system.slope_noise
        self.bend = np.zeros((batch, n - 1, dim, dim)) if self.costly else None
        self.fresh, self.zeros = True, Sparsity()
        with np.errstate(all="ignore"):
            #: whether each start has finite derivatives; where not, nothing here means anything
            self.finite = self.expand(np.arange(batch), self.x) & np.isfinite(
                self.hessian.reshape(batch, -1).sum(axis=1)
            )

    @property
    def target(self):
        return self.tol * self.momentum + 16 * self.floor

    @property
    def converged(self):
        return self.gradient_norm <= self.target

    @property
    def terms(self):
        """`Terms` of order 1 at the paths: those of the last step, if all paths took it."""
        return self._terms or self.mesh.terms(self.x, order=1)

    def descend(self, max_iter, rough=False):
        """Step until nothing is gained any more (``rough``: until converged), at most ``max_iter`` times."""
        active = np.flatnonzero(self.gradient_norm > 0).tolist()
        with np.errstate(all="ignore"):
            for _ in range(max_iter):
                if not active:
                    break
                active = self.step(active)
                if rough:
                    active = [k for k in active if not self.converged[k]]

    def relax(self, k, damping=1e-4, max_iter=12):
        """Steps of one path at fixed damping while they shrink the gradient."""
        for i in range(max_iter):
            before = self.gradient_norm[k]
            step = solve(damped(self.hessian[k], damping, self.free(k)), -self.gradient[k], overwrite=True)
            if step is None:
                break
            self.move(k, step)
            if i > 2 and self.gradient_norm[k] > before / 2:
                break

    def polish(self, max_iter=20):
        """Newton on the gradient alone for those that have not converged: saddles end here."""
        for k in np.flatnonzero(~self.converged):
            for _ in range(max_iter):
                step = solve_indefinite(self.hessian[k], -self.gradient[k])
                with np.errstate(all="ignore"):
                    if not self.move(k, step, self.gradient_norm[k : k + 1] / 2):
                        break

    def move(self, k, step, below=np.inf):
        """Take a path a step (n_times - 2, dim) on, if that leaves its gradient ``below``; whether it did."""
        trial = self.x[k : k + 1].copy()
        trial[:, 1:-1] += step
        taken = self.expand(np.array([k]), trial, below)[0]
        self.n_iter[k] += 1
        return taken

    def kinds(self):
        """Minimum or saddle, by the inertia of the undamped second derivatives; unknown if unconverged.

        Eigenvalues are measured against K. Roundoff of the entries, relative to the smoothest
        path's K, is ``EPS n**2``; differenced derivatives of the drift add their own noise.
        """
        mesh, system = self.mesh, self.mesh.lagrangian.system
        noise = 10 * EPS * len(mesh.t) ** 2
        if system.derivative_noise > EPS:
            noise += system.derivative_noise * (mesh.t[-1] - mesh.t[0]) ** 2

        def kind(member):
            if not self.converged[member]:
                return "undetermined"
            if self.costly:
                terms = mesh.terms(self.x[member], order=2)
                hessian = mesh.hessian(terms, mesh.lagrangian.bend(terms))
            else:
                hessian = self.hessian[member]
            inertia = self.free(member)
            if is_definite(damped(hessian, -noise, inertia)):
                return "minimum"
            return "undetermined" if is_definite(damped(hessian, noise, inertia)) else "saddle"

        return np.array([kind(member) for member in range(len(self.x))])

    def expand(self, members, x, below=np.inf, terms=None, action=None):
        """Take ``x`` over as the paths of ``members``, with the derivatives of the action there.

        Only those are taken whose gradient is finite and smaller than ``below``; returns which.
        ``terms`` are those of order 0 at ``x``, and ``action`` theirs, where they are known already.
        """
        mesh = self.mesh
        terms = mesh.lagrangian.with_slopes(terms or mesh.terms(x))
        left, right = mesh.ends(terms)
        gradient = right[:, :-1] - left[:, 1:]
        norm = largest(gradient, (1, 2))
        taken = norm < below  # never where it is not a number
        number = np.count_nonzero(taken)
        if not number:
            return taken
        if not self.costly:
            bend = mesh.lagrangian.bend(terms)
        elif self.fresh:
            bend = mesh.lagrangian.bend(terms, self.zeros)
        else:
            bend = self.bend[members]
        momentum, size = largest(left, (1, 2)), largest(x, (1, 2))
        if self.roundoff is None or not terms.additive:
            A = largest(terms.A, tuple(range(-min(3, terms.A.ndim), 0)))
            self.roundoff = EPS * A / mesh.h.min()
        # roundoff of x over the shortest step is what the momentum cannot resolve
        floor = EPS * momentum + self.roundoff * size
        if self.slope_noise:
            floor += self.slope_noise * mesh.h.max() * momentum * largest(terms.M, (1, 2, 3))
        found = {
            "x": x,
            "size": size,
            "gradient": gradient,
            "gradient_norm": norm,
            "hessian": mesh.hessian(terms, bend),
            "action": mesh.integral(terms.L) if action is None else action,
            "scale": mesh.integral(np.abs(terms.L) + terms.kinetic),
            "floor": floor,
            "momentum": momentum,
        }
        if self.costly:
            found["bend"] = bend
        if number == len(self.x):
            terms.M = None  # large, and not needed again
            vars(self).update(found, _terms=terms)
        else:
            self._terms = None
            for name, value in found.items():
                getattr(self, name)[np.asarray(members)[taken]] = value[taken]
        return taken

    def step(self, active):
        """One step for each path of the list ``active``; returns those that should go on."""
        every = slice(None) if len(active) == len(self.x) else active
        trial = self.x[every].copy(order="K")
        predicted = [self._advance(k, inner) for k, inner in zip(active, trial[:, 1:-1])]
        terms = self.mesh.terms(trial)
        action = self.mesh.integral(terms.L)
        fall = (self.action[every] - action).tolist()
        before, scale = self.gradient_norm[every].tolist(), self.scale[every].tolist()
        # near the end the fall drowns in roundoff, and only the gradient can tell
        last = [promise <= 1e-12 * size for promise, size in zip(predicted, scale)]
        hopeful = [end or f >= 1e-4 * promise for end, f, promise in zip(last, fall, predicted)]
        below = np.array([norm if end else np.inf for end, norm in zip(last, before)])
        if all(hopeful):
            accepted = self.expand(active, trial, below, terms, action)
        else:
            accepted, some = np.zeros(len(active), dtype=bool), np.array(hopeful)
            if some.any():
                accepted[some] = self.expand(
                    np.array(active)[some], trial[some], below[some], terms.at(some), action[some]
                )
        now, floor, size = (a[every].tolist() for a in (self.gradient_norm, self.floor, self.size))
        if self.costly:
            self.fresh = not (accepted & np.less(now, np.divide(before, 8))).all()
        on = []
        for k, *told in zip(active, accepted.tolist(), fall, predicted, last, before, now, floor, size):
            self.n_iter[k] += 1
            goes, self.damping[k] = _judge(*told, self.far[k], self.damping[k])
            if goes:
                on.append(k)
        return on

    def _advance(self, k, inner):
        """Take the inner nodes of path k a Newton step on, in place; the fall of the action that promises.

        Damping grows where it must.
        """
        promise, hessian, downhill, damping = 0.0, self.hessian[k], -self.gradient[k], self.damping[k]
        step = solve(hessian, downhill) if damping == 0 else None
        if step is None:
            inertia, damping = self.free(k), damping or 1e-3
            while (step := solve(damped(hessian, damping, inertia), downhill, overwrite=True)) is None:
                self.damping[k] = damping = 4 * damping
                if damping > 1e12:  # steps of time too unequal for the free particle's matrix
                    return 0.0
            self.damping[k] = damping
            promise = damping * quadratic(inertia, step) / 2
        inner += step
        return float(promise + np.vdot(downhill, step) / 2)

    def free(self, member):
        """The free particle's matrix along one path: the same for all where D knows no state."""
        if self.inertia is None or not self._additive:
            mid = self.mesh.split(self.x[member])[0]
            A, self._additive = self.mesh.lagrangian.metric(mid, self.mesh.t_mid)
            self.inertia = yardstick(*self.mesh.inertia(A))
        return self.inertia


def _judge(accepted, fall, predicted, last, before, now, floor, size, far, damping):
    """Whether a path should go on after a step, and its damping for the next."""
    slow = last and now > before / 2
    if accepted and fall > 0.75 * predicted:
        damping = damping / 8 if damping > 1e-10 else 0.0
    if not accepted or slow or (not last and fall < 0.25 * predicted):
        damping = 4 * damping or (1e-9 if last else 1e-3)
    done = now <= floor / 2 or (slow and (now <= 16 * floor or damping > 1))
    return not done and damping <= 1e12 and size <= far, damping
