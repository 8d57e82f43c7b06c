"""Binder builds what it should, and the book runs there; on Colab a notebook's first cell sees to that."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_tree import tracked
from tools.build import ROOT
from tools.notebooks import COLAB

PAGE = "book/paper/one-attractor.ipynb"  # it glues, draws, and has a slider
RUN = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, kernel_name="python3", timeout=600).execute()
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """What Binder clones."""
    copy = tmp_path_factory.mktemp("binder") / "tree"
    for path in tracked():
        target = copy / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return copy


@pytest.fixture(scope="module")
def dockerfile(tree):
    command = [Path(sys.executable).with_name("jupyter-repo2docker"), "--no-build", "--debug", "."]
    done = subprocess.run(command, cwd=tree, check=True, capture_output=True, text=True)
    return done.stdout


def installs(dockerfile):
    """The arguments of each `pip install` that the image runs."""
    found = re.findall(r"^RUN \$\{KERNEL_PYTHON_PREFIX\}/bin/pip install (.*)$", dockerfile, re.MULTILINE)
    return [shlex.split(line) for line in found]


def test_binder_takes_the_python_of_runtime_txt(dockerfile):
    wanted = (ROOT / "runtime.txt").read_text().strip().removeprefix("python-")
    # the name of the file that it installs Python from, in repo2docker's spelling
    assert re.findall(r"environment-2epy-2d(\d)-2e(\d+)-2d", dockerfile) == [tuple(wanted.split("."))]


def test_binder_installs_the_pins_and_then_the_library(dockerfile):
    assert installs(dockerfile) == [["--no-cache-dir", "-r", "requirements.txt"], ["--no-cache-dir", "."]]


def interpreter():
    """Binder's Python if this machine has it, else the one that runs the tests."""
    wanted = (ROOT / "runtime.txt").read_text().strip().replace("-", "")
    try:
        subprocess.run([wanted, "-c", "import venv, ensurepip"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return sys.executable
    return wanted


@pytest.fixture(scope="module")
def python(tree, dockerfile, tmp_path_factory):
    """The interpreter of an environment that was empty, but for what Binder would install."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([interpreter(), "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    for arguments in installs(dockerfile):
        arguments.remove("--no-cache-dir")  # an image has no use for a cache; who runs this twice has
        subprocess.run([python, "-m", "pip", "--quiet", "install", *arguments], cwd=tree, check=True)
    return python


def test_a_page_runs_on_binder(python, tree):
    subprocess.run([python, "-c", RUN, Path(PAGE).name], cwd=(tree / PAGE).parent, check=True)


def test_sliders_work_in_its_jupyterlab(python):
    command = [python.with_name("jupyter"), "labextension", "list"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert re.search(r"@jupyter-widgets/jupyterlab-manager v\S+.*enabled.*OK", done.stdout + done.stderr)


def test_nothing_there_is_for_the_tests_alone(python):
    done = subprocess.run([python, "-m", "pip", "list"], check=True, capture_output=True, text=True)
    assert not {"playwright", "pytest", "dask"} & set(done.stdout.split())


def test_colab_installs_what_is_missing(python, tree):
    """Last: it takes the library away, and the notebook's first cell brings it back."""
    subprocess.run(["git", "init", "--quiet", tree], check=True)
    subprocess.run(["git", "-C", tree, "add", "--all"], check=True)
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", tree, *author, "commit", "--quiet", "--message", "a copy"], check=True)
    subprocess.run([python, "-m", "pip", "--quiet", "uninstall", "--yes", "noetherlib"], check=True)
    environ = {**os.environ, "BOOK_REPOSITORY_URL": tree.as_uri()}
    for code in [COLAB, "import noetherlib"]:
        subprocess.run([python, "-c", code], cwd=tree.parent, env=environ, check=True)
