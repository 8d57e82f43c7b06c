"""Noisy systems ``dx = f dt + sqrt(2 D) dW`` (Itô): what they are, and what is known of them."""

from .flow import Flow, Functions, LinearFlow
from .rest import FixedPoint, fixed_points
from .samples import OutsideData, tell_outside
from .system import System

__all__ = [
    "FixedPoint",
    "Flow",
    "Functions",
    "LinearFlow",
    "OutsideData",
    "System",
    "fixed_points",
    "tell_outside",
]
