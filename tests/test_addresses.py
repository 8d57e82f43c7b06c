"""What the site says of itself once its addresses are known: on a small book, made as the real one is."""

import json
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import build
from tools.build import ROOT
from tools.notebooks import KERNEL

REPOSITORY, SITE = "https://github.com/owner/name", "https://owner.example.org/name"
INDEX = """# A book

This page says in some sixty characters or more what the book is about, as all do.

```{health}
```
"""
FOUND = {"passed": 12, "failed": 0, "error": 1, "skipped": 2, "ended": 1e9, "these": True}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    book = folder / "book"
    (book / "paper").mkdir(parents=True)
    for name in ["_assets", "_templates", "reference"]:
        (book / name).symlink_to(ROOT / "book" / name)
    (book / "index.md").write_text(INDEX)
    cells = [new_markdown_cell("# A page"), new_code_cell("6 * 7")]
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), book / "paper" / "page.ipynb")
    toc = {"format": "jb-book", "root": "index", "chapters": [{"file": "paper/page"}]}
    config = build.configuration({"BOOK_REPOSITORY_URL": REPOSITORY, "BOOK_URL": SITE})
    config["execute"] = {"execute_notebooks": "off"}
    config["sphinx"]["config"]["tests_found"] = FOUND
    for name, content in [("_toc.yml", toc), ("_config.yml", config)]:
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False))
    command = [Path(sys.executable).with_name("jupyter-book"), "build", "book", "--path-output", "."]
    command += ["--config", "_config.yml", "--toc", folder / "_toc.yml", "-W", "--keep-going"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "_build" / "html"


def links(page):
    text = page.read_text(encoding="utf-8")
    return [unescape(link) for link in re.findall(r'(?:href|content)="([^"]+)"', text)]


def test_buttons_open_the_pages_own_notebook(site):
    found = links(site / "paper" / "page.html")
    for address in [
        "https://mybinder.org/v2/gh/owner/name/main?urlpath=lab/tree/book/paper/page.ipynb",
        "https://colab.research.google.com/github/owner/name/blob/main/book/paper/page.ipynb",
        f"{REPOSITORY}/edit/main/book/paper/page.ipynb",
    ]:
        assert address in found


def test_others_are_told_the_full_address(site):
    found = links(site / "paper" / "page.html")
    assert {f"{SITE}/paper/page.html", f"{SITE}/_static/preview.png"} <= set(found)
    assert f"<loc>{SITE}/paper/page.html</loc>" in (site / "sitemap.xml").read_text()


def test_the_page_for_wrong_addresses_works_at_any_depth(site):
    """Everything that it names is relative: to the site, not to the address that was asked for."""
    text = (site / "404.html").read_text(encoding="utf-8")
    base = text.index(f'<base href="{SITE}/" />')
    assert base < min(text.index(each) for each in ["<link", "<script src", "<script defer"])
    assert 'href="index.html"' in text


def test_the_page_on_health_says_what_the_tests_found(site):
    text = (site / "index.html").read_text(encoding="utf-8")
    assert "12 passed, 1 failed, 2 skipped; of these very files, 2001-09-09 01:46 UTC" in text
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", text)


def test_results_of_tests_are_told_once_there_are_any(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "RESULTS", tmp_path / "tests.json")
    monkeypatch.setattr(build, "STAMP", tmp_path / "inputs")
    build.STAMP.touch()
    assert build.tested() is None and build.shows_results()
    found = {"passed": 1, "failed": 0, "error": 0, "skipped": 0, "ended": 1e9}
    for files, these in [(build.fingerprint(build.TESTED), True), ("others", False)]:
        build.RESULTS.write_text(json.dumps({**found, "files": files}))
        assert build.tested() == {**found, "these": these}
    assert not build.shows_results()
