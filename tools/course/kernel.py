"""A notebook run cell by cell in a kernel that is a fork of this process.

What is imported here need not be imported again, which is most of the time that a kernel takes. Nothing in
the notebook can stop the grading: a cell has so many seconds, outputs have an end, memory has one, and a
kernel that does not stop when it is asked to is ended together with all that it started.
"""

import importlib
import multiprocessing
import os
import queue
import resource
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from jupyter_client import BlockingKernelClient, write_connection_file
from nbformat.v4 import new_output, output_from_msg

START = 60  # seconds that a kernel may take to start
GRACE = 5  # seconds between asking a cell to stop and ending its kernel
MEMORY = 4 << 30  # bytes
OUTPUT = 200_000  # characters that are kept of what a cell prints
KERNEL = ["ipykernel.kernelapp", "ipykernel.debugger", "IPython.extensions.storemagic", "tornado.queues"]
KERNEL += ["stack_data", "pygments.formatters.terminal256", "pygments.styles.default"]  # for tracebacks
WARM = [*KERNEL, "matplotlib.pyplot", "scipy.optimize", "sympy", "noetherlib.course"]
SHOWN = {"stream", "display_data", "execute_result", "error"}

#: Elsewhere a fork can be a copy that does not work, and a kernel starts as any other program does.
PROCESSES = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")


class Died(Exception):
    """The kernel has ended, or had to be ended; the message says why."""


def warm_up():
    """Import what kernels and the course's notebooks import: once, before the first fork."""
    sys.modules.setdefault("debugpy", None)  # no debugger: it is half of what a kernel imports
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    for module in WARM:
        importlib.import_module(module)


def limit_memory():
    if sys.platform == "linux":  # elsewhere the system does not know such a limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def serve(connection, folder):
    """Be a kernel: what runs in the fork."""
    warm_up()
    import numpy as np
    from ipykernel.kernelapp import IPKernelApp

    os.setsid()  # a group of its own, so that all that it starts ends with it
    os.chdir(folder)
    np.random.seed()  # or all students had the same global generator
    quiet = ["--log-level=CRITICAL", "--HistoryManager.enabled=False"]
    parent = f"--IPKernelApp.parent_handle={os.getppid()}"  # it ends when its parent has
    IPKernelApp.launch_instance(argv=["-f", connection, parent, *quiet])


@contextmanager
def kernel(folder):
    """A kernel that works in ``folder``: its process, and a client."""
    connection = str(Path(folder) / "kernel.json")
    write_connection_file(connection, ip=str(Path(folder) / "kernel"), transport="ipc")
    process = PROCESSES.Process(target=serve, args=(connection, str(folder)))
    process.start()
    client = BlockingKernelClient(connection_file=connection)
    client.load_connection_file()
    client.start_channels()
    try:
        greet(process, client)
        yield process, client
    finally:
        end(process)
        client.stop_channels()


def end(process):
    """End a kernel and what it has started."""
    for kill in (os.killpg, os.kill):
        try:
            kill(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.join()


def greet(process, client):
    """Wait until the kernel answers and its outputs arrive."""
    until = time.monotonic() + START
    while process.is_alive() and time.monotonic() < until:
        client.kernel_info()
        try:
            client.get_iopub_msg(timeout=0.2)
            return
        except queue.Empty:
            pass
    raise Died("the kernel did not start")


def run(notebook, folder, seconds, skip):
    """Run a notebook in place. Return {place: why} of the cells that were stopped or skipped.

    ``skip`` says of cells, by their place, why they are not run: they are known to end the kernel.

    Raises
    ------
    Died
        With the place of the cell as its second argument. It and all that follow have failed then: nbgrader
        takes a cell without outputs for a right one.
    """
    limit_memory()
    stopped = dict(skip)
    with kernel(folder) as (process, client):
        for place, cell in enumerate(notebook.cells):
            if cell.cell_type != "code" or not cell.source.strip():
                continue
            if place in skip:
                cell.outputs = [failure("Stopped", skip[place])]
                continue
            try:
                if not execute(process, client, cell, seconds):
                    stopped[place] = f"stopped after {seconds:g} s"
                    cell.outputs.append(failure("Stopped", stopped[place]))
            except Died as died:
                for later in notebook.cells[place:]:
                    if later.cell_type == "code":
                        later.outputs = [failure("Stopped", str(died))]
                raise Died(str(died), place) from None
    return stopped


def failure(name, why):
    return new_output("error", ename=name, evalue=why, traceback=[f"{name}: {why}"])


def execute(process, client, cell, seconds):
    """Run one cell. Whether it came to its end by itself."""
    request = client.execute(cell.source, allow_stdin=False, stop_on_error=False)
    until, asked, kept = time.monotonic() + seconds, False, 0
    while True:
        left = until - time.monotonic()
        if left <= 0 and asked:
            raise Died(f"it did not stop after {seconds:g} s, when it was asked to")
        if left <= 0:
            os.kill(process.pid, signal.SIGINT)
            until, asked = time.monotonic() + GRACE, True
        try:
            message = client.get_iopub_msg(timeout=min(max(left, 0.01), 0.5))
        except queue.Empty:
            if not process.is_alive():
                raise Died(f"it ended the kernel (exit {process.exitcode})") from None
            continue
        if message["parent_header"].get("msg_id") != request:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind == "status" and content["execution_state"] == "idle":
            return not asked
        if kind in SHOWN and kept < OUTPUT:
            kept += len(str(content))
            add(cell.outputs, message)
        elif kind == "error":  # however much was printed before
            add(cell.outputs, message)


def add(outputs, message):
    """Append an output; what is printed to one stream in one go is one output."""
    output = output_from_msg(message)
    if output.output_type == "stream":
        output.text = output.text[:OUTPUT]
        if outputs and outputs[-1].output_type == "stream" and outputs[-1].name == output.name:
            outputs[-1].text += output.text
            return
    outputs.append(output)
