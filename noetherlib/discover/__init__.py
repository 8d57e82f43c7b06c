"""Symmetries of a noisy system found in data: drift samples, most likely paths, noisy trajectories.

Sought are all affine generators ``xi = A x + b`` with ``tau = tau_0 + tau_1 t`` that are symmetries
of an autonomous system, drift *and* noise:

    A f - (xi . grad) f - tau_1 f = 0,          A D + D A^T - (xi . grad) D - tau_1 D = 0.

Both are linear maps of the generator's coefficients, and their null space is the answer. Where D
is given and constant, the second is solved exactly: in coordinates in which D is the identity it
says that A is a rotation plus ``tau_1 / 2``. A singular value is the relative defect
of one generator: root mean square over the samples, in units of the drift and its gradient.
Generators are called symmetries where it is below what roundoff and noise alone would produce.
Time translation, always there, is not listed; symmetries that need a gauge (boosts) are invisible
to the drift.
"""

from .decide import Discovery, FoundSymmetry
from .from_paths import symmetries_from_paths
from .search import symmetries_from_drift, symmetries_from_trajectories

__all__ = [
    "Discovery",
    "FoundSymmetry",
    "symmetries_from_drift",
    "symmetries_from_paths",
    "symmetries_from_trajectories",
]
