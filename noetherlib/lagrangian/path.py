"""What a search for a path of least action returns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..system import System


@dataclass(frozen=True, eq=False)
class Path:
    """A path of least action, or a batch of them: leading axes ``...`` as the end points had them.

    Attributes
    ----------
    t : array (n_times,)
    x : array (..., n_times, dim)
    action : float or array (...)
        Dimensionless; probability densities of paths go with ``exp(-action)``. Onsager-Machlup's may
        be negative, and that is no error: it counts ``1/2 div f`` along the way, which is negative near
        a stable state, so that a long wait there lowers it by about ``-1/2 div f`` per unit time. A
        density of paths may exceed 1. Only differences between paths of one duration compare
        probabilities; Freidlin-Wentzell's action is never negative.
    converged : bool or array (...)
        Whether the gradient fell to its tolerance.
    gradient_norm : float or array (...)
        Largest jump of the momentum at a node: the residual of the Euler-Lagrange equation.
    n_iter : int or array (...)
        Newton steps taken.
    functional : str or callable
    momentum : array (..., n_times, dim)
        Discrete momentum ``D2 L_d`` at the nodes, one over state: conserved exactly along every
        direction the system is invariant under.
    energy : array (..., n_times - 1)
        ``E = p.v - L`` on the intervals, one over time.
    t_mid : array (n_times - 1,)
    kind : str or array (...) of str
        "minimum" or "saddle" of the action, or "undetermined" where roundoff hides the sign.
    others : tuple of Path
        What the other guesses led to, by rising action; those that did not converge last.
    error : float or None
        Estimated error of the action, set by `refine`.
    constraint : float or array (...)
        With noise on some variables: by how much the path misses the drift where there is no noise,
        in units of the state, at its worst interval; else 0.
    system : System
    """

    t: np.ndarray
    x: np.ndarray
    action: float | np.ndarray
    converged: bool | np.ndarray
    gradient_norm: float | np.ndarray
    n_iter: int | np.ndarray
    functional: object
    momentum: np.ndarray
    energy: np.ndarray
    t_mid: np.ndarray
    kind: str | np.ndarray
    others: tuple = ()
    error: float | None = None
    constraint: float | np.ndarray = 0.0
    system: System = field(default=None, repr=False)

    _batched = (
        "x",
        "action",
        "converged",
        "gradient_norm",
        "n_iter",
        "momentum",
        "energy",
        "kind",
        "constraint",
    )

    def __len__(self):
        if self.x.ndim == 2:
            raise TypeError("a single path has no length; len(path.t) is its number of times")
        return len(self.x)

    def __getitem__(self, index):
        """One path of a batch, or a smaller batch."""
        if self.x.ndim == 2:
            raise IndexError("this is a single path, not a batch")
        picked = {name: getattr(self, name)[index] for name in self._batched}
        return replace(self, **picked, others=tuple(other[index] for other in self.others))

    def __repr__(self):
        span = f"{len(self.t)} times from {self.t[0]:.6g} to {self.t[-1]:.6g}"
        if self.x.ndim > 2:
            done = f"{np.sum(self.converged)} of {np.size(self.converged)} converged"
            return f"<Path: batch {self.x.shape[:-2]}, {span}, {done}>"
        done = "converged" if self.converged else "not converged"
        return f"<Path: {span}, action {self.action:.6g}, {self.kind}, {done}>"


def described(mesh, x, terms, **known):
    """The batched fields of `Path` for ``x`` (..., n_times, dim): what its `Terms` tell, and ``known``."""
    left, right = mesh.ends(terms)
    momentum = np.concatenate([left[..., :1, :], right], axis=-2)
    told = {"x": x, "momentum": momentum, "energy": terms.energy, "constraint": np.zeros(x.shape[:-2])}
    return told | known
