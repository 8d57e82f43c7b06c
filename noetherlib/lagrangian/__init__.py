"""The Lagrangian and the Hamiltonian of a noisy system, in continuous time and on a mesh."""

from .action import action
from .continuous import Lagrangian
from .mesh import Mesh

__all__ = ["Lagrangian", "Mesh", "action"]
