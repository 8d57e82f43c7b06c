"""Checks of the course's problem sets: each recognises the likely slips by testing for them.

A student calls `instance` and `check` in the notebook, and the grader calls the same. `check` compares an
answer with the right one, then with what each likely slip would have given, and says which it was. Every
student has numbers of their own, drawn from an identifier, so that solutions can be discussed openly.

The map; each room uses only the floors below it::

    project                                     each a problem set:
    noise   symmetries   paths                  its numbers and its tasks
    slips                                       the slips, and how an answer is compared
"""

from __future__ import annotations

import hashlib
from dataclasses import fields

from ..inputs import as_a, brief
from . import noise, paths, project, symmetries
from .slips import SLIPS, Instance, Mistake

__all__ = ["SLIPS", "TASKS", "Instance", "Mistake", "check", "instance"]

PROBLEM_SETS = {
    "noise": noise.Noise,
    "symmetries": symmetries.Symmetries,
    "paths": paths.Paths,
    "project": project.Project,
}

#: Every task: a function of the answer and the instance that raises a `Mistake`.
TASKS = {**noise.TASKS, **symmetries.TASKS, **paths.TASKS, **project.TASKS}

_NEEDS = {
    **dict.fromkeys(noise.TASKS, noise.Noise),
    **dict.fromkeys(symmetries.TASKS, symmetries.Symmetries),
    **dict.fromkeys(paths.TASKS, paths.Paths),
    **dict.fromkeys(project.TASKS, project.Project),
}


def instance(problem_set, student):
    """The numbers of one student in one problem set, the same on every machine.

    Parameters
    ----------
    problem_set : {"noise", "symmetries", "paths", "project"}
    student : str
        Any identifier, such as a student number. Case and blanks around it do not matter.

    Returns
    -------
    Instance
        Frozen; its numbers are attributes, and printing it lists them.

    Raises
    ------
    ValueError
        For an unknown problem set or an empty identifier.
    """
    if problem_set not in PROBLEM_SETS:
        raise ValueError(f"problem_set must be one of {list(PROBLEM_SETS)}, got {brief(problem_set)}")
    name = str(student).strip().casefold()
    if not name:
        raise ValueError("student must be an identifier of yours, such as a student number; it is empty")
    digest = hashlib.sha256(f"{problem_set}/{name}".encode()).digest()
    numbers = {}
    for i, number in enumerate(fields(PROBLEM_SETS[problem_set])):
        low, high = number.metadata["range"]
        share = int.from_bytes(digest[2 * i : 2 * i + 2], "big") / 2**16
        numbers[number.name] = round(low + share * (high - low), 2)
    return PROBLEM_SETS[problem_set](**numbers)


def check(task, answer, instance):
    """Say that an answer is right, or raise a `Mistake` that says what is wrong and where to read about it.

    Parameters
    ----------
    task : str
        A key of ``TASKS``.
    answer : object
        What the task asks for: numbers, a dict, a sympy expression, a function, a path, a system.
    instance : Instance
        What `instance` returned for the problem set of the task.

    Raises
    ------
    Mistake
        An AssertionError. Its ``slip`` is a key of ``SLIPS`` where the mistake was recognised, else None.
    ValueError
        For an unknown task, or an instance of another problem set.
    """
    if task not in TASKS:
        raise ValueError(f"task must be one of {list(TASKS)}, got {brief(task)}")
    as_a(_NEEDS[task], instance, "instance")
    try:
        TASKS[task](answer, instance)
    except Mistake as mistake:
        raise Mistake(mistake.slip, mistake.detail, task) from None
    print(f"{task}: right")
