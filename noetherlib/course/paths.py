"""Problem set 3: most likely paths, by a solver of one's own, and their charges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..lagrangian import Lagrangian, Mesh
from ..models import maier_stein
from ..paths import least_action_path
from ..symmetry import charge, rotation
from ..system import System
from ..system.derivatives import differentiate
from .slips import (
    Instance,
    Mistake,
    action,
    as_function,
    as_numbers,
    between,
    compare,
    compare_actions,
    uneven,
)


@dataclass(frozen=True)
class Paths(Instance):
    """The limit cycle ``(k (1 - r**2) + w J) x``, from (x0, 0) to an angle on it; beta of Maier and Stein."""

    k: float = between(0.7, 1.3)
    w: float = between(0.8, 1.6)
    x0: float = between(0.5, 0.9)
    angle: float = between(1.4, 2.6)
    T: float = between(1.6, 2.6)
    beta: float = between(9.0, 11.0)

    @property
    def ends(self):
        return np.array([self.x0, 0.0]), np.array([np.cos(self.angle), np.sin(self.angle)])

    @property
    def times(self):
        return np.linspace(0, self.T, 41)

    def drift(self, x):
        """f at states (..., 2)."""
        pull = self.k * (1 - (x**2).sum(axis=-1, keepdims=True))
        return pull * x + self.w * np.stack([-x[..., 1], x[..., 0]], axis=-1)

    def jacobian(self, x):
        """df_i/dx_j at states (..., 2): (..., 2, 2)."""
        pull = self.k * (1 - (x**2).sum(axis=-1))[..., None, None]
        turn = self.w * np.array([[0, -1], [1, 0]])
        return pull * np.eye(2) + turn - 2 * self.k * x[..., :, None] * x[..., None, :]

    def divergence(self, x):
        return self.k * (2 - 4 * (x**2).sum(axis=-1))

    def divergence_gradient(self, x):
        return -8 * self.k * x

    @cached_property
    def system(self):
        return System(lambda x, t: self.drift(x), self.D, 2, lambda x, t: self.jacobian(x), self._hessian)

    def _hessian(self, x, t):
        e = np.eye(2)
        mixed = e[:, :, None] * x[..., None, None, :] + e[:, None, :] * x[..., None, :, None]
        return -2 * self.k * (mixed + e[None, :, :] * x[..., :, None, None])

    @cached_property
    def path(self):
        """The library's most likely path, on which charges are compared."""
        return least_action_path(self.system, *self.ends, self.times)

    @cached_property
    def two_wells(self):
        """The model of Maier and Stein, with attractors at (-1, 0) and (1, 0)."""
        return maier_stein(0.5, self.beta)


def _curve(i):
    """A curve near the most likely path that solves nothing, on uneven times."""
    t = uneven(i.T, 25)
    s = t[:, None] / i.T
    return i.ends[0] * (1 - s) + i.ends[1] * s + 0.2 * np.sin(np.pi * s * [1, 2]) * [1, -1], t


def path_action(answer, i):
    x, t = _curve(i)
    compare_actions(as_function(answer, "action(x, t)")(x, t), x, t, i.drift, i.divergence, i.D)


def _jumps(system, x, t, functional):
    """Jumps of the momentum at the inner nodes, those of the momentum in the middle, and its size."""
    mesh = Mesh(Lagrangian(system, functional), t)
    terms = mesh.terms(x, order=1)
    return mesh.gradient(terms), terms.p[:-1] - terms.p[1:], np.abs(terms.p).max()


def _left_jumps(i, x, t):
    """The derivative of the left-point action."""

    def left(flat, _):
        curves = flat.reshape(-1, *x.shape)
        actions = [action(curve, t, i.drift, i.divergence, i.D, left=True) for curve in curves]
        return np.reshape(actions, flat.shape[:-1])

    return differentiate(left, x.ravel(), 0.0).reshape(x.shape)[1:-1]


def gradient(answer, i):
    x, t = _curve(i)
    got = as_numbers(as_function(answer, "gradient(x, t)")(x, t))
    if got.shape == x.shape:
        raise Mistake(None, "The ends are fixed: only the n_times - 2 inner nodes have a derivative")
    right, naive, _ = _jumps(i.system, x, t, "om")
    compare(
        got,
        right,
        [
            ("naive momentum", naive, "So the half step with ∂L/∂x is missing"),
            ("σ² for D", right / 2),
            ("missing ½∇·f", _jumps(i.system, x, t, "fw")[0]),
            ("left-point rule", _left_jumps(i, x, t)),
        ],
        tol=1e-5,
    )


