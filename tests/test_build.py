"""The site's buttons exist only with an address; what npm fetches is served by the site."""

import shutil
import subprocess

from tools import build, vendor


def test_without_an_address_there_is_no_button():
    config = build.configuration({})
    assert not config["repository"]["url"]
    assert "launch_buttons" not in config
    assert not any(value for key, value in config["html"].items() if key.startswith("use_"))


def test_with_an_address_there_are_buttons():
    config = build.configuration(
        {"BOOK_REPOSITORY_URL": "https://example.org/a/b/", "BOOK_URL": "https://example.org"}
    )
    assert config["repository"] == {
        "url": "https://example.org/a/b",
        "branch": "main",
        "path_to_book": "book",
    }
    assert all(config["html"][f"use_{name}_button"] for name in ["repository", "issues", "edit_page"])
    assert config["launch_buttons"]["binderhub_url"] and config["launch_buttons"]["colab_url"]
    assert config["html"]["baseurl"] == "https://example.org"


def test_what_npm_fetched_is_served_by_the_site(tmp_path):
    config = build.configuration({}, tmp_path)["sphinx"]["config"]
    assert str(tmp_path / "static") in config["html_static_path"]
    assert "://" not in f"{config['mathjax_path']} {config['nb_ipywidgets_js']}"


def test_without_npm_the_content_networks_serve_the_same_versions(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert vendor.fetch(tmp_path / "build") is None
    assert "npm is not installed" in capsys.readouterr().out
    config = build.configuration({}, None)["sphinx"]["config"]
    assert config["mathjax_path"].startswith("https://") and "/mathjax@3." in config["mathjax_path"]
    assert config["nb_ipywidgets_js"]["scrubber.js"]["data-bundle"].endswith("/dist/embed.js")


def test_when_npm_fails_its_reason_is_told(tmp_path, monkeypatch, capsys):
    failed = subprocess.CompletedProcess([], 1, "", "npm error no network\nmore")
    monkeypatch.setattr(shutil, "which", lambda name: "npm")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    assert vendor.fetch(tmp_path) is None
    assert "npm failed (npm error no network): " in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_what_npm_fetched_is_fetched_once(tmp_path, monkeypatch):
    calls = []

    def run(command, cwd, **_):
        calls.append(command)
        for package, inner, names in vendor.COPIED.values():
            for name in [*names, "left-out.js"]:
                path = cwd / "node_modules" / package / inner / name.replace("*", "font")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(name)
        (cwd / "node_modules" / vendor.AXE).mkdir()
        (cwd / "node_modules" / vendor.AXE / "axe.min.js").write_text("axe")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(shutil, "which", lambda name: "npm")
    monkeypatch.setattr(subprocess, "run", run)
    web = vendor.fetch(tmp_path)
    assert vendor.fetch(tmp_path) == vendor.fetched(tmp_path) == web
    assert len(calls) == 1 and list(tmp_path.iterdir()) == [web]
    config = build.configuration({}, web)["sphinx"]["config"]
    bundle = config["nb_ipywidgets_js"]["scrubber.js"]["data-bundle"]
    assert (web / "static" / bundle).is_file() and (web / "static" / config["mathjax_path"]).is_file()
    assert not list(web.rglob("left-out.js"))


def test_the_lock_file_names_no_registry():
    assert '"resolved"' not in vendor.LOCK.read_text(encoding="utf-8")
