"""All benchmarks in one table of ratios: python -m benchmarks [rounds]"""

import sys
import warnings

import noetherlib as nl

from . import bridges, fields, paths, simulation
from .printing import heading, line


def main(rounds):
    warnings.simplefilter("ignore", nl.NotConverged)
    for benchmark in (paths, fields, simulation, bridges):
        for name, ratio, *rest in benchmark.rows(rounds):
            if ratio is None:
                heading(name)
            else:
                line(name, ratio, *rest)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
