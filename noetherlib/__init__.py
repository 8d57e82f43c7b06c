"""Most likely paths of noisy dynamical systems and their Noether charges.

A noisy system ``dx = f dt + sqrt(2 D) dW`` travels between two states most likely along a path of
least action, and the symmetries of the system conserve charges along that path.

The map; each room uses only the floors below it:

    course                                checks of a student's answers
    bridges   discover   rates            what users conclude; escape by weak noise
    paths   symmetry   grid               most likely paths; charges; the operator on a grid
    models   lagrangian                   a zoo; what motion costs
    scores   simulation                   data under noise; many paths at random
    system                                what a model is, and what is known of it
    inputs                                checks of what comes in

Apart from them, loaded when used:

    symbolic   display   interop          exact algebra; pictures; other packages
    claims                                what a page claims, with its bounds
"""

from importlib import import_module

from . import models, scores
from .bridges import bridge_ensemble, fluctuations, transition_density
from .lagrangian import action
from .paths import NotConverged, Path, geometric_path, least_action_path, path_spread, refine
from .scores import log_likelihood, probability_flow
from .simulation import simulate
from .symmetry import (
    Symmetry,
    affine,
    charge,
    charge_balance,
    invariance_defect,
    ring_shift,
    rotation,
    time_translation,
    translation,
)
from .system import OutsideData, System, fixed_points

__version__ = "0.1.0"

_ON_DEMAND = {
    name: None for name in ("symbolic", "discover", "course", "display", "interop", "grid", "rates", "claims")
}
_ON_DEMAND |= {"style": "display", "scrubber": "display", "generator": "grid", "Coarse": "grid"}
_ON_DEMAND |= {"read_system": "system.text", "Claims": "claims"}
_ON_DEMAND |= {"escape_rate": "rates", "NotWeak": "rates", "quasipotential": "rates"}


def __getattr__(name):
    """Load what needs sympy or matplotlib, and what few need, when it is first used."""
    if name not in _ON_DEMAND:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f".{_ON_DEMAND[name] or name}", __name__)
    return getattr(module, name) if _ON_DEMAND[name] else module


def __dir__():
    return sorted([*globals(), *_ON_DEMAND])
