# /// script
# requires-python = ">=3.11"
# dependencies = ["sdeint==0.3.0", "numpy==2.4.6", "scipy==1.17.1"]
# ///
"""sdeint's ensemble against ours: it integrates one path at a time, so that few will do."""

import numpy as np
import sdeint

from .ensemble import START, STEPS, D, drift, error, ours
from .table import compare

PATHS = 200


def theirs():
    noise, times = (2 * D) ** 0.5 * np.eye(2), np.linspace(0, 1, STEPS + 1)
    generator = np.random.default_rng(1)
    return np.array(
        [
            sdeint.itoEuler(lambda x, t: drift(x, t), lambda x, t: noise, START, times, generator=generator)[
                -1
            ]
            for _ in range(PATHS)
        ]
    )


def main():
    compare(
        f"{PATHS} paths x {STEPS} steps of the clock: time of sdeint 0.3.0 over ours",
        (lambda: ours(PATHS), error),
        {"itoEuler, in a loop": (theirs, error)},
    )


if __name__ == "__main__":
    main()
