"""A class whose work has every fault that we know: nobody stops the others, and each fault is told.

`make course STUDENTS=60` has so many students; the faults are there in any case. Skipped without nbgrader.
"""

import copy
import csv
import json
import os
import shutil
from itertools import chain as chain_of
from itertools import combinations

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell

from tests.course_sheet import cell, write
from tools.course import SUBMISSIONS, chain, grading, report, samples, sheets

pytest.importorskip("nbgrader")

pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
NAME = "noise"
SECONDS = 10
WRONG = yaml.safe_load(SUBMISSIONS.read_text(encoding="utf-8"))
READ = 5  # points that a person gives
FULL = 25


def faults(sheet):
    """{student: (what is handed in, state, points, what the table says)}."""

    def right(student, **changed):
        mistakes = [{"cell": f"{NAME}-{where}", "answer": answer} for where, answer in changed.items()]
        return samples.submission(NAME, student, sheet.released, mistakes)

    stripped = right("stripped")
    for one in stripped.cells:
        one.metadata = nbformat.NotebookNode()
    copied = right("copied")
    copied.cells.append(copy.deepcopy(cell(copied, "noise-action-check")))
    missing = right("missing")
    missing.cells = [c for c in missing.cells if c.id not in ("noise-action-check", "noise-odds-hidden")]
    old = right("old")
    for one in old.cells:
        for key in ("schema_version", "task", "locked"):
            one.metadata.get("nbgrader", {}).pop(key, None)
    more = right("more")
    more.cells.insert(4, new_code_cell("import sys\nprint('a bar', file=sys.stderr)"))
    cheat = right("cheat")
    for c in cheat.cells:
        if c.id.endswith("-check"):
            c.source = "pass"
    odds = cell(right("x"), "noise-odds").source
    loop = right("loop", odds="while True:\n    pass")
    crash = right("crash", odds="import os\nos._exit(1)")
    noisy = right("noisy", odds="import sys\nprint('0 %', file=sys.stderr)\n" + odds)
    return {
        "stripped": (stripped, "unread", FULL, "lost, and found again"),
        "copied": (copied, "unread", FULL, "copied, and one of each is graded: noise-action-check"),
        "missing": (missing, "unread", FULL, "put back as released: noise-action-check, noise-odds-hidden"),
        "old": (old, "unread", FULL, ""),
        "more": (more, "unread", FULL, ""),
        "cheat": (cheat, "unread", FULL, "checks were changed, and put back"),
        "noisy": (noisy, "unread", FULL, ""),
        "loop": (loop, "partly", FULL - 4, f"noise-odds: stopped after {SECONDS} s"),
        "crash": (crash, "partly", FULL - 4, "noise-odds: it ended the kernel (exit 1)"),
        "broken": ('{"cells": [', "failed", None, "not JSON"),
        "empty": ("", "failed", None, "empty"),
        "template": (right("your identifier"), None, None, "template"),
        "another": (right("copied"), "unread", FULL, "2 students use the identifier 'copied'"),
    }


def apart(mistakes):
    """Whether they are in cells of their own, and lose points at checks of their own."""
    places = [place for mistake in mistakes for place in (mistake["cell"], *mistake["loses"])]
    return len(set(places)) == len(places)


def answers():
    """Sets of changed answers, no two alike: one in four right in unusual forms, three wrong."""
    each = [mistake for kind in WRONG.values() for mistake in kind[NAME]]
    sets = [some for n in (1, 2, 3, 4) for some in combinations(each, n) if apart(some)]
    forms = [some for some in sets if not any(mistake["loses"] for mistake in some)]
    wrong = [some for some in sets if len(some) < 3 and all(mistake["loses"] for mistake in some)]
    rounds = zip(forms, *(wrong[k::3] for k in range(3)))
    return list(chain_of.from_iterable(rounds)) + wrong[3 * len(forms) :]


def others(sheet, count):
    """Right and wrong students without faults, the first with nothing changed."""
    changed = [(), *answers()]
    assert count <= len(changed), f"{len(changed)} students can be told apart"
    made = {}
    for number, mistakes in enumerate(changed[:count]):
        student = f"student{number}"
        sent = samples.submission(NAME, student, sheet.released, mistakes)
        lost = sum(points for mistake in mistakes for points in mistake["loses"].values())
        slips = {mistake["slip"] for mistake in mistakes} - {None}
        made[student] = sent, "unread", FULL - lost, "", slips
    return made


@pytest.fixture(scope="module")
def class_(tmp_path_factory):
    """The folders of what was handed in and of the results, what was expected, and the records."""
    folder = tmp_path_factory.mktemp("class") / "in"
    course = folder.with_name("course")
    sheet = sheets.prepare(course, [NAME])[NAME]
    expected = faults(sheet)
    expected |= others(sheet, max(0, int(os.environ.get("STUDENTS", 9)) - len(expected)) or 4)
    for student, (sent, *_) in expected.items():
        write(sent, folder / student / "my work (1).ipynb")
    people = folder.with_name("people.csv")
    rows = "".join(f"{student},,,\n" for student in [*expected, "gone"])
    people.write_text(f"id,first_name,last_name,email\n{rows}")
    records = chain.grade_folder(folder, course, NAME, people, SECONDS)
    return folder, course, people, expected, {record["student"]: record for record in records}


