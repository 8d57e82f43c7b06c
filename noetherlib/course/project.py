"""Problem set 4: a project, on reverse diffusion or on a model of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..lagrangian.path import Path
from ..models import reverse_diffusion
from ..scores import Ring
from ..symmetry import Symmetry, invariance_defect
from ..system import System
from ..system.derivatives import differentiate
from .paths import stationary
from .slips import Instance, Mistake, as_numbers, between, close, compare, points


@dataclass(frozen=True)
class Project(Instance):
    """A ring of data, its radius and width, and noise levels from t_max down to t_min."""

    sigma: float = between(0.55, 0.95, repr=False)  # the noise of this system is its level t
    radius: float = between(0.8, 1.4)
    width: float = between(0.2, 0.4)
    t_max: float = between(1.4, 2.0)
    t_min: float = between(0.3, 0.5)

    @cached_property
    def reverse(self):
        """Reverse diffusion from noise to the ring."""
        return reverse_diffusion(Ring(self.radius, self.width), self.t_max)


def system(answer, i):
    """Any system: does it broadcast, and is its Jacobian that of its drift?"""
    if not isinstance(answer, System):
        raise Mistake(None, f"An nl.System is needed, and the answer is a {type(answer).__name__}")
    x = np.random.default_rng(0).uniform(0.2, 1.2, size=(answer.dim + 5, answer.dim))
    slip = None  # a drift that takes one state and not many has its axes the wrong way round
    try:
        alone, slip = np.stack([answer.drift(one, 0.1) for one in x]), "transposed axes"
        together, jacobian = answer.drift(x, 0.1), answer.jacobian(x, 0.1)
    except ValueError as error:
        raise Mistake(slip, f"The library says: {error}") from None
    if not close(together, alone, 1e-9):
        raise Mistake(slip, "The drift of many states is not the drift of each by itself")
    rough = differentiate(answer.drift, x, 0.1)
    swapped = ("transposed axes", np.swapaxes(rough, -1, -2), "The Jacobian is ∂f_i/∂x_j, i before j")
    compare(jacobian, rough, [swapped], tol=1e-4)


def own_path(answer, i):
    if not isinstance(answer, Path) or answer.x.ndim != 2:
        raise Mistake(None, "One path of nl.least_action_path is needed")
    stationary(answer.x, answer.system, answer.x[0], answer.x[-1], answer.t, answer.functional)


def claims(answer, i):
    """``{name: (path, symmetry, claimed)}``: is it a symmetry of the path's action, as claimed?"""
    whole = isinstance(answer, dict) and all(isinstance(c, tuple) and len(c) == 3 for c in answer.values())
    if not whole or len({bool(claimed) for _, _, claimed in answer.values()}) < 2:
        raise Mistake(None, "A dict {name: (path, symmetry, True or False)} with both verdicts is needed")
    for name, (path, symmetry, claimed) in answer.items():
        own_path(path, i)
        if not isinstance(symmetry, Symmetry):
            raise Mistake(None, f"An nl.Symmetry is needed for '{name}'")
        holds, slip, size = _verdict(path, symmetry)
        if holds and not claimed:
            raise Mistake(None, f"Look again at '{name}': its invariance defect vanishes")
        if claimed and not holds:
            raise Mistake(slip, f"Look again at '{name}': its invariance defect is up to {size:.1g}")


def _verdict(path, symmetry):
    """Whether it is a symmetry of the action; if not, the slip behind that and the size of the defect.

    A gauge term can mend a defect ``b.v + c`` with ``db_i/dx_j = db_j/dx_i`` and ``db/dt = dc/dx``. What is
    quadratic in the velocity comes from noise that does not have the symmetry.
    """
    x, t = path.x[1:-1], path.t[1:-1]
    x = x + 0.2 * (points(x.shape[-1])[np.arange(len(t)) % 12] - 1.4)
    v = np.gradient(path.x, path.t, axis=0)[1:-1] + 1

    def defect(x, v, t, symmetry=symmetry):
        return invariance_defect(path.system, symmetry, x, v, t, path.functional)

    def still(x, t):
        return defect(x, 0 * x, t)

    def slope(x, t):
        return np.stack([defect(x, e + 0 * x, t) - still(x, t) for e in np.eye(x.shape[-1])], axis=-1)

    typical = np.abs(defect(x, v, t, Symmetry(lambda x, t: np.sin(x) + 1))).max()
    size = max(np.abs(defect(x, speed, t)).max() for speed in (v, 1 + 0 * v))
    if size <= 1e-6 * typical:
        return True, None, size
    affine = still(x, t) + (slope(x, t) * v).sum(axis=-1)
    if np.abs(defect(x, v, t) - affine).max() > 1e-6 * size:
        return False, "noise" if symmetry.keeps_time else None, size
    turn = differentiate(slope, x, t)
    rate = (slope(x, t + 1e-4) - slope(x, t - 1e-4)) / 2e-4 - differentiate(still, x, t)
    curl = np.abs(turn - np.swapaxes(turn, -1, -2)).max() + np.abs(rate).max()
    return False, "gauge term" if curl < 1e-4 * (np.abs(turn).max() + size) else None, size


def seeds(answer, i):
    """``(n_seeds, 2)``: estimates of one quantity and their standard errors, from different seeds."""
    table = as_numbers(answer)
    if table.ndim == 2 and table.shape[0] == 2 < table.shape[1]:
        raise Mistake("transposed axes", "One row for each seed: estimate, standard error")
    if table.ndim != 2 or table.shape[1] != 2 or len(table) < 8 or not (table[:, 1] > 0).all():
        raise Mistake(None, "Rows of an estimate and its standard error are needed, from eight seeds or more")
    if len(np.unique(table[:, 0])) < len(table):
        raise Mistake("global seed", "Different seeds gave the same estimate")
    scatter, claimed = table[:, 0].std(ddof=1), np.sqrt((table[:, 1] ** 2).mean())
    if not 0.2 < scatter / claimed < 2.5:
        raise Mistake("standard error", f"The estimates scatter by {scatter:.2g}, and claim {claimed:.2g}")


TASKS = {"system": system, "own path": own_path, "claims": claims, "seeds": seeds}
