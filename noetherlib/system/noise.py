"""The diffusion matrix D: symmetric, positive definite or semi-definite (noise on some variables)."""

from __future__ import annotations

import numpy as np

from ..inputs import as_floats, cholesky
from .derivatives import EPS, differentiate, symmetrised


class Noisy:
    """What a `System` answers about its noise."""

    def diffusion(self, x, t):
        """Diffusion matrix D at ``x`` (..., dim): (..., dim, dim), whatever form it was given in."""
        x = self.facts.states(x)
        lead = np.broadcast_shapes(x.shape[:-1], np.shape(t))
        D = self.constant_diffusion
        return np.broadcast_to(self.facts.noise(x, t)[0] if D is None else D, lead + (self.dim,) * 2)

    def noise(self, x, t):
        """D without the axes that it is known not to depend on, and whether it knows no state."""
        if self.constant_diffusion is not None:
            return self.constant_diffusion, True
        return self.facts.noise(self.facts.states(x), t)

    def inverse_diffusion(self, x, t):
        """``D^-1`` at ``x`` without the axes that D does not depend on; nan where there is none.

        (dim,) where D is constant and diagonal, else matrices.
        """
        return (
            self._inverse
            if self._inverse is not None
            else invert(self.facts.noise(self.facts.states(x), t)[0])
        )

    def diffusion_gradient(self, x, t):
        """dD_ij/dx_l at ``x`` (..., dim): (..., dim, dim, dim)."""
        if self.flow.diffusion_gradient is not None:
            return self.facts.ask("diffusion_gradient", 3, x, t)
        return differentiate(self.diffusion, np.asarray(x, dtype=float), t)

    def diffusion_hessian(self, x, t):
        """d2D_ij/dx_l dx_m at ``x`` (..., dim): (..., dim, dim, dim, dim)."""
        if self.flow.diffusion_hessian is not None:
            return self.facts.ask("diffusion_hessian", 4, x, t)
        x = np.asarray(x, dtype=float)
        return symmetrised(differentiate(self.diffusion_gradient, x, t, EPS ** (2 / 3)))


def as_matrix(given, dim):
    """A constant D as a checked (dim, dim) matrix."""
    given = as_floats(given, "diffusion")
    if given.shape == ():
        matrix = given * np.eye(dim)
    elif given.shape == (dim,):
        matrix = np.diag(given)
    elif given.shape == (dim, dim):
        matrix = given.copy()
    else:
        raise ValueError(f"diffusion must be a number, ({dim},) or ({dim}, {dim}), got shape {given.shape}")
    return check_semidefinite(matrix)


def check_semidefinite(matrix):
    """``matrix`` (..., dim, dim) itself if it is a valid D, else a ValueError that says why not."""
    if not np.isfinite(matrix).all():
        raise ValueError("diffusion must be finite, got NaN or infinity")
    good = is_symmetric(matrix)
    if not good.all():
        index = tuple(map(int, np.argwhere(~good)[0]))
        raise ValueError(f"diffusion must be symmetric{f', and is not at index {index}' if index else ''}")
    lowest = np.linalg.eigvalsh(matrix)[..., 0]
    if (lowest < -roundoff(matrix)).any():
        raise ValueError(f"diffusion must be positive semi-definite, got eigenvalue {lowest.min():.3g}")
    return matrix


def check_positive_definite(matrix):
    """The same for what needs noise on every variable."""
    lowest = np.linalg.eigvalsh(check_semidefinite(matrix))[..., 0]
    if (lowest <= roundoff(matrix)).any():
        raise ValueError(f"diffusion must be positive definite, got smallest eigenvalue {lowest.min():.3g}")
    return matrix


def roundoff(matrix):
    """Eigenvalues below this are zero."""
    return 4 * EPS * matrix.shape[-1] * np.abs(matrix).max(axis=(-1, -2))


def is_symmetric(matrix):
    """Whether each of the matrices (..., dim, dim) is: (...)."""
    rounding = 1e-12 * np.abs(matrix).max(axis=(-1, -2), keepdims=True)
    return (np.abs(matrix - np.swapaxes(matrix, -1, -2)) <= rounding).all(axis=(-1, -2))


def is_diagonal(matrix):
    """Whether all of the matrices (..., dim, dim) are."""
    return np.count_nonzero(matrix) == np.count_nonzero(np.einsum("...ii->...i", matrix))


def invert(D):
    """Inverse of ``D`` (..., dim, dim); nan where it is not symmetric and positive definite."""
    diagonal = np.einsum("...ii->...i", D)
    with np.errstate(all="ignore"):
        if is_diagonal(D):
            good = (np.isfinite(diagonal) & (diagonal > 0)).all(axis=-1)[..., None, None]
            return np.where(good, np.eye(D.shape[-1]) / diagonal[..., None], np.nan)
        good = (np.isfinite(D).all(axis=(-1, -2)) & is_symmetric(D))[..., None, None]
        safe = np.where(good, D, np.eye(D.shape[-1]))
        lowest = np.linalg.eigvalsh(safe)[..., :1, None]
        good = good & (lowest > roundoff(safe)[..., None, None])
        return np.where(good, np.linalg.inv(np.where(good, D, np.eye(D.shape[-1]))), np.nan)


def root(D):
    """``R`` with ``R R^T = D`` for semi-definite D (..., dim, dim): Cholesky where that is possible."""
    if (triangle := cholesky(D)) is not None:
        return triangle
    values, vectors = np.linalg.eigh(D)
    return vectors * np.sqrt(np.maximum(values, 0))[..., None, :]


def pseudo_inverse(D):
    """Inverse of ``D`` (..., dim, dim) on its range, and the orthogonal projector on that range."""
    values, vectors = np.linalg.eigh(D)
    noisy = values > roundoff(D)[..., None]
    inverse = np.where(noisy, 1 / np.where(noisy, values, 1.0), 0.0)
    back = np.swapaxes(vectors, -1, -2)
    return (vectors * inverse[..., None, :]) @ back, (vectors * noisy[..., None, :]) @ back


def changes(noise, x, t):
    """Which entries of ``D = noise(x, t)`` change with which coordinate around the states ``x`` (..., dim).

    (dim, dim, dim) of bool, the coordinate first: by values at small steps to both sides, for a
    derivative may vanish where D does change.
    """
    D, dim = noise(x, t), x.shape[-1]
    step, found = EPS**0.25 * np.maximum(1.0, np.abs(x)), np.zeros((dim, dim, dim), dtype=bool)
    for j in range(dim):
        for sign in (1, -1):
            near = x.copy()
            near[..., j] += sign * step[..., j]
            change = np.abs(noise(near, t) - D) > 4 * EPS * np.abs(D).max()
            found[j] |= change.reshape(-1, dim, dim).any(axis=0)
    return found
