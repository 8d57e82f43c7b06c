"""Ask the real packages: run each script here in an environment of its own, keep its rows.

    python -m tools.neighbours [NAME ...] [--keep FOLDER]

Each ``with_NAME.py`` pins its packages in its header (inline script metadata), runs them without
`noetherlib`, and prints rows: what was seen, of which model, with which standard error (null:
exact). They go to ``tests/neighbours.json``, with the versions. This takes the network and the
better part of an hour, so that it is no part of the tests, which compare noetherlib with what was
recorded.
"""

import json
import subprocess
import sys
from pathlib import Path

from .environment import asked, environment, header, settings

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
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    with asked("tools.neighbours", __doc__.splitlines()[0], scripts) as (wanted, folder):
        for name, path in wanted.items():
            print(name, flush=True)
            record[name] = ask(path, folder)
            RECORD.write_text(json.dumps(dict(sorted(record.items())), indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
