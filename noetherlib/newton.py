"""Newton's method on the discrete action, with block-tridiagonal matrices in LAPACK's band storage.

A matrix with ``m`` diagonal blocks of size ``d`` and couplings between neighbours alone is kept as
``band`` (..., m, d, 2d): ``band[k, j, r]`` is the entry ``r`` rows below the diagonal in column
``k d + j``. Flattened and transposed that is LAPACK's lower band storage in Fortran order, so that
nothing is copied on the way. Leading axes are a batch.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg.blas import dsbmv
from scipy.linalg.lapack import dgbsv, dpbsv, dpbtrf

from .system import EPS, componentwise


class NotConverged(RuntimeWarning):
    """A path was returned that did not converge."""


def assemble(diagonal, upper):
    """Band of the diagonal blocks (..., m, d, d) and the blocks (..., m-1, d, d) right of them."""
    *lead, m, d, _ = diagonal.shape
    band = np.zeros((*lead, m, d, 2 * d))
    for j in range(d):
        band[..., j, : d - j] = diagonal[..., j:, j]
        band[..., :-1, j, d - j : 2 * d - j] = upper[..., j, :]
    return band


def lapack(band):
    """The band as LAPACK wants it, without a copy."""
    m, d, width = band.shape
    return band.reshape(m * d, width).T


def solve(band, right):
    """``x`` with ``matrix @ x = right`` (m, d), or None where the matrix is not positive definite."""
    _, x, info = dpbsv(lapack(band), right.reshape(-1), lower=1)
    return x.reshape(right.shape) if info == 0 else None


def is_definite(band):
    """Whether the matrix is positive definite."""
    return dpbtrf(lapack(band), lower=1)[1] == 0


def log_determinant(band):
    """Logarithm of the determinant of a positive definite matrix; nan where it is not."""
    factor, info = dpbtrf(lapack(band), lower=1)
    return 2 * np.log(factor[0]).sum() if info == 0 else np.nan


def solve_indefinite(band, right):
    """``x`` with ``matrix @ x = right`` (m, d) by Gaussian elimination, whatever the signs."""
    lower = lapack(band)
    width, n = len(lower) - 1, right.size
    full = np.zeros((3 * width + 1, n), order="F")
    full[2 * width :] = lower
    for r in range(1, width + 1):  # the upper half mirrors the lower one
        full[2 * width - r, r:] = lower[r, : n - r]
    return dgbsv(width, width, full, right.ravel())[2].reshape(right.shape)


def quadratic(band, x):
    """``x . matrix @ x`` for x (m, d)."""
    return x.ravel() @ dsbmv(band.shape[-1] - 1, 1.0, lapack(band), x.ravel(), lower=1)


class Newton:
    """Damped Newton on a batch of paths ``x`` (batch, n_times, dim), each with its own damping.

    The matrix of a step is ``H + damping * K``: H the second derivative of the action, K the free
    particle's. K is the right yardstick at every mesh width, so that the damping means the same
    on any mesh.
    """

    def __init__(self, mesh, x, tol):
        self.mesh, self.tol, self.inertia = mesh, tol, None
        batch, n, dim = x.shape
        self.x = componentwise(x.copy())
        self.damping = np.zeros(batch)
        self.reach = np.abs(x).max(axis=(1, 2))
        self.n_iter = np.zeros(batch, dtype=int)
        self.action, self.scale, self.gradient_norm, self.target, self.floor = np.zeros((5, batch))
        self.gradient = np.zeros((batch, n - 2, dim))
        self.band = np.zeros((batch, n - 2, dim, 2 * dim))
        with np.errstate(all="ignore"):
            #: whether each start has finite derivatives; where not, nothing here means anything
            self.finite = self.expand(np.arange(batch), self.x)

    @property
    def converged(self):
        return self.gradient_norm <= self.target

    def descend(self, max_iter):
        """Step until nothing is gained any more, at most ``max_iter`` times."""
        active = np.flatnonzero(self.gradient_norm > 0)
        for _ in range(max_iter):
            if not len(active):
                break
            active = active[self._step(active)]

    def slide(self, rounds=25):
        """Move the unconverged along the valley of long paths, which is flat and curved.

        A path that rests may start sooner or later at hardly any cost. Steps straight in x leave
        that valley at once; so the Newton step is taken as a shift of the clock, and what is left
        across the valley relaxes at a damping that hardly moves along it.
        """
        for k in np.flatnonzero(~self.converged):
            self._relax(k)
            reach = 1.0
            for _ in range(rounds):
                if self.gradient_norm[k] <= self.target[k] or reach < 0.02:
                    break
                before = self.x[k].copy(), self.action[k], self.gradient_norm[k]
                step = solve_indefinite(self.band[k], -self.gradient[k])
                downhill = np.vdot(self.gradient[k], step) < 0
                bent = self._bend(before[0], step * (reach if downhill else -reach))
                self.expand(np.array([k]), bent[None])
                self._relax(k)
                fell = self.action[k] <= before[1] + 1e-14 * self.scale[k]
                if fell and (self.gradient_norm[k] < before[2] or not downhill):
                    reach = min(2 * reach, 8.0)
                else:
                    self.expand(np.array([k]), before[0][None])
                    reach /= 4

    def _relax(self, k, damping=1e-4, max_iter=12):
        """Steps at fixed damping while they shrink the gradient."""
        for i in range(max_iter):
            before = self.gradient_norm[k]
            step = solve(self.band[k] + damping * self._inertia(k), -self.gradient[k])
            if step is None:
                break
            trial = self.x[k : k + 1].copy()
            trial[:, 1:-1] += step
            self.expand(np.array([k]), trial)
            self.n_iter[k] += 1
            if i > 2 and self.gradient_norm[k] > before / 2:
                break

    def _bend(self, x, step):
        """``x`` with the part of the step along the path taken as a shift of the clock."""
        from scipy.interpolate import CubicSpline  # slow to load, seldom used

        t = self.mesh.t
        v = np.gradient(x, t, axis=0)[1:-1]
        speed2 = np.einsum("ki,ki->k", v, v)
        shift = np.einsum("ki,ki->k", step, v) / (speed2 + 1e-6 * speed2.max() + 1e-300)
        clock = np.maximum.accumulate(np.clip(t[1:-1] + shift, t[0], t[-1]))
        bent = x.copy()
        bent[1:-1] = CubicSpline(t, x)(clock) + step - (clock - t[1:-1])[:, None] * v
        return bent

    def polish(self, max_iter=20):
        """Newton on the gradient alone for those that have not converged: saddles end here."""
        for k in np.flatnonzero(~self.converged):
            for _ in range(max_iter):
                trial = self.x[k : k + 1].copy()
                trial[:, 1:-1] += solve_indefinite(self.band[k], -self.gradient[k])
                with np.errstate(all="ignore"):
                    if not self.expand(np.array([k]), trial, self.gradient_norm[k : k + 1] / 2)[0]:
                        break
                self.n_iter[k] += 1

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
            inertia = self._inertia(member)
            if not self.converged[member]:
                return "undetermined"
            if is_definite(self.band[member] - noise * inertia):
                return "minimum"
            unsure = is_definite(self.band[member] + noise * inertia)
            return "undetermined" if unsure else "saddle"

        return np.array([kind(member) for member in range(len(self.x))])

    def expand(self, members, x, below=np.inf):
        """Take ``x`` over as the paths of ``members``, with the derivatives of the action there.

        Only those are taken whose gradient is finite and smaller than ``below``; returns which.
        """
        mesh = self.mesh
        terms = mesh.terms(x, order=2)
        left, right = mesh.ends(terms)
        gradient = right[:, :-1] - left[:, 1:]
        norm = np.abs(gradient).max(axis=(1, 2))
        band = assemble(*mesh.blocks(terms))
        momentum = np.abs(left).max(axis=(1, 2))
        # roundoff of x over the shortest step is what the momentum cannot resolve
        metric = np.abs(terms.metric).max(axis=tuple(range(-min(3, terms.metric.ndim), 0)))
        floor = EPS * (momentum + metric * np.abs(x).max(axis=(1, 2)) / mesh.h.min())
        taken = (norm < below) & np.isfinite(band).all(axis=(1, 2, 3))
        m = members[taken]
        self.x[m], self.gradient[m], self.band[m] = x[taken], gradient[taken], band[taken]
        self.action[m] = (terms.value @ mesh.h)[taken]
        self.scale[m] = ((np.abs(terms.value) + terms.kinetic) @ mesh.h)[taken]
        self.gradient_norm[m], self.floor[m] = norm[taken], floor[taken]
        self.target[m] = (self.tol * momentum + 16 * floor)[taken]
        return taken

    def _step(self, active):
        """One step for each active path; returns which of them should go on."""
        steps, predicted = self._solve(active)
        trial = self.x[active]
        trial[:, 1:-1] += steps
        with np.errstate(all="ignore"):
            fall = self.action[active] - self.mesh.action(trial)
            # near the end the fall drowns in roundoff, and only the gradient can tell
            last = predicted <= 1e-12 * self.scale[active]
            hopeful = last | (fall >= 1e-4 * predicted)
            below = np.where(last, self.gradient_norm[active], np.inf)[hopeful]
            before = self.gradient_norm[active]
            accepted = np.zeros(len(active), dtype=bool)
            if hopeful.any():
                accepted[hopeful] = self.expand(active[hopeful], trial[hopeful], below)
        self.n_iter[active] += 1

        damping = self.damping[active]
        good = accepted & (fall > 0.75 * predicted)
        norm = self.gradient_norm[active]
        slow = last & (norm > before / 2)
        poor = ~accepted | slow | (~last & (fall < 0.25 * predicted))
        damping[good] = np.where(damping[good] > 1e-10, damping[good] / 8, 0)
        damping[poor] = np.where(damping[poor] > 0, 4 * damping[poor], np.where(last[poor], 1e-9, 1e-3))
        self.damping[active] = damping
        settled = slow & ((norm <= 16 * self.floor[active]) | (damping > 1))
        done = settled | (norm == 0) | (damping > 1e12)
        # an action without lower bound (U < 0 far out) sends the path off to infinity
        done |= np.abs(self.x[active]).max(axis=(1, 2)) > 1e6 * (1 + self.reach[active])
        return ~done

    def _solve(self, active):
        """Newton steps and the falls of the action they promise; damping grows where it must."""
        steps = np.zeros_like(self.gradient[active])
        curvature = np.zeros(len(active))
        for i, k in enumerate(active):
            step = solve(self.band[k], -self.gradient[k]) if self.damping[k] == 0 else None
            if step is None:
                inertia = self._inertia(k)
                self.damping[k] = self.damping[k] or 1e-3
                while (step := solve(self.band[k] + self.damping[k] * inertia, -self.gradient[k])) is None:
                    self.damping[k] *= 4
                    if self.damping[k] > 1e12:  # steps of time too unequal for the free particle's matrix
                        step = 0.0
                        break
                else:
                    curvature[i] = self.damping[k] * quadratic(inertia, step)
            steps[i] = step
        return steps, (curvature - np.einsum("kni,kni->k", self.gradient[active], steps)) / 2

    def _inertia(self, member):
        """Band of the free particle's action along one path: of all alike where D knows no state."""
        if self.inertia is None or self.mesh.lagrangian.system.multiplicative:
            self.inertia = assemble(*self.mesh.inertia(self.x[member]))
        return self.inertia
