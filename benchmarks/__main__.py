"""All benchmarks in one table of ratios: python -m benchmarks [rounds]"""

import sys
import warnings

import noetherlib as nl

from . import bridges, fields, paths, simulation


def main(rounds):
    warnings.simplefilter("ignore", nl.NotConverged)
    print(f"{'':42s} {'ratio':>9s}  {'needs':8s} {'MB':>7s}  notes")
    for benchmark in (paths, fields, simulation, bridges):
        for name, ratio, *rest in benchmark.rows(rounds):
            if ratio is None:
                print(f"\n{name}")
                continue
            needs, memory, note = rest
            memory = "" if memory is None else f"{memory:.1f}"
            print(f"  {name:40s} {ratio:9.2f}  {needs:8s} {memory:>7s}  {note}".rstrip(), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
