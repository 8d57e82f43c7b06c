"""The site's buttons exist only with an address, and its results only with the library that made them."""

from tools import build


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
    assert config["launch_buttons"]["binderhub_url"]
    assert config["html"]["baseurl"] == "https://example.org"


def test_results_are_kept_per_library_and_pins(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "ROOT", tmp_path)
    for name in ["noetherlib", "noetherlib/__pycache__"]:
        (tmp_path / name).mkdir()
    for name in ["noetherlib/a.py", *build.PINS]:
        (tmp_path / name).write_text("1")
    before = build.fingerprint(build.LIBRARY)
    (tmp_path / "noetherlib/__pycache__/a.pyc").write_text("2")
    assert build.fingerprint(build.LIBRARY) == before
    for name in ["noetherlib/a.py", "noetherlib/b.py", "constraints.txt"]:
        (tmp_path / name).write_text("2")
        assert build.fingerprint(build.LIBRARY) != before
        before = build.fingerprint(build.LIBRARY)
