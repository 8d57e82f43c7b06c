"""What students write cannot stop a check, nor talk over it, nor get points for nothing."""

import builtins
import contextlib
import subprocess
import sys
import time

import numpy as np
import pytest

from noetherlib.course import TASKS, Mistake, call, check, instance, near
from noetherlib.course.guard import guarded
from tests.course_answers import D, numbers
from tools.notebooks import ROOT


class Trap:
    """An object that fails whenever anything is asked of it."""

    def __getattribute__(self, name):
        raise RuntimeError("trapped")


def leave(*_):
    sys.exit(3)


def dive(*arguments):
    return dive(*arguments)


def scream(*_):
    print("x" * 10**6)
    print("x" * 10**6, file=sys.stderr)
    raise OSError("y" * 10**6)


NONSENSE = {
    "None": None,
    "text": "a",
    "ragged": [[1, 2], [3]],
    "nan": np.nan,
    "infinite": -np.inf,
    "dict": {"a": 1},
    "enormous": np.broadcast_to(1.0, (10**9,)),
    "endless": range(10**12),
    "long": 10**400,
    "trap": Trap(),
    "class": Trap,
    "to nan": lambda *_: np.nan,
    "to None": lambda *_: None,
    "to a trap": lambda *_: Trap(),
    "to enormous": lambda *_: np.broadcast_to(1.0, (10**5, 10**4)),
    "exit": leave,
    "recursion": dive,
    "scream": scream,
    "no arguments": lambda: 1,
}


@pytest.mark.parametrize("nonsense", NONSENSE)
@pytest.mark.parametrize("task", TASKS)
def test_nonsense_is_a_mistake_like_any_other(task, nonsense, capsys):
    with pytest.raises(Mistake) as mistake:
        check(task, NONSENSE[nonsense], numbers(task, "ada"))
    said = capsys.readouterr()
    assert said.err == "" and len(said.out) <= 2000 and len(str(mistake.value)) < 600


def stubborn():
    while True:
        with contextlib.suppress(Exception):
            sum(range(1000))


def patient():
    time.sleep(60)


@pytest.mark.parametrize("slow", [stubborn, patient])
def test_a_function_that_never_ends_is_ended(slow):
    with pytest.raises(Mistake, match="takes more than 0.2 seconds"), guarded(5), guarded(0.2):
        slow()
    with pytest.raises(Mistake, match="takes more than 0.4 seconds"), guarded(0.4):
        with guarded(0.1), contextlib.suppress(ZeroDivisionError):
            1 / 0  # noqa: B018
        slow()  # the outer limit holds after the inner one is gone


def test_an_error_of_an_answer_is_quoted():
    with pytest.raises(Mistake, match="Your function stopped with ZeroDivisionError: division by zero"):
        call(lambda: 1 / 0)
    with pytest.raises(KeyboardInterrupt):  # whoever presses stop wants to stop
        call(lambda: (_ for _ in ()).throw(KeyboardInterrupt))


@pytest.mark.parametrize("module, name", [(builtins, "abs"), (np, "log"), (np, "abs"), (np.linalg, "norm")])
def test_a_replaced_function_gives_nothing_away(module, name, monkeypatch):
    i = instance("noise", "ada")
    with monkeypatch.context() as patch:
        patch.setattr(module, name, lambda *_: 0)
        for cheat in (
            lambda: check("diffusion", 2.0, i),
            lambda: near(1, 2, 0.1, ""),
            lambda: call(max, 1, 2),
        ):
            with pytest.raises(Mistake, match=f"{name} has been replaced"):
                cheat()
    check("diffusion", D(i), i)


def test_nothing_of_this_process_reaches_the_error_stream():
    code = """
import logging, os, sys, threading, warnings
from noetherlib.course import one_stream
one_stream()
warnings.warn("w"); logging.warning("l"); print("e", file=sys.stderr); os.write(2, b"fd")
thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stderr == "" and all(
        word in done.stdout for word in ("w", "l", "e", "fd", "ZeroDivisionError")
    )
