"""Many paths of a noisy system at once, at about the speed of the random numbers they use."""

from .run import Ensemble, simulate
from .schemes import Exact

__all__ = ["Ensemble", "Exact", "simulate"]
