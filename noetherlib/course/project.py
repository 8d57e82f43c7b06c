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
from .compare import close, compare
from .guard import call
from .instances import Instance, between, points
from .paths import stationary
from .seeds import honest, table_of
from .slips import Mistake


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
    x, alone = _where_defined(answer)
    slip = "transposed axes"  # a drift that takes one state and not many has its axes the wrong way round
    try:
        together, jacobian = answer.drift(x, 0.1), answer.jacobian(x, 0.1)
    except (ValueError, IndexError) as error:
        raise Mistake(slip, f"The library says: {error}") from None
    if not close(together, alone, 1e-9):
        raise Mistake(slip, "The drift of many states is not the drift of each by itself")
    rough = differentiate(answer.drift, x, 0.1)
    swapped = ("transposed Jacobian", np.swapaxes(rough, -1, -2), "The Jacobian is ∂f_i/∂x_j, i before j")
    compare(jacobian, rough, [swapped], tol=1e-4)


def _where_defined(system):
    """States where the drift is finite, more than the system has dimensions, and the drift of each."""
    rng, found, error = np.random.default_rng(0), [], None
    for low, high in (
        (0.2, 1.2),
        (-1.5, 1.5),
        (1.5, 4.0),
        (-4.0, -1.5),
        (4.0, 40.0),
        (-80.0, -20.0),
        (0.01, 0.2),
    ):
        for state in rng.uniform(low, high, size=(system.dim + 5, system.dim)):
            try:
                drift = call(system.drift, state, 0.1)
            except Mistake as mistake:
                error = mistake
                continue
            if np.isfinite(drift).all():
                found.append((state, drift))
        if len(found) >= system.dim + 5:
            return np.array([state for state, _ in found]), np.array([drift for _, drift in found])
        found = []
    raise Mistake(
        None, f"At none of the states tried, between -80 and 40, has it a finite drift. {error or ''}"
    )


def own_path(answer, i):
    """``(system, path)``: a path of least action, of that system."""
    try:
        system, path = answer
    except (TypeError, ValueError):
        raise Mistake(None, "A system and a path of it are needed") from None
    if not isinstance(path, Path) or path.x.ndim != 2:
        raise Mistake(None, "One path of nl.least_action_path is needed")
    if path.system is not system:
        raise Mistake(
            None, "The path is of another system. Run the cell of task 2 again after that of task 1"
        )
    stationary(path.x, path.system, path.x[0], path.x[-1], path.t, path.functional)


def claims(answer, i):
    """``(system, {name: (path, symmetry, claimed)})``: is it a symmetry of the path's action, as claimed?"""
    system, named = answer if isinstance(answer, tuple) and len(answer) == 2 else (None, None)
    whole = isinstance(named, dict) and all(isinstance(c, tuple) and len(c) == 3 for c in named.values())
    if not whole or {claimed for _, _, claimed in named.values()} != {True, False}:
        raise Mistake(None, "A dict {name: (path, symmetry, True or False)} with both verdicts is needed")
    for name, (path, symmetry, claimed) in named.items():
        own_path((system, path), i)
        if not isinstance(symmetry, Symmetry):
            raise Mistake(None, f"An nl.Symmetry is needed for '{name}'")
        moved = max(np.abs(symmetry.xi(path.x, path.t)).max(), np.abs(symmetry.tau(path.x, path.t)).max())
        if moved < 1e-9:
            raise Mistake(None, f"'{name}' moves nothing, neither states nor times, so it says nothing")
        holds, slip, size = _verdict(path, symmetry, moved)
        if holds and not claimed:
            raise Mistake(None, f"Look again at '{name}': its invariance defect vanishes")
        if claimed and not holds:
            raise Mistake(slip, f"Look again at '{name}': its invariance defect is up to {size:.1g}")


def _verdict(path, symmetry, moved):
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
    if size <= 1e-6 * typical * min(1.0, moved):
        return True, None, size
    affine = still(x, t) + (slope(x, t) * v).sum(axis=-1)
    if np.abs(defect(x, v, t) - affine).max() > 1e-6 * size:
        return False, "noise" if symmetry.keeps_time else None, size
    turn = differentiate(slope, x, t)
    rate = (slope(x, t + 1e-4) - slope(x, t - 1e-4)) / 2e-4 - differentiate(still, x, t)
    curl = np.abs(turn - np.swapaxes(turn, -1, -2)).max() + np.abs(rate).max()
    return False, "gauge term" if curl < 1e-4 * (np.abs(turn).max() + size) else None, size


def seeds(answer, i):
    """``estimate(seed)``: a number and its standard error, by simulation."""
    honest(table_of(answer))


TASKS = {"system": system, "own path": own_path, "claims": claims, "seeds": seeds}
