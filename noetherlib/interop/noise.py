"""Noise amplitudes and the two calculi: diffrax, torchsde, sdeint, jitcsde."""

from __future__ import annotations

import numpy as np

from ..inputs import as_floats, cholesky


def from_amplitude(g):
    """Diffusion of the noise amplitude ``g`` of ``dx = f dt + g dW``.

    Parameters
    ----------
    g : number or (..., dim, n_noises) array
        A number for one coordinate, or the same for every one; else a matrix, square or not.

    Returns
    -------
    D : number or (..., dim, dim) array
        ``g**2 / 2``, or ``g g^T / 2``, in the square of the state's unit over time.

    Raises
    ------
    ValueError
        If ``g`` is not a number or matrices of finite numbers.

    Notes
    -----
    What diffrax 0.7.2 (`ControlTerm`), torchsde 0.2.6 (`g`), sdeint 0.3.0 (`G`) and jitcsde 1.6.2
    (`g_sym`) call by various names. torchsde's ``noise_type="diagonal"`` and jitcsde give the
    diagonal as a vector: hand over ``np.diag`` of it.
    """
    g = as_floats(g, "g")
    if g.ndim == 0:
        return float(g) ** 2 / 2
    if g.ndim == 1:
        raise ValueError(
            f"g must be a number or (..., dim, n_noises), got shape {g.shape}: "
            "np.diag(g) for one noise on each coordinate"
        )
    return g @ np.swapaxes(g, -1, -2) / 2


def to_amplitude(D):
    """A noise amplitude with the diffusion ``D``: the lower triangular one.

    Parameters
    ----------
    D : number or (..., dim, dim) array
        Positive, or symmetric and positive definite.

    Returns
    -------
    g : number or (..., dim, dim) array
        ``sqrt(2 D)``, or ``g`` with ``g g^T = 2 D``, unique up to a rotation of the noises.

    Raises
    ------
    ValueError
        If ``D`` is neither, or not positive (definite).

    Notes
    -----
    diffrax 0.7.2, torchsde 0.2.6, sdeint 0.3.0, jitcsde 1.6.2; the last takes a diagonal alone.
    """
    D = as_floats(D, "D")
    if D.ndim == 0 and D > 0:
        return float(np.sqrt(2 * D))
    if D.ndim < 2 or D.shape[-1] != D.shape[-2]:
        raise ValueError(f"D must be a positive number or (..., dim, dim), got shape {D.shape}")
    if not np.allclose(D, np.swapaxes(D, -1, -2), rtol=1e-12, atol=0):
        raise ValueError("D must be symmetric")
    if (g := cholesky(2 * D)) is None:
        raise ValueError("D must be positive definite; np.linalg.eigvalsh(D) says where not")
    return g


def from_stratonovich(drift, g, gradient):
    """Drift in the sense of Itô of ``dx = drift dt + g o dW`` in the sense of Stratonovich.

    Parameters
    ----------
    drift : (..., dim) array
        The drift that a Stratonovich solver was given, at some states.
    g : (..., dim, n_noises) array
        The noise amplitude there.
    gradient : (..., dim, n_noises, dim) array
        Its derivatives ``dg_ij / dx_k``, the coordinate last.

    Returns
    -------
    f : (..., dim) array
        ``drift_i + (1/2) sum_jk (dg_ij / dx_k) g_kj``.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Notes
    -----
    Kloeden and Platen (1992), equation 4.9.11. Which calculus: diffrax 0.7.2 by solver (`Heun`,
    `EulerHeun`: Stratonovich; `Euler`, `ItoMilstein`: Itô), torchsde 0.2.6 by `sde_type`, sdeint
    0.3.0 by function (`itoint`, `stratint`), jitcsde 1.6.2 by `ito`, by default True.
    """
    drift, correction = _correction(drift, g, gradient)
    return drift + correction


def to_stratonovich(f, g, gradient):
    """Drift to give to a Stratonovich solver, the inverse of `from_stratonovich`.

    Parameters
    ----------
    f : (..., dim) array
        Our drift, in the sense of Itô.
    g : (..., dim, n_noises) array
    gradient : (..., dim, n_noises, dim) array
        As in `from_stratonovich`.

    Returns
    -------
    drift : (..., dim) array

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Notes
    -----
    diffrax 0.7.2, torchsde 0.2.6, sdeint 0.3.0, as in `from_stratonovich`; jitcsde 1.6.2 converts
    by itself.
    """
    f, correction = _correction(f, g, gradient)
    return f - correction


def _correction(drift, g, gradient):
    drift, g = as_floats(drift, "the drift"), as_floats(g, "g")
    gradient = as_floats(gradient, "gradient")
    if (
        drift.ndim < 1
        or g.ndim < 2
        or g.shape[-2] != drift.shape[-1]
        or gradient.shape[-3:] != (*g.shape[-2:], g.shape[-2])
    ):
        raise ValueError(
            "need drift (..., dim), g (..., dim, n_noises), gradient (..., dim, n_noises, dim); "
            f"got shapes {drift.shape}, {g.shape}, {gradient.shape}"
        )
    return drift, np.einsum("...ijk,...kj->...i", gradient, g) / 2
