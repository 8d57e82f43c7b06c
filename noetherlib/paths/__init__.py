"""Paths of least action: in given time, on a finer mesh, and with the time free."""

from ..lagrangian.path import Path
from .breaks import NotSmooth
from .geometric import GeometricPath, geometric_path
from .newton import NotConverged
from .refine import refine
from .solve import least_action_path

__all__ = [
    "GeometricPath",
    "NotConverged",
    "NotSmooth",
    "Path",
    "geometric_path",
    "least_action_path",
    "refine",
]
