"""Reverse diffusion: a score as a flow."""

from __future__ import annotations

import numpy as np

from ..inputs import as_count, as_positive, brief
from ..system import Flow, System

#: what a score may have, and the function of the drift ``2 t score`` that it is
DERIVATIVES = {
    "jacobian": "score_jacobian",
    "hessian": "score_hessian",
    "hessian_along": "score_hessian_along",
    "divergence": "divergence",
    "divergence_gradient": "divergence_gradient",
    "divergence_hessian": "divergence_hessian",
}


class Reverse(Flow):
    """Drift ``2 t score(x, t)`` and diffusion t of reverse diffusion, at t = t_max - s."""

    additive, autonomous = True, False

    def __init__(self, score, t_max, dim):
        self.score, self.t_max, self.dim = score, t_max, dim
        self.drift = _Scaled(getattr(score, "score", score), t_max)
        for name, source in DERIVATIVES.items():
            if (function := getattr(score, source, None)) is not None:
                setattr(self, name, _Scaled(function, t_max))

    def diffusion(self, x, s):
        return _level(self.t_max, s)


class _Scaled:
    """``2 t function(x, t, ...)`` in the clock s."""

    def __init__(self, function, t_max):
        self.function, self.t_max = function, t_max

    def __call__(self, x, s, *vectors):
        t = _level(self.t_max, s)
        value = np.asarray(self.function(x, t, *vectors))
        return 2 * t.reshape(t.shape + (1,) * (value.ndim - x.ndim + 1)) * value


def _level(t_max, s):
    """The noise level at the time s."""
    level = t_max - np.asarray(s)
    if (level < 0).any():
        raise ValueError(f"t must not exceed t_max = {t_max:g}, where the noise is gone; got {np.max(s):g}")
    return level


def reverse_diffusion(score, t_max, dim=None):
    """Reverse diffusion, from noise to data, variance-exploding with ``sigma(t) = t``.

    Forward, at noise level t, ``dx = sqrt(2 t) dW`` (D = t). Reversed, in the increasing clock
    ``s = t_max - t`` that this system runs on,

        dx = 2 t score(x, t) ds + sqrt(2 t) dW,     t = t_max - s.

    Parameters
    ----------
    score : object with ``.score(x, t)``, or callable ``(x, t) -> (..., dim)``
        grad log p at noise level t. One of `noetherlib.scores` brings exact derivatives; from any
        other object ``score_jacobian``, ``score_hessian``, ``score_hessian_along``,
        ``divergence``, ``divergence_gradient`` and ``divergence_hessian`` are used where it has them.
    t_max : float
        Noise level at s = 0, in units of the state.
    dim : int, optional
        Needed where ``score`` has no ``dim``.

    Returns
    -------
    System
        Its time is s, from 0 (noise) up to t_max (data). At s = t_max the noise vanishes: paths and
        actions need s < t_max throughout, as ``D^-1 = 1/t`` diverges there. Beyond, the drift raises.
        It pickles where the score does.

    Raises
    ------
    ValueError
        For a score that is not one, a ``t_max`` that is not positive, or a missing ``dim``.

    Notes
    -----
    Source: Anderson (1982), Stochastic Process. Appl. 12, 313; Song et al. (2021),
    arXiv 2011.13456, equation 6; Vastola (2025), arXiv 2504.09761, Figure 2. With the exact score
    the marginal density at s is ``p(., t_max - s)``.
    """
    if not callable(getattr(score, "score", score)):
        raise ValueError(f"score must have a method .score or be a function of (x, t), got {brief(score)}")
    dim = getattr(score, "dim", None) if dim is None else dim
    if dim is None:
        raise ValueError("dim must be given: the score does not say its dimension")
    return System.of(Reverse(score, as_positive(t_max, "t_max"), as_count(dim, "dim")))
