"""The part U of a Lagrangian: none (Freidlin-Wentzell), 1/2 div f (Onsager-Machlup), or a caller's."""

from __future__ import annotations

import numpy as np

from ..inputs import as_returned, brief
from ..system.derivatives import EPS, along, differentiate, symmetrised
from ..system.learn import Untouched, without
from ..system.noise import changes, pseudo_inverse

NAMES = {
    "onsager-machlup": "onsager-machlup",
    "om": "onsager-machlup",
    "freidlin-wentzell": "freidlin-wentzell",
    "fw": "freidlin-wentzell",
}


def potential(system, functional):
    """The name of a functional (or the callable itself) and its U, None where that is 0."""
    if callable(functional):
        return functional, CustomPotential(functional)
    if not isinstance(functional, str) or functional not in NAMES:
        raise ValueError(
            'functional must be "onsager-machlup", "freidlin-wentzell" or a function U(x, t), '
            f"got {brief(functional)}"
        )
    name = NAMES[functional]
    return name, HalfDivergence(system) if name == "onsager-machlup" else None


class Potential:
    """What every U answers by differences of its gradient."""

    def hessian_product(self, x, t, v):
        """Second derivatives at ``x`` (..., dim) times ``v`` (..., dim)."""
        return along(lambda y: self.gradient(y, t), x, v)


class CustomPotential(Potential):
    """A caller's ``U(x, t)``; derivatives by its own ``gradient`` and ``hessian`` or by differences."""

    def __init__(self, function):
        self.function = function
        self._gradient = getattr(function, "gradient", None)
        self._hessian = getattr(function, "hessian", None)
        #: whether a gradient takes no differences in every variable
        self.has_gradient = self._gradient is not None

    def value(self, x, t):
        lead = np.broadcast_shapes(x.shape[:-1], np.shape(t))
        value = np.asarray(self.function(x, t), dtype=float)
        return as_returned(value, lead, "functional U", x)

    def gradient(self, x, t):
        return self._gradient(x, t) if self._gradient else differentiate(self.value, x, t)

    def autonomous(self, x):
        """Whether U returns without a look at the time."""
        return without(self.function, x, Untouched()) is not None

    def hessian(self, x, t):
        if self._hessian:
            return self._hessian(x, t)
        return symmetrised(differentiate(self.gradient, x, t, EPS if self._gradient else EPS ** (2 / 3)))


class HalfDivergence(Potential):
    """``U = 1/2 tr(P grad f)`` of Onsager and Machlup, P the orthogonal projector on the range of D.

    With noise on every variable that is half the divergence. Else it is the half divergence along
    the noisy directions: it belongs to tubes of equal width around the path in those directions
    (in which the other variables follow), and what it leaves out of the divergence is the volume
    that the rest of the drift makes or takes, a factor of the density that knows no noise.
    """

    def __init__(self, system):
        if system.additive is False:
            _refuse()
        self.system = system
        self.has_gradient = system.flow.divergence_gradient is not None
        self._constant = system.constant_diffusion is not None
        if self._constant:
            self._P = self._projector(np.zeros(system.dim), 0.0)

    def _projector(self, x, t):
        """P, or None where D is regular."""
        D, additive = self.system.noise(x, t)
        if not additive and changes(lambda y, s: self.system.noise(y, s)[0], x, t).any():
            _refuse()
        P = pseudo_inverse(D)[1]
        return None if np.allclose(P, np.eye(self.system.dim), atol=1e-9) else P

    def _directions(self, x, t):
        return self._P if self._constant else self._projector(x, t)

    def autonomous(self, x):
        """Whether U is known not to use the time where the drift does not."""
        return True

    def value(self, x, t):
        P = self._directions(x, t)
        return (self.system.divergence(x, t) if P is None else self._trace(P)(x, t)) / 2

    def gradient(self, x, t):
        P = self._directions(x, t)
        if P is None:
            return self.system.divergence_gradient(x, t) / 2
        return self._slope(P)(x, t) / 2

    def hessian(self, x, t):
        P = self._directions(x, t)
        if P is None:
            return self.system.divergence_hessian(x, t) / 2
        return symmetrised(differentiate(self._slope(P), x, t, self.system.derivative_noise)) / 2

    def _trace(self, P):
        return lambda x, t: np.einsum("...ij,...ji->...", P, self.system.jacobian(x, t))

    def _slope(self, P):
        if self.system.flow.hessian is not None:
            return lambda x, t: np.einsum("...ij,...jil->...l", P, self.system.hessian(x, t))
        noise = EPS if self.system.flow.jacobian is not None else EPS ** (2 / 3)
        return lambda x, t: differentiate(self._trace(P), x, t, noise)


def _refuse():
    raise ValueError(
        'functional "onsager-machlup" needs noise that does not depend on the state '
        "(the correction terms differ otherwise, and conventions disagree): use "
        '"freidlin-wentzell", or pass your own U(x, t)'
    )
