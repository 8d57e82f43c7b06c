"""Estimates from seeds: is something simulated, and do the error bars hold?"""

from __future__ import annotations

import time

import numpy as np
from scipy.special import chdtr, chdtrc

from .compare import as_function
from .slips import Mistake

#: Seeds tried: at least, at most, and no more after so many seconds.
LEAST, MOST, ENOUGH = 8, 64, 8.0


def table_of(answer):
    """Rows of an estimate and its standard error, by ``estimate(seed)``, or a `Mistake`."""
    run, start, table = as_function(answer, "estimate(seed)"), time.monotonic(), []
    for seed in (1000, *range(1000, 1000 + MOST)):
        if len(table) > LEAST and time.monotonic() - start > ENOUGH:
            break
        pair = run(seed)
        if pair.shape != (2,) or not np.isfinite(pair).all() or pair[1] < 0:
            raise Mistake(None, "Two finite numbers are needed, an estimate and its standard error")
        table.append(pair)
    first, *table = np.array(table)
    if not np.array_equal(first, table[0]):
        raise Mistake("global seed", "The same seed must give the same numbers, and does not")
    table = np.array(table)
    if np.ptp(table[:, 0]) == 0:
        raise Mistake(
            "global seed", "Every seed gives the same estimate: nothing is drawn, or not from this seed"
        )
    if not (table[:, 1] > 0).any():
        raise Mistake("standard error", "It is zero, though the estimates differ")
    return table


def honest(table):
    """Nothing if the estimates scatter as their standard errors say, up to a chance of 1 in 50,000."""
    free, claimed = len(table) - 1, np.sqrt((table[:, 1] ** 2).mean())
    scatter = table[:, 0].std(ddof=1)
    share = scatter / claimed
    chances = chdtr(free, free * share**2), chdtrc(free, free * share**2)
    if min(chances) > 1e-5:
        return
    shown = f"The estimates of {len(table)} seeds scatter by {scatter:.2g}, and claim {claimed:.2g}"
    if share < 0.3:
        shown += ". That may be the standard deviation of one sample, which does not fall with their number"
    elif 0.4 < share < 0.65:
        shown += ". That may be 1.96 standard errors, half an interval of 95 %"
    raise Mistake("standard error", shown)
