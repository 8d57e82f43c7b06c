"""Checks of what a caller hands in: each returns a clean array or raises a ValueError.

Every message names the argument, says what came and what is needed; of an array that came it says
the shape, or one entry and its index.
"""

from __future__ import annotations

from numbers import Integral
from reprlib import Repr

import numpy as np


class _Brief(Repr):
    """Short representations, of arrays of any kind their shape or length alone."""

    def __init__(self):
        super().__init__()
        self.maxstring = self.maxother = 100

    def repr_list(self, x, level):
        return self._nested(x) or super().repr_list(x, level)

    def repr_tuple(self, x, level):
        return self._nested(x) or super().repr_tuple(x, level)

    def _nested(self, x):
        """An array written as lists of lists, by its length; pairs of pairs are shown."""
        inner = [e for e in x if isinstance(e, (list, tuple))]
        if sum(map(len, inner)) > 4 or any(isinstance(e, (list, tuple)) for i in inner for e in i):
            return f"a {type(x).__name__} of {len(x)} lists"
        return None

    def repr_instance(self, x, level):
        shape = getattr(x, "shape", ())
        if isinstance(shape, tuple) and shape:
            return f"{type(x).__name__} of shape {tuple(shape)}"
        return " ".join(super().repr_instance(x, level).split())


brief = _Brief().repr  #: what came, as a message quotes it: in one line, and never an array


def as_numbers(value, name):
    """``value`` as a float array, NaN and infinity allowed."""
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "buifO":  # neither complex numbers nor strings nor dates
            raise TypeError
        with np.errstate(invalid="ignore"):  # nan among objects is nan
            return array.astype(float, copy=False)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be real numbers, got {brief(value)}") from None


def as_floats(value, name):
    """``value`` as a float array without NaN or infinity."""
    array = as_numbers(value, name)
    if not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))[0]
        where = f" at index {tuple(map(int, bad))}" if array.ndim else ""
        raise ValueError(f"{name} must be finite, got {array[tuple(bad)]}{where}")
    return array


def as_number(value, name):
    """``value`` as one float."""
    number = as_floats(value, name)
    if number.ndim:
        raise ValueError(f"{name} must be one number, got shape {number.shape}")
    return float(number)


def as_positive(value, name):
    """``value`` as one positive float."""
    number = as_floats(value, name)
    if number.ndim or number <= 0:
        raise ValueError(f"{name} must be one positive number, got {brief(value)}")
    return float(number)


def as_a(kind, value, name):
    """``value`` itself, if it is a ``kind``."""
    if not isinstance(value, kind):
        raise ValueError(f"{name} must be a {kind.__name__}, got {brief(value)}")
    return value


def as_count(value, name, minimum=1):
    """``value`` as an integer of at least ``minimum``."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < minimum:
        raise ValueError(f"{name} must be an integer of at least {minimum}, got {brief(value)}")
    return int(value)


def as_states(value, dim, name):
    """``value`` as states ``(..., dim)``; a plain number will do where ``dim`` is 1."""
    states = as_floats(value, name)
    if states.ndim == 0 and dim == 1:
        states = states[None]
    if states.ndim == 0 or states.shape[-1] != dim:
        raise ValueError(
            f"{name} must have the state on its last axis, shape (..., {dim}); got shape {states.shape}"
        )
    return states


def as_returned(value, shape, name, x):
    """What a caller's function ``name`` returned for states ``x``, broadcast to ``shape``."""
    try:
        return np.broadcast_to(value, shape)
    except ValueError:
        raise ValueError(
            f"{name}(x, t) must return shape {shape} for x of shape {x.shape}, got shape {value.shape}"
        ) from None


def as_times(value, name="t", minimum=2):
    """``value`` as a strictly increasing 1-D array of at least ``minimum`` times."""
    times = as_floats(value, name)
    if times.ndim != 1 or len(times) < minimum:
        raise ValueError(f"{name} must be a 1-D array of at least {minimum} times, got shape {times.shape}")
    rises = times[1:] > times[:-1]
    if not rises.all():
        k = int(np.argmin(rises))
        raise ValueError(
            f"{name} must be strictly increasing, got {name}[{k}] = {times[k]} "
            f"and {name}[{k + 1}] = {times[k + 1]}"
        )
    return times


def as_box(value, dim, name="box"):
    """``value`` as ``(dim, 2)`` lower and upper limits; one pair serves every coordinate."""
    box = as_floats(value, name)
    if box.shape == (2,):
        box = np.tile(box, (dim, 1))
    if box.shape != (dim, 2) or not (box[:, 0] < box[:, 1]).all():
        raise ValueError(
            f"{name} must be (lower, upper) or {dim} such pairs with lower < upper, got {brief(value)}"
        )
    return box


def as_streams(rng, count):
    """``count`` independent generators from an int seed, a ``SeedSequence`` or a ``Generator``.

    An int and a ``SeedSequence`` give the same streams every time; a ``Generator`` moves on.
    """
    if isinstance(rng, np.random.Generator):
        return rng.spawn(count)
    if isinstance(rng, np.random.SeedSequence):
        seed = np.random.SeedSequence(rng.entropy, spawn_key=rng.spawn_key, pool_size=rng.pool_size)
    elif isinstance(rng, Integral) and not isinstance(rng, bool) and rng >= 0:
        seed = np.random.SeedSequence(int(rng))
    else:
        raise ValueError(
            f"rng must be a non-negative int seed, a SeedSequence or a Generator, got {brief(rng)}"
        )
    return [np.random.default_rng(child) for child in seed.spawn(count)]


def cholesky(matrix):
    """The lower triangle L of ``matrix = L L^T`` (..., dim, dim); None where there is none."""
    try:
        triangle = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return None
    # a browser's numpy raises nothing: nan comes back
    return triangle if np.isfinite(triangle).all() else None
