"""A file made gradable before it is run: what is wrong with it is mended, or told in words.

Cells are known by nbgrader's marks. Marks that were lost are found again: by the cell's own name, by the text
of a check, by the place between two known cells. Every mark is then written as it was released, which also
heals marks of nbgrader's old formats and points that were changed.
"""

import ast
import copy
import difflib
import json
import re
from dataclasses import dataclass

import nbformat

from tools.course.sheets import mark

BIGGEST = 50_000_000  # bytes of a notebook
EMPTY = "# a copy, or a missing cell: there is nothing to run"


class Unreadable(Exception):
    """There is nothing to grade; the message says why."""


@dataclass(frozen=True)
class Ready:
    """A notebook that can be run, and what was done to it."""

    notebook: nbformat.NotebookNode
    identifier: str | None
    remarks: list  # what was mended
    flags: list  # what a person should look at


def read(path):
    """The notebook in a file, of whatever version, or `Unreadable`."""
    data = path.read_bytes()
    if len(data) > BIGGEST:
        raise Unreadable(f"it has {len(data) / 1e6:.0f} MB: outputs were not cleared")
    if not data.strip():
        raise Unreadable("the file is empty")
    if path.suffix.lower() not in (".ipynb", ".json", ".txt", ""):
        raise Unreadable(f"{path.name} is no notebook (.ipynb)")
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        content = json.loads(text)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        where = f" from line {error.lineno} on" if isinstance(error, json.JSONDecodeError) else ""
        told = f"the file is not JSON{where}: it was cut off, edited by hand, or is no notebook"
        raise Unreadable(told) from None
    try:
        if not isinstance(content, dict) or not ("cells" in content or "worksheets" in content):
            raise ValueError
        content.setdefault("nbformat", 4)
        content.setdefault("nbformat_minor", 5)
        content.setdefault("metadata", {})
        notebook = nbformat.convert(nbformat.from_dict(content), 4)
        for cell in notebook.cells:
            tidy(cell)
    except Exception:  # whatever a file can contain, its reader must not be what stops
        raise Unreadable("the file is JSON, and not a notebook") from None
    return notebook


def tidy(cell):
    """Have what every cell must have; outputs are made again."""
    if cell.cell_type not in ("code", "markdown", "raw"):
        raise ValueError(cell.cell_type)
    source = cell.get("source", "")
    cell.source = source if isinstance(source, str) else "".join(source)
    if not isinstance(cell.get("metadata"), dict):
        cell.metadata = nbformat.NotebookNode()
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None


def which(notebook, sheets):
    """The problem set of a notebook: by the marks of its cells, else by their text; else `Unreadable`."""
    marks = {mark(cell) for cell in notebook.cells} - {None}
    texts = {cell.source.strip() for cell in notebook.cells if len(cell.source) > 40}
    for score in (
        lambda sheet: len(marks & set(sheet.cells)),
        lambda sheet: len(texts & {cell.source.strip() for cell in sheet.released.cells}),
    ):
        best = max(sheets.values(), key=score)
        if score(best):
            return best
    raise Unreadable("no cell of a problem set is in it")


# ---- mending -------------------------------------------------------------------------------------------


