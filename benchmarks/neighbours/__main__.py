"""Against other packages, each in an environment of its own: python -m benchmarks.neighbours [NAME ...]

Each ``against_NAME.py`` pins a real package in its header and holds it and noetherlib in one process, so
that both are timed in turn. This takes the network and some minutes, so that `make bench` leaves it out.
"""

import subprocess
from pathlib import Path

from tools.neighbours.environment import asked, environment, settings

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ONE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def main():
    scripts = {path.stem.removeprefix("against_"): path for path in sorted(HERE.glob("against_*.py"))}
    with asked("benchmarks.neighbours", __doc__.splitlines()[0], scripts) as (wanted, folder):
        for path in wanted.values():
            python, module = environment(path, folder), f"{__package__}.{path.stem}"
            variables = settings(PYTHONPATH=str(ROOT), **ONE)
            subprocess.run([python, "-W", "ignore", "-m", module], check=True, env=variables, cwd=folder)


if __name__ == "__main__":
    main()
