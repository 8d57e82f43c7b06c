"""The whole chain on sample submissions of every set, into _build/course: `make course`.

The samples are a right one, an empty one, and what tests/submissions.yml says of typical wrong ones. None of
them is kept in git. Answers that a person reads are given all their points here, so that the points that are
missing are those that a check has taken.
"""

import json
import re
import shutil
import tempfile
from pathlib import Path

import nbformat

from tools.course import COURSE, REPORT, SOURCE, STAMP, SUBMISSIONS, current, inputs, problem_sets
from tools.course.grading import place
from tools.course.sheets import database, mark, prepare


def submission(name, student, released, mistakes):
    """A submission of the student version: the right answers, but for the mistakes, a list of cells."""
    answers, marker = {}, re.compile(r"^ *### (BEGIN|END) SOLUTION\n?", flags=re.MULTILINE)
    for cell in nbformat.read(SOURCE / f"{name}.ipynb", as_version=4).cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            answers[mark(cell)] = marker.sub("", cell.source)
    answers[f"{name}-student"] = f"student = {student!r}"
    answers |= {mistake["cell"]: mistake["answer"] for mistake in mistakes}
    notebook = nbformat.from_dict(released)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = answers.pop(mark(cell))
    assert not answers, f"{name} has no cell {list(answers)}"
    return notebook


def hand_in(folder):
    """Write the samples as students hand them in: STUDENT/SET/SET.ipynb."""
    import yaml

    wrong = yaml.safe_load(SUBMISSIONS.read_text(encoding="utf-8"))
    for name, sheet in prepare(COURSE, problem_sets()).items():
        for student in ("right", "empty", *wrong):
            sent = sheet.released
            if student != "empty":
                sent = submission(name, student, sheet.released, wrong.get(student, {}).get(name, []))
            path = folder / student / name / f"{name}.ipynb"
            path.parent.mkdir(parents=True)
            nbformat.write(sent, path)


def read_by_hand():
    """Give every answer that waits for a person all its points; return which they were."""
    from nbgrader.api import Gradebook

    with Gradebook(database(COURSE)) as gradebook:
        waiting = [
            (submission.student.id, submission.assignment.name, grade)
            for name in problem_sets()
            for submission in gradebook.assignment_submissions(name)
            for notebook in submission.notebooks
            for grade in notebook.grades
            if grade.needs_manual_grade
        ]
        for *_, grade in waiting:
            grade.manual_score, grade.needs_manual_grade = grade.max_score, False
        gradebook.db.commit()
        return {(student, name, grade.name) for student, name, grade in waiting}


def export(table):
    """Write all points into a table, as nbgrader does."""
    from nbgrader.api import Gradebook
    from nbgrader.plugins import CsvExportPlugin

    with Gradebook(database(COURSE)) as gradebook:
        CsvExportPlugin(to=str(table)).export(gradebook)


def shown(name, student):
    """What the cells of a graded submission show where they failed."""
    outputs = {}
    for cell in nbformat.read(place(COURSE, "autograded", student, name, ".ipynb"), as_version=4).cells:
        errors = [output for output in cell.get("outputs", []) if output.output_type == "error"]
        if errors and mark(cell):
            outputs[mark(cell)] = "\n".join(errors[0].traceback)
    return outputs


def told(records, by_hand):
    """{set: {student: {points: {cell: points, of, by hand}, shown: {cell: what it says}}}}."""
    report = {}
    for record in records:
        student, name = record["student"], record["set"]
        points = {
            cell: {"points": known["points"], "of": known["of"], "by hand": (student, name, cell) in by_hand}
            for cell, known in record["cells"].items()
        }
        report.setdefault(name, {})[student] = {"points": points, "shown": shown(name, student)}
    return report


def main():
    from tools.course.chain import grade_folder

    if current():
        print(f"Nothing changed since the last run: {COURSE}")
        return
    made_of = inputs()
    shutil.rmtree(COURSE, ignore_errors=True)
    COURSE.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        hand_in(folder)
        grade_folder(folder, COURSE)
        by_hand = read_by_hand()
        records = grade_folder(folder, COURSE)
    export(COURSE / "grades.csv")
    report = told(records, by_hand)
    REPORT.write_text(json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8")
    STAMP.write_text(made_of)
    print(f"Student versions: {COURSE / 'release'}. Feedback: {COURSE / 'feedback'}")
