"""The quasipotential around its stationary points and along the path that climbs it.

``phi`` solves ``f . grad phi + grad phi . D grad phi = 0``; differentiating that gives equations for its
second, third and fourth derivatives at a point where ``f = grad phi = 0``, and a Riccati equation for
the second ones along the path ``dx/dt = f + 2 D grad phi``.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline

from ..inputs import as_states
from ..system.derivatives import differentiate

LOW, HIGH = 0.05, 0.99  # between these parts of the path the Riccati equation is solved


def rest_point(system, point, name):
    """A fixed point, and the drift's Jacobian there."""
    x = as_states(getattr(point, "x", point), system.dim, name)
    if x.ndim != 1:
        raise ValueError(f"{name} must be one state ({system.dim},), got shape {x.shape}")
    A, f = system.jacobian(x, 0.0), system.drift(x, 0.0)
    if not np.isfinite(A).all() or np.abs(f).max() > 1e-6 * np.abs(A).max() * max(1.0, np.abs(x).max()):
        raise ValueError(
            f"{name} must be a fixed point of the drift, which is {np.abs(f).max():.3g} there: see "
            "fixed_points"
        )
    return x, A


def curvature(A, D, name, near=None):
    """Second derivatives of phi where the drift is ``A x``: ``A C + C A^T + 2 D = 0``, inverse of C.

    Where eigenvalues of A cancel in pairs that leaves a choice: the solution nearest to ``near``.
    """
    n, one = len(A), np.eye(len(A))
    C = np.zeros((n, n)) if near is None else np.linalg.inv(near)
    missing = -(A @ C + C @ A.T + 2 * D)
    equation = np.kron(A, one) + np.kron(one, A)
    C = C + np.linalg.lstsq(equation, missing.ravel(), rcond=1e-9)[0].reshape(n, n)
    if np.abs(A @ C + C @ A.T + 2 * D).max() > 1e-8 * np.abs(D).max() or np.linalg.cond(C) > 1e12:
        raise ValueError(
            f"{name} must be a point where the quasipotential has second derivatives with an inverse, and "
            "there its equation has none: two eigenvalues of the drift cancel, or noise does not reach all"
        )
    return np.linalg.inv((C + C.T) / 2)


def cubic(system, x, P, D):
    """Third derivatives of phi, ``(dim, dim, dim)``, where its second ones are P and it has no slope."""
    B = system.jacobian(x, 0.0) + 2 * D @ P
    return _balance(B, np.einsum("ai,ajk->ijk", P, system.hessian(x, 0.0)) / 2)


def quartic(system, x, P, D, T):
    """Fourth derivatives of phi, ``(dim,) * 4``, where its second and third ones are P and T."""
    second, third = system.hessian(x, 0.0), differentiate(system.hessian, x, 0.0)
    return _balance(
        system.jacobian(x, 0.0) + 2 * D @ P,
        np.einsum("aij,akl->ijkl", T, second) / 4
        + np.einsum("ai,ajkl->ijkl", P, third) / 6
        + np.einsum("aij,ab,bkl->ijkl", T, D, T) / 4,
    )


def next_order(system, x, P, D):
    """Relative correction to the Gaussian integral of ``exp(-phi)`` around ``x``, by Laplace's method.

    -1/8 phi_ijkl C_ij C_kl + 1/8 phi_ijk C_ij C_kl phi_lmn C_mn + 1/12 phi_ijk phi_lmn C_il C_jm C_kn
    """
    C, T = np.linalg.inv(P), cubic(system, x, P, D)
    loop = np.einsum("ijk,jk->i", T, C)
    return (
        -np.einsum("ijkl,ij,kl", quartic(system, x, P, D, T), C, C) / 8
        + loop @ C @ loop / 8
        + np.einsum("ijk,lmn,il,jm,kn", T, T, C, C, C) / 12
    )


def _balance(B, source):
    """Symmetric T with ``sum over slots of T_..a.. B_ai + sum over permutations of source = 0``.

    The least one, where eigenvalues of B cancel.
    """
    n, rank = len(B), source.ndim
    total = sum(np.transpose(source, order) for order in permutations(range(rank)))
    matrix = sum(
        np.kron(np.kron(np.eye(n**slot), B.T), np.eye(n ** (rank - 1 - slot))) for slot in range(rank)
    )
    return np.linalg.lstsq(matrix, -total.ravel(), rcond=1e-10)[0].reshape(source.shape)


def excess_divergence(system, D, curve, P):
    """Integral over time of ``F = div f + tr(D grad grad phi)`` along a path up from an attractor.

    Returns it, and grad grad phi at the end of the path. ``P`` is that at its start; near there it and
    F change like the distance, and the motion is ``exp((A + 2 D P) t)``. In coordinates where D is the
    identity the path has ``|dx/dt| = |f|``; what phi bends along the path is read
    off it, and what it bends across it
    obeys ``dP/dt = -(A^T P + P A + 2 P^2 + p . grad grad f)``, stable in the direction of the path.
    """
    root = np.linalg.cholesky(D)
    back = np.linalg.inv(root)
    y = curve @ back.T
    s = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(y, axis=0), axis=1))])
    line, n = CubicSpline(s, y), len(D)

    def at(s, across):
        """Speed, the derivatives over time of P and of the integral, and P with its part along the path."""
        x, tangent, bend = root @ line(s), line(s, 1), line(s, 2)
        tangent = tangent / np.linalg.norm(tangent)
        bend = bend - tangent * (tangent @ bend)
        f, A = back @ system.drift(x, 0.0), back @ system.jacobian(x, 0.0) @ root
        speed = np.linalg.norm(f)
        p = (speed * tangent - f) / 2
        along = ((f @ A @ tangent) / speed * tangent + speed * bend - A @ tangent) / 2  # dp/ds
        beside = np.eye(n) - np.outer(tangent, tangent)
        P = beside @ across @ beside + np.outer(along, tangent) + np.outer(tangent, along)
        P -= tangent @ along * np.outer(tangent, tangent)
        H = root.T @ system.hessian_along(x, 0.0, back.T @ p) @ root
        return speed, -(A.T @ P + P @ A + 2 * P @ P + H), np.trace(A) + np.trace(P), P

    def slope(s, state):
        speed, turn, excess, _ = at(s, state[:-1].reshape(n, n))
        return np.append(turn.ravel(), excess) / speed

    def lost(s, state):
        return np.abs(state[:-1]).max() - limit

    lost.terminal = True
    start, end = LOW * s[-1], HIGH * s[-1]
    T, x0 = cubic(system, curve[0], P, D), curve[0]
    away = root @ line(start) - x0
    B = system.jacobian(x0, 0.0) + 2 * D @ P
    bend = np.einsum("ij,ijk->k", D, T) + np.einsum("iik->k", system.hessian(x0, 0.0))  # grad F
    begin = root.T @ (P + T @ away) @ root
    limit = 1e4 * np.abs(begin).max()
    first = np.append(begin.ravel(), bend @ np.linalg.solve(B, away))
    solved = solve_ivp(slope, (start, end), first, "LSODA", rtol=1e-7, atol=1e-9, events=lost)
    if solved.status != 0:
        raise ValueError(
            "geo must be a path along which the quasipotential has second derivatives, and beside this "
            "one neighbouring paths cross: a cheaper one leaves it. Find that from another guess"
        )
    across = solved.y[:-1, -1].reshape(n, n)
    speed, _, excess, P = at(end, across)
    # towards the saddle F and the speed both fall like the distance
    return float(solved.y[-1, -1] + (s[-1] - end) * excess / speed), back.T @ P @ back
