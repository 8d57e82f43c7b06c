"""The problem sets: each as the teacher has it, and as students get it.

nbgrader makes the student versions. It is imported where it is needed, so that all else works without it.
"""

import logging
import os
import shutil
import sys
import tempfile
import warnings
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import nbformat

from tools.course import SOURCE, problem_sets


@dataclass(frozen=True)
class Sheet:
    """One problem set: its name, and the notebooks of teacher and students."""

    name: str
    instructor: nbformat.NotebookNode
    released: nbformat.NotebookNode

    @classmethod
    def read(cls, name, course):
        """From a course folder in which nbgrader has made the student version."""
        notebooks = [
            nbformat.read(course / part / name / f"{name}.ipynb", as_version=4)
            for part in ("source", "release")
        ]
        return cls(name, *notebooks)

    @cached_property
    def cells(self):
        """The cells that nbgrader knows, as students got them, in their order: {name: cell}."""
        return {mark(cell): cell for cell in self.released.cells if mark(cell)}

    @cached_property
    def locked(self):
        """Those that students may not change, as the teacher has them: with the hidden tests."""
        cells = {mark(cell): cell for cell in self.instructor.cells if mark(cell)}
        return {name: cells[name] for name, cell in self.cells.items() if not info(cell).get("solution")}

    @cached_property
    def graded(self):
        """{name: points} of the cells that have points."""
        return {name: info(cell)["points"] for name, cell in self.cells.items() if info(cell).get("grade")}


def info(cell):
    """What nbgrader notes in a cell."""
    found = cell.get("metadata", {}).get("nbgrader", {})
    return found if isinstance(found, dict) else {}


def mark(cell):
    """The name by which nbgrader knows a cell, or None."""
    return info(cell).get("grade_id") or None


def nbgrader(course):
    """nbgrader's Python interface to the course in this folder."""
    from nbgrader import api as gradebook
    from nbgrader.apps import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    # it runs alembic by its bare name, and again whenever it opens its gradebook: once is enough
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    if not hasattr(gradebook.get_alembic_version, "cache_info"):
        gradebook.get_alembic_version = cache(gradebook.get_alembic_version)
    warnings.filterwarnings("ignore", module="nbgrader")
    api = NbGraderAPI(CourseDirectory(root=str(course), db_url=database(course)))
    api.log.setLevel(logging.ERROR)
    return api


def database(course):
    return f"sqlite:///{course / 'gradebook.db'}"


def prepare(course, names):
    """Have these sets in a course folder, with their student versions; what is there already stays."""
    missing = []
    for name in names:
        source = course / "source" / name / f"{name}.ipynb"
        if not source.exists():
            source.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SOURCE / f"{name}.ipynb", source)
        made = course / "release" / name / f"{name}.ipynb"
        if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
            missing.append(name)
    if missing:
        api = nbgrader(course)
        for name in missing:
            result = api.generate_assignment(name, force=True)
            if not result["success"]:
                sys.exit(f"The release of {name} failed:\n{result.get('log') or result.get('error')}")
    return {name: Sheet.read(name, course) for name in names}


def release(folder):
    """Write the student versions into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as course:
        for name in prepare(Path(course), problem_sets()):
            shutil.copy(Path(course) / "release" / name / f"{name}.ipynb", folder)
