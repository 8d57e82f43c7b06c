"""Quasipotentials, and rates of leaving an attractor, for weak noise."""

from .escape import EscapeRate, NotWeak, escape_rate
from .field import Quasipotential, quasipotential

__all__ = ["EscapeRate", "NotWeak", "Quasipotential", "escape_rate", "quasipotential"]
