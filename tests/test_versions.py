"""What is tested on other Pythons: the library's own tests, on the pins or on the oldest dependencies."""

import re
import tomllib

import pytest

from tools import versions
from tools.build import ROOT


def declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["dependencies"] + project["optional-dependencies"]["scale"]


def test_oldest_means_what_is_declared_and_pins_for_all_else(tmp_path):
    wanted = versions.requirements("oldest", tmp_path)
    bounds = {line.replace(">=", "==") for line in declared()}
    assert bounds <= set(wanted)
    pinned = (tmp_path / "constraints.txt").read_text().splitlines()
    names = {re.split("==|>=", line)[0] for line in declared()}
    assert not names & {pin.partition("==")[0] for pin in pinned}
    assert "mpmath" in {pin.partition("==")[0] for pin in pinned}


def test_a_python_is_tested_on_the_pins(tmp_path):
    assert set(declared()) <= set(versions.requirements("3.12", tmp_path))
    pinned = (tmp_path / "constraints.txt").read_text().splitlines()
    assert pinned == (ROOT / "constraints.txt").read_text().splitlines()


def test_the_oldest_supported_python_is_the_first():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">={versions.PYTHONS[0]}"
    assert versions.interpreter("2.6") is None


def test_the_librarys_tests_are_found():
    names = {path.name for path in versions.library_tests()}
    assert {"test_paths.py", "test_symmetry.py", "test_symbolic.py", "test_system.py"} <= names
    assert not {"test_site.py", "test_build.py", "test_tree.py", "test_live.py"} & names


def test_a_version_that_is_asked_for_and_missing_is_a_failure(monkeypatch, capsys):
    monkeypatch.setattr(versions, "interpreter", lambda version: None)
    assert versions.main(["3.13"])
    assert "not here" in capsys.readouterr().out
    monkeypatch.setattr(versions, "test", lambda name: "not here" if name == "3.14" else "passed")
    assert not versions.main([])
    with pytest.raises(SystemExit, match="got 4.0"):
        versions.main(["4.0"])
