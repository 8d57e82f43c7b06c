"""Coordinates in which samples are of size one."""

from __future__ import annotations

import numpy as np

TINY = np.finfo(float).tiny


class Frame:
    """``x = centre + transform @ u``: D a multiple of 1 (without D, x_i scaled), u of size 1."""

    def __init__(self, x, diffusion, name="x"):
        self.centre = x.mean(axis=0)
        away = x - self.centre
        spread = away.T @ away / len(x)
        scale = np.abs(x).max() ** 2 + TINY
        if len(x) <= x.shape[1] or np.linalg.eigvalsh(spread)[0] < 1e-20 * scale:
            raise ValueError(f"{name} must spread in every direction, dim + 1 states in general position")
        scaling = np.diag(np.sqrt(np.diag(spread)))
        root = scaling if diffusion is None else np.linalg.cholesky(diffusion)
        inverse = np.linalg.inv(root)
        size = np.sqrt(np.trace(inverse @ spread @ inverse.T) / x.shape[1])
        self.transform, self.inverse = root * size, inverse / size

    def inward(self, x):
        return (x - self.centre) @ self.inverse.T

    def outward(self, theta, basis):
        """(A, b, tau_1) in the caller's coordinates, of each column of ``theta``, stacked."""
        A, b, tau = (np.tensordot(theta.T, part, 1) for part in basis)
        A = self.transform @ A @ self.inverse
        return A, b @ self.transform.T - A @ self.centre, tau
