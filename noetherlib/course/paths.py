"""Problem set 3: most likely paths, by a solver of one's own, and their charges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from ..lagrangian import Lagrangian, Mesh
from ..models import maier_stein
from ..paths import least_action_path
from ..system import System
from ..system.derivatives import differentiate
from .compare import as_function, as_numbers, close, compare
from .discrete import MOMENTUM_SLIPS, action, compare_actions, energy, jumps, turning
from .instances import Instance, between, diffusion_of, uneven
from .slips import Mistake

COUNTS = 41, 81, 161, 321  #: times of the meshes on which the order is measured


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
        return System(self._flow, diffusion_of(self), 2, lambda x, t: self.jacobian(x), self._hessian)

    def _flow(self, x, t):
        return self.drift(x)

    def _hessian(self, x, t):
        e = np.eye(2)
        mixed = e[:, :, None] * x[..., None, None, :] + e[:, None, :] * x[..., None, :, None]
        return -2 * self.k * (mixed + e[None, :, :] * x[..., :, None, None])

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
    got = as_function(answer, "action(x, t)")(x, t)
    compare_actions(got, x, t, i.drift, i.divergence, diffusion_of(i))


def _jumps(system, x, t, functional):
    """Jumps of the momentum at the inner nodes, and the size of the momentum, by the library."""
    mesh = Mesh(Lagrangian(system, functional), t)
    terms = mesh.terms(x, order=1)
    return mesh.gradient(terms), np.abs(terms.p).max()


def _end_jumps(i, x, t, at):
    """The derivative of the left-point action, or of the right-point one."""

    def ends(flat, _):
        curves = flat.reshape(-1, *x.shape)
        actions = [action(curve, t, i.drift, i.divergence, diffusion_of(i), at=at) for curve in curves]
        return np.reshape(actions, flat.shape[:-1])

    return differentiate(ends, x.ravel(), 0.0).reshape(x.shape)[1:-1]


def gradient(answer, i):
    (x, t), D = _curve(i), diffusion_of(i)
    got = as_function(answer, "gradient(x, t)")(x, t)
    if got.shape == x.shape:
        raise Mistake(None, "The ends are fixed: only the n_times - 2 inner nodes have a derivative")
    right = jumps(i, x, t, D)
    compare(
        got,
        right,
        [
            *((slip, jumps(i, x, t, D, **options), *why) for slip, options, *why in MOMENTUM_SLIPS),
            ("σ² for D", right / 2),
            ("σ² for D", jumps(i, x, t, 2 * D)),
            ("left-point rule", _end_jumps(i, x, t, 0)),
            ("right-point rule", _end_jumps(i, x, t, 1)),
        ],
        tol=1e-5,
    )


def stationary(x, system, x0, x1, t, functional, end_jumps=None):
    """Nothing if ``x`` is a path of least action between these ends, else a `Mistake`."""
    x, shape = as_numbers(x), (len(t), system.dim)
    if x.shape == shape[::-1] != shape:
        raise Mistake("transposed axes", f"Shape {shape} is needed, and the path has {x.shape}")
    if x.shape != shape or not np.isfinite(x).all():
        raise Mistake(None, f"Finite states of shape {shape} are needed, and the path has {x.shape}")
    if not close(x[[0, -1]], [x0, x1], 1e-6):
        raise Mistake(None, "The ends have moved, and only the inner nodes may")
    found, size = _jumps(system, x, t, functional)
    jump = np.abs(found).max() / size
    best = least_action_path(system, x[0], x[-1], t, functional, guess=x)
    if not (jump < 1e-5 or close(x, best.x, 1e-6)):  # numbers of single precision are as good as they can be
        if functional == "onsager-machlup" and np.abs(_jumps(system, x, t, "fw")[0]).max() < 1e-5 * size:
            raise Mistake("missing ½∇·f", "The path makes that action least")
        for at, slip in enumerate(("left-point rule", "right-point rule")):
            if end_jumps and np.abs(end_jumps(x, at)).max() < 1e-3 * size:
                raise Mistake(slip, "The path makes that action least")
        raise Mistake("unconverged", f"A jump is {jump:.1g} of the largest momentum, and 1e-5 is allowed")
    if best.kind == "saddle":
        raise Mistake("saddle")


def path(answer, i):
    ends = lambda x, at: _end_jumps(i, x, i.times, at)  # noqa: E731
    stationary(answer, i.system, *i.ends, i.times, "onsager-machlup", ends)


def escape(answer, i):
    stationary(answer, i.two_wells, [-1, 0], [1, 0], np.linspace(0, 8, 61), "freidlin-wentzell")


def energies(answer, i):
    (x, t), D = _curve(i), diffusion_of(i)
    E = energy(i, x, t, D)
    U = energy(i, x, t, D, share=0) - E

    def by(**slip):
        return energy(i, x, t, D, **slip)

    middle, v = (x[1:] + x[:-1]) / 2, np.diff(x, axis=0) / np.diff(t)[:, None]
    kinetic = ((v - i.drift(middle)) ** 2).sum(axis=1) / (4 * D)
    compare(
        as_function(answer, "energy(x, t)")(x, t),
        E,
        [
            ("E and L", kinetic + U, "This is L"),
            ("E and L", kinetic, "This is L without U"),
            ("E and L", -E, "This is L - p·v"),
            ("E and L", E + 2 * U, "U enters E with a minus"),
            ("missing ½∇·f", E + U),
            ("factor ½", E - U, "It is that of ∇·f"),
            ("factor ½", E + U / 2, "It is that of ∇·f"),
            ("σ² for D", by(share=1) / 2),
            ("units", 4 * D * (E + U), "This is |v|² - |f|², which is 4D times E without U"),
            ("drift", by(drift=0)),
            ("drift", by(drift=-1), "|f|² enters E with a minus"),
            ("unequal steps", by(equal="first")),
            ("unequal steps", by(equal="mean")),
            ("forgotten h", by(undivided=True)),
            ("left-point rule", by(at=0)),
            ("right-point rule", by(at=1)),
        ],
    )


def angular_momenta(answer, i):
    (x, t), D = _curve(i), diffusion_of(i)
    J = turning(i, x, t, D)
    arrive = [(slip, turning(i, x, t, D, **options), *why) for slip, options, *why in MOMENTUM_SLIPS]
    middle, v = (x[1:] + x[:-1]) / 2, np.diff(x, axis=0) / np.diff(t)[:, None]

    def cross(x, v):
        return (x[:, 0] * v[:, 1] - x[:, 1] * v[:, 0]) / (2 * D)

    places = middle, x[:-1]
    compare(
        as_function(answer, "angular_momentum(x, t)")(x, t),
        J,
        [
            *arrive,
            *(("drift", cross(x, v)) for x in places),
            *(("naive momentum", cross(x, v - i.drift(middle))) for x in places),
            ("units", 2 * D * J, "The factor 1/2D of the momentum is missing"),
            ("σ² for D", J / 2),
            ("σ² for D", turning(i, x, t, 2 * D)),
        ],
    )


@cache
def _spreads(i):
    """Largest minus smallest energy along the library's most likely paths on four meshes."""
    meshes = [np.linspace(0, i.T, n) for n in COUNTS]
    return [float(np.ptp(least_action_path(i.system, *i.ends, mesh).energy)) for mesh in meshes]


