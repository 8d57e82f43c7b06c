"""Checks of the course's problem sets: each recognises the likely slips by testing for them.

A student calls `instance` and `check` in the notebook, and the grader calls the same. `check` compares an
answer with the right one, then with what each likely slip would have given, and says which it was. Every
student has numbers of their own, drawn from an identifier, so that solutions can be discussed openly.

The map; each file uses only the floors below it::

    project                                     each a problem set:
    noise   symmetries   paths                  its numbers and its tasks
    simulators   seeds   discrete               what is tested of a simulation, of estimates, of a path
    compare                                     an answer, the right one, and those of the slips
    instances    guard                          numbers for everyone; running what students wrote
    slips                                       what each slip is, and where to read about it
"""

from __future__ import annotations

from ..inputs import as_a, brief
from . import noise, paths, project, symmetries
from .compare import as_expression, near
from .guard import SECONDS, call, guarded, one_stream, untouched
from .instances import Instance, draw, identifier
from .slips import SLIPS, Mistake

__all__ = [
    "SLIPS",
    "TASKS",
    "Instance",
    "Mistake",
    "as_expression",
    "call",
    "check",
    "identifier",
    "instance",
    "near",
    "one_stream",
]

PROBLEM_SETS = {
    "noise": noise.Noise,
    "symmetries": symmetries.Symmetries,
    "paths": paths.Paths,
    "project": project.Project,
}

_ROOMS = {"noise": noise, "symmetries": symmetries, "paths": paths, "project": project}

#: Every task: a function of the answer and the instance that raises a `Mistake`.
TASKS = {**noise.TASKS, **symmetries.TASKS, **paths.TASKS, **project.TASKS}

_SET = {task: name for name, room in _ROOMS.items() for task in room.TASKS}


def instance(problem_set, student):
    """The numbers of one student in one problem set, the same on every machine.

    Parameters
    ----------
    problem_set : {"noise", "symmetries", "paths", "project"}
    student : str or int
        Any identifier, such as a student number. Case and blanks around it do not matter.

    Returns
    -------
    Instance
        Frozen; its numbers are attributes, and printing it lists them.

    Raises
    ------
    ValueError
        For an unknown problem set, or what is no identifier: None, nan, a template's text.
    """
    if problem_set not in PROBLEM_SETS:
        raise ValueError(f"problem_set must be one of {list(PROBLEM_SETS)}, got {brief(problem_set)}")
    return draw(PROBLEM_SETS[problem_set], problem_set, student)


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
    kind = PROBLEM_SETS[_SET[task]]
    as_a(kind, instance, "instance")
    try:
        untouched()
        if instance != draw(kind, _SET[task], instance.student):
            raise Mistake(None, "These are not the numbers of anybody: take them from `instance`")
        with guarded(3 * SECONDS, "The check of this answer"):
            TASKS[task](answer, instance)
    except Mistake as mistake:
        raise Mistake(mistake.slip, mistake.detail, task) from None
    print(f"{task}: right")
