"""Parameters to and from other packages: every factor of two, sign and clock between them and us.

Ours is ``dx = f dt + sqrt(2 D) dW`` (Itô). ``from_...`` takes numbers as another package writes
them and returns ours, ``to_...`` is its inverse, exact to roundoff. Nothing here imports those
packages. The page *Coming from another package* of the book has the tables, the traps, and what was
measured.
"""

from .actions import (
    from_critical_transitions,
    from_deeptime,
    from_dynamo,
    to_critical_transitions,
    to_deeptime,
    to_dynamo,
)
from .decisions import (
    Decision,
    from_pyddm,
    from_responses,
    from_ssms,
    to_pyddm,
    to_responses,
    to_ssms,
)
from .estimates import (
    from_kramersmoyal,
    from_pydaddy,
    from_pysindy,
    to_kramersmoyal,
    to_pydaddy,
    to_pysindy,
)
from .generative import (
    from_edm,
    from_flow,
    from_variance_preserving,
    to_edm,
    to_flow,
    to_variance_preserving,
)
from .noise import from_amplitude, from_stratonovich, to_amplitude, to_stratonovich
from .predictions import (
    from_epsilon,
    from_flow_velocity,
    from_v_prediction,
    to_epsilon,
    to_flow_velocity,
    to_v_prediction,
)

__all__ = [name for name in dir() if name == "Decision" or name.startswith(("from_", "to_"))]
