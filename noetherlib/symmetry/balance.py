"""The balance of a charge: how fast it changes, what forces it, and whose fault that is."""

from __future__ import annotations

import numpy as np

from ..lagrangian import Lagrangian, Mesh
from .charge import charge, defect, on_intervals

ROUNDOFF = 1e-6  # of a charge's size, over the whole path: what differences of a drift leave of no forcing
SLIGHT = 1e-2  # of a charge's size: a forcing that leaves the charge useful


class Balance(tuple):
    """``lhs, rhs`` of `charge_balance`, with the verdict on them; its text is the verdict in words.

    Attributes
    ----------
    forced : float
        The largest forcing times the duration, over the largest ``|p||xi| + |E tau| + |K|``: what
        the broken symmetry alone could do to the charge, in parts of its size.
    unexplained : float
        The largest ``lhs - rhs`` in the same measure: what the forcing does not account for.
    converged : bool
        Whether every path had converged.
    verdict : str
        "not converged"; else "symmetry", where there is no forcing, up to roundoff; "broken", or
        "nearly" where the forcing is below a hundredth, where the forcing accounts for the change of
        the charge: take another generator, a finer mesh does not help; or "unresolved", where the mesh is
        too coarse to tell: `noetherlib.refine` the path.
    """

    def __new__(cls, lhs, rhs, forced=np.nan, unexplained=np.nan, converged=False):
        balance = super().__new__(cls, (lhs, rhs))
        balance.forced, balance.unexplained, balance.converged = forced, unexplained, converged
        return balance

    def __getnewargs__(self):
        return *self, self.forced, self.unexplained, self.converged

    @property
    def verdict(self):
        if not self.converged:
            return "not converged"
        if self.forced <= ROUNDOFF:
            return "symmetry"
        if self.unexplained >= self.forced / 10:
            return "unresolved"
        return "nearly" if self.forced < SLIGHT else "broken"

    def __repr__(self):
        words = {
            "not converged": "the path has not converged: nothing is said about the symmetry",
            "symmetry": "a symmetry of this system",
            "nearly": "nearly a symmetry of this system: the forcing is slight, and not the mesh's",
            "broken": "not a symmetry of this system: a finer mesh will not mend it, another generator may",
            "unresolved": "the mesh is too coarse to tell: refine the path",
        }
        parts = f"forcing {self.forced:.1e} of the charge's size, unexplained {self.unexplained:.1e}"
        return f"<Balance: {words[self.verdict]} ({parts})>"


def charge_balance(path, symmetry):
    """Both sides of ``dJ/dt = delta`` along a least-action path, where a symmetry is broken.

    Parameters
    ----------
    path : Path
    symmetry : Symmetry

    Returns
    -------
    Balance
        A pair ``lhs, rhs`` of arrays, with a ``.verdict``; printed, it says whether this is a symmetry
        of the system, is none, or whether the path or its mesh is not good enough to tell. They are
        the rate of the charge and its forcing, `invariance_defect`: where the clock is left alone,
        on the intervals, at ``path.t_mid``, equal to roundoff for affine time-independent ``xi`` and
        to O(h^2) otherwise. Else at the inner nodes, ``path.t[1:-1]``, to O(h^2).

    Raises
    ------
    ValueError
        Where the symmetry is of another dimension than the path.
    """
    J = charge(path, symmetry)
    mesh = Mesh(Lagrangian(path.system, path.functional), path.t)
    rhs = defect(mesh.lagrangian, symmetry, *on_intervals(path), mesh.t_mid)
    lhs = np.diff(J.values, axis=-1) / np.diff(J.t)
    if not symmetry.keeps_time:
        weighted = rhs * mesh.h
        rhs = (weighted[..., 1:] + weighted[..., :-1]) / (mesh.h[1:] + mesh.h[:-1])
    part = (path.t[-1] - path.t[0]) / _size(path, symmetry)
    forced, unexplained = np.abs(rhs).max() * part, np.abs(lhs - rhs).max() * part
    return Balance(lhs, rhs, float(forced), float(unexplained), bool(np.all(path.converged)))


def _size(path, symmetry):
    """The largest that the charge could be anywhere along the paths, if no terms cancelled."""
    x, p = on_intervals(path)
    size = np.linalg.norm(p, axis=-1) * np.linalg.norm(symmetry.xi(x, path.t_mid), axis=-1)
    size = size + np.abs(path.energy * symmetry.tau(x, path.t_mid)) + np.abs(symmetry.gauge(x, path.t_mid))
    return max(float(size.max()), np.finfo(float).tiny)
