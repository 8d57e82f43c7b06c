"""Symmetries of a noisy system, and the charges they conserve along paths of least action."""

from .charge import Charge, charge, charge_balance, invariance_defect
from .generators import AffineSymmetry, Symmetry, affine, rotation, time_translation, translation

__all__ = [
    "AffineSymmetry", "Charge", "Symmetry", "affine", "charge", "charge_balance", "invariance_defect", "rotation",
    "time_translation", "translation",
]
