"""Around the most likely path: paths with both ends fixed, their density and their Gaussian band.

On a mesh a noisy system is a Markov chain, and its *bridge* that chain given both ends. Noether's
theorem holds in its mean, at any noise: with p the derivative of a step's action by its later
state, ``p . xi(later state)`` has the same mean on every step (the Ward identity).
"""

from .ensemble import Bridges, PoorMixing, bridge_ensemble
from .laplace import Density, WideFluctuations, fluctuations, transition_density

__all__ = [
    "Bridges",
    "Density",
    "PoorMixing",
    "WideFluctuations",
    "bridge_ensemble",
    "fluctuations",
    "transition_density",
]
