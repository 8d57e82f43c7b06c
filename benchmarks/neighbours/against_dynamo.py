# /// script
# requires-python = ">=3.11"
# dependencies = ["dynamo-release==1.5.3", "six==1.17.0", "statsmodels==0.14.6"]
# ///
"""dynamo's least-action path: scipy's BFGS on the flattened path, with the exact gradient.

Maier and Stein's system (beta = 10), dynamo's D = 1, which is ours of 1/2, over an arc from one well to
the other in T = 10. dynamo minimises first over the path, then over the duration; the second is done
here too, for it is part of its `lap_T`, and costs next to nothing.
"""

import numpy as np
from dynamo.prediction.least_action_path import action, lap_T

import noetherlib as nl

from ..paths import ENDS, FW, arc
from .table import compare

D, T = 1.0, 10.0
SYSTEM = nl.models.maier_stein(nl.interop.from_dynamo(D), beta=10.0)


def field(x):
    return SYSTEM.drift(x, 0.0)


def slopes(x):
    return np.moveaxis(SYSTEM.jacobian(x, 0.0), 0, -1)


def cost(x):
    return f"action {action(x, field, D=D, dt=T / (len(x) - 1)):.8f}"


def main():
    for n in 50, 100:
        t, start = arc(n)

        def ours(t=t, start=start):
            return nl.least_action_path(SYSTEM, *ENDS, t, FW, guess=start).x

        def theirs(start=start):
            return lap_T(start, T, field, slopes, D=D)[0]

        compare(
            f"Least-action path of {n} points: time of dynamo-release 1.5.3 over ours",
            (ours, cost),
            {"lap_T (BFGS)": (theirs, cost)},
            {50: ">= 15", 100: ">= 60"}[n],
        )


if __name__ == "__main__":
    main()
