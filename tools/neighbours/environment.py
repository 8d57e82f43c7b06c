"""An environment for each script that asks a real package: what it needs stands in its header."""

import os
import re
import subprocess
import tomllib
import venv


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
