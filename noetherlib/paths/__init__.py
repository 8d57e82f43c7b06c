"""Paths of least action: in given time, on a finer mesh, and with the time free."""

from ..lagrangian.path import Path
from .breaks import NotSmooth
from .geometric import GeometricPath, geometric_path
from .newton import NotConverged
from .refine import refine
from .solve import least_action_path
from .spread import Spread, path_spread

__all__ = [
    "GeometricPath",
    "NotConverged",
    "NotSmooth",
    "Path",
    "Spread",
    "geometric_path",
    "least_action_path",
    "path_spread",
    "refine",
]
