"""Submissions run where nothing in them can stop the others; the table, the class report, files of an LMS."""

import csv
import html
import json
import re
import zipfile

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook, output_from_msg

from noetherlib.course import SLIPS
from tests.course_sheet import answered, cell, sheet
from tools.course import chain, feedback, grading, kernel, lms, preflight, report, results, solutions
from tools.course.submissions import Submission

TOY = sheet()
pytestmark = pytest.mark.filterwarnings(
    "ignore:This process:DeprecationWarning"
)  # pytest has threads, we fork

# ---- running -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def own_profile(tmp_path_factory):
    from tools.environment import use_own_profile

    use_own_profile(tmp_path_factory.mktemp("profile"))


def ran(*sources, seconds=30, skip=None):
    """Outcomes of notebooks, each a list of sources, side by side."""
    waiting = []
    for number, cells in enumerate(sources):
        notebook = new_notebook(cells=[new_code_cell(source) for source in cells])
        ready = preflight.Ready(notebook, None, [], [])
        waiting.append((Submission(str(number), "", "toy", None, "", ready=ready), ""))
    kernel.warm_up()
    found = {task[0].student: outcome for task, outcome in grading.attempts(waiting, seconds, 2)}
    return [found[str(number)] for number in range(len(sources))]


def told(outcome):
    """What each cell printed, or the error that it ended with."""
    cells = nbformat.reads(outcome["notebook"], as_version=4).cells
    return ["".join(o.get("text", o.get("ename", "")) for o in c.outputs) for c in cells]


def test_no_submission_stops_another():
    loop, stubborn, crash, good = ran(
        ["x = 1", "while True: pass", "x"],
        [
            "import time\nwhile True:\n    try:\n        time.sleep(0.01)\n    except BaseException: pass",
            "print('after')",
        ],
        ["print('before')", "import os; os._exit(3)", "print('after')"],
        ["import sys; print('told', file=sys.stderr)", "print('done')"],
        seconds=1,
    )
    assert [place for place, _ in loop["stopped"]] == [1] and told(loop)[1].endswith("Stopped")
    # a kernel that does not stop, or ends itself, is ended: all other cells are then run without that one
    assert "did not stop" in stubborn["stopped"][0][1] and told(stubborn)[1] == "after\n"
    assert crash["stopped"] == [[1, "it ended the kernel (exit 3)"]]
    assert told(crash) == ["before\n", "Stopped", "after\n"]
    assert good["stopped"] == [] and told(good) == ["told\n", "done\n"]


def test_a_notebook_that_ends_every_kernel_is_given_up():
    (outcome,) = ran([*["import os; os._exit(3)"] * 6, "print('never')"])
    assert outcome["died"] == ["it ended the kernel (exit 3)", grading.DEATHS]
    assert told(outcome)[-1] == "Stopped"  # a cell without outputs would have all its points


def test_what_is_huge_has_an_end():
    (outcome,) = ran(["print('x' * 10**6)\n1 / 0", "y = bytearray(10**11)", "print('alive')", "input()"])
    printed, memory, alive, asked = told(outcome)
    assert len(printed) < 2 * kernel.OUTPUT and printed.endswith("ZeroDivisionError")
    assert (memory, alive) == ("MemoryError", "alive\n") and "StdinNotImplemented" in asked


def test_students_do_not_share_random_numbers():
    code = ["import numpy as np; print(np.random.normal())"]
    first, second = ran(code, code)
    assert told(first) != told(second)


# ---- the table -----------------------------------------------------------------------------------------


def record(student="ada", state="graded", reason="", name="Lovelace, Ada", said=None, **points):
    """A record: points of the cells, None where a person reads; ``said`` is what failed checks said."""
    of = {"check": 2, "hidden": 1, "why": 3}
    said = said or {}
    cells = {
        cell: {"points": points[cell], "of": most, "said": said.get(cell)}
        for cell, most in of.items()
        if cell in points
    }
    known = {"student": student, "name": name, "set": "toy", "state": state, "reason": reason, "cells": cells}
    return known | {"flags": [], "remarks": [], "file": f"{student}/toy.ipynb", "late": False}


def completed(*records):
    return [results.completed(one, TOY) for one in records]


CLASS = completed(
    record("ada", check=2, hidden=1, why=3),
    record("emmy", check=2, hidden=0, why=None),
    record("max", "partly", "toy-double: stopped after 30 s", check=0, hidden=0, why=0),
    record("carl", "failed", "the file is not JSON"),
    record("zero", check=0, hidden=0, why=0),
    *results.absent([lms.Person("gone", "Gone, A."), lms.Person("ada", "")], [record()], {}),
)


