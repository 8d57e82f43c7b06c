"""Systems learned from samples: a recorded series, or a scattered field of velocities."""

from .support import OutsideData, Sampled, tell_outside

__all__ = ["OutsideData", "Sampled", "tell_outside"]
