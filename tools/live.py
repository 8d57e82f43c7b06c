"""The book's notebooks alive in the browser: JupyterLite, served by the site if `make live` was used.

Every file comes from the site itself. noetherlib is put beside Pyodide's own packages and loaded with
them, so that a notebook finds it as it does anywhere else.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

from tools import pyodide
from tools.notebooks import COLAB_ID, read

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "live"  # in the site
APPS = ["notebooks", "tree"]
# of JupyterLab's extensions these alone: others that are installed, such as nbgrader's, are of other versions
EXTENSIONS = ["@jupyter-widgets/jupyterlab-manager", "@jupyterlite/pyodide-kernel-extension"]
# pages that cannot run in a browser, and why
LEFT_OUT = {
    "beyond/recorded-system": "it reads a recording of which the site holds no copy",
    "foundations/noisy-systems": "it compares runs in several processes, which a browser cannot start",
}
PLUGIN = "@jupyterlite/pyodide-kernel-extension:kernel"
PRELOADED = "ssl sqlite3 ipython jedi comm ipywidgets tqdm noetherlib".split()
NOTE = """\
> This is *{title}*, running in your browser. Nothing is sent anywhere, and what you change stays in this
> browser. Python loads first, for up to a minute; then the page runs at your machine's pace, without
> threads: it takes several times as long as the book says.

**Run → Run All Cells** runs everything; Shift+Enter runs one cell."""


def runs(name):
    """Whether this page has a notebook that runs in the browser."""
    return (ROOT / "book" / f"{name}.ipynb").exists() and name not in LEFT_OUT


def fetch(build, names):
    """The folder with everything, made if need be: the pages of these names, and what runs them."""
    python = pyodide.fetch(build)
    files = [
        Path(__file__),
        ROOT / "pyproject.toml",
        ROOT / "constraints.txt",
    ]
    files += sorted((ROOT / "noetherlib").rglob("*.py")) + [source(name) for name in names]
    files += [file for name in names for file in beside(name)]
    made_of = b"".join([python.name.encode(), *[file.read_bytes() for file in files]])
    folder = build / f"live-{pyodide.sha256(made_of)[:16]}"
    if not folder.is_dir():
        with tempfile.TemporaryDirectory(dir=build, prefix="live-") as work:
            make(Path(work), python, names)
            os.replace(Path(work) / "site", folder)
    return folder


def source(name):
    return ROOT / "book" / f"{name}.ipynb"


def beside(name):
    """The files of numbers that a page may have beside it, and reads."""
    page = source(name)
    return sorted(file for file in page.parent.glob(f"{page.stem}.*") if file != page)


def make(work, python, names):
    """JupyterLite in work/site."""
    for name in names:
        target = work / "files" / f"{name}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(for_browser(read(source(name))), target)
        for file in beside(name):
            shutil.copy(file, target.parent)
    lite = work / "lite"
    shutil.copytree(python, lite / "static" / "pyodide", copy_function=os.link)
    add_packages(lite / "static" / "pyodide", work)
    (lite / "jupyter-lite.json").write_text(json.dumps(settings()), encoding="utf-8")
    command = [Path(sys.executable).with_name("jupyter-lite"), "build", "--no-sourcemaps"]
    command += ["--lite-dir", lite, "--contents", work / "files", "--output-dir", work / "site"]
    command += [f"--apps={app}" for app in APPS] + ["--ignore-sys-prefix"]
    installed = Path(sys.prefix, "share", "jupyter", "labextensions")
    command += [f"--LiteBuildConfig.federated_extensions={installed / name}" for name in EXTENSIONS]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"JupyterLite could not be built:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


def for_browser(notebook):
    """The notebook as a reader meets it there: nothing computed yet, and a word on what to expect."""
    title = next(cell.source for cell in notebook.cells if cell.cell_type == "markdown").splitlines()[0]
    note = nbformat.v4.new_markdown_cell(NOTE.format(title=title.lstrip("# ")), id="in-the-browser")
    notebook.cells = [note, *[cell for cell in notebook.cells if cell.get("id") != COLAB_ID]]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata.kernelspec = {
        "display_name": "Python (Pyodide)",
        "language": "python",
        "name": "python",
    }
    return notebook


def add_packages(folder, work):
    """noetherlib, among Pyodide's packages and in its lock file."""
    path, wheel = folder / pyodide.LOCK, library(work)
    lock = json.loads(path.read_text(encoding="utf-8"))
    shutil.copy(wheel, folder)
    name, entry = pyodide.entry(wheel)
    needs = ["numpy", "scipy", "sympy", "matplotlib", "ipython", "ipywidgets", "tqdm"]
    lock["packages"][name] = {**entry, "depends": needs}
    path.unlink()  # it is linked, and must not change there
    path.write_text(json.dumps(lock), encoding="utf-8")


def library(work):
    """A wheel of noetherlib, made in a copy of what it needs: setuptools leaves things where it works."""
    copy = work / "library"
    copy.mkdir()
    for name in ["pyproject.toml", "README.md", "LICENSE"]:
        shutil.copy(ROOT / name, copy)
    shutil.copytree(ROOT / "noetherlib", copy / "noetherlib", ignore=shutil.ignore_patterns("__pycache__"))
    code = "from setuptools import build_meta; build_meta.build_wheel('.')"
    subprocess.run([sys.executable, "-c", code], cwd=copy, check=True, capture_output=True)
    return next(copy.glob("*.whl"))


def settings():
    kernel = {"disablePyPIFallback": True, "loadPyodideOptions": {"packages": PRELOADED}}
    config = {"exposeAppInBrowser": True, "litePluginSettings": {PLUGIN: kernel}}
    return {"jupyter-lite-schema-version": 0, "jupyter-config-data": config}


def described(folder, names):
    """What the pages say of it: where it is, and how many megabytes a reader loads to run each."""
    python = folder / "static" / "pyodide"
    packages = json.loads((python / pyodide.LOCK).read_text(encoding="utf-8"))["packages"]
    common = sum(map(size, [*(python / name for name in pyodide.LOADED), *(folder / "build").rglob("*.js")]))
    brings = {module: package for package, entry in packages.items() for module in entry["imports"]}
    loads = {}
    for name in names:
        asked = {brings[module] for module in imported(name) & brings.keys()}
        needed = pyodide.closure(packages, [*PRELOADED, *sorted(asked)]).values()
        files = [*beside(name), *(python / entry["file_name"] for entry in needed)]
        loads[name] = round((common + sum(map(size, files))) / 1e6)
    return {"folder": FOLDER, "megabytes": loads}


def imported(name):
    """The modules that a page's own code names."""
    code = (cell.source for cell in read(source(name)).cells if cell.cell_type == "code")
    return {module for cell in code for module in re.findall(r"^\s*(?:import|from)\s+(\w+)", cell, re.M)}


def size(path):
    return path.stat().st_size