def test_every_student_has_state_points_and_reason(class_):
    *_, expected, records = class_
    assert set(records) == {*expected, "gone"} and records["gone"]["state"] == "absent"
    for student, (_, state, points, told, *slips) in expected.items():
        record = records[student]
        if student != "template":
            assert (student, record["state"], record["points"]) == (student, state, points)
        assert told in " ".join([record["reason"], *record["flags"], *record["remarks"]]), student
        if slips:
            assert slips[0] <= {row["slip"] for row in report.slips([record])}, student


def test_the_table_and_the_database_have_no_points_for_failures(class_):
    from nbgrader.api import Gradebook

    _, course, _, expected, _ = class_
    with open(course / "results.csv", encoding="utf-8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    failed = {student for student, row in rows.items() if row["state"] in ("failed", "absent")}
    assert failed == {"broken", "empty", "gone"}
    assert all(rows[student]["points"] == "" for student in failed)
    with Gradebook(sheets.database(course)) as gradebook:
        known = {submission.student.id for submission in gradebook.assignment_submissions(NAME)}
    assert known == set(expected) - failed


def test_the_pages_for_students_have_no_hidden_tests(class_):
    _, course, _, expected, _ = class_
    pages = {path.parent.parent.name: path.read_text() for path in course.glob("feedback/*/*/*.html")}
    assert set(pages) == set(expected) - {"broken", "empty"}
    assert not [
        student for student, page in pages.items() if "HIDDEN TESTS" in page or "exact law" not in page
    ]


def test_the_class_report_counts_slips(class_):
    _, course, _, expected, _ = class_
    with open(course / "report" / f"{NAME}-slips.csv", encoding="utf-8", newline="") as file:
        found = {row["slip"]: int(row["students"]) for row in csv.DictReader(file)}
    slips = [slip for _, _, _, _, *named in expected.values() for each in named for slip in each]
    assert slips and all(found[slip] >= slips.count(slip) for slip in slips)
    assert (course / "report" / f"{NAME}.html").exists()


def test_a_second_run_grades_what_has_changed_and_takes_up_what_was_read(class_, monkeypatch):
    from nbgrader.api import Gradebook

    folder, course, people, _, before = class_
    graded = []
    attempts = grading.attempts
    monkeypatch.setattr(
        grading, "attempts", lambda tasks, *rest: graded.extend(tasks) or attempts(tasks, *rest)
    )

    def again():
        graded.clear()
        records = chain.grade_folder(folder, course, NAME, people, SECONDS)
        return {record["student"]: record for record in records}

    assert again().keys() == before.keys() and graded == []
    with Gradebook(sheets.database(course)) as gradebook:
        for grade in gradebook.find_submission_notebook(NAME, NAME, "student0").grades:
            if grade.needs_manual_grade:
                grade.manual_score, grade.needs_manual_grade = 4, False
        gradebook.db.commit()
    read = again()["student0"]
    assert (read["state"], read["points"], graded) == ("graded", FULL + 4, [])
    # a second try, and a first one in place of a broken file
    source = folder / "student0" / "my work (1).ipynb"
    shutil.copy(source, folder / "broken" / "again.ipynb")
    source.write_text(source.read_text().replace("Euler", "EULER") + "\n")
    records = again()
    assert {task[0].student for task in graded} == {"student0", "broken"}
    assert (records["student0"]["state"], records["student0"]["unread"]) == ("unread", READ)
    assert (records["broken"]["state"], records["broken"]["points"]) == ("unread", FULL)


def test_points_are_those_of_nbgrader(class_, tmp_path):
    """For submissions without faults, cell by cell."""
    from nbgrader.api import Gradebook

    folder, course, _, _, records = class_
    for part in ("source", "release"):
        shutil.copytree(course / part, tmp_path / part)
    students = ["student2", "student3"]  # wrong in one place
    api = sheets.nbgrader(tmp_path)
    assert api.generate_assignment(NAME, force=True)["success"]
    for student in students:
        to = tmp_path / "submitted" / student / NAME
        to.mkdir(parents=True)
        shutil.copy(folder / student / "my work (1).ipynb", to / f"{NAME}.ipynb")
        assert api.autograde(NAME, student)["success"]
    with Gradebook(sheets.database(tmp_path)) as gradebook:
        for student in students:
            theirs = gradebook.find_submission_notebook(NAME, NAME, student).grades
            ours = json.loads(grading.place(course, "results", student, NAME, ".json").read_text())["cells"]
            assert {g.name: g.auto_score for g in theirs} == {name: c["points"] for name, c in ours.items()}
            assert records[student]["points"] < FULL
