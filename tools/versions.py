"""Test the library on every Python that it supports, on its oldest dependencies, and in a browser's Python.

python -m tools.versions                what this machine has interpreters for
python -m tools.versions 3.13 oldest    these alone; one that is missing is a failure

Each has an environment of its own, made afresh. Tests run on all cores, or on as many as
PYTEST_XDIST_AUTO_NUM_WORKERS says. Standard library only, but for `pyodide`.
"""

import ast
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from tools.environment import installer

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
NAMES = [*PYTHONS, "oldest", "pyodide"]
TOOLS = ["pytest", "pytest-xdist", "hypothesis"]


def interpreter(version):
    """The path of a Python of this version that starts; None if there is none."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return getattr(sys, "_base_executable", sys.executable)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = [shutil.which(f"python{version}"), *pyenv.glob(f"versions/{version}.*/bin/python")]
    for path in filter(None, candidates):
        # pyenv puts a name for every version into PATH, also where it will not run it
        if subprocess.run([path, "-c", "import venv"], capture_output=True).returncode == 0:
            return path
    return None


def library_tests():
    """Test files that need the library alone, neither the book nor its tools."""
    found = []
    for path in sorted(ROOT.glob("tests/test_*.py")):
        names = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module.split(".")[0])
        if "noetherlib" in names and not names & {
            "tools",
            "tests",
            "yaml",
            "nbformat",
            "playwright",
        }:
            found.append(path)
    return found


def requirements(name, folder):
    """What to install: the pins, or the oldest versions that pyproject.toml allows with all else pinned."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    direct = project["dependencies"] + project["optional-dependencies"]["scale"]
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if name == "oldest":
        names = tuple(line.partition(">=")[0] + "==" for line in direct)
        pins = [pin for pin in pins if not pin.startswith(names)]
        direct = [line.replace(">=", "==") for line in direct]
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(pins), encoding="utf-8")
    return ["--constraint", constraints, *direct, *TOOLS]


def install(python, folder, wanted):
    if shutil.which("uv"):
        subprocess.run(["uv", "venv", "--quiet", "--python", python, folder], check=True)
    else:
        subprocess.run([python, "-m", "venv", folder], check=True)
    subprocess.run([*installer(folder / "bin" / "python"), *wanted], check=True)


def test(name):
    """ "passed", "failed", or why it was not tried."""
    if name == "pyodide":
        return test_in_pyodide()
    python = interpreter(PYTHONS[0] if name == "oldest" else name)
    if python is None:
        return "not here"
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        install(python, folder / "venv", requirements(name, folder))
        # without conftest.py, which is about notebooks
        command = [folder / "venv" / "bin" / "python", "-m", "pytest", "--noconftest", "-q", "-n", "auto"]
        if name == "oldest":  # old packages may warn, as matplotlib does of pyparsing
            command += ["-W", "default::DeprecationWarning"]
        environ = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run([*command, *library_tests()], cwd=ROOT, env=environ)
    return "failed" if done.returncode else "passed"


def test_in_pyodide():
    try:
        from tools.build import BUILD
        from tools.pyodide import fetch

        fetch(BUILD)
    except ImportError:
        return "not here"
    except SystemExit as why:
        print(why)
        return "not here"
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "tests/test_pyodide.py"]
    return "failed" if subprocess.run(command, cwd=ROOT).returncode else "passed"


def main(names):
    unknown = set(names) - set(NAMES)
    if unknown:
        sys.exit(f"versions are {', '.join(NAMES)}; got {', '.join(sorted(unknown))}")
    results = {name: test(name) for name in names or NAMES}
    for name, result in results.items():
        print(f"{name:8s} {result}")
    return "failed" in results.values() or bool(names) and "not here" in results.values()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
