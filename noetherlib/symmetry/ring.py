"""The rotation of a ring of units: a continuous shift along it."""

from __future__ import annotations

import numpy as np

from ..inputs import as_count
from .generators import AffineSymmetry


def ring_shift(n):
    r"""Shift along a ring of ``n`` units, each harmonic k turning k times as fast.

    Parameters
    ----------
    n : int
        Number of units, at least 3. Unit i stands at the angle ``2 pi i / n``, and the state has the
        activity of unit i as its coordinate ``x[..., i]``.

    Returns
    -------
    Symmetry
        ``xi = -dx/dtheta`` per radian, by the derivative of the trigonometric interpolant: what lies
        at theta moves to larger angles. Its charge is ``-sum p_i (dx/dtheta)_i``.

    Raises
    ------
    ValueError
        For an ``n`` that is no integer of at least 3: fewer units have no harmonic that can turn.

    Notes
    -----
    The shifts by any angle form a one-parameter group for every n, of period ``2 pi``. For odd n it
    contains the shift by one unit, the roll of the ring. For even n the pattern ``(-1)^i`` (the
    harmonic n/2) has no partner to turn into and stays as it is, so that only states without it roll.

    A linear drift that the roll leaves alone (a circulant matrix), with such a D, has this symmetry
    exactly, and the charge is constant to roundoff. A nonlinear network of finitely many units has it
    up to aliasing: exponentially small in n for smooth units, not small for kinked ones.
    `charge_balance` says how well. `rotation` turns two coordinates alone, which is no shift of a ring.

    Source of the matrix: Trefethen, Spectral Methods in MATLAB (2000), chapter 3.
    """
    n = as_count(n, "n", 3)
    k = np.arange(1, n)
    wave = np.sin(np.pi * k / n) if n % 2 else np.tan(np.pi * k / n)
    slope = np.append(0.0, np.where(k % 2, -0.5, 0.5) / wave)
    matrix = -slope[np.subtract.outer(np.arange(n), np.arange(n)) % n]
    return AffineSymmetry((matrix - matrix.T) / 2, np.zeros(n))  # antisymmetric to the last digit
