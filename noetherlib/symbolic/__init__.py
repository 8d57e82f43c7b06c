"""Noether's theorem in exact algebra: Lagrangians, charges, gauge terms, symmetries.

The transformation ``t -> t + eps tau(x, t)``, ``x -> x + eps xi(x, t)`` changes the action
``S = int L dt``, at first order in ``eps``, by the integral of

    delta0 = tau dL/dt + xi . dL/dx + (d_t xi - v d_t tau) . p + L d_t tau,      p = dL/dv,

where ``d_t = d/dt + v . d/dx`` is the total derivative.  It is a symmetry if ``delta0 = d_t K`` for
some gauge term ``K(x, t)``.  Then ``J = p . xi - E tau - K`` is constant along every path of
stationary action (Noether 1918; Bessel-Hagen 1921).

    >>> from sympy import symbols
    >>> x, t, c, D = symbols("x t c D")
    >>> L = lagrangian(c, D, x, t)                 # drift-diffusion: dx = c dt + sqrt(2 D) dW
    >>> gauge_term(L, xi=t)                        # a boost is a symmetry with this K
    (-c*t + x)/(2*D)
    >>> len(find_symmetries(L))
    5

With noise on some variables only there is no Lagrangian but still a `Hamiltonian`, and all of this
works in (x, p, t), with the condition ``dJ/dt + {J, H} = 0``:

    >>> v = symbols("v")
    >>> H = lagrangian([v, 0], [0, D], (x, v), t)   # a free particle with noise on its velocity
    >>> H.expression
    D*p_v**2 + p_x*v
    >>> noether_charge(H, xi=(t, 1))                # a boost
    p_v + p_x*t

The symmetries of the equation for the density are those of the Onsager-Machlup action and one more:

    >>> [*map(len, (density_symmetries(c, D, x, t), find_symmetries(L)))]
    [6, 5]

Every answer is exact.  Parameters are generic: special values may have more symmetries.  Where
sympy cannot decide whether an expression vanishes, an ``ArithmeticError`` says so.
"""

from .density import density_symmetries
from .evaluate import lambdify
from .hamilton import Hamiltonian
from .lagrange import Lagrangian
from .limits import SearchLimitError
from .mechanics import (
    energy,
    equations_of_motion,
    euler_lagrange,
    hamiltonian,
    momentum,
    total_derivative,
)
from .noether import gauge_term, invariance_defect, noether_charge
from .noise import lagrangian
from .parabolic import DensitySymmetries, DensitySymmetry
from .search import PointSymmetry, find_symmetries
from .symbols import velocities

__all__ = [
    "DensitySymmetries",
    "DensitySymmetry",
    "Hamiltonian",
    "Lagrangian",
    "PointSymmetry",
    "SearchLimitError",
    "density_symmetries",
    "energy",
    "equations_of_motion",
    "euler_lagrange",
    "find_symmetries",
    "gauge_term",
    "hamiltonian",
    "invariance_defect",
    "lagrangian",
    "lambdify",
    "momentum",
    "noether_charge",
    "total_derivative",
    "velocities",
]