def stationary(x, system, x0, x1, t, functional, left_jumps=None):
    """Nothing if ``x`` is a path of least action between these ends, else a `Mistake`."""
    x, shape = as_numbers(x), (len(t), system.dim)
    if x.shape == shape[::-1] != shape:
        raise Mistake("transposed axes", f"Shape {shape} is needed, and the path has {x.shape}")
    if x.shape != shape or not np.isfinite(x).all():
        raise Mistake(None, f"Finite states of shape {shape} are needed, and the path has {x.shape}")
    if max(np.abs(x[0] - x0).max(), np.abs(x[-1] - x1).max()) > 1e-8:
        raise Mistake(None, "The ends have moved, and only the inner nodes may")
    jumps, _, size = _jumps(system, x, t, functional)
    jump = np.abs(jumps).max() / size
    if not jump < 1e-5:
        if functional == "onsager-machlup" and np.abs(_jumps(system, x, t, "fw")[0]).max() < 1e-5 * size:
            raise Mistake("missing ½∇·f", "The path makes that action least")
        if left_jumps and np.abs(left_jumps(x)).max() < 1e-3 * size:
            raise Mistake("left-point rule", "The path makes that action least")
        raise Mistake("unconverged", f"A jump is {jump:.1g} of the largest momentum, and 1e-5 is allowed")
    if least_action_path(system, x0, x1, t, functional, guess=x).kind == "saddle":
        raise Mistake("saddle")


def path(answer, i):
    stationary(answer, i.system, *i.ends, i.times, "onsager-machlup", lambda x: _left_jumps(i, x, i.times))


def escape(answer, i):
    stationary(answer, i.two_wells, [-1, 0], [1, 0], np.linspace(0, 8, 61), "freidlin-wentzell")


def _along(i):
    """Of the library's path: its middles, velocities and drifts."""
    x, t = i.path.x, i.path.t
    middle = (x[1:] + x[:-1]) / 2
    return middle, np.diff(x, axis=0) / np.diff(t)[:, None], i.drift(middle)


def energies(answer, i):
    E, (middle, v, f) = i.path.energy, _along(i)
    U = i.divergence(middle) / 2
    compare(
        as_function(answer, "energy(x, t)")(i.path.x, i.path.t),
        E,
        [
            ("E and L", ((v - f) ** 2).sum(axis=1) / (4 * i.D) + U, "This is L"),
            ("E and L", -E, "This is L - p·v"),
            ("E and L", E + 2 * U, "U enters E with a minus"),
            ("missing ½∇·f", E + U),
            ("factor ½", E - U, "It is that of ∇·f"),
            ("σ² for D", (E - U) / 2),
            ("units", 4 * i.D * (E + U), "This is |v|² - |f|², which is 4D times E without U"),
            ("drift", (v**2).sum(axis=1) / (4 * i.D) - U),
        ],
    )


def angular_momenta(answer, i):
    J, (middle, v, f) = charge(i.path, rotation(0, 1)).values[1:], _along(i)

    def cross(x, v):
        return (x[:, 0] * v[:, 1] - x[:, 1] * v[:, 0]) / (2 * i.D)

    places = middle, i.path.x[1:], i.path.x[:-1]
    compare(
        as_function(answer, "angular_momentum(x, t)")(i.path.x, i.path.t),
        J,
        [
            *(("drift", cross(x, v)) for x in places),
            *(("naive momentum", cross(x, v - f)) for x in places),
            ("units", 2 * i.D * J, "The factor 1/2D of the momentum is missing"),
            ("σ² for D", J / 2),
        ],
    )


def order(answer, i):
    compare(answer, 2.0, [("sign", -2.0, "Half the step, a quarter of the spread: it is positive")], tol=0.1)


TASKS = {
    "path action": path_action,
    "gradient": gradient,
    "path": path,
    "energies": energies,
    "angular momenta": angular_momenta,
    "order": order,
    "escape": escape,
}
