"""What a generator answers: numbers on the grid, each with what it takes to doubt it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter

from ..inputs import as_states


class Coarse(RuntimeWarning):
    """A grid whose cells or whose box may spoil the answer; the message says what to do."""


@dataclass(frozen=True, eq=False)
class OnGrid:
    """A function on the centres of the cells.

    Attributes
    ----------
    values : array (*shape)
    error : array (*shape)
        Estimated absolute error of the grid, from a grid of half as many cells.
    axes : tuple of arrays
        Coordinates of the centres.
    what : str
        What it is, with its unit.
    """

    values: np.ndarray
    error: np.ndarray
    axes: tuple
    what: str

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)

    def __repr__(self):
        cells = " x ".join(str(n) for n in self.values.shape)
        return (
            f"<{self.what} on {cells} cells: {self.values.min():.4g} to {self.values.max():.4g}, "
            f"error at most {self.error.max():.2g}>"
        )

    def at(self, x):
        """Values at states ``x`` (..., dim), by cubic splines; the centres' own at a centre.

        Parameters
        ----------
        x : array (..., dim)

        Returns
        -------
        array (...)

        Raises
        ------
        ValueError
            For states beyond the outermost centres.
        """
        return self._interpolate(self.values, x, "cubic")

    def error_at(self, x):
        """Estimated errors at states ``x`` (..., dim): (...)."""
        return self._interpolate(self.error, x, "linear")

    def _interpolate(self, values, x, method):
        from scipy.interpolate import RegularGridInterpolator

        x = as_states(x, len(self.axes), "x")
        for i, axis in enumerate(self.axes):
            if (x[..., i] < axis[0]).any() or (x[..., i] > axis[-1]).any():
                raise ValueError(
                    f"x must lie between the outermost centres, {axis[0]:.6g} to {axis[-1]:.6g} "
                    f"along coordinate {i}"
                )
        return RegularGridInterpolator(self.axes, values, method=method)(x).reshape(x.shape[:-1])[()]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Slowest modes of the backward operator.

    Attributes
    ----------
    values : complex array (k,)
        Eigenvalues, one over time, by falling real part; the first is 0 where nothing is absorbed.
    error : array (k,)
        Estimated absolute errors.
    modes : complex array (k, *shape)
        Right eigenfunctions, largest value 1.
    axes : tuple of arrays
    """

    values: np.ndarray
    error: np.ndarray
    modes: np.ndarray
    axes: tuple

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)

    def __repr__(self):
        slowest = ", ".join(f"{v.real:.4g}" + f"{v.imag:+.3g}i" * bool(v.imag) for v in self.values[:3])
        return f"<Spectrum: {len(self.values)} rates, {slowest}, ..., error at most {self.error.max():.2g}>"


def compare(fine, coarse, order, known=None):
    """Estimated error of ``fine`` (*shape), from ``coarse``, the same on cells twice as wide.

    ``known`` tells the cells where the function is smooth: others take the largest error beside them.
    """
    gap = np.abs(_halve(fine) - coarse) / (2**order - 1)
    if known is not None:
        smooth = _halve(known.astype(float)) > 1 - 1e-9
        for axis in range(gap.ndim):  # what is interpolated reaches one coarse cell further
            smooth &= np.roll(smooth, 1, axis) & np.roll(smooth, -1, axis)
        if smooth.any():
            gap[~smooth] = -1.0
            while (gap < 0).any():
                gap = np.where(gap < 0, maximum_filter(gap, 3, mode="nearest"), gap)
    gap = maximum_filter(gap, 3, mode="nearest")  # where the error changes sign it is not zero
    for axis in range(gap.ndim):
        gap = np.repeat(gap, 2, axis)
    return gap if known is None else np.where(known, gap, 0.0)


def _halve(values):
    """Values at the centres of cells twice as wide: cubic interpolation, at the edges linear."""
    for axis in range(values.ndim):
        v = np.moveaxis(values, axis, 0)
        middle = (v[::2] + v[1::2]) / 2
        middle[1:-1] += (v[2:-2:2] + v[3:-2:2] - v[1:-4:2] - v[4::2]) / 16
        values = np.moveaxis(middle, 0, axis)
    return values
