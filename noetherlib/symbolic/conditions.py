"""Noether's conditions on ``xi``, ``tau`` and ``K``, from the Hamiltonian.

The charge ``G = p . xi - tau H - K`` is constant if ``dG/dt + {G, H}``, a polynomial of degree
three in the momenta, vanishes.  With ``X = d/dt + f . grad``, its coefficients are, the highest
first,

    D grad tau = 0
    (grad xi) D + D (grad xi)^T - (xi . grad) D - tau dD/dt - (X tau) D = 0
    2 D grad K = X xi - (xi . grad) f - tau df/dt - (X tau) f
    X K = xi . grad U + tau dU/dt + (X tau) U

None needs the inverse of ``D``.  The last two say how ``K`` changes along vector fields (`fields`).
"""

from __future__ import annotations

import sympy as sp

from .fields import along, total


def invariance(H, xi, tau):
    """The conditions without ``K``: expressions, or forms, which must vanish."""
    x, t, D, n = H.state, H.time, H.diffusion, H.dim
    rate = along((*H.drift, sp.S.One), tau, (*x, t))
    clock = [total(tau.diff(x[j]) * D[i, j] for j in range(n)) for i in range(n)]
    metric = [
        total(
            xi[i].diff(x[k]) * D[k, j] + xi[j].diff(x[k]) * D[k, i] - xi[k] * D[i, j].diff(x[k])
            for k in range(n)
        )
        - tau * D[i, j].diff(t)
        - rate * D[i, j]
        for i in range(n)
        for j in range(i, n)
    ]
    return clock + metric


def gauge_equations(H, xi, tau):
    """Vector fields in (x, t), and the derivatives of ``K`` along them."""
    x, t, f, U = H.state, H.time, H.drift, H.potential
    flow = (*f, sp.S.One)
    rate = along(flow, tau, (*x, t))
    fields = [[*(2 * H.diffusion[i, :]), sp.S.Zero] for i in range(H.dim)] + [[*flow]]
    slopes = [
        along(flow, xi[i], (*x, t))
        - total(xi[k] * f[i].diff(x[k]) for k in range(H.dim))
        - tau * f[i].diff(t)
        - rate * f[i]
        for i in range(H.dim)
    ]
    power = total(xi[k] * U.diff(x[k]) for k in range(H.dim)) + tau * U.diff(t) + rate * U
    return fields, [*slopes, power]
