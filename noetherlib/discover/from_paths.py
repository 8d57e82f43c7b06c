"""The search in most likely paths: Noether's theorem read backwards."""

from __future__ import annotations

import numpy as np

from ..inputs import as_floats, as_positive, brief
from ..lagrangian.path import Path
from ..system.samples.frame import Frame
from .decide import decide
from .generators import basis_of, fields, metric_of
from .search import as_constant


def symmetries_from_paths(paths, diffusion=None, tolerance=1e-3, dilations=False):
    """Symmetries from most likely paths: the affine ``xi`` whose charge ``p . xi`` each conserves.

    Parameters
    ----------
    paths : path, pair, or sequence of them
        Results of `least_action_path` (``.x`` and ``.momentum``; batches too), or pairs ``(x, p)``
        of arrays (..., n_times, dim). Momenta belong to a path: its shape alone does not give
        them.
    diffusion : float, (dim,) or (dim, dim) array, optional
        The constant D; then only its rotations and translations are tried. Without it every affine
        ``xi`` is: generic paths then imply ``A D + D A^T = 0`` by themselves.
    tolerance : float, optional
        Relative variation of a charge that is taken for constant. Charges of converged paths are
        constant to roundoff, those of other momenta to the square of the time step.
    dilations : bool, optional
        Try ``tau = tau_1 t`` too, with the charge ``p . xi - E tau_1 t``; needs D, and paths with
        ``.energy`` and ``.t_mid``. These charges vary with the square of the time step.

    Returns
    -------
    Discovery
        Standard errors by the jackknife over paths; nan for a single one.

    Raises
    ------
    ValueError
        For paths without momenta, shapes that do not fit, or states without spread in some
        direction.

    Notes
    -----
    Each path gives its own constants, so paths between different ends can be pooled, each in units
    of its own momentum. A generic path decides alone; special ones (straight through a fixed point,
    confined to a symmetry axis) conserve charges that are no symmetry, and more paths with generic
    ends exclude them. Source: Noether's theorem, read backwards.
    """
    tracks = list(_tracks(paths, dilations))
    dim = tracks[0][0].shape[-1]
    if any(x.shape[-1] != dim for x, *_ in tracks):
        raise ValueError("paths must all have the same dimension")
    if dilations and diffusion is None:
        raise ValueError("diffusion must be given where dilations are sought")
    diffusion = as_constant(diffusion, dim)
    tolerance = as_positive(tolerance, "tolerance")
    frame = Frame(np.concatenate([x for x, *_ in tracks]), diffusion, "paths")
    basis = basis_of(dim, diffusion is not None, dilations)
    rows, metric = [], 0.0
    for x, p, *clock in tracks:
        u, p = frame.inward(x), p @ frame.transform
        size = np.sqrt((p**2).sum(axis=-1).mean())
        if size == 0:
            raise ValueError("paths must have momentum: on the noiseless flow every charge is zero")
        p = p / size
        charges = np.einsum("ni,nki->nk", p, fields(basis, u))
        if dilations:
            t, energy = clock
            charges = (charges[1:] + charges[:-1]) / 2 - np.outer(t * energy / size, basis[2])
        rows.append((charges - charges.mean(axis=0)) / np.sqrt(len(charges) * len(tracks)))
        metric = metric + metric_of(basis, u, (p**2).sum(axis=-1)) / len(tracks)

    return decide(
        np.concatenate(rows),
        metric,
        basis,
        frame,
        (tolerance, np.inf),
        Jackknife(rows),
        diffusion=diffusion,
    )


class Jackknife:
    """Errors by leaving out one path at a time; nan for a single path."""

    def __init__(self, rows):
        self.rows = rows

    def spread(self, theta):
        return 0.0

    def unbiased(self, theta, strong):
        return theta

    def columns(self, theta, inverse):
        if len(self.rows) < 2:
            return np.full((len(theta), 1), np.nan)
        pulls = np.stack([inverse @ (r.T @ (r @ theta)) for r in self.rows], axis=-1)
        pulls -= pulls.mean(axis=-1, keepdims=True)
        return pulls * np.sqrt((len(self.rows) - 1) / len(self.rows))


def _tracks(paths, dilations):
    """Each path as ``(x, p)``, with ``(t, energy)`` on the intervals if dilations ask for them."""
    if isinstance(paths, Path) or (isinstance(paths, tuple) and len(paths) == 2):
        paths = [paths]
    try:
        paths = list(paths)
    except TypeError:
        raise ValueError(f"paths must be paths or pairs (x, p), got {brief(paths)}") from None
    if not paths:
        raise ValueError("paths must not be empty")
    for path in paths:
        if isinstance(path, Path):
            x, p = path.x, path.momentum
        elif isinstance(path, (tuple, list)) and len(path) == 2 and not dilations:
            x, p = path
        else:
            need = "" if dilations else ", or pairs (x, p) of states and momenta"
            raise ValueError(f"paths must be results of least_action_path{need}; got {type(path).__name__}")
        x, p = as_floats(x, "paths"), as_floats(p, "paths")
        if x.ndim < 2 or x.shape != p.shape or x.shape[-2] < 3:
            raise ValueError(
                "paths must have states and momenta of one shape (..., n_times, dim), at least 3 "
                f"times; got {x.shape} and {p.shape}"
            )
        x, p = (a.reshape(-1, *a.shape[-2:]) for a in (x, p))
        if dilations:
            energy = np.reshape(path.energy, (len(x), -1))
            yield from ((x[k], p[k], path.t_mid, energy[k]) for k in range(len(x)))
        else:
            yield from zip(x, p)