def order(answer, i):
    """The four spreads, and the power of the step in them."""
    try:
        spreads, power = answer
    except (TypeError, ValueError):
        raise Mistake(None, "(spreads, order) is needed: four numbers, and one") from None
    right = np.array(_spreads(i))
    compare(spreads, right, [("order", right[::-1], "The meshes are in another order")], tol=1e-3)
    power = as_numbers(power)
    found = np.polyfit(np.log(1 / (np.array(COUNTS) - 1)), np.log(right), 1)[0]
    slips = [
        ("sign", -found, "Half the step, a quarter of the spread: it is positive"),
        ("order", found / 2, "It is half of that: the spread was fitted against h², or its root"),
        ("order", found * 2, "It is twice that: the square of the spread was fitted, or against √h"),
        ("order", found / np.log(2), "The logarithms on both sides must have one base"),
        ("order", found * np.log(2), "The logarithms on both sides must have one base"),
        ("order", 1 / found, "The axes of the fit are exchanged: log(spread) goes up, log(h) to the right"),
    ]
    compare(power, found, slips, tol=0.05)


TASKS = {
    "path action": path_action,
    "gradient": gradient,
    "path": path,
    "energies": energies,
    "angular momenta": angular_momenta,
    "order": order,
    "escape": escape,
}
