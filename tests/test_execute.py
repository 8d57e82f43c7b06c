"""The build executes notebooks once, several at a time; the tests compare what that gave."""

import ast
import json
import re
import subprocess
import sys
import threading

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools import build, execute, parallel
from tools.build import ROOT
from tools.notebooks import KERNEL, find, parse, read

# pytest as `make test` calls it, with a build folder of its own
RUN_TESTS = """
import sys
from pathlib import Path
import pytest
from tools import build
build.BUILD = Path(sys.argv[1])
options = ["-p", "conftest", "--nbval", "--nbval-current-env", "-rA", "--color=no"]
sys.exit(pytest.main([*options, *sys.argv[2:]]))
"""
HTML = "from IPython.display import HTML, display\ndisplay(HTML('<p>A<svg><path/></svg></p>'))"


def printed(text):
    return new_output("stream", text=text)


def shown(html):
    return new_output(
        "display_data", data={"text/html": html, "text/plain": "<IPython.core.display.HTML object>"}
    )


def raised(why):
    return new_output("error", ename="ZeroDivisionError", evalue=why)


def traced(path):
    """Code that leaves a trace of being executed."""
    return f"_ = open({str(path)!r}, 'a').write('x')"


# name: (code, what it is said to have given, whether that is right)
COMMITTED = {
    "right": ("print(1 + 1)", [printed("2\n")], True),
    "wrong": ("print(1 + 2)", [printed("2\n")], False),
    "too-much": ("print(1 + 3)", [printed("4\n"), shown("<p>A</p>")], False),
    "nothing": ("print(1 + 4)", [], False),
    "picture": (HTML, [shown("<p>A<svg /></p>")], True),
    "beside-a-picture": (HTML + "\n", [shown("<p>B<svg /></p>")], False),
    "error": ("1 / 0", [raised("division by zero")], True),
    "other-error": ("2 / 0", [raised("division by one")], False),
}


def write(path, *cells, tags=()):
    """A notebook of cells, each a pair of code and outputs."""
    cells = [
        new_code_cell(code, outputs=outputs, execution_count=count, metadata={"tags": list(tags)})
        for count, (code, outputs) in enumerate(cells, 1)
    ]
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), path)
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("book")


@pytest.fixture(scope="module")
def pages(place):
    """Notebooks with outputs right and wrong; each leaves a trace when executed."""
    pages = {}
    for name, (code, outputs, _) in COMMITTED.items():
        cells = (traced(place / f"{name}.trace"), []), (code, outputs)
        pages[name] = write(place / f"{name}.ipynb", *cells, tags=["raises-exception"])
    return pages


