"""Make the problem sets' student versions, and grade sample submissions of them, with nbgrader.

python -m tools.course                   all of it, into _build/course; stops at once when nothing changed
python -m tools.course release FOLDER    the student versions alone, into FOLDER

The sample submissions are a right one, an empty one, and what tests/submissions.yml says of typical wrong
ones. None of them is kept in git. Answers that a person reads are given all their points here, so that the
points that are missing are those that a check has taken.
"""

import json
import logging
import os
import re
import shutil
import sys
import tempfile
import time
import warnings
from functools import cache
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "book" / "course"
COURSE = ROOT / "_build" / "course"
REPORT = COURSE / "report.json"
STAMP = COURSE / "inputs"
SUBMISSIONS = ROOT / "tests" / "submissions.yml"
INPUTS = ["noetherlib", "book/course", "tools/course.py", "tests/submissions.yml", "constraints.txt"]


def inputs():
    """Changes when anything does that the grades depend on."""
    from tools.build import fingerprint

    return fingerprint(INPUTS)


def current():
    """Whether the results are there, and made of what is here now."""
    return REPORT.exists() and STAMP.exists() and STAMP.read_text() == inputs()


def problem_sets():
    return sorted(path.stem for path in SOURCE.glob("*.ipynb"))


def nbgrader(folder):
    """nbgrader's interface to a course in ``folder``, whose sources are the problem sets."""
    from nbgrader import api as gradebook
    from nbgrader.apps import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    # it runs alembic by its bare name, and again whenever it opens its gradebook: once is enough
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    gradebook.get_alembic_version = cache(gradebook.get_alembic_version)
    warnings.filterwarnings("ignore", module="nbgrader")
    for name in problem_sets():
        (folder / "source" / name).mkdir(parents=True)
        shutil.copy(SOURCE / f"{name}.ipynb", folder / "source" / name)
    api = NbGraderAPI(CourseDirectory(root=str(folder), db_url=f"sqlite:///{folder / 'gradebook.db'}"))
    api.config.Execute.timeout = 300  # seconds for a cell; machines may be busy
    api.log.setLevel(logging.ERROR)
    return api


def demand(result, what):
    """Go on if nbgrader says that it succeeded, else tell what it said."""
    if not result["success"]:
        sys.exit(f"{what} failed:\n{result.get('log') or result.get('error')}")


def release(folder):
    """Write the student versions into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as course:
        api = nbgrader(Path(course))
        for name in problem_sets():
            demand(api.generate_assignment(name), f"the release of {name}")
            shutil.copy(Path(course) / "release" / name / f"{name}.ipynb", folder)


# ---- sample submissions --------------------------------------------------------------------------------


def submission(name, student, released, mistakes):
    """A submission of the student version: the right answers, but for the mistakes, a list of cells."""
    answers, marker = {}, re.compile(r"^ *### (BEGIN|END) SOLUTION\n?", flags=re.MULTILINE)
    for cell in nbformat.read(SOURCE / f"{name}.ipynb", as_version=4).cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            answers[cell.metadata.nbgrader.grade_id] = marker.sub("", cell.source)
    answers[f"{name}-student"] = f"student = {student!r}"
    answers |= {mistake["cell"]: mistake["answer"] for mistake in mistakes}
    notebook = nbformat.from_dict(released)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = answers.pop(cell.metadata.nbgrader.grade_id)
    assert not answers, f"{name} has no cell {list(answers)}"
    return notebook


def grade_by_hand(name, student):
    """Give an answer that a person would read all its points; return the points of all graded cells."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{COURSE / 'gradebook.db'}") as gradebook:
        grades = gradebook.find_submission_notebook(name, name, student).grades
        waiting = [grade for grade in grades if grade.needs_manual_grade]
        by_hand = {grade.name for grade in waiting}
        for grade in waiting:
            grade.manual_score, grade.needs_manual_grade = grade.max_score, False
        gradebook.db.commit()
        return {
            grade.name: {"points": grade.score, "of": grade.max_score, "by hand": grade.name in by_hand}
            for grade in grades
        }


def export(table):
    """Write all points into a table, as other systems read it."""
    from nbgrader.api import Gradebook
    from nbgrader.plugins import CsvExportPlugin

    plugin = CsvExportPlugin(to=str(table))
    with Gradebook(f"sqlite:///{COURSE / 'gradebook.db'}") as gradebook:
        plugin.export(gradebook)


def shown(name, student):
    """What the cells of a graded submission show where they failed."""
    path = COURSE / "autograded" / student / name / f"{name}.ipynb"
    outputs = {}
    for cell in nbformat.read(path, as_version=4).cells:
        errors = [output for output in cell.get("outputs", []) if output.output_type == "error"]
        if errors and "nbgrader" in cell.metadata:
            outputs[cell.metadata.nbgrader.grade_id] = "\n".join(errors[0].traceback)
    return outputs


def grade():
    """The whole chain, for every problem set and every sample submission."""
    import yaml

    wrong = yaml.safe_load(SUBMISSIONS.read_text(encoding="utf-8"))
    api, report = nbgrader(COURSE), {}
    for name in problem_sets():
        demand(api.generate_assignment(name), f"the release of {name}")
        released = nbformat.read(COURSE / "release" / name / f"{name}.ipynb", as_version=4)
        for student in ("right", "empty", *wrong):
            start = time.monotonic()
            mistakes = wrong.get(student, {}).get(name, [])
            sent = released if student == "empty" else submission(name, student, released, mistakes)
            folder = COURSE / "submitted" / student / name
            folder.mkdir(parents=True)
            nbformat.write(sent, folder / f"{name}.ipynb")
            demand(api.autograde(name, student), f"grading {student} of {name}")
            points = grade_by_hand(name, student)
            demand(api.generate_feedback(name, student), f"the feedback of {student} of {name}")
            report.setdefault(name, {})[student] = {"points": points, "shown": shown(name, student)}
            got, most = (sum(cell[key] for cell in points.values()) for key in ("points", "of"))
            seconds = time.monotonic() - start
            print(f"{name:12s} {student:8s} {got:4g} of {most:g} points   {seconds:3.0f} s", flush=True)
    export(COURSE / "grades.csv")
    REPORT.write_text(json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8")


def main(arguments):
    if arguments and arguments[0] == "release" and len(arguments) == 2:
        release(Path(arguments[1]).resolve())
        return
    if arguments:
        sys.exit(__doc__)
    if current():
        print(f"Nothing changed since the last run: {COURSE}")
        return
    from tools.environment import use_own_profile

    made_of = inputs()
    shutil.rmtree(COURSE, ignore_errors=True)
    COURSE.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as profile:
        use_own_profile(profile)
        grade()
    STAMP.write_text(made_of)
    print(f"Student versions: {COURSE / 'release'}. Feedback: {COURSE / 'feedback'}")


if __name__ == "__main__":
    main(sys.argv[1:])
