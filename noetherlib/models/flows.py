"""The zoo's mathematics: one class a model, with its drift and exact derivatives."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from ..system import Flow
from ..system.layout import last


class Decision(Flow):
    """Two populations that excite themselves and inhibit each other through a steep sigmoid."""

    dim, autonomous = 2, True

    def __init__(self, baseline, excitation, inhibition, threshold, width, time_constant, diffusion):
        self.baseline, self.threshold, self.width = baseline, threshold, width
        self.time_constant, self.diffusion = time_constant, diffusion
        self.weights = np.array([[excitation, -inhibition], [-inhibition, excitation]])

    def rates(self, x, order):
        """The sigmoid of each coordinate, or its derivative of order up to three."""
        z = (x - self.threshold) / self.width
        s, rest = expit(z), expit(-z)  # 1 - s would lose the upper tail
        if order == 0:
            return s
        slope = s * rest
        factor = (1, rest - s, (rest - s) ** 2 - 2 * slope)[order - 1]
        return slope * factor / self.width**order

    def drift(self, x, t):
        return (self.baseline + self.rates(x, 0) @ self.weights - x) / self.time_constant

    def jacobian(self, x, t):
        return (self.weights * self.rates(x, 1)[..., None, :] - np.eye(2)) / self.time_constant

    def hessian(self, x, t):
        curvature = self.rates(x, 2)[..., None, None, :] / self.time_constant
        return self.weights[:, :, None] * np.eye(2) * curvature

    def hessian_along(self, x, t, p):
        return np.eye(2) * ((p @ self.weights) * self.rates(x, 2) / self.time_constant)[..., None, :]

    def divergence_hessian(self, x, t):
        return self.weights[0, 0] * np.eye(2) * (self.rates(x, 3) / self.time_constant)[..., None, :]


class DoubleWell(Flow):
    """Overdamped motion in the potential ``x**4/4 - x**2/2``."""

    dim, autonomous, smooth = 1, True, True

    def __init__(self, diffusion):
        self.diffusion = diffusion

    def drift(self, x, t):
        return x - x * x**2

    def jacobian(self, x, t):
        return 1 - 3 * x[..., None] ** 2

    def hessian(self, x, t):
        return -6 * x[..., None, None]

    def hessian_along(self, x, t, p):
        return (-6 * x * p)[..., None]

    def divergence_hessian(self, x, t):
        return np.full((1, 1), -6.0)


class MaierStein(Flow):
    """Two wells joined by a drift that is no gradient, but for ``beta = 1``."""

    dim, autonomous, smooth = 2, True, True

    def __init__(self, beta, diffusion):
        self.beta, self.diffusion = beta, diffusion

    def drift(self, x, t):
        squares = x * x
        u2, v2 = squares[..., 0], squares[..., 1]
        return x * _stacked(x, 1, [1 - u2 - self.beta * v2, -1 - u2])

    def jacobian(self, x, t):
        squares, uv = x * x, -2 * x[..., 0] * x[..., 1]
        u2, v2 = squares[..., 0], squares[..., 1]
        return _stacked(x, 2, [1 - 3 * u2 - self.beta * v2, uv, self.beta * uv, -1 - u2])

    def hessian(self, x, t):
        u, v, b = x[..., 0], x[..., 1], self.beta
        return _stacked(x, 3, [-6 * u, -2 * v, -2 * b * v, -2 * u, -2 * b * v, -2 * u, -2 * b * u, 0.0])

    def hessian_along(self, x, t, p):
        twice, p_u, p_v = -2 * x, p[..., 0], p[..., 1]
        u, v, beta_p = twice[..., 0], twice[..., 1], self.beta * p_u
        mixed = v * beta_p + u * p_v
        return _stacked(x, 2, [3 * u * p_u + v * p_v, mixed, mixed, u * beta_p])

    def divergence_hessian(self, x, t):
        return np.diag([-8.0, -2.0 * self.beta])


class FitzHughNagumo(Flow):
    """A neuron that fires: the voltage v, which is noisy, and the recovery w, which is not."""

    dim, autonomous, smooth = 2, True, True

    def __init__(self, threshold, recovery, slowness, current, diffusion):
        self.threshold, self.recovery, self.slowness, self.current = threshold, recovery, slowness, current
        self.diffusion = [diffusion, 0.0]

    def drift(self, x, t):
        v, w = x[..., 0], x[..., 1]
        return _stacked(
            x,
            1,
            [
                v - v * v**2 / 3 - w + self.current,
                self.slowness * (v + self.threshold - self.recovery * w),
            ],
        )

    def jacobian(self, x, t):
        return _stacked(x, 2, [1 - x[..., 0] ** 2, self.slowness, -1.0, -self.slowness * self.recovery])

    def hessian(self, x, t):
        return _stacked(x, 3, [-2 * x[..., 0]] + [0.0] * 7)

    def hessian_along(self, x, t, p):
        return _stacked(x, 2, [-2 * x[..., 0] * p[..., 0], 0.0, 0.0, 0.0])

    def divergence_hessian(self, x, t):
        return np.diag([-2.0, 0.0])


def _stacked(x, rank, entries):
    """Arrays or numbers, column by column, as a field (..., 2, ...) with ``rank`` short axes."""
    lead = x.shape[:-1]
    out = np.empty((len(entries), *lead))
    for i, entry in enumerate(entries):
        out[i] = entry
    return out.reshape((2,) * rank + lead).transpose(last(rank, len(lead)))
