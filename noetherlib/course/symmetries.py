"""Problem set 2: symmetries and charges."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import numpy as np

from .compare import as_function, as_numbers, compare, differences, evaluate, wrong_unit
from .instances import Instance, between, diffusion_of, points
from .slips import Mistake


@dataclass(frozen=True)
class Symmetries(Instance):
    """Rates k, w, g of two systems in the plane, A and B; k and v of systems on the line."""

    k: float = between(0.6, 1.6)
    w: float = between(0.7, 2.2)
    g: float = between(0.5, 1.5)
    v: float = between(0.3, 1.8)
    coin: float = between(0.0, 1.0, repr=False)
    die: float = between(0.0, 1.0, repr=False)

    @property
    def noises(self):
        """D of the systems A and B along both axes: one is the same in all directions, the other is not."""
        D = diffusion_of(self)
        pair = [(D, D), (D, 2 * D)]
        return pair if self.coin < 0.5 else pair[::-1]

    def drift(self, x, y):
        """In the plane, of numbers and of symbols."""
        pull = self.k - self.g * (x**2 + y**2)
        return pull * x - self.w * y, pull * y + self.w * x

    def lines(self, x):
        """Drifts of three systems on the line, drawn from nine; exact fractions where ``x`` is a symbol."""
        k, v = Fraction(str(self.k)), Fraction(str(self.v))
        free = -k * x, v + 0 * x, v - k * x
        radial = (1 + v) / x, (1 + v) / x - k * x, (1 + v) / x + k * x
        cubic = -k * x**3, v * x - k * x**3, -k * x**5
        return tuple([free, radial, cubic][kind][n] for n, kind in enumerate(_kinds(self)))


def _kinds(i):
    """Of the three systems on the line: 0 is free in disguise, 1 keeps a scaling, 2 only time translation."""
    mixed = [kinds for kinds in product(range(3), repeat=3) if len(set(kinds)) > 1]
    return mixed[min(int(i.die * len(mixed)), len(mixed) - 1)]


def _velocities():
    """Velocities and drifts that have nothing to do with each other."""
    return points(4)[:, :2], points(4)[:, 2:] - 1.3


def momentum(answer, i):
    run, (v, f), D = as_function(answer, "momentum(v, f, D)"), _velocities(), diffusion_of(i)
    compare(
        run(v, f, D),
        (v - f) / (2 * D),
        [
            ("drift", v / (2 * D)),
            ("drift", (v + f) / (2 * D), "It is v - f, and not v + f"),
            ("σ² for D", (v - f) / (4 * D)),
        ],
        unit=lambda: wrong_unit(run, (v, f, D), [(1, -1), (1, -1), (2, -1)], (-1, 0)),
    )


def energy(answer, i):
    run, (v, f), U = as_function(answer, "energy(v, f, D, U)"), _velocities(), points(1)[:, 0] - 1
    D = diffusion_of(i)

    def square(x):
        return (x**2).sum(axis=-1) / (4 * D)

    kinetic = square(v) - square(f)
    compare(
        run(v, f, D, U),
        kinetic - U,
        [
            ("E and L", square(v - f) + U, "This is L"),
            ("E and L", U - kinetic, "This is L - p·v"),
            ("E and L", kinetic + U, "U enters E with a minus"),
            ("E and L", square(v - f) + kinetic, "This is p·v alone"),
            ("missing ½∇·f", kinetic, "U does not occur in the answer"),
            ("drift", square(v) - U),
            ("drift", square(v) + square(f) - U, "|f|² enters E with a minus"),
            ("E and L", square(v - f) - U, "This is L with another sign of U"),
            ("σ² for D", kinetic / 2 - U),
            ("factor ½", kinetic - U / 2, "It is that of U"),
            ("factor ½", kinetic - 2 * U, "It is that of U"),
            ("factor ½", 2 * kinetic - U),
        ],
        unit=lambda: wrong_unit(run, (v, f, D, U), [(1, -1), (1, -1), (2, -1), (0, -1)], (0, -1)),
    )


def angular_momentum(answer, i):
    x, y, vx, vy = points(4).T
    (fx, fy), D = i.drift(x, y), diffusion_of(i)

    def cross(vx, vy, D=D):
        return differences((x * vy - y * vx) / (2 * D))

    right = cross(vx - fx, vy - fy)
    compare(
        differences(evaluate(answer, "x y xdot ydot", points(4), constants=True)),
        right,
        [
            ("drift", cross(vx, vy), "J is the turning that the noise has to pay for"),
            ("drift", cross(vx + fx, vy + fy), "It is v - f, and not v + f"),
            ("units", 2 * D * right, "The factor 1/2D of the momentum is missing"),
            ("σ² for D", right / 2),
        ],
    )


def verdicts(answer, i):
    (a, b), (c, d) = i.noises
    right = {
        "time translation, system A": True,
        "translation along x, system A": False,
        "rotation, system A": a == b,
        "rotation, system B": c == d,
        "boost, drift-diffusion": True,
        "ξ = x, τ = t, drift-diffusion with v = 0": False,
        "ξ = x + vt, τ = 2t, drift-diffusion": True,
    }
    if not isinstance(answer, dict) or set(answer) != set(right):
        raise Mistake(None, f"A dict with the keys {list(right)} is needed")
    for name, verdict in right.items():
        if answer[name] not in (True, False):
            raise Mistake(None, f"True or False is needed for '{name}', and the answer is {answer[name]!r}")
        if bool(answer[name]) != verdict:
            slip = "noise" if "rotation" in name else "gauge term" if "boost" in name else None
            why = ". Time moves, so dt is stretched as well: δ has four terms" if "τ" in name else ""
            raise Mistake(slip, f"Look again at '{name}'{why}")


def gauge_term(answer, i):
    (x, t), D = points(2).T, diffusion_of(i)
    right = differences((x - i.v * t) / (2 * D))
    compare(
        differences(evaluate(answer, "x t", points(2), constants=True)),  # K is free up to a constant
        right,
        [
            ("gauge term", 0 * right, "This K is a constant"),
            ("gauge term", differences(x / (2 * D)), "The part with t is missing"),
            ("sign", differences((x + i.v * t) / (2 * D)), "It is that of v t"),
            ("σ² for D", right / 2),
            ("units", 2 * D * right, "The factor 1/2D of the momentum is missing"),
        ],
    )


def growing_translation(answer, i):
    (x, v, t), D = points(3).T, diffusion_of(i)
    push, K = (v + i.k * x) / (2 * D) * np.exp(i.k * t), i.k * x * np.exp(i.k * t) / D
    compare(
        differences(evaluate(answer, "x xdot t", points(3), constants=True)),
        differences(push - K),
        [
            ("gauge term", differences(push), "This is p·ξ without K"),
            ("sign", differences(push + K), "K is subtracted: J = p·ξ - K"),
            ("factor ½", differences(push - K / 2), "K is half of what it should be"),
            ("σ² for D", differences(push - K) / 2),
            ("drift", differences(push - 1.5 * K)),
            ("drift", differences(push - 2 * K), "It is v - f = ẋ + kx, and not ẋ - kx"),
        ],
    )


def counts(answer, i):
    """Of the three systems: the symmetries that the right functions of time let one find."""
    kinds = _kinds(i)
    got, right = as_numbers(answer), np.array([(5, 3, 1)[kind] for kind in kinds])
    powers = np.array([_by_powers(n, kind) for n, kind in enumerate(kinds)])
    if got.shape == (3,) and ((got == powers) & (powers < right)).any():
        raise Mistake(
            None, "Functions e^(±kt) and e^(±2kt) belong in the basis beside the powers, with your own k"
        )
    compare(got, right)


def _by_powers(n, kind):
    """What 1, t and t² alone find: of the `lines`, those with a linear part need exponentials."""
    return {0: (1, 5, 1), 1: (3, 1, 1), 2: (1, 1, 1)}[kind][n]


TASKS = {
    "momentum": momentum,
    "energy": energy,
    "angular momentum": angular_momentum,
    "verdicts": verdicts,
    "gauge term": gauge_term,
    "growing translation": growing_translation,
    "counts": counts,
}
