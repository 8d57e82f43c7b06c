"""The problem sets as instructors have them: what nbgrader needs, what they promise, where they are not."""

import re
import subprocess

import pytest
import yaml

from noetherlib.course import PROBLEM_SETS
from tools import build
from tools.notebooks import ROOT, read

BOOK = ROOT / "book"
SHEETS = sorted((BOOK / "course").glob("*.ipynb"))
each_sheet = pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.stem)
KEYS = {"schema_version", "grade_id", "grade", "solution", "locked", "task"}


def test_there_is_a_sheet_for_every_problem_set():
    assert {sheet.stem for sheet in SHEETS} == set(PROBLEM_SETS)


@each_sheet
def test_nbgrader_will_read_it(sheet):
    seen = set()
    for cell in read(sheet).cells:
        if "nbgrader" in cell.metadata:
            known = cell.metadata.nbgrader
            assert known.schema_version == 3 and not known.task
            assert set(known) == KEYS | ({"points"} if known.grade else set())
            assert known.grade_id.startswith(f"{sheet.stem}-") and known.grade_id not in seen
            assert known.locked != known.solution  # what is no answer cannot be changed
            seen.add(known.grade_id)
        # every opening marker is closed, in a cell of the kind where nbgrader looks for it
        answer, test = (cell.metadata.get("nbgrader", {}).get(kind) for kind in ("solution", "grade"))
        for marker, where in (("SOLUTION", answer), ("HIDDEN TESTS", test)):
            starts, ends = (cell.source.count(f"### {word} {marker}") for word in ("BEGIN", "END"))
            assert starts == ends and (where or not starts)
        assert not answer or cell.cell_type == "markdown" or "### BEGIN SOLUTION" in cell.source


@each_sheet
def test_what_a_sheet_promises(sheet):
    cells = read(sheet).cells
    head, text = cells[0].source, "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    # question, objectives
    assert re.search(r"^\*\*.+\?\*\*$", head, flags=re.MULTILINE) and head.count("\n- ") >= 4
    rows = re.findall(r"^\| (\d) \| (.+?) \| (.+?) \| (\d+) \|$", head, flags=re.MULTILINE)
    assert 4 <= len(rows) <= 6 and "| **30** | **120** |" in head
    assert sum(int(n) for _, _, points, _ in rows for n in re.findall(r"\d+", points)) == 30
    assert sum(int(minutes) for *_, minutes in rows) == 120
    headings = re.findall(r"^## Task (\d): (.+) \((.+)\)$", text, flags=re.MULTILINE)
    assert [(n, title.lower()) for n, title, _ in headings] == [(n, title.lower()) for n, title, *_ in rows]
    assert [re.findall(r"\d+", points) for *_, points in headings] == [
        re.findall(r"\d+", row[2]) for row in rows
    ]

    graded = [cell for cell in cells if cell.metadata.get("nbgrader", {}).get("grade")]
    by_hand = [cell for cell in graded if cell.cell_type == "markdown"]
    hidden = [cell for cell in graded if "### BEGIN HIDDEN TESTS" in cell.source]
    visible = [
        cell for cell in graded if re.search(r"^noetherlib\.course\.check\(", cell.source, flags=re.MULTILINE)
    ]
    assert by_hand and hidden and visible
    assert text.count("*Points: ") + text.count("| None |") == len(by_hand)  # each says what it is read for
    promised = [re.findall(r"(\d+)(,? read by a person)?", row[2]) for row in rows]
    assert sum(int(n) for row in promised for n, person in row if person) == sum(
        cell.metadata.nbgrader.points for cell in by_hand
    )


def answers(cell):
    """Lines of a cell that no student should find: of solutions, hidden tests and model answers."""
    known = cell.metadata.get("nbgrader", {})
    if cell.cell_type == "markdown":
        return cell.source.splitlines() if known.get("solution") else []
    secret = re.findall(r"### BEGIN (SOLUTION|HIDDEN TESTS)\n(.*?)### END \1", cell.source, flags=re.DOTALL)
    return [line.strip() for _, lines in secret for line in lines.splitlines()]


def test_the_sheets_are_not_on_the_site():
    """Neither as pages nor as downloads; without an entry in _toc.yml nothing is."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    assert config["only_build_toc_files"] is True
    assert not [sheet for sheet in SHEETS if re.search(rf"course/{sheet.stem}\b", toc)]
    site = build.INDEX.parent
    if not build.INDEX.exists():
        pytest.skip("the site is not built: `make book` first")
    telling = {
        line for sheet in SHEETS for cell in read(sheet).cells for line in answers(cell) if len(line) > 40
    }
    chapters = {path for path in (ROOT / "book").rglob("*.ipynb")} - set(SHEETS)
    taught = {
        line.strip() for path in chapters for cell in read(path).cells for line in cell.source.splitlines()
    }
    telling -= taught  # what a chapter shows is no secret
    assert len(telling) > 60
    for path in site.rglob("*"):
        if path.is_file() and path.suffix in {".html", ".ipynb", ".js", ".json", ".txt", ".md", ".xml"}:
            text = path.read_text(encoding="utf-8", errors="ignore")
            assert not [word for word in telling if word in text], path


def test_binder_makes_the_student_versions_with_pinned_tools():
    script = ROOT / "postBuild"
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", script]).returncode == 0
    text = script.read_text(encoding="utf-8")
    assert "--constraint constraints.txt nbgrader" in text and "tools.course release book/course" in text
    assert "\nnbgrader==" in (ROOT / "constraints.txt").read_text(encoding="utf-8")
