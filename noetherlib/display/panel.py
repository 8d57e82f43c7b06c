"""A panel of fields that computes step by step in a process of its own, so that it can be stopped."""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import time
import warnings
from contextlib import closing

from IPython.utils.capture import capture_output
from ipywidgets import HTML, Button, HBox, Output, VBox

PAUSE = 0.1  # seconds between two looks at what the process has sent


class Panel(VBox):
    """Fields, *Compute* and *Stop*, and below them the answer to what the fields say, and to nothing else.

    Parameters
    ----------
    fields : dict of str to widget
        The inputs, by the name of the argument of ``read`` that each is.
    read : callable
        ``read(**values)`` makes of the fields what the steps work on. It raises for what it refuses.
    steps : dict of str to callable
        What is computed, in order, by what it is called while it runs: each is called with what
        ``read`` returned, and what it prints, displays and draws is shown.

    Notes
    -----
    Steps run in a forked copy of the kernel: *Stop* ends that process, and its memory is free at once.
    Where there are no such processes (in a browser, on Windows) they run in the kernel itself, which
    cannot be stopped. Any change of a field clears the answer, so that none stands below another question.

    Attributes
    ----------
    status, out, compute, stop : widgets
    process : multiprocessing.Process or None
        What is computing.
    task : asyncio.Task or None
        The latest computation, to be awaited.
    """

    def __init__(self, fields, read, steps):
        self.fields, self.steps = fields, {"reading": read, **steps}
        self.compute = Button(description="Compute", button_style="primary")
        self.stop = Button(description="Stop", disabled=True)
        self.status, self.out = HTML(), Output()
        self.process = self.task = None
        self.compute.on_click(lambda _: self.start())
        self.stop.on_click(lambda _: self.end())
        for field in fields.values():
            field.observe(lambda _: self.clear(), "value")
        super().__init__([*fields.values(), HBox([self.compute, self.stop]), self.status, self.out])

    def clear(self):
        """Take the answer away."""
        self.out.outputs, self.status.value = (), ""

    def start(self):
        """Compute what the fields say; nothing if that is being done."""
        if self.compute.disabled:
            return
        self.clear()
        values = {name: field.value for name, field in self.fields.items()}
        self._busy(True)
        self.task = asyncio.get_running_loop().create_task(self._run(values))

    def end(self):
        """Stop computing, and free the memory."""
        if self.process is not None:
            self.process.kill()

    def _busy(self, busy):
        for widget in (self.compute, *self.fields.values()):
            widget.disabled = busy
        self.stop.disabled = not (busy and _can_fork())

    async def _run(self, values):
        began, name, ended = time.perf_counter(), next(iter(self.steps)), "stopped"
        try:
            async for kind, what in self._aside(values) if _can_fork() else _here(self.steps, values):
                if kind == "step":
                    name = what
                elif kind == "shown":
                    self.out.outputs += tuple(what)
                elif kind == "end":
                    ended = what
                self._say(f"{list(self.steps).index(name) + 1} of {len(self.steps)}: {name} …", began)
        finally:
            self._busy(False)
            self._say(ended if ended == "done" else f"{ended}, at: {name}", began)

    def _say(self, words, began):
        self.status.value = f"<b>{words}</b> ({time.perf_counter() - began:.0f} s)"

    async def _aside(self, values):
        """What the steps send from a process of their own; ends with it, however that ends."""
        receiver, sender = multiprocessing.Pipe(duplex=False)
        context = multiprocessing.get_context("fork")
        self.process = context.Process(target=_send, args=(sender, self.steps, values), daemon=True)
        with warnings.catch_warnings():  # of threads that a fork leaves behind: the steps use none of them
            warnings.simplefilter("ignore", DeprecationWarning)
            self.process.start()
        sender.close()
        with closing(receiver):
            try:
                while True:
                    while not receiver.poll():
                        yield "wait", None
                        await asyncio.sleep(PAUSE)
                    yield receiver.recv()
            except EOFError:  # done, stopped, or killed for memory
                pass
            finally:
                self.process.kill()
                self.process.join()
                self.process = None


def _can_fork():
    return sys.platform != "emscripten" and "fork" in multiprocessing.get_all_start_methods()


def _send(sender, steps, values):
    for message in _messages(steps, values):
        sender.send(message)


async def _here(steps, values):
    for message in _messages(steps, values):
        yield message
        await asyncio.sleep(0)


def _messages(steps, values):
    """Run the steps: the name of each, what it showed, and how all ended."""
    subject = None
    for name, step in steps.items():
        yield "step", name
        trouble = None
        with capture_output() as captured:
            try:
                subject = step(**values) if subject is None else step(subject) or subject
            except Exception as error:  # whatever it is, it is shown to who typed, not to a log
                trouble = error
        texts = [("stdout", captured.stdout), ("stderr", captured.stderr)]
        shown = [dict(output_type="stream", name=kind, text=text) for kind, text in texts if text]
        shown += [
            dict(output_type="display_data", data=each.data, metadata=each.metadata or {})
            for each in captured.outputs
        ]
        yield "shown", shown
        if trouble is not None:
            known = isinstance(trouble, (ValueError, ArithmeticError, RuntimeError))
            words = str(trouble) if known else f"{type(trouble).__name__}: {trouble}"
            yield "shown", [dict(output_type="stream", name="stderr", text=f"Stopped: {words}\n")]
            yield "end", "stopped"
            return
    yield "end", "done"
