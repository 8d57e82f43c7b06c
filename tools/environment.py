"""Set up .venv from the pins, and only when they changed. Standard library only: this runs first.

python tools/environment.py           what the book needs
python tools/environment.py test      and what its tests need
python tools/environment.py course    and nbgrader, which teachers need to grade
python tools/environment.py live      and JupyterLite, which runs notebooks in the reader's browser
"""

import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
PINS = ["pyproject.toml", "requirements.txt", "constraints.txt"]
CI = os.environ.get("CI", "").lower() in {"true", "1"}  # where nothing that is missing may be left out


def fingerprint():
    """Changes when a pin does, or the interpreter that `make` was told to use."""
    digest = hashlib.sha256((sys.version + sys.base_prefix).encode())
    for name in PINS:
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def installer(python):
    """The command that installs packages for this interpreter, which in an environment of uv's has no pip."""
    if shutil.which("uv"):
        # compiled as by pip: where Python may write no bytecode, every kernel would compile for seconds
        return ["uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", python]
    return [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def install(stamp, *arguments):
    """Install, then leave a stamp: an installation cut short leaves none and is made again."""
    subprocess.run(installer(PYTHON) + list(arguments), cwd=ROOT, check=True)
    with open(stamp, "w") as file:
        file.write(fingerprint())


def installed(stamp):
    if not os.path.exists(stamp):
        return False
    with open(stamp) as file:
        return file.read() == fingerprint()


def use_own_profile(folder):
    """Kernels started from here leave the user's IPython profile alone, and do not warn of local TCP."""
    profile = os.path.join(str(folder), "profile_default")
    os.makedirs(profile, exist_ok=True)
    with open(os.path.join(profile, "ipython_kernel_config.py"), "w") as file:
        file.write('c.IPKernelApp.log_level = "ERROR"\n')
    os.environ["IPYTHONDIR"] = str(folder)


def main(extras):
    if sys.version_info < (3, 11):
        sys.exit(
            "The book needs Python 3.11 or later, and {} is {}.{}. "
            "Name another one: make PYTHON=python3.12".format(sys.executable, *sys.version_info[:2])
        )
    stamp = os.path.join(VENV, "pins")
    if not installed(stamp):
        print(
            "Setting up .venv (now, and when the pins change: seconds with uv, minutes with pip) ...",
            flush=True,
        )
        # inside an activated .venv, build from the interpreter beneath it
        base = getattr(sys, "_base_executable", sys.executable)
        if shutil.which("uv"):
            subprocess.run(["uv", "venv", "--quiet", "--clear", "--python", base, VENV], check=True)
        else:
            subprocess.run([base, "-m", "venv", "--clear", VENV], check=True)
        install(stamp, "--requirement", "requirements.txt")
    for extra in extras:
        stamp = os.path.join(VENV, "pins-" + extra)
        if not installed(stamp):
            install(stamp, "--constraint", "constraints.txt", "--editable", ".[" + extra + "]")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except subprocess.CalledProcessError as error:
        sys.exit("Setting up .venv failed (exit {}): {}".format(error.returncode, " ".join(error.cmd)))
