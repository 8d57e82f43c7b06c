"""Conjugate gradients for one step of Newton's method, within a trusted distance, whatever the signs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Step:
    """A step, its length, the fall that the quadratic model promises, and what it took."""

    step: np.ndarray
    length: float
    fall: float
    products: int
    negative: bool  # whether it follows a direction of negative curvature


def conjugate_gradients(product, inverse, gradient, *, leave, most, radius=np.inf, indefinite=False):
    """The step from the ``gradient`` that a matrix, known by its products, and a preconditioner lead to.

    Down to a part ``leave`` of the gradient, in the norm of the preconditioner, whose ``inverse`` is given.
    Distances, such as ``radius``, are in that norm as well. Where a direction of negative curvature is met,
    it is followed to the radius (Steihaug (1983), SIAM J. Numer. Anal. 20, 626): without one, or where the
    matrix may be ``indefinite``, Newton's own step is looked for, which may lead up as well as down.
    """
    step, rest = np.zeros_like(gradient), -gradient
    along = inverse(rest)
    left = np.vdot(rest, along)
    # squares and product in the norm of the preconditioner: of the step, of both, of the direction
    whole, both, size = 0.0, 0.0, left
    fall, enough = 0.0, leave**2 * left
    for count in range(1, most + 1):
        curved = product(along)
        bent = np.vdot(along, curved)
        ahead = left / bent if bent > 0 or indefinite else np.inf
        if not whole + 2 * ahead * both + ahead**2 * size < radius**2:
            ahead = (np.sqrt(both**2 + size * (radius**2 - whole)) - both) / size
            fall += ahead * left - ahead**2 * bent / 2
            return Step(step + ahead * along, radius, fall, count, not bent > 0)
        step += ahead * along
        rest -= ahead * curved
        fall += ahead * left / 2
        whole += 2 * ahead * both + ahead**2 * size
        z = inverse(rest)
        before, left = left, np.vdot(rest, z)
        if left <= enough:
            break
        share = left / before
        both, size = share * (both + ahead * size), left + share**2 * size
        along *= share
        along += z
    return Step(step, np.sqrt(whole), fall, count, False)
