"""From starts to least action, with the clock moved where Newton's method alone creeps."""

from __future__ import annotations

import numpy as np

from ..lagrangian.action import explain_derivatives, finite_action
from .clock import ease, is_autonomous, slide
from .newton import Newton

PATIENCE = 40  # Newton steps before a path is taken for a hard case


def minimise(mesh, x, tol, max_iter, rough=False):
    """`Newton` at the paths of least action from the starts ``x`` (batch, n_times, dim).

    ``rough``: near them, without the last steps and the slow ones.
    """
    newton = Newton(mesh, x, tol)
    if not newton.finite.all():
        finite_action(mesh, x)
        explain_derivatives(mesh, x)
    newton.descend(min(max_iter, PATIENCE), rough)
    lowest, least = newton.x.copy(), newton.action.copy()
    if max_iter > PATIENCE and not newton.converged.all():
        stuck = np.flatnonzero(~newton.converged)
        if is_autonomous(mesh, newton.x[stuck]):
            eased = np.stack([ease(mesh, newton.x[k]) for k in stuck])
            lower = mesh.action(eased) < newton.action[stuck]
            newton.expand(stuck[lower], eased[lower])
            for k in stuck[lower]:
                newton.damping[k] = 0.0
            newton.descend(PATIENCE, rough)
            if not rough:
                slide(newton)
        if not rough:
            newton.descend(max_iter - PATIENCE)
            lower = newton.action < least
            lowest[lower], least[lower] = newton.x[lower], newton.action[lower]
            newton.polish()
    risen = np.flatnonzero(newton.action > least + 1e-9 * newton.scale)
    if len(risen):  # what finds zeros of the gradient may climb
        newton.expand(risen, lowest[risen])
    return newton
