"""Rates of leaving an attractor, for weak noise."""

from .escape import EscapeRate, NotWeak, escape_rate

__all__ = ["EscapeRate", "NotWeak", "escape_rate"]
