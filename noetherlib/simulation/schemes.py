"""Explicit schemes: each moves states x (dim, paths) in place by the step from t[k] to t[k + 1]."""

from __future__ import annotations

import numpy as np

from ..system.noise import check_semidefinite, is_diagonal, root
from .failures import NotFinite
from .linear import apply, compact


class EulerMaruyama:
    """x + f h + sqrt(2 D h) z, negative eigenvalues of D set to zero.

    A step may carry a state where D would be negative (Cox, Ingersoll and Ross): it then has no
    noise until the drift brings it back (Deelstra and Delbaen 1998, Appl. Stoch. Models Data Anal.
    14, 77).
    """

    name = "euler-maruyama"

    def __init__(self, system, t, strict=True):
        self.system, self.t, self.strict = system, t, strict
        D = system.constant_diffusion
        self.root = None if D is None else compact(root(2 * D))

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
        if self.strict and not np.isfinite(rise.sum()):
            for k, i in np.argwhere(~np.isfinite(rise))[:1]:
                raise NotFinite(k, i, t, x[i, k], rise[k, i])
        return rise

    def variance(self, x, t):
        """2 D at x (1, paths): a number where D is known not to depend on x, or one per path."""
        if self.root is not None:
            return self.root**2
        D, additive = self.noise(x, t)
        variance = 2 * self.variances(D)[0]
        return variance[0] if additive else variance

    def local(self, x, z, variance, t, h):
        """Drift at states x (paths,) in 1-D, its slope over the step (none) and 2 D."""
        return self.drift(x[None], t)[:, 0], 0.0, variance

    def diffusion(self, x, t):
        """D at x (dim, paths), as (paths, dim, dim), or (1, dim, dim) if it is the same for all."""
        return self.noise(x, t)[0]

    def noise(self, x, t):
        """The same, and whether D is known not to depend on the state."""
        D, additive = self.system.noise(x.T, t)
        D = D.reshape(-1, len(x), len(x))
        if additive:
            check_semidefinite(D)
        elif self.strict:
            for k, i, j in np.argwhere(~np.isfinite(D))[:1]:
                raise ValueError(
                    f"the diffusion of system must be finite, got D[{i}, {j}] = {D[k, i, j]} at "
                    f"t = {t:.6g}, x[{i}] = {x[i, k]:.6g}"
                )
        return D, additive

    @staticmethod
    def variances(D):
        """The diagonal of D (paths, dim, dim) as (dim, paths), what is negative set to zero."""
        return np.maximum(np.einsum("pii->ip", D), 0.0)

    def colour(self, x, z, work, t, h):
        """Turn standard normals z into the noise of one step."""
        if self.root is not None:
            return apply(self.root * np.sqrt(h), z, work)
        D = self.diffusion(x, t)
        if is_diagonal(D):
            z *= np.sqrt(2 * h * self.variances(D))
        else:
            roots = np.broadcast_to(root(2 * h * D), (z.shape[1], *D.shape[1:]))
            z[...] = np.einsum("pij,jp->ip", roots, z)


class Milstein(EulerMaruyama):
    """Euler-Maruyama + (b(x + f h + b sqrt(h)) - b(x)) sqrt(h) (z**2 - 1) / 2, b = sqrt(2 max(D, 0)).

    Without derivatives: Platen's form of Milstein's scheme (Kloeden and Platen 1992, section 11.1).
    """

    name = "milstein"

    def advance(self, x, z, work, k):
        t, h = self.t[k], self.t[k + 1] - self.t[k]
        if k & (k - 1) == 0 and needs_levy_areas(self.system, x[:, :16].T, t, h):  # at 0, 1, 2, 4, ...
            raise ValueError(f"diffusion couples the coordinates at t = {t:.6g}: {_EULER}")
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
        D = self.diffusion(x, t)
        if not is_diagonal(D):
            raise ValueError(f"diffusion was diagonal at the starts and is not at t = {t:.6g}: {_EULER}")
        return np.sqrt(2 * self.variances(D))


_EULER = 'take method="euler-maruyama"'


def needs_levy_areas(system, x, t, h):
    """Whether Milstein's step h would need Lévy areas at states x (n, dim), or where it looks from them."""
    if system.dim == 1:
        return False
    for _ in range(2):
        D, additive = system.noise(x, t)
        if not is_diagonal(D):
            return True
        gradient = 0.0 if additive else np.einsum("piil->pil", system.diffusion_gradient(x, t))
        if np.any(gradient * ~np.eye(system.dim, dtype=bool)):
            return True
        x = x + system.drift(x, t) * h + np.sqrt(2 * h * np.maximum(np.einsum("...ii->...i", D), 0))
    return False
