"""Ask the real packages: run each script here in an environment of its own, keep its rows.

    python -m tools.neighbours [NAME ...] [--keep FOLDER]

Each ``with_NAME.py`` pins its packages in its header (inline script metadata), runs them without
`noetherlib`, and prints rows: what was seen, of which model, with which standard error (null:
exact). They go to ``tests/neighbours.json``, with the versions. This takes the network and the
better part of an hour, so that it is no part of the tests, which compare noetherlib with what was
recorded.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from .environment import environment, header, settings

HERE = Path(__file__).parent
RECORD = HERE.parent.parent / "tests" / "neighbours.json"
FIELDS = {"what", "model", "seen", "error"}


def ask(script, folder):
    """One entry of the record."""
    python = environment(script, folder)
    done = subprocess.run(
        [python, "-W", "ignore", script],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=settings(),
        cwd=folder,
    )
    rows = json.loads(done.stdout.splitlines()[-1])
    if not rows or any(row.keys() != FIELDS for row in rows):
        raise SystemExit(f"{script.name}: a row has the fields {sorted(FIELDS)}")
    version = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout.split()[1]
    return {"python": version, "packages": header(script)["dependencies"], "rows": rows}


def main():
    scripts = {path.stem.removeprefix("with_"): path for path in sorted(HERE.glob("with_*.py"))}
    parser = argparse.ArgumentParser(prog="python -m tools.neighbours", description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"all by default, or some of {', '.join(scripts)}"
    )
    parser.add_argument("--keep", type=Path, help="keep the environments here, and use those that are there")
    wanted = parser.parse_args()
    if unknown := set(wanted.names) - scripts.keys():
        parser.error(f"no script for {', '.join(sorted(unknown))}")
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    with tempfile.TemporaryDirectory() as temporary:
        for name in wanted.names or scripts:
            print(name, flush=True)
            record[name] = ask(scripts[name], (wanted.keep or Path(temporary)).resolve())
            RECORD.write_text(json.dumps(dict(sorted(record.items())), indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
