"""The recorded school of fish is what the chapter on it was written for, and nothing else takes its place."""

import csv
import math
import os
import subprocess
import sys
import warnings

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools import build, execute, recording
from tools.environment import CI
from tools.fish import __main__ as fish
from tools.neighbours.environment import header

OTHER = "sha256:" + 64 * "0"


@pytest.fixture(scope="module")
def rows():
    """The recording; where it cannot be had its tests are skipped with a warning, but never under CI."""
    if problem := recording.fetch():
        if CI:
            pytest.fail(f"the recording cannot be had: {problem}")
        warnings.warn(f"the recording of fish cannot be had, its tests are skipped: {problem}", stacklevel=1)
        pytest.skip(problem)
    with recording.PLACE.open() as file:
        return [tuple(map(float, row)) for row in csv.reader(file)]


def test_it_is_two_whole_stretches_within_the_disc(rows):
    whole = [all(map(math.isfinite, row)) for row in rows]
    assert len(rows) == 24_635 and all(len(row) == 2 for row in rows)
    assert all(whole[:13_640]) and not whole[13_640] and not whole[13_656]
    assert all(whole[13_657:24_634]) and not whole[24_634]
    # rounded to five digits, so that a perfectly aligned school may be outside by as much
    assert all(math.hypot(*row) < 1 + 1e-5 for row, seen in zip(rows, whole) if seen)


def test_another_package_of_that_name_is_refused(tmp_path):
    pinned, place = tmp_path / "pinned.txt", tmp_path / "share" / "fish.csv"
    true = recording.PINNED.read_text().splitlines()[-1].split("--hash=")[1]
    pinned.write_text(recording.PINNED.read_text().replace(true, OTHER))
    assert recording.fetch(place, pinned)
    assert not place.exists() and not any(place.parent.iterdir())


def test_what_is_there_is_not_fetched_again(tmp_path):
    place = tmp_path / "fish.csv"
    place.write_text("0,0\n")
    assert recording.fetch(place, tmp_path / "missing.txt") == ""
    assert place.read_text() == "0,0\n"


@pytest.mark.parametrize("ci, code", [("", 0), ("true", 1)])
def test_where_it_cannot_be_had_this_is_said_and_fails_under_ci(tmp_path, ci, code):
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            f"from tools import recording; recording.fetch.__defaults__ = {str(tmp_path / 'a')!r}, 'none'; "
            "raise SystemExit(recording.main())",
        ],
        env={**os.environ, "CI": ci},
        cwd=recording.PINNED.parent.parent,
        capture_output=True,
        text=True,
    )
    assert said.returncode == code and "NOTE: the recording of fish cannot be had" in said.stdout


@pytest.fixture
def page(tmp_path, monkeypatch):
    """A page that needs the recording, in a place where there is none."""
    told = new_output("stream", text="49 minutes\n")
    cell = new_code_cell("open('nowhere')", outputs=[told], execution_count=1)
    nbformat.write(new_notebook(cells=[cell]), tmp_path / "page.ipynb")
    monkeypatch.setattr(recording, "PLACE", tmp_path / "nowhere")
    monkeypatch.setattr(recording, "PAGE", tmp_path / "page.ipynb")
    monkeypatch.setattr(build, "BUILD", tmp_path / "build")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "executed", lambda: tmp_path / "build" / "executed")
    monkeypatch.setattr(build, "notebooks", lambda: [recording.PAGE])
    return recording.PAGE


def test_without_it_the_build_shows_the_page_as_it_was_committed(page, monkeypatch):
    monkeypatch.setattr(build, "CI", False)
    assert build.execute_pages(timeout=60)
    (cell,) = execute.recorded(build.executed(), nbformat.read(page, 4))
    assert cell.outputs[0].text == "49 minutes\n"


def test_without_it_the_build_fails_under_ci(page, monkeypatch, capsys):
    monkeypatch.setattr(build, "CI", True)
    assert not build.execute_pages(timeout=60)
    assert "FileNotFoundError" in capsys.readouterr().out


def test_what_was_executed_without_it_is_not_taken_for_executed_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr(recording, "PLACE", tmp_path / "fish.csv")
    without = build.executed()
    recording.PLACE.touch()
    assert build.executed() != without


# pytest as `make test` calls it, for a page in another place and without a network
RUN_TESTS = """
import sys
from pathlib import Path
import pytest
from tools import recording
recording.PAGE, recording.fetch = Path(sys.argv[1]), lambda: "no network"
options = ["-p", "conftest", "--nbval", "--nbval-current-env", "--color=no", "-q", "--execute"]
sys.exit(pytest.main([*options, sys.argv[1]]))
"""


@pytest.mark.parametrize("ci, said", [("", "1 skipped, 1 warning"), ("true", "1 failed")])
def test_without_it_the_test_of_the_page_is_skipped_with_a_warning_but_never_under_ci(page, ci, said):
    command = [sys.executable, "-c", RUN_TESTS, page]
    done = subprocess.run(
        command,
        env={**os.environ, "CI": ci},
        cwd=recording.PINNED.parent.parent,
        capture_output=True,
        text=True,
    )
    assert said in done.stdout and ("the recording cannot be had" in done.stdout) == (not ci)


def test_the_table_of_estimators_is_of_the_scripts_versions():
    with fish.TABLE.open(newline="") as file:
        table = list(csv.DictReader(file))
    pinned = [header(path)["dependencies"][0] for path in fish.HERE.glob("with_*.py")]
    assert {row["package"] for row in table} == {pin.replace("==", " ") for pin in pinned}
    assert all(math.isfinite(float(row["seen"])) and float(row["error"] or 1) > 0 for row in table)
