"""What runs elsewhere runs what is here: the script of continuous integration, and GitHub's workflows."""

import os
import re
import shutil
import subprocess

import pytest
import yaml

from tools import versions
from tools.build import INDEX, ROOT

WORKFLOWS = {path.stem: path for path in sorted(ROOT.glob(".github/workflows/*.yml"))}
FOUND = "7 passed in 1.00s"
# make, and the Python that fetches Pyodide: each says what it was asked, and fails if told to
MAKE = f'#!/bin/sh\necho "make $*"\n[ "$1" != test ] || echo "{FOUND}"\n[ "$*" != "$WRONG" ]\n'
PYTHON = '#!/bin/sh\necho "python $*"\nexit $FETCHED\n'


def continuous_integration(folder, fetched=0, wrong=None):
    """Run .ci/run where make and Python are stand-ins; chromium is one so that none is installed."""
    for name, content in {"bin/make": MAKE, "bin/chromium": PYTHON, ".venv/bin/python": PYTHON}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(0o755)
    shutil.copytree(ROOT / ".ci", folder / ".ci")
    environ = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "TMPDIR": str(folder)}
    environ |= {"FETCHED": str(fetched), "WRONG": wrong or "nothing"}
    done = subprocess.run([folder / ".ci/run"], env=environ, capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines(), done.stderr


ALWAYS = ["make book", "make course", "make test", FOUND, "make live-environment", "python -m tools.pyodide"]


def test_notebooks_run_in_a_browser_after_all_else(tmp_path):
    """The last line is that of all tests, by which the run is known."""
    code, said, told = continuous_integration(tmp_path)
    assert (code, told) == (0, "")
    assert said == [*ALWAYS, "make test-live PAGES=", FOUND]


@pytest.mark.parametrize("fetched", [os.EX_UNAVAILABLE, 124])  # out of reach, or out of time
def test_without_pyodide_they_are_passed_over_and_that_is_said(tmp_path, fetched):
    code, said, told = continuous_integration(tmp_path, fetched)
    assert code == 0 and said == [*ALWAYS, FOUND]
    assert told.startswith("WARNING: NOT TESTED: notebooks in the browser")


@pytest.mark.parametrize("wrong", ["book", "course", "test", "live-environment", "test-live PAGES="])
def test_whatever_fails_fails_the_run(tmp_path, wrong):
    code, said, _ = continuous_integration(tmp_path, wrong=wrong)
    assert code == 1 and [line for line in said if line != FOUND][-1] == f"make {wrong}"


def test_a_file_of_pyodide_that_is_another_fails_the_run(tmp_path):
    assert continuous_integration(tmp_path, fetched=1)[0] == 1


# ---- GitHub's workflows --------------------------------------------------------------------------


def jobs(name):
    return yaml.safe_load(WORKFLOWS[name].read_text(encoding="utf-8"))["jobs"]


def commands(job):
    """What a job runs, in its order."""
    return [step["run"] for step in job["steps"] if "run" in step]


def every_step():
    return [step for name in WORKFLOWS for job in jobs(name).values() for step in job["steps"]]


def test_every_command_is_one_of_ours():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for step in every_step():
        words = step.get("run", "make").split()
        if words[0] == "make":
            assert {word for word in words[1:] if "=" not in word} <= targets
        else:
            assert words[:3] == ["python", "-m", "tools.versions"]


def test_what_others_made_is_used_in_one_version():
    used = [step["uses"] for step in every_step() if "uses" in step]
    assert used and all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+", name) for name in used)


def test_every_version_is_tested_but_the_browsers_which_the_book_tests():
    cases = jobs("tests")["versions"]["strategy"]["matrix"]["include"]
    assert [case["run"] for case in cases] == [name for name in versions.NAMES if name != "pyodide"]
    assert all(case["python"] == case["run"] for case in cases if case["run"] != "oldest")
    assert {case["python"] for case in cases if case["run"] == "oldest"} == {versions.PYTHONS[0]}
    assert "make test-live PAGES=" in commands(jobs("tests")["book"])


def test_what_readers_get_is_tested_and_alive():
    """Test results belong to a build without it, so that nothing is executed twice."""
    job = jobs("deploy")["deploy"]
    assert commands(job) == ["make book", "make test", "make live test-site"]
    (uploaded,) = [step["with"]["path"] for step in job["steps"] if "upload-pages" in step.get("uses", "")]
    assert ROOT / uploaded == INDEX.parent
    assert job["steps"][-1]["uses"].startswith("actions/deploy-pages@")


def test_every_week_all_is_executed_and_run_in_a_browser():
    (job,) = jobs("weekly").values()
    assert commands(job)[:3] == ["make book", "make test TESTS=--execute", "make test-live"]
    assert not any("cache" in step.get("with", {}) for step in job["steps"])  # from nothing
