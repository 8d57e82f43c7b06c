"""A page for each student: their notebook as it ran, points and comments, and nothing of the hidden tests.

nbgrader's own pages contain the source of the hidden tests. Here a hidden test says that it is one, and where
it failed the last line of what it said: a slip is named there, the line of the test that found it is not.
"""

import copy
import hashlib
import json
import re
import shutil

import nbformat
from nbformat.v4 import new_markdown_cell

from tools.course.grading import place
from tools.course.sheets import mark

HIDDEN = re.compile(r"^[ \t]*### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS[^\n]*$", re.DOTALL | re.MULTILINE)
# by these nbgrader hands a page back to the submission that it is about
RECEIPT = ("timestamp.txt", "submission_secret.txt")
TITLES = {"graded": "", "unread": "Not all of it has been read yet.", "partly": "Not all of it could be run."}


def page(course, record):
    return place(course, "feedback", record["student"], record["set"], ".html")


def write(course, records):
    """Write the pages that are not there, or whose points or comments have changed; return how many."""
    exporter, count = None, 0
    for record in records:
        ran = place(course, "autograded", record["student"], record["set"], ".ipynb")
        if not record["cells"] or not ran.exists():
            page(course, record).unlink(missing_ok=True)
            continue
        told = {name: record.get(name) for name in ("key", "state", "reason", "cells", "comments", "remarks")}
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        target = page(course, record)
        target.parent.mkdir(parents=True, exist_ok=True)
        sent = place(course, "submitted", record["student"], record["set"], "").parent
        for name in RECEIPT:
            if (sent / name).exists():
                shutil.copyfile(sent / name, target.with_name(name))
        if target.exists() and f"<!-- {digest} -->" in target.read_text(encoding="utf-8")[-200:]:
            continue
        if exporter is None:
            from nbconvert import HTMLExporter

            exporter = HTMLExporter(template_name="lab")
        body, _ = exporter.from_notebook_node(told_of(nbformat.read(ran, as_version=4), record))
        target.write_text(f"{body}\n<!-- {digest} -->\n", encoding="utf-8")
        count += 1
    return count


def told_of(notebook, record):
    """The notebook with points and comments, and without what students may not see."""
    notebook, cells = copy.deepcopy(notebook), []
    for cell in notebook.cells:
        if cell.cell_type == "code" and "### BEGIN HIDDEN TESTS" in cell.source:
            hide(cell)
        cells.append(cell)
        cells += [new_markdown_cell(text) for text in notes(mark(cell), record)]
    state = " ".join(filter(None, [TITLES[record["state"]], record["reason"]]))
    most = sum(cell["of"] for cell in record["cells"].values())
    lines = [f"**{record['points']:g} of {most:g} points.** {state}", *record["remarks"]]
    notebook.cells = [new_markdown_cell("\n\n".join(lines)), *cells]
    return notebook


def hide(cell):
    """Take the hidden tests out of a cell, and out of what it printed where it failed."""
    cell.source = HIDDEN.sub("# (tests that are not shown)", cell.source)
    for output in cell.outputs:
        if output.output_type == "error" and output.ename != "Mistake":  # a mistake shows no code
            output.traceback = [f"{output.ename}: {output.evalue}"]
    cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]


def notes(name, record):
    """What stands below a cell: its points, and what a person has written."""
    if name in record["cells"]:
        cell = record["cells"][name]
        got = "to be read" if cell["points"] is None else f"{cell['points']:g}"
        yield f"**{got} of {cell['of']:g} points** (`{name}`)"
    if comment := record.get("comments", {}).get(name):
        yield f"> {comment}"
