"""Which scheme: the one asked for, or the best that applies, by what is known of the system."""

from __future__ import annotations

import numpy as np

from ..inputs import brief
from ..system.noise import check_semidefinite
from .linear import Claimed, Exact
from .local import LocalLinear
from .schemes import EulerMaruyama, Milstein, needs_levy_areas
from .stiff import Implicit, Tamed

SCHEMES = {
    scheme.name: scheme for scheme in (EulerMaruyama, Exact, Milstein, LocalLinear, Tamed, Implicit)
}


def choose(system, starts, t, method, walls, strict=True):
    """The scheme for paths from ``starts`` (n, dim); ``walls``: "bounds", "region" or None for none."""
    if not np.isfinite(starts).all():
        raise ValueError("x0 must be finite")
    D, additive = system.noise(starts, t[0])
    check_semidefinite(D)
    if walls and not D.any():
        raise ValueError("diffusion must not be zero where there are bounds")
    constant = system.constant_diffusion is not None
    coupled = not additive and needs_levy_areas(system, starts[:16], t[0], t[1] - t[0])
    reasons = dict.fromkeys(SCHEMES, "goes without bounds, reflection or region" if walls else "")
    reasons["euler-maruyama"] = ""
    if walls == "bounds":
        reasons["local-linear"] = ""
        reasons["exact"] = "" if constant and system.linear else "needs a drift declared linear and a constant D"
    else:
        reasons["local-linear"] = "is for bounds and reflection"
        if not constant:
            reasons["exact"] = "needs a constant D"
        if coupled:
            reasons["milstein"] = "needs a diagonal D, each entry depending on its own coordinate alone"
    if method is None:
        if walls == "bounds":
            method = "exact" if constant and system.linear else "local-linear"
        elif system.linear and not reasons["exact"]:
            method = "exact"
        else:
            method = "euler-maruyama" if additive or reasons["milstein"] else "milstein"
    if not isinstance(method, str) or method not in reasons:
        names = ", ".join(map(repr, reasons))
        raise ValueError(f"method must be one of {names} or None, got {brief(method)}")
    if reasons[method]:
        raise ValueError(f"method {method!r} {reasons[method]}")
    if method == "exact" and walls:
        return LocalLinear(system, t, strict)
    if method == "exact":
        return Exact(system, t) if system.linear else Claimed(system, t, starts[0])
    return SCHEMES[method](system, t, strict)
