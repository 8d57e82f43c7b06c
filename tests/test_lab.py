"""The panel of *Bring your own system* by mouse and keyboard, in JupyterLab in a browser without a window.

With `make test-panel` alone: it starts a server, a kernel and a browser, and computes for a minute or two.
"""

import ast
import json
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from urllib.request import urlopen

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tools import browser
from tools.build import ROOT

PAGE = ROOT / "book/beyond/your-own-system.ipynb"
OWN = [
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "IPYTHONDIR",
    "JUPYTERLAB_SETTINGS_DIR",
]
QUIET = {"fetchNews": "false", "checkForUpdates": False}  # it would ask another host
PATIENCE = 300_000  # milliseconds
SIX_UNITS = "\n".join(f"x{i}' = -x{i} + tanh(x{i} + 0.5 x{i % 6 + 1})" for i in range(1, 7))


def definitions(source):
    """What a cell defines, without what it computes: imports, functions, names in capitals, the style."""
    for part in ast.parse(source).body:
        names = [name for target in getattr(part, "targets", []) for name in ast.walk(target)]
        names = [name.id for name in names if isinstance(name, ast.Name)]
        kept = isinstance(part, ast.Import | ast.ImportFrom | ast.FunctionDef)
        kept = kept or names and all(name.isupper() and len(name) > 1 for name in names)
        if kept or ast.unparse(part) == "nl.style()":
            yield ast.get_source_segment(source, part)


def notebook():
    """The page's panel, whose code the page folds away, after all that the page defines before it."""
    page = nbformat.read(PAGE, 4)
    code = [cell for cell in page.cells if cell.cell_type == "code"]
    panel = [cell for cell in code if cell.metadata.get("jupyter", {}).get("source_hidden")]
    before = code[: code.index(panel[0])]
    defined = "\n".join(part for cell in before for part in definitions(cell.source))
    for cell in panel:
        cell.outputs = []
    return new_notebook(cells=[new_code_cell(defined), *panel], metadata=page.metadata)


@contextmanager
def lab(folder):
    """The address of a JupyterLab that serves a folder, and neither reads nor leaves settings elsewhere."""
    own = {name: str(folder / name.lower()) for name in OWN}
    settings = folder / OWN[-1].lower() / "@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(QUIET), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--IdentityProvider.token=",
    ]
    command += [f"--ServerApp.port={port}", f"--ServerApp.root_dir={folder / 'root'}"]
    command += ["--LabApp.extension_manager=readonly"]
    environment = os.environ | own | {"PYTHONPATH": str(ROOT)}
    with open(folder / "log", "w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            while server.poll() is None:
                try:
                    urlopen(f"{address}api", timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.2)
            assert server.poll() is None, (folder / "log").read_text()
            yield address
        finally:
            server.terminate()
            server.wait()


@pytest.fixture(scope="module")
def tab(request, tmp_path_factory):
    """JupyterLab with the panel, all its cells run from the menu."""
    if not request.config.getoption("panel"):
        pytest.skip("it takes minutes: `make test-panel`")
    if browser.find() is None:
        pytest.fail(browser.MISSING)
    folder = tmp_path_factory.mktemp("lab")
    (folder / "root").mkdir()
    nbformat.write(notebook(), folder / "root/panel.ipynb")
    with lab(folder) as address, browser.launched() as window:
        asked = []
        tab = window.new_page(viewport={"width": 1280, "height": 900})
        tab.on("request", lambda sent: asked.append(sent.url))
        tab.set_default_timeout(PATIENCE)
        tab.goto(f"{address}lab/tree/panel.ipynb")
        tab.get_by_text("(ipykernel) | Idle").wait_for()
        tab.get_by_role("menuitem", name="Run", exact=True).click()
        tab.get_by_role("menuitem", name="Run All Cells").first.click()
        tab.get_by_role("button", name="Compute", exact=True).wait_for()
        yield tab
        assert {url for url in asked if not url.startswith((address, "data:", "blob:"))} == set()


def field(tab, name):
    return tab.get_by_label(name, exact=True)


def button(tab, name):
    return tab.get_by_role("button", name=name, exact=True)


def written(tab, model):
    """Type a model: click into each field, replace what stands there, and leave it."""
    for name, words in model.items():
        field(tab, name).click()
        tab.keyboard.press("Control+a")
        tab.keyboard.type(words)
    tab.keyboard.press("Tab")


def answer(tab):
    """What the panel says: its status, and all below it."""
    panel = tab.locator(".widget-vbox").filter(has=button(tab, "Stop")).last
    return panel.inner_text()


def says(tab, words):
    tab.locator(".widget-html-content b").filter(has_text=words).wait_for()


def test_its_code_is_folded(tab):
    assert tab.locator(".jp-CodeCell .jp-Placeholder-content").count() == 3
    assert tab.locator(".jp-CodeCell .jp-InputArea-editor:visible").count() == 1


def test_a_large_model_is_stopped_and_only_the_newest_answer_stands(tab):
    zeros, ones = ", ".join("0" * 6), ", ".join("1" * 6)
    written(tab, {"drift": SIX_UNITS, "start": zeros, "end": ones, "box": ", ".join(["-2, 2"] * 6)})
    button(tab, "Compute").click()
    says(tab, re.compile("of 10: (symmetries|most likely paths|charges|bridges)"))
    assert button(tab, "Compute").is_disabled() and field(tab, "drift").is_disabled()
    button(tab, "Compute").click(force=True)  # nothing is queued
    button(tab, "Stop").click()
    says(tab, "stopped, at: ")
    assert button(tab, "Compute").is_enabled() and button(tab, "Stop").is_disabled()
    tab.wait_for_timeout(1000)
    assert "stopped, at: " in answer(tab) and field(tab, "drift").input_value() == SIX_UNITS

    written(tab, {"drift": "x' = x - x^3", "start": "-1", "end": "1", "box": "-2, 2"})
    assert "stopped" not in answer(tab)  # no answer under another question
    button(tab, "Compute").press("Enter")
    says(tab, "done")
    shown = answer(tab)
    assert shown.count("signs add up to") == shown.count("charge of time translation") == 1
    assert "stable  at (-1.0000), eigenvalues -2.000" in shown
    assert tab.locator(".widget-output img, .widget-output svg").count() == 1  # the picture


def test_a_slip_is_told_in_words_and_mended(tab):
    written(tab, {"drift": "x' = sin x", "start": "-1", "end": "1", "box": "-2, 2"})
    button(tab, "Compute").click()
    says(tab, "stopped, at: reading")
    assert "Stopped: 'sin x' is not a formula" in answer(tab)
    field(tab, "drift").click()
    tab.keyboard.press("End")
    tab.keyboard.type(" ")
    tab.keyboard.press("Tab")
    assert "Stopped" not in answer(tab)
