"""Points into nbgrader's database, where people read what checks cannot, and their points out of it."""

import warnings
from contextlib import contextmanager

import nbformat

from tools.course.grading import place, safe
from tools.course.sheets import database


@contextmanager
def opened(course):
    from nbgrader.api import Gradebook
    from sqlalchemy.exc import SAWarning

    with Gradebook(database(course)) as gradebook, warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # of how nbgrader itself adds a submission
        yield gradebook


def write(course, records, everyone=()):
    """Enter what was graded anew; points that a person gave stay, and are asked for again."""
    names = {person.student: person.name for person in everyone}
    with opened(course) as gradebook:
        for record in records:
            student = safe(record["student"])
            if not record["cells"]:
                forget(gradebook, record["set"], student)
                continue
            known = notebook_of(gradebook, record["set"], student)
            if known is not None and not record.get("fresh"):
                continue
            last, _, first = names.get(record["student"], record["name"]).partition(", ")
            gradebook.update_or_create_student(student, last_name=last, first_name=first)
            gradebook.update_or_create_submission(record["set"], student)
            known = notebook_of(gradebook, record["set"], student)
            unanswered = blank(course, record)
            for grade in known.grades:
                grade.auto_score = record["cells"][grade.name]["points"]
                grade.needs_manual_grade = grade.auto_score is None or grade.manual_score is not None
            for comment in known.comments:
                comment.auto_comment = "No response." if comment.name in unanswered else None
        gradebook.db.commit()


def notebook_of(gradebook, name, student):
    from nbgrader.api import MissingEntry

    try:
        return gradebook.find_submission_notebook(name, name, student)
    except MissingEntry:
        return None


def forget(gradebook, name, student):
    """A submission that cannot be graded has no points, not even none."""
    from nbgrader.api import MissingEntry

    try:
        gradebook.remove_submission(name, student)
    except MissingEntry:
        pass


def blank(course, record):
    """The answers that are as they were released: nbgrader's rule."""
    from nbgrader.utils import compute_checksum, is_solution

    path = place(course, "autograded", record["student"], record["set"], ".ipynb")
    return {
        cell.metadata.nbgrader.grade_id
        for cell in nbformat.read(path, as_version=4).cells
        if is_solution(cell) and cell.metadata.nbgrader.get("checksum") == compute_checksum(cell)
    }


def read(course, records):
    """The records with the points and comments of the people who have read."""
    with opened(course) as gradebook:
        return [record | by_hand(gradebook, record) for record in records]


def by_hand(gradebook, record):
    known = notebook_of(gradebook, record["set"], safe(record["student"])) if record["cells"] else None
    if known is None:
        return {}
    cells = {}
    for grade in known.grades:
        cell = dict(record["cells"][grade.name])
        cell["points"] = None if grade.auto_score is None and grade.needs_manual_grade else grade.score
        cell["again"] = grade.needs_manual_grade and grade.auto_score is not None
        cells[grade.name] = cell
    comments = {comment.name: comment.comment for comment in known.comments if comment.comment}
    return {"cells": cells, "comments": comments}
