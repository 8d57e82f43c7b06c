"""Bridges of linear systems drawn backward from their end, whatever the rank of D."""

from __future__ import annotations

import numpy as np

from ..inputs import as_streams
from ..system.noise import root

SMALL = 1e-10  # of a variance: what roundoff leaves of none


def drawn_backward(steps, x0, x1, n_paths, rng):
    """Paths (n_paths, n_times, dim) of the chain ``x' = Phi x + shift + noise`` given both ends.

    With m, P the mean and covariance of a node given ``x0``, the node before x' is Gaussian given
    it, with ``m + G (x' - Phi m - shift)`` and ``P - G Phi P``, ``G = P Phi^T (Phi P Phi^T + Q)^+``.

    Source: Carter and Kohn (1994), Biometrika 81, 541; Rauch, Tung and Striebel (1965), AIAA J. 3,
    1445.
    """
    means, covariances = [x0], [np.zeros((len(x0),) * 2)]
    for phi, shift, Q in zip(steps.phi, steps.shift, steps.noise):
        means.append(phi @ means[-1] + shift)
        covariances.append(phi @ covariances[-1] @ phi.T + Q)
    # each node in units of its own spread: what has no noise of its own has powers of h less
    units = [np.where(np.diag(P) > 0, np.sqrt(np.diag(P)), 1.0) for P in covariances]
    P = [P / np.outer(unit, unit) for P, unit in zip(covariances, units)]
    values, vectors = np.linalg.eigh(P[-1])
    quiet = vectors[:, values <= SMALL]
    off = np.abs(quiet.T @ ((x1 - means[-1]) / units[-1])).max(initial=0.0)
    if off > np.sqrt(SMALL):
        raise ValueError(
            "x1 must be an end that the noise can reach: part of the state has none, of its own or "
            f"by the drift, and lies {off:.3g} away from where that leads it"
        )
    z = as_streams(rng, 1)[0].standard_normal((len(steps.phi), n_paths, len(x0)))
    x = np.empty((n_paths, len(means), len(x0)))
    x[:, 0], x[:, -1] = x0, x1
    for k in range(len(means) - 2, 0, -1):
        phi = steps.phi[k] / units[k + 1][:, None] * units[k]
        gain = P[k] @ phi.T @ np.linalg.pinv(P[k + 1], rcond=SMALL, hermitian=True)
        rest = P[k] - gain @ phi @ P[k]
        gap = (x[:, k + 1] - means[k + 1]) / units[k + 1]
        x[:, k] = means[k] + (gap @ gain.T + z[k] @ root((rest + rest.T) / 2).T) * units[k]
    return x
