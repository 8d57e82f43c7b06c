"""Ask estimators that practitioners use about the recorded school of fish.

    python -m tools.fish [NAME ...] [--keep FOLDER]

Each ``with_NAME.py`` pins its packages in its header, reads the recording without `noetherlib`, and prints
rows: what was asked, what was seen, with which standard error (null: none is given). They go into the table
beside the chapter, with the versions. This takes the network and some minutes, so that neither the book nor
its tests do it.
"""

import csv
import json
import subprocess
import sys
from pathlib import Path

from tools import recording
from tools.neighbours.environment import asked, environment, header, settings

HERE = Path(__file__).parent
TABLE = HERE.parent.parent / "book" / "beyond" / "recorded-system.csv"
FIELDS = ["package", "what", "seen", "error"]


def ask(script, folder):
    """The rows of one package, as the table has them: four digits, an empty error where there is none."""
    command = [environment(script, folder), "-W", "ignore", script, recording.PLACE]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=settings(), cwd=folder)
    package = header(script)["dependencies"][0].replace("==", " ")
    for row in json.loads(done.stdout.splitlines()[-1]):
        seen, error = ("" if v is None else f"{v:.4g}" for v in (row["seen"], row["error"]))
        yield {"package": package, "what": row["what"], "seen": seen, "error": error}


def main():
    if problem := recording.fetch():
        return problem
    scripts = {path.stem.removeprefix("with_"): path for path in sorted(HERE.glob("with_*.py"))}
    with asked("tools.fish", __doc__.splitlines()[0], scripts) as (wanted, folder):
        found = [row for path in wanted.values() for row in ask(path, folder)]
    if TABLE.exists():
        with TABLE.open(newline="") as file:
            anew = {row["package"] for row in found}
            found += [row for row in csv.DictReader(file) if row["package"] not in anew]
    with TABLE.open("w", newline="") as file:
        table = csv.DictWriter(file, FIELDS, lineterminator="\n")
        table.writeheader()
        # sorted is stable: the rows of a package stay in its script's order
        table.writerows(sorted(found, key=lambda row: row["package"].lower()))


if __name__ == "__main__":
    sys.exit(main())
