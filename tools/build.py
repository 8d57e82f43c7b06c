"""Build the website into _build/html, or stop at once when nothing changed: `python -m tools.build`.

The Sphinx environment is cleared first: an incremental build does not repeat the warnings of unchanged
pages, so only a build from nothing can say that there are none. The notebooks are executed first, several at
once, and what they computed is kept for as long as the library, the pins, the interpreter and the files that
notebooks may read stay the same. Where the recording of tools/recording.py cannot be had, its page is shown
as it was committed; never under CI.

The address of the book is not in these files. It is taken from the environment:

BOOK_REPOSITORY_URL     such as https://github.com/OWNER/NAME: repository, issue, edit and launch buttons
BOOK_REPOSITORY_BRANCH  the branch those buttons open (main)
BOOK_URL                where the site is served: canonical addresses

With LIVE in the environment, as `make live` sets it, notebooks run in the reader's browser: tools/live.py.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import yaml

from tools import execute, live, pyodide, recording, vendor
from tools.environment import CI, PINS, use_own_profile

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
INDEX = BUILD / "html" / "index.html"
STAMP = BUILD / "inputs"
RESULTS = BUILD / "tests.json"  # what `make test` found, for the page on the book's health
ADDRESS = ["BOOK_REPOSITORY_URL", "BOOK_REPOSITORY_BRANCH", "BOOK_URL"]
LIBRARY = ["noetherlib", *PINS]
INPUTS = [*LIBRARY, "book", "_config.yml", "_toc.yml", "tools"]
TESTED = [*INPUTS, "tests", "conftest.py", "README.md"]


def files(names):
    """Every file behind these names, in a fixed order, without caches and editors' leftovers."""
    for name in names:
        path = ROOT / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            parts = file.relative_to(ROOT).parts
            if file.is_file() and not any(part == "__pycache__" or part.startswith(".") for part in parts):
                yield file


def fingerprint(names, *more):
    digest = hashlib.sha256(repr([sys.version, *more]).encode())
    for file in files(names):
        digest.update(f"\0{file.relative_to(ROOT)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def data():
    """Files that a notebook may read: those beside the pages, other than pages and what draws them."""
    for file in files(["book"]):
        drawn = file.relative_to(ROOT / "book").parts[0].startswith("_")
        if not drawn and file.suffix not in {".ipynb", ".md", ".bib"}:
            yield file


def executed():
    """The folder of what the notebooks gave, executed with what is here now."""
    made_of = fingerprint([*LIBRARY, *data(), "tools/recording.txt"], recording.PLACE.exists())
    return BUILD / f"executed-{made_of[:16]}"


def chapters():
    """Names of the pages in the order of the table of contents."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *[chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]]


def notebooks():
    """The pages that compute."""
    found = [ROOT / "book" / f"{name}.ipynb" for name in chapters()]
    return [path for path in found if path.exists()]


def live_pages():
    """Names of the pages that can run in a browser."""
    return [name for name in chapters() if live.runs(name)]


def configuration(environ, web=None, alive=None):
    """_config.yml, completed by what is known only now: addresses, results, what else is served."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["execute"]["cache"] = str(executed())
    extensions = config["sphinx"]["local_extensions"]
    config["sphinx"]["local_extensions"] = {name: str(ROOT / path) for name, path in extensions.items()}
    sphinx = config["sphinx"]["config"]
    sphinx.update(vendor.addresses(web))
    sphinx["tests_found"] = tested()
    sphinx["live"] = alive and live.described(alive, live_pages())
    if web:
        sphinx["html_static_path"].append(str(web / "static"))
    if url := environ.get("BOOK_URL"):
        config["html"]["baseurl"] = url
    if url := environ.get("BOOK_REPOSITORY_URL"):
        branch = environ.get("BOOK_REPOSITORY_BRANCH") or "main"
        config["repository"] = {"url": url.rstrip("/"), "branch": branch, "path_to_book": "book"}
        for button in ["repository", "issues", "edit_page"]:
            config["html"][f"use_{button}_button"] = True
        config["launch_buttons"] = {
            "binderhub_url": "https://mybinder.org",
            "colab_url": "https://colab.research.google.com",
            "notebook_interface": "jupyterlab",
        }
    return config


def tested():
    """What the last tests found, and whether these very files were theirs; None if there were none."""
    if not RESULTS.exists():
        return None
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    found["these"] = found.pop("files") == fingerprint(TESTED)
    return found


def inputs(web):
    """Changes when anything does that the site is made of."""
    return fingerprint(INPUTS, *[os.environ.get(name) for name in ADDRESS], web is not None)


def current(web):
    """Whether the site is there, and made of what is here now."""
    return INDEX.exists() and STAMP.exists() and STAMP.read_text() == inputs(web)


def shows_results():
    """Whether no test ended after the build."""
    return not RESULTS.exists() or RESULTS.stat().st_mtime < STAMP.stat().st_mtime


def clear(*kept):
    """Forget pages and environment; keep what was fetched, and executed with this very library."""
    for path in BUILD.glob("*"):
        if path not in kept:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def execute_pages(timeout):
    """Whether all pages that compute did so, now or before; those that failed are told."""
    if not recording.PLACE.exists() and not CI:
        execute.keep(executed(), [path for path in notebooks() if path == recording.PAGE])
    failed = execute.fill(executed(), notebooks(), timeout)
    for path, why in failed.items():
        print(f"{path.relative_to(ROOT)} failed:\n{why}", flush=True)
    return not failed


def main():
    start = time.monotonic()
    web = vendor.fetch(BUILD)
    wanted = bool(os.environ.get("LIVE"))
    served = INDEX.parent / live.FOLDER
    if current(web) and shows_results() and (served.exists() or not wanted):
        print(f"Nothing changed since the last build: {INDEX}")
        return 0
    made_of = inputs(web)
    alive = live.fetch(BUILD, live_pages()) if wanted else None
    config = configuration(os.environ, web, alive)
    BUILD.mkdir(exist_ok=True)
    clear(executed(), web, alive, pyodide.place(BUILD), RESULTS, BUILD / "course")
    use_own_profile(BUILD / "ipython")
    if not execute_pages(config["execute"]["timeout"]):
        return 1
    (BUILD / "_config.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    command = [Path(sys.executable).with_name("jupyter-book"), "build", "book", "--path-output", "."]
    command += ["--config", "_build/_config.yml", "--toc", ROOT / "_toc.yml", "-W", "-n", "--keep-going"]
    done = subprocess.run(command, cwd=ROOT)
    if done.returncode == 0:
        from tools import picture  # it loads matplotlib, which a build of nothing need not wait for

        picture.save_preview(INDEX.parent / "_static")
        if alive:
            shutil.copytree(alive, served, copy_function=os.link)
        STAMP.write_text(made_of)
        print(f"Built in {time.monotonic() - start:.0f} s, without a warning: {INDEX}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
