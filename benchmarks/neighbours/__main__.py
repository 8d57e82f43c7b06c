"""Against other packages, each in an environment of its own: python -m benchmarks.neighbours [NAME ...]

Each ``against_NAME.py`` pins a real package in its header and holds it and noetherlib in one process, so
that both are timed in turn. This takes the network and some minutes, so that `make bench` leaves it out.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

from tools.neighbours.environment import environment, settings

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ONE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def main():
    scripts = {path.stem.removeprefix("against_"): path for path in sorted(HERE.glob("against_*.py"))}
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.neighbours", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"all by default, or some of {', '.join(scripts)}"
    )
    parser.add_argument("--keep", type=Path, help="keep the environments here, and use those that are there")
    wanted = parser.parse_args()
    if unknown := set(wanted.names) - scripts.keys():
        parser.error(f"no script for {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as temporary:
        for name in wanted.names or scripts:
            folder = (wanted.keep or Path(temporary)).resolve()
            python = environment(scripts[name], folder)
            module = f"{__package__}.{scripts[name].stem}"
            variables = settings(PYTHONPATH=str(ROOT), **ONE)
            subprocess.run([python, "-W", "ignore", "-m", module], check=True, env=variables, cwd=folder)


if __name__ == "__main__":
    main()
