"""Problem set 2: symmetries and charges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .slips import Instance, Mistake, as_function, between, compare, evaluate, points, wrong_unit


@dataclass(frozen=True)
class Symmetries(Instance):
    """Rates k, w, g of two systems in the plane, A and B; k and v of systems on the line."""

    k: float = between(0.6, 1.6)
    w: float = between(0.7, 2.2)
    g: float = between(0.5, 1.5)
    v: float = between(0.3, 1.8)
    coin: float = between(0.0, 1.0, repr=False)

    @property
    def noises(self):
        """D of the systems A and B along both axes: one is the same in all directions, the other is not."""
        pair = [(self.D, self.D), (self.D, 2 * self.D)]
        return pair if self.coin < 0.5 else pair[::-1]

    def drift(self, x, y):
        """In the plane, of numbers and of symbols."""
        pull = self.k - self.g * (x**2 + y**2)
        return pull * x - self.w * y, pull * y + self.w * x


def _velocities():
    """Velocities and drifts that have nothing to do with each other."""
    return points(4)[:, :2], points(4)[:, 2:] - 1.3


def momentum(answer, i):
    run, (v, f) = as_function(answer, "momentum(v, f, D)"), _velocities()
    compare(
        run(v, f, i.D),
        (v - f) / (2 * i.D),
        [
            ("drift", v / (2 * i.D)),
            ("σ² for D", (v - f) / (4 * i.D)),
        ],
        unit=lambda: wrong_unit(run, (v, f, i.D), [(1, -1), (1, -1), (2, -1)], (-1, 0)),
    )


def energy(answer, i):
    run, (v, f), U = as_function(answer, "energy(v, f, D, U)"), _velocities(), points(1)[:, 0] - 1

    def square(x):
        return (x**2).sum(axis=-1) / (4 * i.D)

    kinetic = square(v) - square(f)
    compare(
        run(v, f, i.D, U),
        kinetic - U,
        [
            ("E and L", square(v - f) + U, "This is L"),
            ("E and L", U - kinetic, "This is L - p·v"),
            ("E and L", kinetic + U, "U enters E with a minus"),
            ("E and L", square(v - f) + kinetic, "This is p·v alone"),
            ("missing ½∇·f", kinetic, "U does not occur in the answer"),
            ("drift", square(v) - U),
            ("σ² for D", kinetic / 2 - U),
            ("factor ½", 2 * kinetic - U),
        ],
        unit=lambda: wrong_unit(run, (v, f, i.D, U), [(1, -1), (1, -1), (2, -1), (0, -1)], (0, -1)),
    )


def angular_momentum(answer, i):
    x, y, vx, vy = points(4).T
    fx, fy = i.drift(x, y)
    right = (x * (vy - fy) - y * (vx - fx)) / (2 * i.D)
    compare(
        evaluate(answer, "x y xdot ydot", points(4)),
        right,
        [
            ("drift", (x * vy - y * vx) / (2 * i.D), "J is the turning that the noise has to pay for"),
            ("units", 2 * i.D * right, "The factor 1/2D of the momentum is missing"),
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
    x, t = points(2).T
    values = evaluate(answer, "x t", np.vstack([points(2), np.zeros(2)]))
    compare(
        values[:-1] - values[-1],
        (x - i.v * t) / (2 * i.D),
        [  # K is free up to a constant
            ("gauge term", 0 * x, "This K is a constant"),
            ("gauge term", x / (2 * i.D), "The part with t is missing"),
            ("sign", (x + i.v * t) / (2 * i.D), "It is that of v t"),
            ("σ² for D", (x - i.v * t) / (4 * i.D)),
            ("units", x - i.v * t, "The factor 1/2D of the momentum is missing"),
        ],
    )


def growing_translation(answer, i):
    x, v, t = points(3).T
    push, K = (v + i.k * x) / (2 * i.D) * np.exp(i.k * t), i.k * x * np.exp(i.k * t) / i.D
    compare(
        evaluate(answer, "x xdot t", points(3)),
        push - K,
        [
            ("gauge term", push, "This is p·ξ without K"),
            ("sign", push + K, "K is subtracted: J = p·ξ - K"),
            ("factor ½", push - K / 2, "K is half of what it should be"),
            ("σ² for D", (push - K) / 2),
            ("drift", push - 1.5 * K),
        ],
    )


def counts(answer, i):
    compare(
        answer,
        [1, 5],
        [
            (None, [1, 1], "The functions e^(±kt) and e^(±2kt) belong in the basis, with your own k"),
            (None, [1, 3], "The functions e^(±2kt) belong in the basis as well"),
        ],
    )


TASKS = {
    "momentum": momentum,
    "energy": energy,
    "angular momentum": angular_momentum,
    "verdicts": verdicts,
    "gauge term": gauge_term,
    "growing translation": growing_translation,
    "counts": counts,
}
