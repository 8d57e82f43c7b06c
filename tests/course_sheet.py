"""A problem set of two tasks, for tests of grading: as the teacher has it, and as students get it."""

import copy
import json

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.course.sheets import Sheet

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
HIDDEN = "### BEGIN HIDDEN TESTS\nassert double(21) == 42, 'secret'\n### END HIDDEN TESTS"


def known(name, source, kind="code", points=None, solution=False, **info):
    note = {"grade_id": name, "schema_version": 3, "solution": solution, "grade": points is not None}
    note |= {"locked": not solution, "task": False} | ({} if points is None else {"points": points}) | info
    make = new_code_cell if kind == "code" else new_markdown_cell
    return make(source, id=name, metadata={"nbgrader": note})


def cells(student, double, why, hidden):
    return [
        new_markdown_cell("# A sheet", id="title"),
        known("toy-student", student, solution=True),
        new_markdown_cell("Write a function `double(x)`, which returns twice what it is given.", id="ask"),
        known("toy-double", double, solution=True),
        known("toy-double-check", "assert double(2) == 4", points=2),
        known("toy-double-hidden", hidden, points=1),
        known("toy-why", why, kind="markdown", points=3, solution=True),
    ]


def sheet():
    stub = "def double(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    solution = "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
    template = '# student = "your identifier"\n### BEGIN SOLUTION\nstudent = "instructor"\n### END SOLUTION'
    asked = '# student = "your identifier"\n# YOUR CODE HERE\nraise NotImplementedError()'
    graded = "# When this is graded: other numbers.\n"
    versions = [
        cells(template, solution, "Because.", graded + HIDDEN),
        cells(asked, stub, "YOUR ANSWER HERE", graded),
    ]
    return Sheet("toy", *(new_notebook(cells=version, metadata=KERNEL) for version in versions))


def answered(student="ada", double="def double(x):\n    return x + x", why="It adds up."):
    """The student version with answers."""
    notebook = copy.deepcopy(sheet().released)
    answers = {"toy-student": f"student = {student!r}", "toy-double": double, "toy-why": why}
    for cell in notebook.cells:
        cell.source = answers.get(cell.id, cell.source)
    return notebook


def cell(notebook, name):
    """The one cell that nbgrader knows by this name."""
    (found,) = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == name]
    return found


def write(notebook, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    content = notebook if isinstance(notebook, str) else json.dumps(notebook)  # no checks: faults are wanted
    path.write_text(content, encoding="utf-8")
    return path
