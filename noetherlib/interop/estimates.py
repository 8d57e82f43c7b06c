"""Drift and diffusion estimated from recordings: kramersmoyal, PyDaddy, pySINDy."""

from __future__ import annotations

import numpy as np

from ..inputs import as_floats, as_positive


def from_kramersmoyal(k, powers, dt):
    """Drift and diffusion from Kramers-Moyal coefficients.

    Parameters
    ----------
    k : (n_powers, ...) array
        The first result of ``km``; the trailing axes are those of its grid.
    powers : (n_powers, dim) array
        The orders of its rows, as ``km(..., full=True)`` returns them.
    dt : float
        The sampling interval, which ``km`` does not know.

    Returns
    -------
    f : (..., dim) array
        ``k[e_i] / dt``, e_i the i-th unit vector.
    D : (..., dim, dim) array
        ``k[2 e_i] / dt`` on the diagonal and ``k[e_i + e_j] / (2 dt)`` beside it.

    Raises
    ------
    ValueError
        If a power of first or second order is missing, or the shapes differ.

    Notes
    -----
    kramersmoyal 0.4.1, `km`: rows are divided by the factorials of their powers, 2 on the diagonal
    and 1 beside it, so that the halves differ. Row 0 is a density (times the number of points), and
    comes even where ``powers=[1, 2]``. Both hold as dt -> 0, with an error of order dt.
    """
    k, dt = as_floats(k, "k"), as_positive(dt, "dt")
    rows = _rows(powers, len(k) if k.ndim else 0)
    dim = len(next(iter(rows)))
    missing = [
        power
        for i in range(dim)
        for j in range(i, dim)
        for power in (_unit(i, dim), _unit(i, dim, j))
        if power not in rows
    ]
    if missing:
        raise ValueError(f"powers must hold all of first and second order; {missing[0]} is missing")
    f = np.stack([k[rows[_unit(i, dim)]] for i in range(dim)], -1) / dt
    D = np.empty((*f.shape, dim))
    for i in range(dim):
        for j in range(dim):
            D[..., i, j] = k[rows[_unit(i, dim, j)]] / (dt if i == j else 2 * dt)
    return f, D


def to_kramersmoyal(f, D, powers, dt):
    """Rows that ``km`` would have for a drift and a diffusion, the inverse of `from_kramersmoyal`.

    Parameters
    ----------
    f : (..., dim) array
    D : (..., dim, dim) array
    powers : (n_powers, dim) array
        Of first and second order.
    dt : float

    Returns
    -------
    k : (n_powers, ...) array

    Raises
    ------
    ValueError
        If the shapes differ, or a power is of another order: these numbers do not determine it.

    Notes
    -----
    kramersmoyal 0.4.1.
    """
    f, D, dt = as_floats(f, "f"), as_floats(D, "D"), as_positive(dt, "dt")
    if f.ndim == 0 or D.shape != (*f.shape, f.shape[-1]):
        raise ValueError(f"need f (..., dim) and D (..., dim, dim), got shapes {f.shape}, {D.shape}")
    k = []
    for power in _rows(powers, None):
        axes = [i for i, n in enumerate(power) for _ in range(n)]
        if len(power) != f.shape[-1] or len(axes) not in (1, 2):
            raise ValueError(f"powers must be of {f.shape[-1]} coordinates and order 1 or 2, got {power}")
        second = len(axes) == 2
        scale = dt if not second or axes[0] == axes[1] else 2 * dt
        k.append(scale * (D[..., axes[0], axes[1]] if second else f[..., axes[0]]))
    return np.stack(k)


def from_pydaddy(F, G):
    """Drift and diffusion from PyDaddy's fitted functions, at the same states.

    Parameters
    ----------
    F : array
        Values of the drift: F, or F1 and F2 on a last axis.
    G : array
        Values of the diffusion: G, or ``[[G11, G12], [G12, G22]]`` on the last two.

    Returns
    -------
    f, D : arrays
        ``F`` and ``G / 2``.

    Raises
    ------
    ValueError
        If they are not finite numbers.

    Notes
    -----
    pydaddy 1.0.0, `Characterize(...).fit`: ``G`` is the mean of ``dx**2 / dt``. Its coefficients
    below ``threshold=0.05`` become exactly zero, in whatever unit they are: scale your data, or set
    it.
    """
    return as_floats(F, "F"), as_floats(G, "G") / 2


def to_pydaddy(f, D):
    """PyDaddy's F and G for our drift and diffusion, the inverse of `from_pydaddy`.

    Parameters
    ----------
    f, D : arrays
        Drift and diffusion at the same states.

    Returns
    -------
    F, G : arrays
        ``f`` and ``2 D``.

    Raises
    ------
    ValueError
        If they are not finite numbers.

    Notes
    -----
    pydaddy 1.0.0.
    """
    return as_floats(f, "f"), as_floats(D, "D") * 2


def from_pysindy(velocity, score, D):
    """Drift from the current velocity, which centred differences of a stationary record see.

    Parameters
    ----------
    velocity : (..., dim) array
        What a model fitted with centred differences predicts at some states: pySINDy's default.
    score : (..., dim) array
        ``grad log rho`` there, rho the density of the record.
    D : number or (..., dim, dim) array
        The diffusion.

    Returns
    -------
    f : (..., dim) array
        ``velocity + D grad log rho``.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Notes
    -----
    pySINDy 2.1.0, `FiniteDifference()`. The mean of ``(x(t + dt) - x(t - dt)) / 2 dt`` at given
    ``x(t)`` tends to ``f - D grad log rho`` (Nelson 1966), which is zero for a reversible system,
    however strong its drift. Forward differences, ``FiniteDifference(order=1)``, give f itself. For
    D that depends on the state add its divergence too.
    """
    velocity, push = _push(velocity, score, D, "velocity")
    return velocity + push


def to_pysindy(f, score, D):
    """The current velocity of a drift, the inverse of `from_pysindy`.

    Parameters
    ----------
    f : (..., dim) array
    score : (..., dim) array
    D : number or (..., dim, dim) array

    Returns
    -------
    velocity : (..., dim) array
        ``f - D grad log rho``.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Notes
    -----
    pySINDy 2.1.0; Nelson 1966.
    """
    f, push = _push(f, score, D, "f")
    return f - push


def _push(flow, score, D, name):
    flow, score, D = as_floats(flow, name), as_floats(score, "score"), as_floats(D, "D")
    dim = flow.shape[-1] if flow.ndim else 0
    if flow.shape != score.shape or not dim or (D.ndim and D.shape[-2:] != (dim, dim)):
        raise ValueError(
            f"need {name} and score (..., dim), D a number or (..., dim, dim); "
            f"got shapes {flow.shape}, {score.shape}, {D.shape}"
        )
    return flow, (np.einsum("...ij,...j->...i", D, score) if D.ndim else D * score)


def _rows(powers, count):
    """{power: its row}; one coordinate may come without a last axis."""
    powers = as_floats(powers, "powers")
    powers = powers[:, None] if powers.ndim == 1 else powers
    if powers.ndim != 2 or (count is not None and len(powers) != count):
        raise ValueError(f"powers must be ({count or 'n_powers'}, dim), got shape {powers.shape}")
    return {tuple(map(int, power)): row for row, power in enumerate(powers)}


def _unit(i, dim, j=None):
    return tuple(int(i == n) + int(j is not None and j == n) for n in range(dim))
