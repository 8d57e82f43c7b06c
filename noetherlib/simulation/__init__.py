"""Many paths of a noisy system at once, at about the speed of the random numbers they use."""

from .linear import Exact
from .run import Ensemble, simulate

__all__ = ["Ensemble", "Exact", "simulate"]
