"""What all densities under added noise share: checks of queries and draws."""

from __future__ import annotations

import numpy as np

from ..inputs import as_count, as_floats, as_number, as_states, as_streams


class Density:
    """Checks and bookkeeping common to all data; ``_blur`` is the data's own smallest variance."""

    def _prepare(self, x, t):
        x, t = as_states(x, self.dim, "x"), as_floats(t, "t")
        if (t < 0).any() or (self._blur == 0 and (t == 0).any()):
            need = ">= 0" if self._blur else "positive, for data without a width of their own,"
            raise ValueError(f"t is the noise level and must be {need} got {t.min():.6g}")
        try:
            lead = np.broadcast_shapes(x.shape[:-1], t.shape)
        except ValueError:
            raise ValueError(
                f"t must broadcast against x[..., 0], of shape {x.shape[:-1]}; got shape {t.shape}"
            ) from None
        return np.broadcast_to(x, lead + (self.dim,)), np.broadcast_to(t, lead)

    def _drawing(self, n, t, rng):
        t = as_number(t, "t")
        if t < 0:
            raise ValueError(f"t must be a noise level >= 0, got {t}")
        return as_count(n, "n"), t, as_streams(rng, 1)[0]


def as_widths(value, shape):
    """Standard deviations of the data's own blur: one where ``shape`` is (), or one each."""
    name, more = ("widths", f" or an array of shape {shape}") if shape else ("width", "")
    widths = as_floats(value, name)
    if widths.shape not in ((), shape):
        raise ValueError(f"{name} must be one number{more}, got shape {widths.shape}")
    if (widths < 0).any():
        raise ValueError(f"{name} must not be negative, got {widths.min()}")
    return np.broadcast_to(widths, shape)


def lift(value, axes):
    """``value`` with trailing axes of length one, to multiply arrays of that many more axes."""
    return value.reshape(value.shape + (1,) * axes)
