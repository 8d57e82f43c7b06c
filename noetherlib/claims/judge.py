"""Whether numbers agree within a bound, and whether the bound says anything."""

import numpy as np

from ..inputs import brief
from . import text

RUNS = 4  # a simulation must hold at so many seeds: the one that is shown, and three more
TELLING = 0.5  # a bound above this share of what it bounds says nothing
ROUNDOFF = 1e-8  # a bound of this share of the scale or less tests roundoff, which differs between machines


class ClaimFailed(AssertionError):
    """A claim of the page does not hold; the message says by how much."""


def require(truth, words, said):
    if not truth:
        raise ClaimFailed(f"{words}: {said}")


def numbers(value):
    """`value` as an array of floats. Complex numbers and objects are refused, not cast."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiu" or not array.size:
        raise ValueError(f"a claim must be about real numbers, got {brief(value)}")
    return array.astype(float)


def scale_of(words, scale, known):
    """How large the number would be if the claim were false: as given, or as large as what is `known`."""
    size = scale if known is None or scale is not None else np.abs(numbers(known)).max()
    if not (size is not None and np.isfinite(size) and size > 0):
        raise ValueError(f"{words!r}: scale must be given, how large the number would be if this were false")
    return size


def tells(words, bound, size):
    """Refuse a bound that says nothing; tell whether it tests roundoff."""
    if not 0 < bound <= TELLING * size:
        raise ValueError(
            f"{words!r}: the bound {bound:.3g} says nothing of a number whose scale is {size:.3g};"
            " it must be positive and at most half of that"
        )
    return bound <= ROUNDOFF * size


def compare(words, derived, computed, within, size):
    """The entries of the ledger for |computed - derived| <= within, at the worst value or the first.

    Without a bound both must be whole numbers, and equal.
    """
    if within is None:
        return _same(words, *np.broadcast_arrays(derived, computed))
    roundoff = tells(words, within, size)
    derived, computed = np.broadcast_arrays(numbers(derived), numbers(computed))
    off = np.abs(computed - derived)
    at = _worst(off)
    said = f"derived {derived[at]:.6g}, computed {computed[at]:.6g}, apart by {off[at]:.2g}"
    require(off[at] <= within, words, f"{said}, above the bound {within:.3g}")
    # where all differences may be roundoff, which of them is the largest is an accident of the machine
    shown = at if not roundoff and 1000 * off[at] >= within else (0,) * off.ndim
    return {
        "derived": text.decimals(derived[shown], within),
        "computed": text.decimals(computed[shown], within),
        "bound": f"± {text.bound(within)}" + (f" ({off.size} values)" if off.size > 1 else ""),
        "margin": text.margin(within, off[at], roundoff),
    }


def _same(words, derived, computed):
    """The entries of the ledger for whole numbers that agree."""
    if not all(each.dtype.kind in "iu" and each.size for each in (derived, computed)):
        raise ValueError(f"{words!r}: within must be given, the bound of |computed - derived|")
    require((derived == computed).all(), words, "the whole numbers differ")
    shown = [", ".join(map(str, dict.fromkeys(each.ravel().tolist()))) for each in (derived, computed)]
    values = f" ({derived.size} values)" if derived.size > 1 else ""
    return {"derived": shown[0], "computed": shown[1], "bound": "equal" + values}


def simulate(words, runs, expected, errors, bias, size):
    """The entries of the ledger for |mean - expected| <= errors * standard error + bias, in every run.

    Shown is the worst value of the first run; the margin is that of the worst value of all.
    """
    if errors < 3:
        raise ValueError(f"{words!r}: errors must be at least 3 standard errors, got {errors!r}")
    if len(runs) < RUNS:
        raise ValueError(f"{words!r}: a simulation must hold at four seeds or more, got {len(runs)} runs")
    parts = [numbers(part) for run in runs for part in run]
    expected, *parts = np.broadcast_arrays(numbers(expected), *parts)
    means, bars = np.array(parts[::2]), np.array(parts[1::2])  # both (runs, ...)
    if not (np.isfinite(bars).all() and (bars > 0).all()):
        raise ValueError(f"{words!r}: the standard errors of a simulation must be positive and finite")
    bounds = errors * bars + bias
    tells(words, bounds.max(), size)
    off = means - expected
    share = np.abs(off) / bounds
    at = _worst(share)
    require(
        share[at] <= 1,
        words,
        f"run {at[0] + 1} gave {means[at]:.4g} ± {bars[at]:.2g}, expected {expected[at[1:]]:.6g}:"
        f" off by {off[at]:.2g}, above the bound {bounds[at]:.2g}",
    )
    shown = (0, *_worst(share[0]))
    place = text.place(bars[shown])
    mean, bar, sigmas = means[shown], bars[shown], off[shown] / bars[shown]
    exact = np.round(expected[shown[1:]], place) + 0.0  # no minus before a zero
    return {
        "expected": f"{exact:.{place}f}",
        "simulated": f"{mean:.{place}f} ± {bar:.{place}f} ({sigmas:+.1f} s.e.)",
        "bound": f"{errors:g} s.e." + (f" + {bias:g}" if bias else "") + f", {len(runs)} seeds",
        "margin": text.margin(1, share[at]),
    }


def _worst(off):
    """Index of the largest entry; one that is not a number is worse than any."""
    return np.unravel_index(np.argmax(np.where(np.isnan(off), np.inf, off)), off.shape)
