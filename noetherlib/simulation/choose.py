"""Which scheme: the one asked for, or the best that applies, by what is known of the system."""

from __future__ import annotations

import numpy as np

from ..inputs import brief
from ..system.noise import check_semidefinite
from .linear import Claimed, Exact
from .local import LocalLinear
from .schemes import EulerMaruyama, Milstein, needs_levy_areas
from .stiff import Implicit, Tamed

SCHEMES = {scheme.name: scheme for scheme in (EulerMaruyama, Exact, Milstein, LocalLinear, Tamed, Implicit)}
DENSE = 64  #: variables up to which a drift that nobody declared linear is tried as one


def choose(system, starts, t, method, walls, strict=True):
    """The scheme for paths from ``starts`` (n, dim) with ``walls`` "bounds", "region" or None."""
    if not np.isfinite(starts).all():
        raise ValueError("x0 must be finite")
    D, additive = system.noise(starts, t[0])
    check_semidefinite(D)
    if walls and not D.any():
        raise ValueError("diffusion must not be zero where there are bounds")
    constant = system.constant_diffusion is not None
    reasons = dict.fromkeys(SCHEMES, "")
    if walls == "bounds":
        free = "milstein", "tamed", "implicit"
        reasons |= dict.fromkeys(free, "goes without bounds and reflection")
        if not (constant and system.linear):
            reasons["exact"] = "needs a drift declared linear and a constant D"
        best = "local-linear" if reasons["exact"] else "exact"
    else:
        reasons["local-linear"] = "is for bounds and reflection"
        if not constant:
            reasons["exact"] = "needs a constant D"
        if not additive and needs_levy_areas(system, starts[:16], t[0], t[1] - t[0]):
            reasons["milstein"] = "needs a diagonal D, each entry a function of its own coordinate"
        best = "euler-maruyama" if additive or reasons["milstein"] else "milstein"
        if constant and system.linear:
            best = "exact"
        elif constant and method is None and (scheme := _seen_linear(system, starts, t)):
            return scheme
    method = best if method is None else method
    if not isinstance(method, str) or method not in reasons:
        names = ", ".join(map(repr, reasons))
        raise ValueError(f"method must be one of {names} or None, got {brief(method)}")
    if reasons[method]:
        raise ValueError(f"method {method!r} {reasons[method]}")
    if method == "exact" and walls == "bounds":
        return LocalLinear(system, t, strict)
    if method == "exact":
        return Exact(system, t) if system.linear else Claimed(system, t, starts[0])
    return SCHEMES[method](system, t, strict)


def _seen_linear(system, starts, t):
    """Exact steps for a drift that does not use the time and is linear at the starts; else None."""
    if system.dim > DENSE or not system.facts.autonomous(starts, t):
        return None
    try:
        scheme = Claimed(system, t, starts[0])
        scheme.check(starts.T, 0)
    except ValueError:  # a tangent may overflow where the drift itself does not
        return None
    return scheme
