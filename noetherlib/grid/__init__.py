"""The backward operator of a noisy system on a grid, and what it answers."""

from .answers import Coarse, OnGrid, Spectrum
from .questions import Generator, generator

__all__ = ["Coarse", "Generator", "OnGrid", "Spectrum", "generator"]
