"""An environment for each script that asks a real package: what it needs stands in its header."""

import argparse
import os
import re
import subprocess
import tempfile
import tomllib
import venv
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def asked(prog, words, scripts):
    """The scripts {name: path} that the command line names, all by default, and the environments' folder."""
    parser = argparse.ArgumentParser(prog=f"python -m {prog}", description=words)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"all by default, or some of {', '.join(scripts)}"
    )
    parser.add_argument("--keep", type=Path, help="keep the environments here, and use those that are there")
    wanted = parser.parse_args()
    if unknown := set(wanted.names) - scripts.keys():
        parser.error(f"no script for {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = (wanted.keep or Path(temporary)).resolve()
        yield {name: scripts[name] for name in wanted.names or scripts}, folder


def header(script):
    """What a script says it needs (inline script metadata): ``requires-python`` and ``dependencies``."""
    block = re.search(r"^# /// script\n(.*?)^# ///$", script.read_text(), flags=re.DOTALL | re.MULTILINE)
    return tomllib.loads(re.sub(r"^# ?", "", block[1], flags=re.MULTILINE))


def environment(script, folder):
    """The interpreter of an environment with what the script needs; made where there is none."""
    python = folder / script.stem / "bin" / "python"
    if not python.exists():
        venv.create(python.parent.parent, with_pip=True, clear=True)
        install = [python, "-m", "pip", "install", "--quiet", *header(script)["dependencies"]]
        subprocess.run(install, check=True)
    return python


def settings(**more):
    """The variables of this process without what would let another package in, and ``more``."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | more
