"""The schemes: each moves states x (dim, paths) in place by the step from t[k] to t[k + 1]."""

from __future__ import annotations

import numpy as np

from ..inputs import brief


class EulerMaruyama:
    """x + f h + sqrt(2 D h) z."""

    name = "euler-maruyama"

    def __init__(self, system, t):
        self.system, self.t = system, t
        D = system.constant_diffusion
        self.root = None if D is None else _compact(np.linalg.cholesky(2 * D))

    def advance(self, x, z, work, k):
        t, h = self.t[k], self.t[k + 1] - self.t[k]
        rise = self.drift(x, t)
        self.colour(x, z, work, t, h)
        np.multiply(rise.T, h, out=work)
        x += work
        x += z

    def drift(self, x, t):
        """f at x (dim, paths), as (paths, dim)."""
        rise = self.system.drift(x.T, t)
        if not np.isfinite(rise.sum()):
            for k, i in np.argwhere(~np.isfinite(rise))[:1]:
                raise ValueError(
                    f"the drift of system must be finite, got f[{i}] = {rise[k, i]} at "
                    f"t = {t:.6g}, x[{i}] = {x[i, k]:.6g}"
                )
        return rise

    def variance(self, x, t):
        """2 D at x (1, paths): a number or one for each path."""
        return self.root**2 if self.root is not None else 2 * self.diffusion(x, t)[:, 0, 0]

    def diffusion(self, x, t):
        """D at x (dim, paths), as (paths, dim, dim), or (1, dim, dim) if it is the same for all."""
        D = self.system.diffusion(x.T if self.system.multiplicative else x[:, :1].T, t)
        if not (np.isfinite(D).all() and (np.diagonal(D, axis1=1, axis2=2) > 0).all()):
            wrong = ~np.isfinite(D) | (np.eye(len(x), dtype=bool) & ~(D > 0))
            k, i, j = np.argwhere(wrong)[0]
            raise ValueError(
                f"the diffusion of system must be positive definite, got D[{i}, {j}] = "
                f"{D[k, i, j]} at t = {t:.6g}, x[{i}] = {x[i, k]:.6g}"
            )
        return D

    def colour(self, x, z, work, t, h):
        """Turn standard normals z into the noise of one step."""
        if self.root is not None:
            return _apply(self.root * np.sqrt(h), z, work)
        D = self.diffusion(x, t)
        variances = np.diagonal(D, axis1=1, axis2=2).T
        if np.count_nonzero(D) == np.count_nonzero(variances):
            z *= np.sqrt(2 * h * variances)
            return
        try:
            roots = np.linalg.cholesky(2 * h * D)
        except np.linalg.LinAlgError:
            raise ValueError(
                f"the diffusion of system must be positive definite, and is not at t = {t:.6g}"
            ) from None
        z[...] = np.einsum("pij,jp->ip", np.broadcast_to(roots, (z.shape[1], *roots.shape[1:])), z)


class Milstein(EulerMaruyama):
    """Euler-Maruyama + (b(x + f h + b sqrt(h)) - b(x)) sqrt(h) (z**2 - 1) / 2 with b = sqrt(2 D).

    Without derivatives: Platen's form of Milstein's scheme (Kloeden and Platen 1992, section 11.1).
    """

    name = "milstein"

    def advance(self, x, z, work, k):
        t, h = self.t[k], self.t[k + 1] - self.t[k]
        b = self.amplitude(x, t)
        np.multiply(self.drift(x, t).T, h, out=work)
        x += work
        gain = self.amplitude(x + b * np.sqrt(h), t)
        gain -= b
        np.multiply(z, z, out=work)
        work -= 1
        gain *= work
        gain /= 2
        z *= b
        z += gain
        z *= np.sqrt(h)
        x += z

    def amplitude(self, x, t):
        return np.sqrt(2 * np.diagonal(self.diffusion(x, t), axis1=1, axis2=2).T)