def test_a_failure_is_never_a_zero(tmp_path):
    results.write(CLASS, tmp_path / "results.csv")
    with open(tmp_path / "results.csv", encoding="utf-8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    found = {student: (row["state"], row["points"], row["unread"]) for student, row in rows.items()}
    assert found == {
        "ada": ("graded", "6", ""),
        "emmy": ("unread", "2", "3"),
        "max": ("partly", "0", ""),
        "carl": ("failed", "", ""),
        "zero": ("graded", "0", ""),
        "gone": ("absent", "", ""),
    }
    assert all(rows[student]["reason"] for student in ("emmy", "max", "carl", "gone"))
    assert set(results.STATES) == {row["state"] for row in rows.values()}


def test_marks_are_of_what_is_complete():
    assert results.marks(CLASS) == {"ada": 6, "zero": 0}
    assert results.marks(CLASS, ["unread", "partly"]) == {"ada": 6, "zero": 0, "emmy": 2, "max": 0}
    assert results.marks(CLASS, ["failed", "absent"]) == {"ada": 6, "zero": 0}


def test_the_table_is_shown_with_reasons_and_flags():
    flagged = CLASS[0] | {"flags": ["the identifier is the template's"]}
    text = results.show([flagged, *CLASS[1:]])
    assert "2 graded, 1 unread, 1 partly, 1 failed, 1 absent" in text
    assert "the file is not JSON" in text and "Look at ada: the identifier is the template's" in text


# ---- the class -----------------------------------------------------------------------------------------


def mistake(slip, task="simulator"):
    return {"error": "Mistake", "text": f"{task}: {SLIPS[slip]}. A detail."}


@pytest.mark.parametrize("slip", SLIPS)
def test_every_slip_is_recognised(slip):
    assert report.slip_of(mistake(slip)) == slip


def test_most_slips_say_where_to_read():
    silent = [slip for slip in SLIPS if not report.where(slip)]
    assert set(silent) <= {"sign", "drift"}
    assert report.where("σ² for D") == "'Factors to beware of' on the notation page"


def test_other_failures_have_names_of_their_own():
    kinds = [
        ("NotImplementedError", ""),
        ("NameError", ""),
        ("AssertionError", "off"),
        ("Mistake", "off: no"),
    ]
    found = [report.slip_of({"error": error, "text": text}) for error, text in kinds]
    assert found == [report.NOTHING, report.NOTHING, report.OTHER, report.OTHER]
    assert report.slip_of({"error": "ValueError", "text": ""}) == "the program stopped: ValueError"


def test_a_student_counts_once_for_a_slip():
    twice = {"check": mistake("sign"), "hidden": mistake("sign")}
    class_ = [
        record("ada", said=twice, check=0, hidden=0),
        record("emmy", said={"hidden": mistake("sign")}, check=2, hidden=0),
        record("max", check=2, hidden=1),
        record("carl", "failed"),
    ]
    (row,) = report.slips(class_)
    assert (row["slip"], row["students"], row["of"], row["share"]) == ("sign", 2, 3, 0.667)
    assert row["tasks"] == "check hidden" and report.told(class_) == "2 of 3: sign"


def test_discrimination_is_the_point_biserial_correlation():
    right, others = np.array([1, 1, 0, 1, 0, 0], bool), np.array([9.0, 7, 3, 8, 4, 6])
    p, q = right.mean(), 1 - right.mean()
    closed = (others[right].mean() - others[~right].mean()) / others.std() * np.sqrt(p * q)
    assert report.discrimination(right, others) == pytest.approx(closed, abs=0.005)
    assert report.discrimination(np.ones(6, bool), others) == ""
    assert report.discrimination(right, np.ones(6)) == ""
    assert report.discrimination(right[:4], others[:4]) == ""


def test_a_task_is_compared_with_all_others():
    class_ = [record(str(i), check=2 * (i > 2), hidden=int(i > 3), why=None) for i in range(6)]
    check, hidden = report.tasks(class_)  # nobody has read the third
    assert (check["share right"], check["mean"], hidden["share right"]) == (0.5, 1.0, 0.333)
    assert check["discrimination"] == hidden["discrimination"] == pytest.approx(np.sqrt(0.5), abs=0.005)


def test_the_report_has_no_names(tmp_path):
    class_ = [
        record(f"s{i}", name="Noether, Emmy", said={"check": mistake("sign")}, check=0) for i in range(5)
    ]
    report.write(class_, "toy", tmp_path)
    assert report.told(class_) == "5 of 5: sign"
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert set(written) == {"toy.md", "toy.html", "toy-slips.csv", "toy-tasks.csv"}
    for text in written.values():
        assert not re.search(r"Noether, Emmy|\bs[0-4]\b", text)
    assert "<td>5</td>" in written["toy.html"] and "| sign | 5 | 5 | 1.0 |" in written["toy.md"]


# ---- feedback ------------------------------------------------------------------------------------------


def failed(notebook, name, error, text, traceback):
    content = {"ename": error, "evalue": text, "traceback": traceback}
    output = output_from_msg({"header": {"msg_type": "error"}, "msg_type": "error", "content": content})
    cell(notebook, name).outputs = [output]


def test_feedback_has_points_and_comments_and_no_hidden_test():
    notebook = preflight.repair(answered(), TOY).notebook
    failed(notebook, "toy-double-hidden", "AssertionError", "off", ["--> assert double(21) == 42, 'secret'"])
    failed(notebook, "toy-double-check", "Mistake", "double: no", ["Mistake in double: no"])
    one = results.completed(record(**{"check": 2, "why": None}), TOY)
    one["cells"] = {"toy-double-check": one["cells"]["check"], "toy-why": one["cells"]["why"]}
    page = feedback.told_of(notebook, one | {"comments": {"toy-why": "Which sum?"}})
    text = json.dumps(page, ensure_ascii=False)
    assert "secret" not in text and "HIDDEN TESTS" not in text and "AssertionError: off" in text
    assert "Mistake in double: no" in text and "2 of 2 points" in text and "to be read of 3 points" in text
    assert "> Which sum?" in text and "Not all of it has been read yet." in page.cells[0].source
    assert "secret" in cell(notebook, "toy-double-hidden").source  # the teacher's copy is as it was


def test_pages_are_written_once_for_each_content(tmp_path):
    one = results.completed(record("ada", check=2, hidden=1, why=None), TOY) | {"key": "k"}
    path = grading.place(tmp_path, "autograded", "ada", "toy", ".ipynb")
    path.parent.mkdir(parents=True)
    nbformat.write(preflight.repair(answered(), TOY).notebook, path)
    assert feedback.write(tmp_path, [one]) == 1 and feedback.write(tmp_path, [one]) == 0
    read = html.unescape(feedback.page(tmp_path, one).read_text(encoding="utf-8"))
    assert "3 of 6 points" in read and "secret" not in read
    one["cells"]["why"]["points"] = 3
    assert feedback.write(tmp_path, results_of(one)) == 1
    assert feedback.write(tmp_path, [one | {"cells": {}, "points": None}]) == 0
    assert not feedback.page(tmp_path, one).exists()


def results_of(*records):
    return [results.completed(one, TOY) for one in records]


def test_the_bundle_has_only_what_is_released(tmp_path):
    path = solutions.bundle(["noise"], tmp_path)
    with zipfile.ZipFile(path) as archive:
        (name,) = archive.namelist()
        text = archive.read(name).decode()
    assert name == "noise-solutions.ipynb" and "def euler_maruyama" in text and "np.sqrt(2 * D * h)" in text
    assert not re.search("HIDDEN TESTS|SOLUTION|nbgrader|first hidden", text)


# ---- Canvas and Moodle ---------------------------------------------------------------------------------

CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,noise (4711),toy (4712),Assignments Current Score,Final Score
,,,,,Manual Posting,,,
    Points Possible,,,,,30.00,6.00,(read only),(read only)
"Lovelace, Ada",101,0042,ada,Group 1,25.00,,83.33,83.33
"Noether, Emmy",102,0043,emmy,Group 1 and Group 2,,,,
"Hopper, Grace",103,0044,grace,Group 2,,5.00,,
"Student, Test",199,,f00,Group 1,,,,
"""
CANVAS_NAMES = """\
\ufeffLastName;FirstName;ID;SIS User ID;SIS Login ID;Integration ID;Section;toy (4712)
    Points Possible;;;;;;;6,00
Lovelace;Ada;101;0042;ada;;Group 1;
Noether;Emmy;102;0043;emmy;;Group 1;
"""
MOODLE = """\
Identifier,"Full name","Email address",Status,Grade,"Maximum Grade","Grade can be changed",\
"Last modified (submission)","Last modified (grade)","Feedback comments"
"Participant 101","Ada Lovelace",ada@example.org,"Submitted for grading - ",,6.00,Yes,\
"Sunday, 1 November 2026, 9:00 PM",-,"well, done"
"Participant 102","Emmy Noether",emmy@example.org,"No submission - ",,6.00,Yes,-,-,
"""
MOODLE_NEW = """\
Identifier,"Full name","ID number","Email address",Status,Group,Marker,Grade,"Maximum grade",\
"Marking workflow state","Grade can be changed","Last modified (submission)","Last modified (grade)",\
"Feedback comments"
"Participant 101","Ada Lovelace",0042,ada@example.org,"Submitted for grading",A,,,6.00,"Not marked",Yes,-,-,
"Participant 102","Emmy Noether",0043,emmy@example.org,"No submission",A,,,6.00,"Not marked",Yes,-,-,
"""
FILES = {"canvas": CANVAS, "canvas names": CANVAS_NAMES, "moodle": MOODLE, "moodle new": MOODLE_NEW}
COLUMN = {"canvas": "toy (4712)", "canvas names": "toy (4712)", "moodle": "Grade", "moodle new": "Grade"}


def lms_file(which, folder):
    path = folder / "class.csv"
    path.write_text(FILES[which], encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize("which", FILES)
def test_the_class_is_read_from_what_an_lms_writes(which, tmp_path):
    class_ = {person.student: person for person in lms.people(lms_file(which, tmp_path))}
    assert {"101", "102"} <= set(class_) and "Lovelace" in class_["101"].name
    identifier = "ada@example.org" if which == "moodle" else "0042"
    assert class_["101"].answers_to(f" {identifier.upper()} ") and not class_["102"].answers_to(identifier)


def test_the_class_is_read_from_what_nbgrader_reads(tmp_path):
    (tmp_path / "students.csv").write_text("id,first_name,last_name,email\nada,Ada,Lovelace,a@example.org\n")
    (person,) = lms.people(tmp_path / "students.csv")
    assert person.name == "Lovelace, Ada" and person.answers_to("A@example.org")


@pytest.mark.parametrize("which", FILES)
def test_marks_go_into_the_column_that_an_lms_reads(which, tmp_path):
    path, to = lms_file(which, tmp_path), tmp_path / "out.csv"
    assert lms.fill(path, {"101": 5.5, "105": 1}, "toy", 6, to) == 1
    before, after = lms.Table.read(path), lms.Table.read(to)
    assert (after.kind, after.delimiter, after.encoding) == (before.kind, before.delimiter, before.encoding)
    column = after.column(COLUMN[which])
    found = {lms.student_of(after, row): row[column] for row in after.rows}
    assert (found["101"], found["102"]) == ("5.5", "")
    if after.kind == "moodle":  # all else is as it was
        assert after.header == before.header
        grade = after.column("Grade")
        kept = [[row[:grade] + row[grade + 1 :] for row in table.rows] for table in (before, after)]
        assert kept[0] == kept[1]
    else:  # nothing else can be changed by an import, and what Canvas had stays
        assert after.header == [*before.header[: before.column("Section") + 1], "toy (4712)"]
        assert any(row[0].strip() == "Points Possible" and row[-1].startswith("6") for row in after.rows)
    if which == "canvas":
        assert found["103"] == "5.00" and [*after.rows[0]] == [""] * 6


@pytest.mark.parametrize(
    "which, title, most, why",
    [
        ("canvas", "toy", 30, "gives 6 points for toy, and it has 30"),
        ("moodle", "toy", 30, "gives 6 points"),
        ("canvas", "symmetries", 6, "must name one assignment"),
        ("canvas", "o", 6, "must name one assignment"),
    ],
)
def test_points_that_do_not_fit_are_refused(which, title, most, why, tmp_path):
    with pytest.raises(ValueError, match=why):
        lms.fill(lms_file(which, tmp_path), {"101": 1}, title, most, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_a_file_that_is_no_class_list_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("Nom,Note\n")
    with pytest.raises(ValueError, match="Nom, Note"):
        lms.people(tmp_path / "a.csv")


def test_who_uses_the_identifier_of_another_is_flagged(tmp_path):
    class_ = lms.people(lms_file("canvas", tmp_path))
    made = []
    for student, used in [("101", "0042"), ("102", "ADA"), ("103", "any word"), ("777", "0099")]:
        made.append(Submission(student, "", "toy", None, "", ready=preflight.Ready(None, used, [], [])))
    lms.flag_foreign(made, class_)
    assert [one.ready.flags for one in made] == [
        [],
        ["the identifier 'ADA' is that of Lovelace, Ada"],
        [],
        [],
    ]
    assert made[3].remarks == ["is not in the class list"]


@pytest.mark.parametrize(
    "sent, back",
    [
        ("lovelaceada_101_9_toy.ipynb", "lovelaceada_101_9_toy.html"),
        (
            "Ada Lovelace_101_assignsubmission_file_/toy.ipynb",
            "Ada Lovelace_101_assignsubmission_file_/toy.html",
        ),
    ],
)
def test_pages_go_back_under_the_names_that_the_lms_gave(sent, back, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("page")
    lms.feedback_archive([record() | {"file": sent}], lambda one: page, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == [back]


def test_results_go_beside_what_was_handed_in_or_into_the_course(tmp_path):
    assert chain.course_of(tmp_path / "in") == (tmp_path / "in", tmp_path / "in-graded")
    (tmp_path / "submitted").mkdir()
    assert chain.course_of(tmp_path) == (tmp_path / "submitted", tmp_path)
