"""Data under added noise: log density, score and its derivatives, and the probability-flow ODE.

The noise level *is* the time: ``p(., t)`` is the data's density convolved with ``N(0, t**2 I)``,
the variance-exploding diffusion of Song et al. (2021) with ``sigma(t) = t``, so that

    dp/dt = t laplacian(p)                      (the heat equation, with D = t).

Every class answers, at states ``x`` (..., dim) and noise levels ``t`` that broadcast against
``x[..., 0]``: ``log_density`` (...), ``score`` = grad log p (..., dim), ``score_jacobian``
(..., dim, dim), ``score_hessian`` (..., dim, dim, dim), and the score's ``divergence`` (...),
``divergence_gradient`` (..., dim), ``divergence_hessian`` (..., dim, dim), all exact; and
``sample(n, t, rng)``. States and ``t`` share one unit; a score has its inverse.
"""

from .empirical import Empirical
from .flow import log_likelihood, probability_flow
from .mixture import GaussianMixture
from .ring import Ring

__all__ = ["Empirical", "GaussianMixture", "Ring", "log_likelihood", "probability_flow"]
