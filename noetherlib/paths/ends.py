"""What a curve pays next to a fixed point, by the linear part of the drift there."""

from __future__ import annotations

import numpy as np
from scipy.linalg import schur, solve_continuous_lyapunov

NEAR = 1e-6  # of the curve's size: an end this close to a fixed point is on it
MARGINAL = 1e-6  # of the largest rate: below it a direction neither grows nor decays


def end_cost(system, x, size, leaving):
    """Second derivatives (dim, dim) of the least action between a fixed point ``x`` and a state near it.

    From the fixed point where ``leaving``, else to it; time is free. None where ``x`` is not one (to a
    part of ``size``), or some direction there neither grows nor decays. In the linear flow the directions
    that grow are left for nothing and those that decay are reached for nothing; the others cost
    ``1/2 r.C^-1 r``, with ``B C + C B^T + 2 D = 0`` and B their part of A, of -A on arrival.
    """
    A, f = system.jacobian(x, 0.0), system.drift(x, 0.0)
    if not np.isfinite(A).all() or not np.abs(f).max() <= NEAR * size * np.abs(A).max():
        return None
    rates = np.linalg.eigvals(A).real
    if np.abs(rates).min() <= MARGINAL * np.abs(rates).max():
        return None
    if np.abs(np.linalg.solve(A, f)).max() > NEAR * size:
        return None
    A = A if leaving else -A
    T, Z, paid = schur(A.T, sort="lhp")
    Z, B = Z[:, :paid], T[:paid, :paid].T
    if not paid:
        return np.zeros_like(A)
    D = np.broadcast_to(system.noise(x, 0.0)[0], A.shape)
    C = solve_continuous_lyapunov(B, -2 * Z.T @ D @ Z)
    return Z @ np.linalg.inv((C + C.T) / 2) @ Z.T
