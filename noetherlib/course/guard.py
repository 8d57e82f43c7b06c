"""Running what students wrote: its output, warnings, errors, time and size cannot disturb a check.

nbgrader takes anything that a graded cell writes to its error stream as a failure, be it a progress bar. This
is no wall against malice: answers and checks run in one process, and who wants to can change either.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import os
import signal
import sys
import threading
import time
import traceback
import warnings

import numpy as np

from .slips import Mistake

#: For one call of a student's function, which gets small examples; and of output that a check lets through.
SECONDS, CHARACTERS = 20, 2000


class TooLong(BaseException):
    """Time is up. No `Exception`, so that an answer that catches those does not catch this."""


class _Some(io.TextIOBase):
    """The beginning of what is written, and no more."""

    def __init__(self, stream, left=CHARACTERS):
        self.stream, self.left = stream, left

    def write(self, text):
        self.stream.write(text[: self.left])
        self.left = max(0, self.left - len(text))
        return len(text)

    def flush(self):
        self.stream.flush()


@contextlib.contextmanager
def quiet():
    """No warnings, nothing on the error stream, and a limited amount of output."""
    with (
        contextlib.redirect_stderr(_Some(io.StringIO())),
        contextlib.redirect_stdout(_Some(sys.stdout)),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def limited(seconds):
    """Raise `TooLong` after so many seconds of work, or five times as many of waiting. May be nested.

    Nothing happens where the platform has no alarms, as on Windows and in a browser.
    """
    alarms = sys.platform not in ("win32", "emscripten", "wasi")
    if not alarms or threading.current_thread() is not threading.main_thread():
        yield
        return
    work = signal.ITIMER_PROF, signal.SIGPROF, time.process_time  # a busy machine costs nobody points
    wait = signal.ITIMER_REAL, signal.SIGALRM, time.monotonic
    with _alarm(seconds, *work), _alarm(5 * seconds, *wait):
        yield


@contextlib.contextmanager
def _alarm(seconds, timer, number, clock):
    def stop(*_):
        raise TooLong

    before, start = signal.signal(number, stop), clock()
    outer, _ = signal.setitimer(timer, seconds, 1.0)  # and again, if it was caught
    try:
        yield
    finally:
        signal.setitimer(timer, 0)
        signal.signal(number, before)
        if outer:
            signal.setitimer(timer, max(0.01, outer - (clock() - start)), 1.0)


@contextlib.contextmanager
def guarded(seconds=SECONDS, whose="Your function"):
    """Run a student's code; whatever goes wrong in it becomes a `Mistake`."""
    try:
        with quiet(), limited(seconds):
            yield
    except (Mistake, KeyboardInterrupt):
        raise
    except TooLong:
        raise Mistake(None, f"{whose} takes more than {seconds} seconds") from None
    except BaseException as error:  # SystemExit too: an answer must not end the grading of the others
        raise Mistake(None, f"{whose} stopped with {said(error)}") from None


def said(error):
    """An error in one line, with the line of the student's cell that it came from."""
    text = " ".join(str(error).split())
    text = type(error).__name__ + (f": {text[:160]}" if text else "")
    lines = [
        frame.line for frame in traceback.extract_tb(error.__traceback__) if "ipykernel" in frame.filename
    ]
    return f"{text} (at '{lines[-1]}')" if lines and lines[-1] else text


def call(function, *arguments):
    """What a student's function returns for copies of the arguments, or a `Mistake` that says why nothing.

    Parameters
    ----------
    function : callable
    *arguments
        Arrays are copied, so that a function that changes its arguments changes nothing else.

    Raises
    ------
    Mistake
        If it stops with an error or takes more than 20 seconds.
    """
    untouched()
    if not callable(function):
        raise Mistake(None, f"A function is needed, and the answer is a {type(function).__name__}")
    with guarded():
        return function(*(value.copy() if isinstance(value, np.ndarray) else value for value in arguments))


def one_stream():
    """Send what this process writes to its error stream where its output goes, from here on.

    For the first cell of a problem set. A progress bar or a warning of an answer, even one that shows up
    later in another cell, then costs no points.
    """
    sys.stderr = sys.stdout
    with contextlib.suppress(OSError):  # and what compiled code writes, where there are such streams
        os.dup2(1, 2)


_BUILTINS = (
    "abs all any bool callable dict enumerate float getattr int isinstance len list max min range round set "
    "sorted str sum tuple type zip"
).split()
_OWN = [(builtins, name, getattr(builtins, name)) for name in _BUILTINS] + [
    (module, name, value)
    for module in (np, np.linalg)
    for name, value in vars(module).items()
    if callable(value) and not name.startswith("_")
]


def untouched():
    """A `Mistake` if a function of numpy or Python that the checks use has been replaced."""
    for module, name, value in _OWN:
        if getattr(module, name, None) is not value:
            raise Mistake(
                None, f"{module.__name__}.{name} has been replaced. Restart the kernel, run all cells"
            )
