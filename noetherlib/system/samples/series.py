"""The flow of a recorded series: polynomials for the drift and, where it varies, for D."""

from __future__ import annotations

import warnings

import numpy as np

from ...inputs import as_count, as_floats, as_times
from .estimates import LEVEL, estimate
from .polynomials import Polynomial, unfolding
from .recording import Recording, root_of
from .support import KEPT, Sampled, Support


class Series(Sampled):
    """A flow fitted to trajectories, with the errors of its coefficients in ``estimates``."""

    def __init__(self, estimates, states):
        self.estimates, self.dim, self.support = estimates, states.shape[-1], Support(states)
        drift, D = (field.fit.polynomial() for field in estimates.fields)
        self._use(drift, D, estimates.diffusion.matrix)

    def _use(self, drift: Polynomial, D: Polynomial, constant):
        self.drift, self.jacobian, self.hessian = drift.vector, drift.jacobian, drift.hessian
        self.diffusion = D.matrix if self.estimates.varies else constant

    def refit(self, rng):
        """Coefficients drawn from their joint errors around the fitted ones."""
        other = object.__new__(Series)
        other.estimates, other.dim, other.support = self.estimates, self.dim, self.support
        drift, D = (
            field.fit.polynomial(
                field.fit.coefficients + field.columns @ rng.standard_normal(field.columns.shape[-1])
            )
            for field in self.estimates.fields
        )
        found = self.estimates.diffusion
        moved = root_of(found.covariance) @ rng.standard_normal(len(found.covariance))
        other._use(drift, D, found.matrix + (unfolding(self.dim) @ moved).reshape(found.matrix.shape))
        return other


def read_series(t, x, max_degree):
    """The `Series` of ``x`` (n_paths, n_times, dim) or (n_times, dim) at ``t``; warns its caller's caller."""
    t = as_times(t)
    x = as_floats(x, "x")
    if x.ndim not in (2, 3) or x.shape[-2] != len(t):
        raise ValueError(f"x must be (n_paths, {len(t)}, dim) or ({len(t)}, dim), got shape {x.shape}")
    x = x.reshape(-1, *x.shape[-2:])
    found = estimate(Recording(t, x), as_count(max_degree, "max_degree"))
    states = x[:, :-1].reshape(-1, x.shape[-1])
    flow = Series(found, states)
    _warn(found, *_below_zero(flow, states))
    return flow


def _below_zero(flow, states):
    """The share of the states (n, dim) where the fitted D has a negative eigenvalue, and the worst one."""
    if not flow.estimates.varies:
        return 0.0, None
    states = states[:: -(-len(states) // KEPT)]
    lowest = np.linalg.eigvalsh(flow.diffusion(states, 0.0))[:, 0]
    return np.mean(lowest < 0), states[lowest.argmin()]


def _warn(found, negative, worst):
    """What a user must know before believing the numbers."""
    noise, said = found.noise, []
    if noise.found:
        said.append(
            f"x carries measurement noise, of standard deviation {np.sqrt(noise.matrix.max()):.2g} "
            "where it is largest: drift and D are corrected for it, see measurement_noise"
        )
    if noise.p_opposite < LEVEL:
        said.append(
            f"neighbouring increments are correlated (p = {noise.p_opposite:.1g}), so that drift "
            "and D may be wrong: x lacks variables, the noise has a memory, the steps are too "
            "long, or no polynomial fits the drift"
        )
    if np.isnan(noise.matrix).any():
        said.append("x has fewer than four times: any measurement noise is taken for a part of D")
    if found.varies:
        said.append(
            f"D depends on the state (p = {found.p_constant:.1g} for a constant one), or the steps "
            "are too long: it is fitted as a polynomial, symmetries must leave it as it is, and "
            "diffusion is its mean over the states"
        )
    if negative:
        said.append(
            f"the fitted D has a negative eigenvalue at {negative:.2%} of the recorded states, worst around "
            f"({', '.join(f'{v:.3g}' for v in worst[:6])}): no noise is like that, and its polynomial is "
            "wrong there by more than D itself; keep away from it, or give a D of your own"
        )
    for text in said:
        warnings.warn(text, stacklevel=4)
