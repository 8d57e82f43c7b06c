"""Solutions for students: the sets that a teacher names, and no other, as one archive.

Nothing is released by default. The bundle has the notebooks with solutions and model answers, without hidden
tests, and with no marks of nbgrader, so that it cannot be handed in for points unnoticed.
"""

import re
import zipfile

import nbformat

from tools.course import SOURCE
from tools.course.feedback import HIDDEN

MARKERS = re.compile(r"^[ \t]*### (BEGIN|END) SOLUTION\n?", flags=re.MULTILINE)


def solved(notebook):
    """A teacher's notebook as students may see it when all is over."""
    notebook = nbformat.from_dict(notebook)
    for cell in notebook.cells:
        cell.metadata.pop("nbgrader", None)
        if cell.cell_type == "code":
            cell.source = HIDDEN.sub("# (tests that are not shown)", MARKERS.sub("", cell.source)).strip()
            cell.outputs, cell.execution_count = [], None
    return notebook


def bundle(names, folder):
    """Write ``solutions-SETS.zip`` into ``folder``; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    to = folder / f"solutions-{'-'.join(names)}.zip"
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            notebook = nbformat.read(SOURCE / f"{name}.ipynb", as_version=4)
            archive.writestr(f"{name}-solutions.ipynb", nbformat.writes(solved(notebook)))
    return to