class Exact:
    """The exact transition of a linear system: x -> Phi x + shift + root z."""

    name = "exact"

    def __init__(self, system, t):
        known = {}
        self.steps = []
        for h in np.diff(t):
            key = f"{h:.11e}"  # steps of a uniform grid differ by roundoff
            if key not in known:
                known[key] = _transition(*system.linear, system.constant_diffusion, h)
            self.steps.append(known[key])

    def advance(self, x, z, work, k):
        phi, shift, root = self.steps[k]
        _apply(phi, x, work)
        _apply(root, z, work)
        x += z
        if shift is not None:
            x += shift


def _transition(matrix, offset, D, h):
    """Phi, shift and root of a step h: Van Loan (1978) for a short step, then doubled."""
    from scipy.linalg import expm

    dim = len(offset)
    doublings = max(0, int(np.ceil(np.log2(1e-300 + 2 * h * np.abs(matrix).sum(axis=1).max()))))
    short = h / 2**doublings
    flow = expm(short * np.block([[matrix, offset[:, None]], [np.zeros((1, dim + 1))]]))
    phi, shift = flow[:dim, :dim], flow[:dim, dim]
    pair = expm(short * np.block([[-matrix, 2 * D], [np.zeros((dim, dim)), matrix.T]]))
    cov = phi @ pair[:dim, dim:]
    with np.errstate(all="ignore"):
        for _ in range(doublings):
            phi, shift, cov = phi @ phi, phi @ shift + shift, phi @ cov @ phi.T + cov
    if not np.isfinite(cov).all():
        raise ValueError(
            f"t has a step of {h:.6g}, over which the linear drift of system overflows"
        )
    root = np.linalg.cholesky((cov + cov.T) / 2)
    return _compact(phi), shift[:, None] if shift.any() else None, _compact(root)


def _compact(matrix):
    """A number or a column for a multiple of the identity or a diagonal matrix."""
    diagonal = np.diag(matrix)
    if (matrix != np.diag(diagonal)).any():
        return matrix
    return float(diagonal[0]) if (diagonal == diagonal[0]).all() else diagonal[:, None].copy()


def _apply(matrix, x, work):
    """x (dim, paths) times a `_compact` matrix, in place."""
    if np.ndim(matrix) == 0 or matrix.shape[1] == 1:
        x *= matrix
    else:
        np.matmul(matrix, x, out=work)
        x[...] = work


def choose(system, starts, t, method, bounds):
    """The scheme that was asked for, or the best that applies."""
    exact = system.linear is not None and system.constant_diffusion is not None and bounds is None
    reasons = {
        "euler-maruyama": "",
        "exact": "" if exact else "needs a drift known to be linear, a constant D and no bounds",
        "milstein": "goes without bounds" if bounds else _without_levy_areas(system, starts, t[0]),
    }
    if method is None:
        best = "exact" if exact else "milstein" if system.multiplicative else "euler-maruyama"
        method = "euler-maruyama" if reasons[best] else best
    if method not in reasons:
        names = ", ".join(map(repr, reasons))
        raise ValueError(f"method must be one of {names} or None, got {brief(method)}")
    if reasons[method]:
        raise ValueError(f"method {method!r} {reasons[method]}")
    schemes = {"euler-maruyama": EulerMaruyama, "exact": Exact, "milstein": Milstein}
    return schemes[method](system, t)


def _without_levy_areas(system, starts, t):
    """Why Milstein's scheme would need Lévy areas, or "" where it does not, near the starts."""
    if system.dim == 1 or not system.multiplicative:
        return ""
    rng = np.random.default_rng(0)
    x = starts[:16] * (1 + 0.1 * rng.random(system.dim)) + 0.01 * rng.random(system.dim)
    others = ~np.eye(system.dim, dtype=bool)
    gradient = np.einsum("piil->pil", system.diffusion_gradient(x, t))
    if system.diffusion(x, t)[:, others].any() or gradient[:, others].any():
        return "needs a diagonal D, each entry depending on its own coordinate alone"
    return ""
