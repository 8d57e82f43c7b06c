"""A panel computes aside: busy shows, steps have names, Stop frees, and no answer outlives its question."""

import asyncio
import os
import time
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
import sympy
from ipywidgets import IntText
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

import noetherlib as nl
from noetherlib.display import Panel, panel
from tools.build import ROOT


def read(n):
    if n < 0:
        raise ValueError("n must not be negative")
    return {"n": n}


def made(**steps):
    return Panel({"n": IntText(3)}, read, steps)


def count(e):
    print("counted to", e["n"])


def wait(e):
    time.sleep(60)


def texts(p):
    return "".join(output["text"] for output in p.out.outputs)


async def until(condition, task):
    while not condition() and not task.done():
        await asyncio.sleep(0.01)


needs_fork = pytest.mark.skipif(not panel._can_fork(), reason="no forked processes here")


@pytest.mark.parametrize("fork", [pytest.param(True, marks=needs_fork), False])
def test_a_panel_answers_its_fields_and_clears_the_answer_when_they_change(fork, monkeypatch):
    monkeypatch.setattr(panel, "_can_fork", lambda: fork)
    p = made(counting=count)

    async def use():
        p.compute.click()
        assert p.compute.disabled and p.fields["n"].disabled and p.stop.disabled is not fork
        await p.task
        assert texts(p) == "counted to 3\n" and "done" in p.status.value
        assert not p.compute.disabled and p.stop.disabled and not p.fields["n"].disabled
        p.fields["n"].value = 4
        assert p.out.outputs == () and p.status.value == ""
        p.compute.click()
        await p.task
        assert texts(p) == "counted to 4\n"

    asyncio.run(use())


@needs_fork
def test_stop_ends_the_process_and_says_at_which_step():
    p = made(counting=count, waiting=wait)

    async def use():
        p.compute.click()
        first = p.task
        p.compute.click()  # while busy nothing is queued
        assert p.task is first
        await until(lambda: "waiting" in p.status.value, p.task)
        assert "3 of 3: waiting" in p.status.value
        process = p.process.pid
        p.stop.click()
        await p.task
        assert texts(p) == "counted to 3\n" and "stopped, at: waiting" in p.status.value
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
        assert p.process is None and not p.compute.disabled

    asyncio.run(use())


def test_what_is_refused_is_shown_in_its_own_words():
    def fail(e):
        raise KeyError("no such rate")

    for p, n, words in [
        (made(), -1, "Stopped: n must not be negative"),
        (made(f=fail), 1, "KeyError: 'no such rate'"),
    ]:
        p.fields["n"].value = n

        async def use(p=p):
            p.compute.click()
            await p.task

        asyncio.run(use())
        assert words in texts(p) and "stopped, at" in p.status.value


IN_A_KERNEL = """
import matplotlib.pyplot as plt, sympy
from IPython.display import Math, display
from ipywidgets import IntText
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
import noetherlib as nl
from noetherlib.display import Panel
nl.style()

def show(n):
    display(Math("x^2"))
    print("shown", n)
    return {"n": n}

def draw(e):
    plt.plot([0, e["n"]])
    plt.show()

panel = Panel({"n": IntText(3)}, show, {"a picture": draw})
panel.start()
await panel.task
print(panel.status.value.split("(")[0])
print([sorted(o.get("data", {o.get("text"): 0}))[0] for o in panel.out.outputs])
"""


@needs_fork
def test_in_a_kernel_what_a_step_displays_and_draws_is_shown():
    client = NotebookClient(new_notebook(cells=[new_code_cell(IN_A_KERNEL)]), kernel_name="python3")
    (cell,) = asyncio.run(client.async_execute()).cells
    printed = "".join(output.get("text", "") for output in cell.outputs)
    assert "<b>done</b>" in printed
    assert "shown 3" in printed and "text/latex" in printed and "image/svg+xml" in printed


def test_the_pages_panel_falls_back_on_the_numeric_symmetries_and_says_so(monkeypatch, capsys):
    page = nbformat.read(ROOT / "book/beyond/your-own-system.ipynb", 4)
    cells = {cell.id: cell.source for cell in page.cells}
    names = dict(nl=nl, np=np, sp=sympy, SimpleNamespace=SimpleNamespace)
    exec(cells["yo010"].split("\n\n\nfor e")[0], names)
    for name in ("yo015-exact", "yo015-both", "yo055-steps", "yo055-charges", "yo058"):
        exec(cells[name], names)

    def give_up(*arguments, max_seconds):
        raise nl.symbolic.SearchLimitError("given up")

    monkeypatch.setattr(nl.symbolic, "find_symmetries", give_up)
    clock = "x' = x*(1 - x^2 - y^2) - 2y\ny' = y*(1 - x^2 - y^2) + 2x"
    e = names["read"](clock, "1, 0", "-0.5, 0.7", "-1.5, 1.5, -1.5, 1.5", 0.01, 1.5)
    names["symmetries"](e)
    e.path = nl.least_action_path(e.system, e.start, e.end, np.linspace(0, 1.5, 61))
    names["charges"](e)
    printed = capsys.readouterr().out
    assert "no exact answer: given up" in printed
    assert "1 affine ones (numeric)" in printed and "charge of affine 0 (numeric)" in printed
