"""What claims are made of: a mean with its error, the power of a law."""

import numpy as np

from ..inputs import brief


def mean_and_error(sample, axis=0):
    """Mean of independent samples and its standard error.

    Parameters
    ----------
    sample : ndarray
    axis : int
        The axis along which the samples are independent; at least two of them.

    Returns
    -------
    mean, error : ndarray
        Of the shape of `sample` without `axis`.

    Raises
    ------
    ValueError
        If there are fewer than two samples.
    """
    sample = np.asarray(sample)
    if sample.ndim == 0 or sample.shape[axis] < 2:
        raise ValueError(f"sample must hold at least two samples along axis {axis}, got {brief(sample)}")
    return sample.mean(axis), sample.std(axis, ddof=1) / np.sqrt(sample.shape[axis])


def power(x, y):
    """The exponent a of the law y ∝ xᵃ: slope of log \\|y\\| against log x, by least squares.

    Parameters
    ----------
    x : (n,) ndarray, positive
        For example the steps of several meshes.
    y : (n, ...) ndarray, not zero
        For example their errors.

    Returns
    -------
    float or ndarray
        One exponent for each column of `y`.

    Raises
    ------
    ValueError
        If an entry of `x` is not positive, one of `y` zero or not finite, or the lengths differ.
    """
    x, y = np.asarray(x, float), np.abs(np.asarray(y, float))
    if x.ndim != 1 or len(x) < 2 or y.shape[:1] != x.shape:
        raise ValueError(f"y must have the length of x, at least two; got {brief(y)} and {brief(x)}")
    if not ((x > 0).all() and (y > 0).all() and np.isfinite(y).all()):
        raise ValueError("a power law needs x positive, and y finite and not zero")
    centred = np.log(x) - np.log(x).mean()
    return np.tensordot(centred, np.log(y), 1) / (centred @ centred)
