"""The course's tools: student versions, grading, the class report, and what an LMS sends and takes.

python -m tools.course                    the whole chain on sample submissions, into _build/course
python -m tools.course release FOLDER     the student versions alone, into FOLDER
python -m tools.course grade FOLDER       grade what is in FOLDER; `grade --help` says what else it can do
python -m tools.course solutions FOLDER   the solutions of the sets that are named, as a bundle for students

The map; data flows down::

    sheets      the problem sets, and their student versions, which nbgrader makes
    collect     files that were handed in, under the names that Canvas, Moodle and nbgrader give them
    preflight   a file made gradable: marks, copies, missing cells, identifiers
    submissions which file is whose work on which set
    kernel      a notebook run in a process of its own, which nothing in it can outlive
    grading     many of them, two at a time, each by itself; done once for each content
    gradebook   points into nbgrader's database, where people read texts, and back
    feedback    a page for each student, without hidden tests
    results     the table of states, points and reasons
    report      the class: slips, tasks, and where to read
    lms         class lists, and points into the files that Canvas and Moodle take
    chain       all of that in a row: `grade`
    samples     sample submissions of every set, graded: `make course`
    solutions   the bundle for students
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = ROOT / "book" / "course"
COURSE = ROOT / "_build" / "course"
REPORT = COURSE / "report.json"
STAMP = COURSE / "inputs"
SUBMISSIONS = ROOT / "tests" / "submissions.yml"
INPUTS = ["noetherlib", "book/course", "tools/course", "tests/submissions.yml", "constraints.txt"]
#: What points depend on, beside the sheet.
GRADER = [
    "noetherlib",
    "constraints.txt",
    *(f"tools/course/{part}.py" for part in ("preflight", "kernel", "grading")),
]


def inputs():
    """Changes when anything does that the grades of the samples depend on."""
    from tools.build import fingerprint

    return fingerprint(INPUTS)


def current():
    """Whether the results of the samples are there, and made of what is here now."""
    return REPORT.exists() and STAMP.exists() and STAMP.read_text() == inputs()


def problem_sets():
    return sorted(path.stem for path in SOURCE.glob("*.ipynb"))
