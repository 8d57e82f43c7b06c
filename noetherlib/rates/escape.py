"""How often weak noise takes a system from an attractor over a saddle."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.integrate import quad
from scipy.linalg import block_diag

from ..inputs import as_a
from ..paths import GeometricPath, geometric_path
from ..system import System
from .taylor import curvature, excess_divergence, next_order, rest_point

POINTS = 400  # of a path that is not given
LARGEST = 6  # variables up to which the next order is computed
SAMPLES = 64  # states at which a system is seen to have a potential


class NotWeak(RuntimeWarning):
    """Noise so strong that a formula for weak noise is not to be trusted."""


@dataclass(frozen=True)
class EscapeRate:
    """A rate of escape, for weak noise.

    Attributes
    ----------
    rate : float
        Paths per time that leave the attractor's basin over the saddle, for each path in it.
    error : float
        Size of the next order in D: what the third and fourth derivatives of the quasipotential at
        the attractor and at the saddle add to their Gaussian integrals, without regard to signs. By
        a rule of thumb it counts ``exp(|excess|)`` times, for the path's own next order is not
        computed. With a path, what the error of its action makes of the rate is added. An estimate,
        not a bound; nan beyond six variables.
    prefactor : float
        One over time; ``rate = prefactor exp(-barrier)``.
    barrier : float
        Height of the saddle in the quasipotential: the Freidlin-Wentzell action, dimensionless.
    growth : float
        The positive eigenvalue at the saddle, one over time.
    excess : float
        Integral of F along the path (see `escape_rate`); 0 where there is a potential.
    method : str
        "gradient", "underdamped" or "path".
    """

    rate: float
    error: float
    prefactor: float
    barrier: float
    growth: float
    excess: float
    method: str

    def __repr__(self):
        return (
            f"<EscapeRate: {self.rate:.4g} +- {self.error:.2g}, prefactor {self.prefactor:.4g}, "
            f"barrier {self.barrier:.4g}, {self.method}>"
        )


def escape_rate(system, attractor, saddle, geo=None):
    """Rate of leaving an attractor's basin over a saddle, for weak noise.

    Parameters
    ----------
    system : System
        Constant D, nothing depends on time. D may be singular for a particle with inertia alone.
    attractor, saddle : array (dim,), or FixedPoint
        Fixed points (`fixed_points` finds them): all eigenvalues of the drift with negative real
        parts, and all but one.
    geo : GeometricPath, optional
        The cheapest path from the one to the other, for a system without a potential; what
        `geometric_path` finds where absent.

    Returns
    -------
    EscapeRate
        Add the rates of several saddles, and of several paths to one saddle. The mean time to reach
        the saddle's far side is one over it; of paths at the saddle itself half return.

    Raises
    ------
    ValueError
        For points that are no fixed points or not of these kinds, a D that depends on the state, a
        singular D without that inertia, a system that depends on time, a path that does not join the
        two points, that did not converge, that is a saddle of the action or runs through another
        fixed point, or beside which a cheaper one leaves.

    Warns
    -----
    NotWeak
        Where the next order is more than half of the rate, or it is not known that the path is a minimum.

    Notes
    -----
    With phi the quasipotential, ``f . grad phi + grad phi . D grad phi = 0``, growth the positive
    eigenvalue at the saddle and ``F = div f + tr(D grad grad phi)``::

        rate = growth / (2 pi) sqrt(det phi'' (attractor) / |det phi'' (saddle)|) exp(-int F dt - barrier),

    the integral along the path from attractor to saddle. With a potential, ``f = -D grad phi``, F
    vanishes: Kramers' rate in one dimension, Eyring and Kramers' in more. With inertia,
    ``dv = (-grad V - gamma v) dt`` and ``D = gamma kT``, phi is the energy over kT and F vanishes too:
    Kramers' and Langer's. The relative error is O(D). Both potentials are recognised by the symmetry
    of the drift's derivative at states around the segment from attractor to saddle.

    Source: Kramers (1940), Physica 7, 284; Langer (1969), Ann. Phys. 54, 258; Bouchet and Reygner
    (2016), Ann. Henri Poincaré 17, 3499, eq. 1.10.
    """
    D = as_a(System, system, "system").constant_diffusion
    if D is None:
        raise ValueError("system must have noise that is constant, given as numbers: its D is a function")
    start, A = rest_point(system, attractor, "attractor")
    top, S = rest_point(system, saddle, "saddle")
    growing = [np.linalg.eigvals(M).real > 0 for M in (A, S)]
    if growing[0].any():
        raise ValueError(f"attractor must be stable, and {growing[0].sum()} directions grow there")
    if growing[1].sum() != 1:
        raise ValueError(f"saddle must have one direction that grows, and has {growing[1].sum()}")
    near = _around(start, top)
    force, bend = _potential(system, D, near)
    P = curvature(A, D, "attractor", bend and bend(A))
    if not system.facts.autonomous(near, 0.0):
        raise ValueError("system must not depend on time, and its drift or diffusion looks at t")
    excess = missed = 0.0
    if force is not None:
        method = "gradient" if np.linalg.matrix_rank(D, hermitian=True) == len(D) else "underdamped"
        Q = curvature(S, D, "saddle", bend(S))
        step = top - start
        barrier = -quad(lambda s: force(start + s * step) @ step, 0, 1, epsabs=0, limit=200)[0]
    else:
        method, geo = "path", _path(system, D, start, top, geo)
        barrier, missed = geo.action, float(np.expm1(geo.error))
        excess, end = excess_divergence(system, D, geo.x, P)
        Q = curvature(S, D, "saddle", near=end)
    growth = float(np.linalg.eigvals(S).real.max())
    ratio = np.linalg.slogdet(P)[1] - np.linalg.slogdet(Q)[1]
    prefactor = growth / (2 * np.pi) * np.exp(ratio / 2 - excess)
    rate = float(prefactor * np.exp(-barrier))
    share = np.nan
    if system.dim <= LARGEST:
        ends = abs(next_order(system, start, P, D)) + abs(next_order(system, top, Q, D))
        share = ends * np.exp(abs(excess))
    if share > 0.5:
        warnings.warn(
            f"the next order in D is {share:.0%} of this rate: ask `generator` or `simulate` where noise "
            "is so strong",
            NotWeak,
            stacklevel=2,
        )
    share = float(share) + missed
    return EscapeRate(rate, rate * share, float(prefactor), float(barrier), growth, excess, method)


def _around(start, top):
    """States around the segment between two points, always the same."""
    rng = np.random.default_rng(0)
    away = rng.normal(size=(SAMPLES, len(start))) * np.linalg.norm(top - start) / 4
    return start + rng.uniform(size=(SAMPLES, 1)) * (top - start) + away


def _potential(system, D, x):
    """``-grad phi`` of the state and ``grad grad phi`` of the drift's Jacobian at a fixed point.

    None and None unless the drift shows such a potential at states ``x``.
    """
    A, nothing = system.jacobian(x, 0.0), (None, None)
    if np.linalg.matrix_rank(D, hermitian=True) == len(D):
        inverse = np.linalg.inv(D)
        if not _symmetric(inverse @ A):
            return nothing
        return lambda y: inverse @ system.drift(y, 0.0), lambda A: -inverse @ A
    n = len(D) // 2
    friction, noise = -A[0, n:, n:], D[n:, n:]
    if len(D) % 2 or D[:n].any() or not np.diag(friction).all():
        return nothing
    temperature = noise[0, 0] / friction[0, 0]
    inertia = np.zeros_like(A)
    inertia[:, :n, n:], inertia[:, n:, n:] = np.eye(n), -friction
    inertia[:, n:, :n] = A[:, n:, :n]
    fits = np.abs(A - inertia).max() < 1e-6 * np.abs(A).max()
    fits = fits and np.allclose(system.drift(x, 0.0)[:, :n], x[:, n:])
    if not fits or not np.allclose(noise, temperature * friction) or not _symmetric(A[:, n:, :n]):
        return nothing

    def force(y):
        return np.append(system.drift(np.append(y[:n], 0 * y[n:]), 0.0)[n:], 0 * y[n:]) / temperature

    def bend(A):
        return block_diag(-A[n:, :n], np.eye(n)) / temperature

    return force, bend


def _symmetric(A):
    return np.abs(A - np.swapaxes(A, -1, -2)).max() < 1e-6 * np.abs(A).max()


def _path(system, D, start, top, geo):
    """The path given, checked, or one found."""
    if np.linalg.matrix_rank(D, hermitian=True) < len(D):
        raise ValueError(
            "system must have noise on every variable, or be a particle with inertia in a potential whose "
            "noise is that of one temperature: other singular D are not covered"
        )
    geo = geometric_path(system, start, top, POINTS) if geo is None else as_a(GeometricPath, geo, "geo")
    ends = np.linalg.norm(geo.x[[0, -1]] - [start, top], axis=1)
    if (ends > 1e-6 * geo.arclength[-1]).any():
        raise ValueError("geo must run from the attractor to the saddle, and its ends lie elsewhere")
    if not geo.converged or not np.isfinite(geo.error):
        raise ValueError(
            f"geo must have converged, and its action has an error of {geo.error:.2g}: find the path from "
            "another guess"
        )
    if geo.kind == "saddle":
        raise ValueError("geo must be a minimum of the action and is a saddle: a cheaper path leaves it")
    if geo.joints:
        raise ValueError(
            f"geo must run from the attractor to the saddle directly, and passes {len(geo.joints)} other "
            "fixed points: multiply no rates, ask for those of its legs"
        )
    if geo.kind != "minimum":
        warnings.warn(
            "it is not known whether geo is a minimum of the action: where a cheaper path leaves it, this "
            "rate is too low",
            NotWeak,
            stacklevel=3,
        )
    return geo
