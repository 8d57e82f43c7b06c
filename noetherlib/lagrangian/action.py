"""The action of given paths."""

from __future__ import annotations

import numpy as np

from ..inputs import as_a, as_positive, as_states, as_times
from ..system import System, tell_outside
from ..system.noise import check_semidefinite, pseudo_inverse
from .continuous import Lagrangian, dot
from .mesh import Mesh


def action(system, x, t, functional="onsager-machlup", *, tolerance=1e-3):
    """Action of paths by the midpoint rule.

    Parameters
    ----------
    system : System
    x : array (..., n_times, dim)
        Paths: their states at ``t``. For ``dim`` 1 the last axis stays: (..., n_times, 1).
    t : array (n_times,)
        Strictly increasing times, not necessarily uniform.
    functional : {"onsager-machlup", "freidlin-wentzell"} or callable ``U(x, t)``
    tolerance : float, optional
        Where D leaves directions without noise, how far ``dx/dt - f`` may lie off those with noise,
        in units of the largest velocity or drift of that variable: a discretised path follows the
        drift there only to the rule's own error, O(h^2).

    Returns
    -------
    float or array (...)
        ``S = int 1/4 (dx/dt - f)^T D^-1 (dx/dt - f) + U dt``, dimensionless: the density of a path
        is proportional to ``exp(-S)``. The error of the rule is O(h^2). With noise on some variables
        ``D^-1`` is the inverse on the range of D.

    Raises
    ------
    ValueError
        For shapes that do not fit, times that do not increase, values that are not finite, a
        drift that is not finite on the path, an unknown functional, and a path that leaves the
        directions of the noise: its action is infinite.

    Notes
    -----
    Source: Onsager and Machlup (1953); Graham (1977); Freidlin and Wentzell (1984).
    """
    as_a(System, system, "system")
    t = as_times(t)
    x = as_paths(x, len(t), system.dim, "x")
    mesh = Mesh(Lagrangian(system, functional), t)
    tell_outside(system, x, "action")
    if not lacks_noise(mesh, x):
        return finite_action(mesh, x)[()]
    return _action_along_noise(mesh, x, as_positive(tolerance, "tolerance"))[()]


def as_paths(x, n_times, dim, name):
    """``x`` as paths (..., n_times, dim)."""
    x = as_states(x, dim, name)
    if x.ndim < 2 or x.shape[-2] != n_times:
        raise ValueError(f"{name} must have shape (..., {n_times}, {dim}), got shape {x.shape}")
    return x


def lacks_noise(mesh, x):
    """Whether D is valid but singular somewhere along the paths."""
    mid = mesh.split(x)[0]
    with np.errstate(all="ignore"):  # what is not finite raises a ValueError below
        if np.isfinite(mesh.lagrangian.metric(mid, mesh.t_mid)[0]).all():
            return False
        D = mesh.lagrangian.system.noise(mid, mesh.t_mid)[0]
    check_semidefinite(D)
    return True


def off_noise(mesh, x):
    """``dx/dt - f`` on the intervals: its parts along and off the noise, and the scale of each variable."""
    mid, v = mesh.split(x)
    system = mesh.lagrangian.system
    f = system.drift(mid, mesh.t_mid)
    P = pseudo_inverse(system.noise(mid, mesh.t_mid)[0])[1]
    w = v - f
    along = np.einsum("...ij,...j->...i", P, w)
    scale = np.maximum(np.abs(v), np.abs(f)).max(axis=-2, keepdims=True)
    return along, w - along, np.maximum(scale, 1e-300)


def _action_along_noise(mesh, x, tolerance):
    along, off, scale = off_noise(mesh, x)
    excess = np.abs(off) / scale
    if not (excess <= tolerance).all():
        where = np.unravel_index(np.nanargmax(np.where(np.isfinite(excess), excess, np.inf)), excess.shape)
        raise ValueError(
            f"x must follow the drift where there is no noise, or its action is infinite: at "
            f"t = {mesh.t_mid[where[-2]]:.6g} variable {where[-1]} moves {off[where]:.3g} per time off it, "
            f"{excess[where]:.2g} of its largest rate (tolerance = {tolerance:g})"
        )
    system, mid = mesh.lagrangian.system, mesh.split(x)[0]
    p = np.einsum("...ij,...j->...i", pseudo_inverse(system.noise(mid, mesh.t_mid)[0])[0], along) / 2
    L = dot(along, p) / 2
    if mesh.lagrangian.potential is not None:
        L = L + mesh.lagrangian.potential.value(mid, mesh.t_mid)
    return mesh.integral(L)


def finite_action(mesh, x):
    """The action of ``x``, or a ValueError that names the culprit where it is not finite."""
    with np.errstate(all="ignore"):
        S = mesh.action(x)
    if np.isfinite(S).all():
        return S
    explain(mesh, x)
    raise ValueError("functional must be finite on the path, got an action that is not")


def explain(mesh, x):
    """A ValueError that names the drift or the diffusion, if it is not finite or not valid along ``x``."""
    mid, system = mesh.split(x)[0], mesh.lagrangian.system
    with np.errstate(all="ignore"):
        f, D = system.drift(mid, mesh.t_mid), system.diffusion(mid, mesh.t_mid)
    bad = ~np.isfinite(f).all(axis=-1)
    if bad.any():
        where = tuple(np.argwhere(bad)[0])
        raise ValueError(
            f"drift must be finite on the path, got {f[where][~np.isfinite(f[where])][0]} at "
            f"t = {mesh.t_mid[where[-1]]:.6g}, x = {_state(mid[where])}"
        )
    check_semidefinite(D)


def explain_derivatives(mesh, x):
    """A ValueError that names the derivative that is not finite along ``x``."""
    system, mid, t = mesh.lagrangian.system, mesh.split(x)[0], mesh.t_mid
    names = {
        "jacobian": lambda: system.jacobian(mid, t),
        "hessian": lambda: system.hessian_along(mid, t, np.ones_like(mid)),
        "diffusion": lambda: system.diffusion_gradient(mid, t) if system.constant_diffusion is None else 0.0,
        "functional": lambda: 0.0 if (U := mesh.lagrangian.potential) is None else U.gradient(mid, t),
    }
    one = np.ones_like(mid)
    if system.has_products:  # and perhaps so many variables that a matrix would not fit
        del names["jacobian"], names["hessian"]
        products = {"vjp": (one,), "jvp": (one,), "hvp": (one, one)}
        names |= {name: lambda n=name, v=v: getattr(system, n)(mid, t, *v) for name, v in products.items()}
    with np.errstate(all="ignore"):
        for name, value in names.items():
            if not np.isfinite(value()).all():
                of = "" if name in ("jacobian", "hessian", "vjp", "jvp", "hvp") else "the derivatives of "
                raise ValueError(f"{of}{name} must be finite along the guess, and one is not")
    raise ValueError("the derivatives of the action must be finite along the guess, and one is not")


def _state(x):
    """A state as text, not more of it than fits a line."""
    return "(" + ", ".join(f"{v:.6g}" for v in x[:6]) + (", ...)" if len(x) > 6 else ")")
