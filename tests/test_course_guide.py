"""Every command of the instructor's guide is run, in the guide's order, on a small class.

Skipped where nbgrader is not installed: `make course` installs it.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

from tools.course import ROOT
from tools.notebooks import read

pytest.importorskip("nbgrader")

GUIDE = (ROOT / "book" / "course" / "instructors.md").read_text(encoding="utf-8")
SHOWN = [re.sub(r"^  ", "", block, flags=re.M) for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)]
INLINE = re.findall(r"`((?:nbgrader|python -m tools\.course|make) [^`]+)`", GUIDE)
CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,noise (4711)
    Points Possible,,,,,30.00
"Lovelace, Ada",101,0042,ada,A,
"Noether, Emmy",102,0043,emmy,A,
"Hopper, Grace",103,0044,grace,A,
"""
STUDENTS = "id,first_name,last_name,email\n101,Ada,Lovelace,\n102,Emmy,Noether,\n103,Grace,Hopper,\n"


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """A copy of the repository with a folder beside it in which a class has handed in."""
    beside = tmp_path_factory.mktemp("teacher")
    root = beside / "book"
    root.mkdir()
    for name in ("Makefile", "tools", "noetherlib", "book", "tests", "constraints.txt", "pyproject.toml"):
        (root / name).symlink_to(ROOT / name)
    (root / ".venv").symlink_to(sys.prefix)
    (beside / "handed-in").mkdir()
    sheet = read(ROOT / "book" / "course" / "noise.ipynb")
    for cell in sheet.cells:
        if cell.get("metadata", {}).get("nbgrader", {}).get("grade_id") == "noise-student":
            cell.source = "student = '0042'"
    nbformat.write(sheet, beside / "handed-in" / "lovelaceada_101_7_noise.ipynb")
    (beside / "handed-in" / "noetheremmy_102_8_noise.ipynb").write_text("{")
    (beside / "gradebook.csv").write_text(CANVAS)
    (beside / "students.csv").write_text(STUDENTS)
    return root


