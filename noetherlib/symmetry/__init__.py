"""Symmetries of a noisy system, and the charges they conserve along paths of least action."""

from .balance import Balance, charge_balance
from .charge import Charge, charge, invariance_defect
from .generators import AffineSymmetry, Symmetry, affine, rotation, time_translation, translation
from .ring import ring_shift

__all__ = [
    "AffineSymmetry",
    "Balance",
    "Charge",
    "Symmetry",
    "affine",
    "charge",
    "charge_balance",
    "invariance_defect",
    "ring_shift",
    "rotation",
    "time_translation",
    "translation",
]
