"""What `make course` left in _build/course: student versions without solutions, points, feedback.

Skipped where it has not run, or ran with other files than these.
"""

import csv
import html
import json
import re

import pytest
import yaml

from noetherlib.course import SLIPS
from tools import course
from tools.notebooks import read

WRONG = yaml.safe_load(course.SUBMISSIONS.read_text(encoding="utf-8"))
CASES = [(name, student) for name in course.problem_sets() for student in WRONG]

pytestmark = pytest.mark.skipif(not course.current(), reason="the course is not graded: `make course` first")


@pytest.fixture(scope="module")
def report():
    return json.loads(course.REPORT.read_text(encoding="utf-8"))


def cells(path):
    """The cells that nbgrader knows, by name."""
    return {c.metadata.nbgrader.grade_id: c for c in read(path).cells if "nbgrader" in c.metadata}


def instructor(name):
    return cells(course.SOURCE / f"{name}.ipynb")


def released(name):
    return course.COURSE / "release" / name / f"{name}.ipynb"


def secrets(cell):
    """Lines that no student may see: solutions, answers to be read by a person, hidden tests."""
    source = cell.source
    if cell.cell_type == "code":
        pattern = r"### BEGIN (SOLUTION|HIDDEN TESTS)\n(.*?)### END \1"
        source = "\n".join(match[2] for match in re.finditer(pattern, source, flags=re.DOTALL))
    elif not cell.metadata.nbgrader.solution:
        source = ""
    return {line.strip() for line in source.splitlines() if len(line.strip()) > 12}


@pytest.mark.parametrize("name", course.problem_sets())
def test_the_student_version_has_no_solution(name):
    text = released(name).read_text(encoding="utf-8")
    for marker in ("BEGIN SOLUTION", "END SOLUTION", "HIDDEN TESTS"):
        assert marker not in text
    notebook = read(released(name))
    shown = [line.strip() for cell in notebook.cells for line in cell.source.splitlines()]
    hidden = set().union(*(secrets(cell) for cell in instructor(name).values()))
    assert len(hidden) > 20
    # a line may be given to students on purpose elsewhere; then the instructor version has it there too
    given = {
        line.strip()
        for cell in read(course.SOURCE / f"{name}.ipynb").cells
        for line in cell.source.splitlines()
        if line.strip() not in (secrets(cell) if "nbgrader" in cell.metadata else ())
    }
    assert not (hidden - given) & set(shown)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert [cell.source for cell in notebook.cells].count("YOUR ANSWER HERE") == sum(
        cell.cell_type == "markdown" for cell in instructor(name).values()
    )


@pytest.mark.parametrize("name", course.problem_sets())
def test_the_student_version_asks_for_every_solution_once(name):
    students = cells(released(name))
    for grade_id, cell in instructor(name).items():
        stubs = cell.source.count("### BEGIN SOLUTION")
        assert students[grade_id].source.count("YOUR CODE HERE") == stubs
        assert students[grade_id].source.count("raise NotImplementedError()") == stubs


@pytest.mark.parametrize("name", course.problem_sets())
def test_a_right_submission_has_all_points_and_an_empty_one_none(name, report):
    right, empty = (report[name][student]["points"] for student in ("right", "empty"))
    assert sum(cell["of"] for cell in right.values()) == 30
    assert all(cell["points"] == cell["of"] for cell in right.values())
    assert all(cell["points"] == 0 and not cell["by hand"] for cell in empty.values())
    assert not report[name]["right"]["shown"]
    # what a person reads is what a person was asked to read, and all else was graded without one
    texts = {grade_id for grade_id, cell in instructor(name).items() if cell.cell_type == "markdown"}
    assert {grade_id for grade_id, cell in right.items() if cell["by hand"]} == texts != set()


def test_the_exported_table_has_all_the_points(report):
    with open(course.COURSE / "grades.csv", newline="", encoding="utf-8") as file:
        rows = {(row["assignment"], row["student_id"]): float(row["score"]) for row in csv.DictReader(file)}
    assert rows == {
        (name, student): sum(cell["points"] for cell in graded["points"].values())
        for name, students in report.items()
        for student, graded in students.items()
    }


def test_there_are_sample_submissions_of_everything():
    assert set(WRONG) == {"factors", "terms", "habits", "forms", "tricks"}
    assert all(set(WRONG[student]) == set(course.problem_sets()) for student in WRONG)
    mistakes = [mistake for sets in WRONG.values() for mistakes in sets.values() for mistake in mistakes]
    named = {mistake["slip"] for mistake in mistakes} - {None}
    assert (
        {
            "factor ½",
            "σ² for D",
            "sign",
            "left-point rule",
            "missing ½∇·f",
            "units",
            "E and L",
            "saddle",
            "unconverged",
            "transposed axes",
            "global seed",
        }
        <= named
        <= set(SLIPS)
    )


@pytest.mark.parametrize("name, student", CASES)
def test_a_mistake_loses_exactly_its_points(name, student, report):
    losses = {}
    for mistake in WRONG[student][name]:
        losses |= mistake["loses"]
    got = report[name][student]["points"]
    lost = {grade_id: cell["of"] - cell["points"] for grade_id, cell in got.items()}
    assert {grade_id: points for grade_id, points in lost.items() if points} == losses


@pytest.mark.parametrize("name, student", CASES)
def test_the_feedback_names_the_slip(name, student, report):
    page = (course.COURSE / "feedback" / student / name / f"{name}.html").read_text(encoding="utf-8")
    page = html.unescape(re.sub(r"<[^>]+>", "", page))
    shown = report[name][student]["shown"]
    for mistake in WRONG[student][name]:
        for first in list(mistake["loses"])[:1]:  # none, where the answer is right in an unusual form
            assert shown[first].startswith("Mistake in ") and SLIPS.get(mistake["slip"], "") in shown[first]
            assert shown[first] in page
        assert set(mistake["loses"]) <= set(shown)  # each cell that costs points says why
    assert set(shown) == {cell for mistake in WRONG[student][name] for cell in mistake["loses"]}


@pytest.mark.parametrize("name", course.problem_sets())
def test_every_submission_had_numbers_of_its_own(name, report):
    numbers = set()
    for student in report[name]:
        if student != "empty":
            path = course.COURSE / "autograded" / student / name / f"{name}.ipynb"
            numbers.add(cells(path)[f"{name}-numbers"].outputs[0].text)
    assert len(numbers) == len(report[name]) - 1