def repair(notebook, sheet):
    """`Ready`: every cell of the sheet is there once, marked as released; checks are the teacher's."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if mark(cell) not in sheet.cells:
            cell.metadata.pop("nbgrader", None)
    done = {
        "marks of cells were lost, and found again": find_marks(notebook.cells, sheet),
        "cells were copied, and one of each is graded": drop_copies(notebook.cells, sheet),
        "cells were missing, and put back as released": put_back(notebook.cells, sheet),
        "checks were changed, and put back": restore(notebook.cells, sheet),
    }
    named, flags = identifier(notebook, sheet)
    remarks = [f"{what}: {', '.join(names)}" for what, names in done.items() if names]
    for number, cell in enumerate(notebook.cells):
        cell["id"] = mark(cell) or f"cell-{number}"  # each its own, whatever editors made of them
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = copy.deepcopy(sheet.released.metadata)  # the kernel is not the student's to choose
    return Ready(notebook, named, remarks, flags)


def find_marks(cells, sheet):
    """Give marks to cells that lost them; return which."""
    claimed = {mark(cell) for cell in cells}
    order = {name: place for place, name in enumerate(sheet.cells)}
    names = {cell.get("id"): name for name, cell in sheet.cells.items()}
    texts = {cell.source.strip(): name for name, cell in sheet.cells.items() if name in sheet.locked}
    found = []

    def claim(cell, name):
        cell.metadata["nbgrader"] = {"grade_id": name}
        claimed.add(name)
        found.append(name)

    for cell in cells:
        name = names.get(cell.get("id")) or texts.get(cell.source.strip())
        if name and name not in claimed and not mark(cell):
            claim(cell, name)
    for name in [name for name in sheet.cells if name not in claimed and name not in sheet.locked]:
        released = sheet.cells[name]
        places = [order.get(mark(cell)) for cell in cells]
        before = [i for i, place in enumerate(places) if place is not None and place < order[name]]
        after = [i for i, place in enumerate(places) if place is not None and place > order[name]]
        between = range(max(before, default=-1) + 1, min(after, default=len(cells)))
        free = [cells[i] for i in between if not mark(cells[i]) and not given(cells[i], sheet)]
        free = [cell for cell in free if cell.cell_type == released.cell_type]
        if free:
            claim(max(free, key=lambda cell: likeness(cell, released)), name)
    return found


def given(cell, sheet):
    """Whether it is a cell of the sheet that asks for nothing: a text, or what starts the notebook."""
    return any(
        not mark(other) and cell.source.strip() == other.source.strip() for other in sheet.released.cells
    )


def likeness(cell, released):
    return difflib.SequenceMatcher(None, cell.source[:2000], released.source).ratio()


def drop_copies(cells, sheet):
    """Leave one marked cell of each name, an answer rather than one as released; return which.

    A copy that is as released would undo the answer: it is not run.
    """
    copied = []
    for name, released in sheet.cells.items():
        same = [cell for cell in cells if mark(cell) == name]
        said = [cell for cell in same if cell.source.strip() not in ("", released.source.strip())]
        if len(same) > 1:
            copied.append(name)
            keep = same[0] if name in sheet.locked else (said or same)[-1]
            for cell in same:
                if cell is not keep:
                    cell.metadata.pop("nbgrader", None)
                    if name not in sheet.locked and cell not in said:
                        cell.source = EMPTY
    return copied


def put_back(cells, sheet):
    """Insert what is missing after what comes before it in the sheet; return which.

    A program that is missing is put back empty: the answer may stand elsewhere, and a stub would undo it.
    """
    missing, place = [], 0
    for name, released in sheet.cells.items():
        here = [i for i, cell in enumerate(cells) if mark(cell) == name]
        if here:
            place = max(place, here[0] + 1)
        else:
            missing.append(name)
            cells.insert(place, copy.deepcopy(released))
            if released.cell_type == "code" and name not in sheet.locked:
                cells[place].source = EMPTY
            place += 1
    return missing


def restore(cells, sheet):
    """Write every mark and every check as the sheet has them; return the checks that were changed."""
    changed = []
    for cell in cells:
        if (name := mark(cell)) is None:
            continue
        released = sheet.cells[name]
        cell.metadata = copy.deepcopy(released.metadata)
        if cell.cell_type != released.cell_type:
            cell.cell_type = released.cell_type
            cell.pop("outputs", None), cell.pop("execution_count", None), cell.pop("attachments", None)
            tidy(cell)
        if name in sheet.locked:
            if cell.source.strip() != released.source.strip():
                changed.append(name)
            cell.source = sheet.locked[name].source
    return changed


# ---- who it is -----------------------------------------------------------------------------------------


def identifier(notebook, sheet):
    """The identifier that a notebook names, and what is wrong with it."""
    name = f"{sheet.name}-student"
    cell = next((cell for cell in notebook.cells if mark(cell) == name), None)
    if cell is None:
        return None, []
    try:
        values = [
            ast.literal_eval(node.value)
            for node in ast.parse(cell.source).body
            if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == "student" for t in node.targets)
        ]
    except SyntaxError:
        return None, ["the identifier cannot be read: the cell is no Python"]
    except (ValueError, TypeError, RecursionError, MemoryError):
        return None, ["the identifier is computed, and not written down"]
    if not values:
        return None, ["no identifier is set"]
    template = next(other for other in sheet.instructor.cells if mark(other) == name)
    if not isinstance(values[-1], str | int) or isinstance(values[-1], bool):
        return None, [f"the identifier is {str(values[-1])[:20]}"]
    named = str(values[-1]).strip()
    if named.casefold() in ("", "none", "nan", "[]"):
        return None, ["the identifier is empty"]
    if repr(named)[1:-1] in re.findall(r"[\"']([^\"']*)[\"']", template.source):
        return named, ["the identifier is the template's"]
    return named, []
