"""Where the noiseless flow rests, and whether it stays there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..inputs import as_a, as_box, as_count, as_number
from .samples import tell_outside
from .system import System


@dataclass(frozen=True, eq=False)
class FixedPoint:
    """A state where the drift vanishes.

    Attributes
    ----------
    x : array (dim,)
    eigenvalues : complex array (dim,)
        Of the drift's Jacobian there, one over time, by falling real part.
    kind : str
        "stable", "saddle" or "source"; "marginal" where a real part is zero to roundoff.
    """

    x: np.ndarray
    eigenvalues: np.ndarray
    kind: str

    def __repr__(self):
        place = ", ".join(f"{v:.6g}" for v in self.x[:6]) + (", ..." if len(self.x) > 6 else "")
        return f"<FixedPoint: {self.kind}, at ({place})>"

    @property
    def stable(self):
        """Whether every small deviation decays."""
        return self.kind == "stable"


def fixed_points(system, box, t=0.0, *, starts=4096):
    """Fixed points of the drift inside a box, with their stability.

    Parameters
    ----------
    system : System
    box : array (dim, 2) or (2,)
        Lower and upper limit of each coordinate, or of all.
    t : float, optional
        The time at which a drift that depends on it is frozen.
    starts : int, optional
        Number of starting points, spread evenly over the box.

    Returns
    -------
    list of FixedPoint
        Stable ones first, then by their coordinates. Points whose basin under Newton's method no
        start hits can be missed: raise ``starts`` where the drift is steep.

    Raises
    ------
    ValueError
        For a box of the wrong shape or with lower >= upper.

    Notes
    -----
    Newton's method, damped to reduce ``|f|``, from a low-discrepancy set of starts.
    """
    as_a(System, system, "system")
    box = as_box(box, system.dim)
    starts = as_count(starts, "starts")
    t = as_number(t, "t")
    low, high = box.T
    # additive recurrence on the root of x^(d+1) = x + 1: spreads evenly in any dimension
    root = 2.0
    for _ in range(60):
        root = (1 + root) ** (1 / (system.dim + 1))
    fractions = (0.5 + np.outer(np.arange(starts), root ** -np.arange(1.0, system.dim + 1))) % 1
    x = low + fractions * (high - low)
    with np.errstate(all="ignore"):
        x = _root(system, x, t, (high - low) / 4)
        f = system.drift(x, t)
        J = system.jacobian(x, t)
    margin = 1e-9 * (high - low)
    inside = ((x >= low - margin) & (x <= high + margin)).all(axis=-1)
    stiffness = np.abs(J).max(axis=(-1, -2))
    rests = np.abs(f).max(axis=-1) <= 1e-10 * (1 + stiffness * np.abs(x).max(axis=-1))
    found = []
    for candidate in x[inside & rests]:
        if all(np.abs((candidate - other) / (high - low)).max() > 1e-6 for other in found):
            found.append(candidate)
    if found:
        tell_outside(system, np.array(found), "fixed_points")
    points = [_classify(system, point, t) for point in found]
    return sorted(points, key=lambda p: (not p.stable, *np.round(p.x, 9)))


def _root(system, x, t, reach, steps=100):
    """Newton's method on the drift from many starts at once; each step halves until |f| falls."""
    f = system.drift(x, t)
    for _ in range(steps):
        norm = np.abs(f).max(axis=-1)
        if not (norm > 0).any():
            break
        J = system.jacobian(x, t)
        # least squares, lightly damped, so that a singular Jacobian does no harm
        JT = np.swapaxes(J, -1, -2)
        ridge = 1e-14 * (1e-300 + np.einsum("...ij,...ij->...", J, J))[..., None, None]
        step = -np.linalg.solve(JT @ J + ridge * np.eye(system.dim), JT @ f[..., None])[..., 0]
        step = np.clip(step, -reach, reach)
        scale = np.ones(len(x))
        for _ in range(12):
            trial = x + scale[:, None] * step
            g = system.drift(trial, t)
            worse = ~(np.abs(g).max(axis=-1) < norm) & (norm > 0)
            if not worse.any():
                break
            scale[worse] /= 2
        better = ~worse
        x, f = np.where(better[:, None], trial, x), np.where(better[:, None], g, f)
        if not (better & (np.abs(step).max(axis=-1) * scale > 1e-15 * np.abs(x).max(axis=-1))).any():
            break
    return x


def _classify(system, x, t):
    eigenvalues = np.linalg.eigvals(system.jacobian(x, t))
    eigenvalues = eigenvalues[np.argsort(-eigenvalues.real, kind="stable")]
    real = eigenvalues.real
    if (np.abs(real) <= 1e-9 * np.abs(eigenvalues).max()).any():
        kind = "marginal"
    else:
        kind = "stable" if (real < 0).all() else "source" if (real > 0).all() else "saddle"
    return FixedPoint(x, eigenvalues, kind)
