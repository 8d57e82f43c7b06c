"""The zoo: ready systems with exact derivatives, each one class of mathematics and one function."""

from .mechanics import coloured, underdamped
from .reverse import reverse_diffusion
from .zoo import (
    double_well,
    drift_diffusion,
    fitzhugh_nagumo,
    maier_stein,
    multistable_decision,
    ornstein_uhlenbeck,
)

__all__ = [
    "coloured",
    "double_well",
    "drift_diffusion",
    "fitzhugh_nagumo",
    "maier_stein",
    "multistable_decision",
    "ornstein_uhlenbeck",
    "reverse_diffusion",
    "underdamped",
]
