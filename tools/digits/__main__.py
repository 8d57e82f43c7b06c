"""Train the networks of the chapter on image models, and measure them: see README.md.

python -m tools.digits train FOLDER            all weights on the way, into FOLDER
python -m tools.digits measure FOLDER          what they are worth, into the table beside the chapter
python -m tools.digits large FOLDER PACKAGE    the same for free.pt and conservative.pt of the 28 x 28 digits
python -m tools.digits pack FOLDER             the weights that the chapter computes with, beside it
"""

import csv
import sys
import time
from pathlib import Path

import numpy as np

from .runs import RUNS, spread

BOOK = Path(__file__).parents[2] / "book" / "beyond"
TABLE, WEIGHTS = BOOK / "image-model.csv", BOOK / "image-model.npz"
QUANTITIES = "test", "gap", "best", "curl", "residual", "magnetic", "electric"
FIELDS = ["net", "seed", "step", "t", *(each for name in QUANTITIES for each in (name, f"{name}_error"))]
KEPT = "free-0-100", "long-0-10000", "conservative-0-1000", "memory-0-3000"


def learn(folder):
    """All networks, all seeds, all steps; what is there already stays."""
    from .train import train

    for name, run in RUNS.items():
        for seed in run.seeds:
            if (folder / f"{name}-{seed}-{run.steps}.npz").exists():
                continue
            began = time.process_time()
            for step, w in train(run.form, run.points()[0], spread(run), run.hidden, seed, run.steps):
                np.savez(folder / f"{name}-{seed}-{step}.npz", **w)
                print(
                    f"{name} {seed}: step {step}, {time.process_time() - began:.0f} s of CPU time", flush=True
                )


def write(found):
    """Rows into the table, in the place of those of the same networks, in order."""
    rows = {}
    if TABLE.exists():
        with TABLE.open(newline="") as file:
            anew = {row["net"] for row in found}
            rows = [row for row in csv.DictReader(file) if row["net"] not in anew]
    with TABLE.open("w", newline="") as file:
        table = csv.DictWriter(file, FIELDS, lineterminator="\n")
        table.writeheader()
        # sorted is stable: steps and levels stay in order
        table.writerows(sorted([*rows, *found], key=lambda row: (row["net"], int(row["seed"]))))


def rows(net, seed, step, measured):
    """Rows of the table, one a level, from (t, quantity, mean, error): four digits."""
    levels = {}
    for t, name, mean, error in measured:
        row = levels.setdefault(t, {"net": net, "seed": seed, "step": step, "t": t})
        row |= {name: f"{float(mean):.5g}", f"{name}_error": f"{float(error):.2g}"}
    return list(levels.values())


def measure(folder):
    from . import small

    for name, run in RUNS.items():
        found = []
        for path in sorted(folder.glob(f"{name}-*.npz"), key=lambda path: int(path.stem.split("-")[2])):
            seed, step = path.stem.split("-")[1:]
            w = dict(np.load(path))
            found += rows(name, seed, step, small.measured(run, w))
            if path.stem in KEPT:
                # the floors: of arithmetic, and of the weights' last digit
                found += rows(f"{name}, float32", seed, step, small.measured(run, w, "float32"))
                found += rows(f"{name}, nudged", seed, step, small.measured(run, small.nudged(w)))
        write(found)


def large(folder, package):
    from . import large

    found = []
    for form, step in (("free", 6401), ("conservative", 1000)):
        told = large.measured(folder / f"{form}.pt", form == "conservative", package)
        found += rows(f"{form} 28 x 28", 0, step, told)
    write(found)


def pack(folder):
    """The kept weights, float16, by network and name."""
    kept = {name: np.load(folder / f"{name}.npz") for name in KEPT}
    np.savez_compressed(WEIGHTS, **{f"{name}/{key}": w[key] for name, w in kept.items() for key in w})


if __name__ == "__main__":
    command, *folders = sys.argv[1:]
    {"train": learn, "measure": measure, "large": large, "pack": pack}[command](*map(Path, folders))