@pytest.fixture(scope="module")
def folder(place, pages):
    """The records of these notebooks, and of one that fails."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "BUILD", place / "build")
        folder = build.executed()
    bad = write(place / "bad.ipynb", ("undefined", []))
    failed = execute.fill(folder, [bad, *pages.values()], 60)
    assert list(failed) == [bad] and "NameError" in failed[bad]
    return folder


def traces(pages):
    return {name: path.with_suffix(".trace").read_text() for name, path in pages.items()}


def outcomes(folder, paths, *arguments):
    """{notebook: whether no cell of it failed}, as `make test` finds it."""
    command = [sys.executable, "-c", RUN_TESTS, folder.parent, *paths, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    found = re.findall(r"^(PASSED|FAILED) .*?([\w-]+)\.ipynb::Cell", done.stdout, re.MULTILINE)
    assert found, done.stdout
    return {name: ("FAILED", name) not in found for _, name in found}


EXPECTED = {name: right for name, (_, _, right) in COMMITTED.items()}


def test_what_the_build_executed_is_compared_and_not_executed_again(pages, folder):
    assert traces(pages) == dict.fromkeys(pages, "x")
    assert outcomes(folder, pages.values()) == EXPECTED
    assert traces(pages) == dict.fromkeys(pages, "x")
    assert execute.fill(folder, list(pages.values()), 60) == {}
    assert traces(pages) == dict.fromkeys(pages, "x")


def test_other_code_is_executed_and_all_of_it_where_that_is_asked(pages, folder, place):
    """One more cell, or the option: the same verdicts, of an execution."""
    before = traces(pages)
    other = write(place / "other.ipynb", (traced(pages["right"].with_suffix(".trace")), [printed("1\n")]))
    asked = [pages[name] for name in ["picture", "wrong"]]
    assert execute.recorded(folder, read(other)) is None
    assert outcomes(folder, [other]) == {"other": False}
    assert outcomes(folder, asked, "--execute") == {"picture": True, "wrong": False}
    now = traces(pages)
    assert {name for name in pages if now[name] != before[name]} == {"right", "picture", "wrong"}


def test_a_failure_leaves_no_record(folder, place):
    assert execute.recorded(folder, read(place / "bad.ipynb")) is None


def test_equal_code_is_executed_once(folder, place):
    trace = place / "equal.trace"
    paths = [write(place / f"{name}.ipynb", (traced(trace), [])) for name in ["equal", "alike"]]
    assert execute.fill(folder, paths, 60) == {}
    assert trace.read_text() == "x"


def test_the_build_stops_where_a_notebook_fails(monkeypatch, capsys, tmp_path):
    bad = write(tmp_path / "bad.ipynb", ("undefined", []))
    monkeypatch.setattr(build, "BUILD", tmp_path / "build")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "executed", lambda: tmp_path / "build" / "executed")
    monkeypatch.setattr(build, "notebooks", lambda: [bad])
    assert not build.execute_pages(60)
    assert "bad.ipynb failed" in capsys.readouterr().out


# ---- what the records depend on ------------------------------------------------------------------


def test_records_are_kept_per_library_pins_and_data(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "ROOT", tmp_path)
    for name in ["noetherlib/room/__pycache__", "book/beyond", "book/_ext"]:
        (tmp_path / name).mkdir(parents=True)
    for name in ["noetherlib/room/a.py", "book/beyond/a.csv", *build.PINS]:
        (tmp_path / name).write_text("1")
    before = build.executed()
    for name in ["noetherlib/room/__pycache__/a.pyc", "book/beyond/a.md", "book/_ext/a.py"]:
        (tmp_path / name).write_text("2")
        assert build.executed() == before
    for name in ["noetherlib/room/a.py", "noetherlib/b.py", "constraints.txt", "book/beyond/a.csv"]:
        (tmp_path / name).write_text("2")
        assert build.executed() != before
        before = build.executed()


@pytest.mark.parametrize("path", find(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_that_a_notebook_names_belong_to_the_key(path):
    known = {file.resolve() for file in build.files([*build.LIBRARY, *build.data()])}
    for cell in read(path).cells:
        if cell.cell_type == "code":
            for node in ast.walk(parse(cell.source)):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 200:
                    named = (path.parent / node.value).resolve()
                    assert not named.is_file() or named in known, node.value


# ---- as many at once as there are cores ----------------------------------------------------------


@pytest.mark.parametrize(("text", "cores"), [("max 100000", 8), ("150000 100000", 1), ("400000 100000", 4)])
def test_a_containers_share_is_obeyed(tmp_path, monkeypatch, text, cores):
    monkeypatch.setattr(parallel.os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    monkeypatch.setattr(parallel, "SHARE", tmp_path / "cpu.max")
    assert parallel.cores() == 8
    parallel.SHARE.write_text(text)
    assert parallel.cores() == cores


def test_as_many_at_once_as_there_are_cores_behind_a_bar(monkeypatch, capsys):
    monkeypatch.setattr(parallel, "cores", lambda: 3)
    together = threading.Barrier(3, timeout=60)  # passes only when three have come
    done = parallel.each(lambda _: together.wait(), range(6), "Executing")
    assert {number for number, _ in done} == set(range(6))
    bar = capsys.readouterr().err
    assert "Executing: 100%" in bar and "6/6" in bar


def test_threads_share_the_cores_unless_someone_has_said_otherwise():
    code = "from tools import parallel; parallel.cores = lambda: 8; parallel.limit_threads(3)"
    code += "; import json, os; print(json.dumps({name: os.environ[name] for name in parallel.THREADS}))"
    environ = {"OMP_NUM_THREADS": "5", "PATH": "", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, check=True)
    found = json.loads(done.stdout)
    assert found.pop("OMP_NUM_THREADS") == "5" and set(found.values()) == {"2"}
