"""Laplace's method: the density at the end of a path, and the Gaussian band around it."""

from __future__ import annotations

import numpy as np

from ..inputs import as_a
from ..lagrangian import Lagrangian, Mesh
from ..lagrangian.action import lacks_noise
from ..lagrangian.banded import log_determinant, pack
from ..lagrangian.mesh import as_matrix
from ..lagrangian.path import Path


def transition_density(path, *, log=False):
    """Density of ``x1`` at the end of a least-action path given its start, by Laplace's method.

    Parameters
    ----------
    path : Path
        Converged minima of the Onsager-Machlup or Freidlin-Wentzell action; a batch is fine.
    log : bool, optional
        Return the logarithm, for densities too small for a float.

    Returns
    -------
    float or array (...)
        ``rho(x1, t[-1] | x0, t[0])``, in units of one over state to the power ``dim``.

    Raises
    ------
    ValueError
        For a path that did not converge or is not a minimum, for a functional with a ``U`` of the
        caller's, for noise that depends on the state, for a step so long that
        ``det(I - h/2 grad f)`` is not positive.

    Notes
    -----
    With S the Freidlin-Wentzell action of the path, H the second derivative of the action that the
    path minimises, A = grad f and B = grad grad (U - p . f) at the midpoints,

        log rho = -S + sum_k [log det(I - h/2 A) - h^2/4 tr(D B) - 1/2 log det(4 pi h D)]
                  - 1/2 log det(H / 2 pi).

    The integral over the inner nodes is that of the midpoint chain. ``log det(I - h/2 A)`` is its
    Jacobian; ``-h/2 div f`` in its place leaves an error O(h). ``tr(D B)`` is what the midpoint
    rule misses where the drift bends, as the mean square of a fluctuation over a step exceeds that
    of its midpoint by D h / 2; without it the error is O(h) for drifts that are not linear. With
    both it is O(h^2). What is left is Laplace's own relative error, O(D) under either functional
    and none for linear drift. One route is counted: add the densities of several.

    Source: Onsager and Machlup (1953); Langouche, Roekaerts and Tirapegui (1982), chapters 3 and 7.
    """
    if callable(as_a(Path, path, "path").functional):
        raise ValueError(
            "path must minimise the Onsager-Machlup or the Freidlin-Wentzell action: with another "
            "U, exp(-S) is not the density of this system's paths"
        )
    mesh, terms, bend, diagonal, upper = _second_order(path)
    if not terms.additive:
        raise ValueError("path must be of a system whose noise does not depend on the state")
    h, dim = mesh.h[:, None, None], path.x.shape[-1]
    A, D = terms.M, np.linalg.inv(as_matrix(terms.A))
    sign, jacobian = np.linalg.slogdet(np.eye(dim) - h / 2 * A)
    if (sign <= 0).any():
        raise ValueError(
            "path must have steps with h/2 times the drift's Jacobian below 1: take a finer mesh"
        )
    missed = np.einsum("...ij,...ji->...", D, bend) * mesh.h**2 / 4
    volume = dim * np.log(4 * np.pi * mesh.h) + np.linalg.slogdet(D)[1]
    band = pack(diagonal, upper)
    inner = [log_determinant(one) for one in band.reshape(-1, *band.shape[-3:])]
    freedom = dim * (len(path.t) - 2)
    value = (
        -terms.kinetic @ mesh.h + (jacobian - missed - volume / 2).sum(axis=-1)
        + (freedom * np.log(2 * np.pi) - np.reshape(inner, np.shape(path.action))) / 2
    )
    return value[()] if log else np.exp(value)[()]


def fluctuations(path):
    """Covariance of the bridge around a least-action path, at every node, for weak noise.

    Parameters
    ----------
    path : Path
        Converged minima; a batch is fine.

    Returns
    -------
    array (..., n_times, dim, dim)
        Diagonal blocks of the inverse of the action's second derivative, in units of state squared;
        zero at the ends. Exact (to O(h^2)) for linear drift.

    Raises
    ------
    ValueError
        For a path that did not converge or is not a minimum.

    Notes
    -----
    Forward elimination, then back substitution for the diagonal blocks alone: the
    Rauch-Tung-Striebel smoother (1965).
    """
    *_, diagonal, upper = _second_order(path)
    n = diagonal.shape[-3]
    covariance = np.zeros(path.x.shape + path.x.shape[-1:])
    left = np.empty_like(diagonal)  # inverses of the blocks once those before are eliminated
    for k in range(n):
        block = diagonal[..., k, :, :]
        if k:
            link = upper[..., k - 1, :, :]
            block = block - np.swapaxes(link, -1, -2) @ left[..., k - 1, :, :] @ link
        left[..., k, :, :] = np.linalg.inv(block)
    covariance[..., n, :, :] = left[..., -1, :, :]
    for k in range(n - 2, -1, -1):
        gain = left[..., k, :, :] @ upper[..., k, :, :]
        later = covariance[..., k + 2, :, :]
        covariance[..., k + 1, :, :] = left[..., k, :, :] + gain @ later @ np.swapaxes(gain, -1, -2)
    return covariance


def _second_order(path):
    """Mesh, terms and blocks of the second derivative of the action of converged minima."""
    as_a(Path, path, "path")
    for name, good in (("converged", path.converged), ("kind", np.asarray(path.kind) == "minimum")):
        for index in np.argwhere(~np.asarray(good))[:1]:
            got = np.asarray(getattr(path, name))[tuple(index)]
            where = f" at index {tuple(map(int, index))}" if len(index) else ""
            raise ValueError(
                f"path must be a converged minimum of the action, got {name} {got}{where}"
            )
    mesh = Mesh(Lagrangian(path.system, path.functional), path.t)
    if lacks_noise(mesh, path.x):
        raise ValueError(
            "path must be of a system with noise on every variable: its D has no inverse, and without "
            "one this expansion is not available"
        )
    terms = mesh.terms(path.x, order=1)
    bend = mesh.lagrangian.bend(terms)
    return mesh, terms, bend, *mesh.blocks(terms, bend)
