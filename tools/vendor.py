"""What the site serves by itself, so that a reader's browser asks no other host: widgets and MathJax.

npm fetches it by the lock file in tools/web, once for each lock file; none of it is committed. Without npm
the pages take the same versions from content networks.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

WEB = Path(__file__).resolve().parent / "web"
LOCK = WEB / "package-lock.json"
WIDGETS, MATHJAX, AXE = "@jupyter-widgets/html-manager", "mathjax", "axe-core"
BUNDLE, TYPESETTER = "embed.js", "tex-chtml.js"
# MathJax loads the rest of itself when a formula or a reader asks for it: macros, fonts, speech
COPIED = {
    "vendor/widgets": (WIDGETS, "dist", ["LICENSE", BUNDLE, BUNDLE + ".LICENSE.txt", "*.woff2"]),
    "vendor/mathjax": (MATHJAX, "es5", ["LICENSE", TYPESETTER, "a11y", "input", "output", "sre", "ui"]),
}
SECONDS = 180


def fetched(build):
    """The folder with `static/vendor/` and `axe.min.js`; None if it is not there."""
    folder = place(build)
    return folder if folder.is_dir() else None


def place(build):
    recipe = hashlib.sha256(LOCK.read_bytes() + Path(__file__).read_bytes()).hexdigest()
    return build / f"web-{recipe[:16]}"


def fetch(build):
    """That folder, fetched if need be; None if it cannot be had, which is said."""
    if folder := fetched(build):
        return folder
    build.mkdir(exist_ok=True)
    problem = "npm is not installed"
    if npm := shutil.which("npm"):
        with tempfile.TemporaryDirectory(dir=build, prefix="npm-") as work:
            work = Path(work)
            problem = install(npm, work)
            if not problem:
                pick(work / "node_modules", work / "web")
                os.replace(work / "web", place(build))
                return place(build)
    print(f"NOTE: {problem}: the pages will load MathJax and widgets from content networks.", flush=True)
    return None


def install(npm, work, pins=WEB):
    """Why npm could not install here what a lock file names; an empty text if it could."""
    for file in [*pins.glob("package*.json"), pins / ".npmrc"]:
        shutil.copy(file, work)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    command += ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
    try:
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"npm took more than {SECONDS} s"
    said = done.stderr.strip() or "it does not say why"
    return f"npm failed ({said.splitlines()[0]})" if done.returncode else ""


def pick(modules, web):
    """Copy what pages may ask for, out of the hundred times as much that npm installs."""
    for target, (package, inner, names) in COPIED.items():
        target = web / "static" / target
        target.mkdir(parents=True)
        for name in names:
            parent = modules / package if name == "LICENSE" else modules / package / inner
            for source in parent.glob(name):
                (shutil.copytree if source.is_dir() else shutil.copy)(source, target / source.name)
    shutil.copy(modules / AXE / "axe.min.js", web)


def addresses(folder):
    """Sphinx settings: where pages find MathJax and the widgets."""
    if folder:
        mathjax, widgets = f"vendor/mathjax/{TYPESETTER}", f"vendor/widgets/{BUNDLE}"
    else:
        packages = json.loads(LOCK.read_text(encoding="utf-8"))["packages"]
        mathjax, widgets = (
            f"https://cdn.jsdelivr.net/npm/{name}@{packages[f'node_modules/{name}']['version']}/{path}"
            for name, path in [(MATHJAX, f"es5/{TYPESETTER}"), (WIDGETS, f"dist/{BUNDLE}")]
        )
    return {"mathjax_path": mathjax, "nb_ipywidgets_js": {"scrubber.js": {"data-bundle": widgets}}}
