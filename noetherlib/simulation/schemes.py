"""The schemes: each moves states x (dim, paths) in place by the step from t[k] to t[k + 1]."""

from __future__ import annotations

import numpy as np

from ..inputs import brief
from ..system.noise import changes, check_semidefinite, is_diagonal, root


class EulerMaruyama:
    """x + f h + sqrt(2 D h) z, negative eigenvalues of D set to zero.

    A step may carry a state where D would be negative (Cox, Ingersoll and Ross): it then has no
    noise until the drift brings it back (Deelstra and Delbaen 1998, Appl. Stoch. Models Data Anal.
    14, 77).
    """

    name = "euler-maruyama"

    def __init__(self, system, t):
        self.system, self.t = system, t
        D = system.constant_diffusion
        self.root = None if D is None else _compact(root(2 * D))

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
        return self.root**2 if self.root is not None else 2 * self.variances(self.diffusion(x, t))[0]

    def diffusion(self, x, t):
        """D at x (dim, paths), as (paths, dim, dim), or (1, dim, dim) if it is the same for all."""
        D, additive = self.system.noise(x.T, t)
        D = D.reshape(-1, len(x), len(x))
        if additive:
            check_semidefinite(D)
        for k, i, j in np.argwhere(~np.isfinite(D))[:1]:
            raise ValueError(
                f"the diffusion of system must be finite, got D[{i}, {j}] = {D[k, i, j]} at "
                f"t = {t:.6g}, x[{i}] = {x[i, k]:.6g}"
            )
        return D

    @staticmethod
    def variances(D):
        """The diagonal of D (paths, dim, dim) as (dim, paths), what is negative set to zero."""
        return np.maximum(np.einsum("pii->ip", D), 0.0)

    def colour(self, x, z, work, t, h):
        """Turn standard normals z into the noise of one step."""
        if self.root is not None:
            return _apply(self.root * np.sqrt(h), z, work)
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
        if k & (k - 1) == 0 and needs_levy_areas(self.system, x[:, :16].T, t):  # at 0, 1, 2, 4, ...
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
    size = np.sqrt(np.diag(cov))  # what has no noise of its own moves by powers of h less: in units of its own
    unit = np.where(size > 0, size, 1.0)
    spread = root((cov + cov.T) / 2 / np.outer(unit, unit)) * unit[:, None]
    return _compact(phi), shift[:, None] if shift.any() else None, _compact(spread)


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


_EULER = 'take method="euler-maruyama"'


def choose(system, starts, t, method, bounds):
    """The scheme that was asked for, or the best that applies."""
    if not np.isfinite(starts).all():
        raise ValueError("x0 must be finite")
    D, additive = system.noise(starts, t[0])
    check_semidefinite(D)
    if bounds is not None and not D.any():
        raise ValueError("diffusion must not be zero where there are bounds")
    exact = system.linear is not None and system.constant_diffusion is not None and bounds is None
    coupled = not additive and needs_levy_areas(system, starts[:16], t[0])
    reasons = {
        "euler-maruyama": "",
        "exact": "" if exact else "needs a drift known to be linear, a constant D and no bounds",
        "milstein": "goes without bounds" if bounds
        else "needs a diagonal D, each entry depending on its own coordinate alone" if coupled
        else "",
    }
    if method is None:
        best = "exact" if exact else "euler-maruyama" if additive else "milstein"
        method = "euler-maruyama" if reasons[best] else best
    if method not in reasons:
        names = ", ".join(map(repr, reasons))
        raise ValueError(f"method must be one of {names} or None, got {brief(method)}")
    if reasons[method]:
        raise ValueError(f"method {method!r} {reasons[method]}")
    schemes = {"euler-maruyama": EulerMaruyama, "exact": Exact, "milstein": Milstein}
    return schemes[method](system, t)


def needs_levy_areas(system, x, t):
    """Whether Milstein's scheme would need Lévy areas at states x (n, dim)."""
    if system.dim == 1:
        return False
    D, additive = system.noise(x, t)
    if additive or not is_diagonal(D):
        return not is_diagonal(D)
    moves = np.einsum("jii->ij", changes(lambda y, s: system.noise(y, s)[0], x, t))
    return bool(moves[~np.eye(system.dim, dtype=bool)].any())