def surroundings(folder, **more):
    """The environment of a teacher with a configuration of their own."""
    config = folder / "jupyter"
    config.mkdir(exist_ok=True)
    own = {"JUPYTER_CONFIG_DIR": str(config), "JUPYTER_DATA_DIR": str(folder / "data")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | own | {"PATH": path} | more


def sh(command, folder, env):
    done = subprocess.run(["bash", "-euc", command], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def of(start):
    """The one shown block that begins so."""
    (found,) = [block for block in SHOWN if block.startswith(start)]
    return found


def test_all_that_is_shown_is_run_here():
    commands = ["make course", "source .venv/bin/activate", "cd"]
    commands += [f"python -m tools.course {name}" for name in ("release", "grade", "grade", "solutions")]
    assert sorted(block.split(" ../")[0].strip() for block in SHOWN) == sorted(commands)
    assert (
        "$(BIN)/python -m tools.course\n" in (ROOT / "Makefile").read_text()
    )  # `make course` runs this test
    assert {command.split(" --")[0] for command in INLINE} == EXCHANGE


def test_a_class_is_graded_as_the_guide_says(book):
    env = surroundings(book.parent)
    activate = of("source")
    sh(activate + of("python -m tools.course release"), book, env)
    assert len(list((book.parent / "student-versions").glob("*.ipynb"))) == 4
    told = sh(activate + of("python -m tools.course grade ../handed-in --class"), book, env)
    assert "1 unread, 1 failed, 1 absent" in told and "the file is not JSON" in told
    graded = book.parent / "handed-in-graded"
    named = re.findall(r"^\| `([^|]+)` \| .*\|$", GUIDE.partition("The results are beside")[2], re.MULTILINE)
    for name in re.findall(r"[\w.]+/?", " ".join(named[:5]).replace("`", "")):
        assert (graded / name).exists(), name
    told = sh(activate + of("python -m tools.course grade ../handed-in --set"), book, env)
    assert (graded / "noise-gradebook.csv").exists() and (graded / "noise-feedback.zip").exists()
    assert "Grading:" not in told  # nothing has changed, and nothing was run again
    sh(activate + of("python -m tools.course solutions"), book, env)
    assert (book.parent / "solutions" / "solutions-noise.zip").exists()


def test_texts_are_read_in_formgrader(book):
    """After the test before: the server of the guide's command shows what waits for a person."""
    graded, env = book.parent / "handed-in-graded", surroundings(book.parent)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    settings = {"open_browser": False, "allow_root": True, "port": port}
    lines = ["c = get_config()", *(f"c.ServerApp.{name} = {value!r}" for name, value in settings.items())]
    config = Path(env["JUPYTER_CONFIG_DIR"]) / "jupyter_server_config.py"
    config.write_text("\n".join([*lines, "c.IdentityProvider.token = 'known'"]))

    def get(path):
        request = urllib.request.Request(f"http://localhost:{port}{path}")
        request.add_header("Authorization", "token known")
        return urllib.request.urlopen(request, timeout=120).read().decode()

    command = of("cd ../handed-in-graded").replace("jupyter lab", "exec jupyter lab")
    with open(book.parent / "lab.log", "w") as log:
        server = subprocess.Popen(["bash", "-euc", command], cwd=book, env=env, stdout=log, stderr=log)
    try:
        while True:
            assert server.poll() is None, (book.parent / "lab.log").read_text()
            try:
                get("/api/status")
                break
            except OSError:
                time.sleep(0.5)
        assert "formgrader" in get("/formgrader/manage_assignments")
        (one,) = json.loads(get("/formgrader/api/submitted_notebooks/noise/noise"))
        assert (one["student"], one["needs_manual_grade"], one["score"]) == ("101", True, 25)
        assert "noise-odds-why" in get(f"/formgrader/submissions/{one['id']}")
        give = {"manual_score": 5, "extra_credit": 0}
        grades = json.loads(get(f"/formgrader/api/grades?submission_id={one['id']}"))
        (waiting,) = [grade for grade in grades if grade["needs_manual_grade"]]
        request = urllib.request.Request(
            f"http://localhost:{port}/formgrader/api/grade/{waiting['id']}",
            data=json.dumps(give).encode(),
            headers={"Authorization": "token known", "Content-Type": "application/json"},
            method="PUT",
        )
        urllib.request.urlopen(request, timeout=120)
    finally:
        server.terminate()
        server.wait()
    told = sh(of("source") + of("python -m tools.course grade ../handed-in --set"), book, env)
    assert "1 graded, 1 failed, 1 absent" in told and "noise-gradebook.csv: 1 marks" in told
    assert '"Lovelace, Ada",101,0042,ada,A,30\n' in (graded / "noise-gradebook.csv").read_text().replace(
        "\r", ""
    )


EXCHANGE = {
    "nbgrader generate_assignment noise",
    "nbgrader release_assignment noise",
    "nbgrader fetch_assignment noise",
    "nbgrader submit noise",
    "nbgrader collect noise",
    "nbgrader db assignment add noise",
    "python -m tools.course grade COURSE",
    "nbgrader autograde",
    "nbgrader autograde noise",
    "nbgrader generate_feedback",
    "nbgrader generate_feedback noise",
    "nbgrader export",
    "nbgrader release_feedback noise",
    "nbgrader fetch_feedback noise",
}


def test_the_exchange_is_as_described(book, tmp_path):
    """Handing out, handing in twice and late, grading by either way, and pages back."""
    exchange, course, student = (tmp_path / name for name in ("exchange", "course", "student"))
    for folder in (exchange, course / "source" / "noise", student):
        folder.mkdir(parents=True)
    exchange.chmod(0o777)
    env = surroundings(tmp_path)
    (config,) = re.findall(r"^```python\n(c = get_config\(\)\n.*?)```", GUIDE, re.MULTILINE | re.DOTALL)
    config = config.replace("/srv/nbgrader/exchange", str(exchange))
    config += f"c.CourseDirectory.root = {str(course)!r}\n"
    (Path(env["JUPYTER_CONFIG_DIR"]) / "nbgrader_config.py").write_text(config)
    (course / "source" / "noise" / "noise.ipynb").write_bytes((ROOT / "book/course/noise.ipynb").read_bytes())
    (due,) = [command for command in INLINE if command.startswith("nbgrader db")]
    due = re.sub(r"\d{4}-\d\d-\d\d", "2020-01-01", due)  # all that is handed in now is late
    sh("nbgrader generate_assignment noise\nnbgrader release_assignment noise\n" + due, course, env)
    sh("nbgrader fetch_assignment noise\nnbgrader submit noise", student, env)
    sh("nbgrader collect noise", course, env)
    (sent,) = course.glob("submitted/*/noise/noise.ipynb")
    first = (sent.parent / "timestamp.txt").read_text()
    sh("nbgrader submit noise", student, env)
    assert "use --update" in sh("nbgrader collect noise", course, env)
    sh("nbgrader collect noise --update", course, env)
    assert (sent.parent / "timestamp.txt").read_text() != first
    assert "1 graded" in sh(f"python -m tools.course grade {course}", book, env)
    page = course / "feedback" / sent.parent.parent.name / "noise" / "noise.html"
    assert "HIDDEN TESTS" not in page.read_text()
    sh("nbgrader release_feedback noise", course, env)
    sh("nbgrader fetch_feedback noise", student, env)
    (fetched,) = (student / "noise" / "feedback").rglob("noise.html")
    assert fetched.read_text() == page.read_text()
    # nbgrader's own grading
    assert "Skipping existing" in sh("nbgrader autograde noise", course, env)
    late = sh("nbgrader autograde noise --force", course, env)
    assert "seconds late" in late and "penalty: None" in late.replace("Penalty", "penalty")
    sh("nbgrader generate_feedback noise --force\nnbgrader export --to grades.csv", course, env)
    assert "HIDDEN TESTS" in page.read_text()
    exported = (course / "grades.csv").read_text().splitlines()
    assert any(line.startswith("noise,") for line in exported)
