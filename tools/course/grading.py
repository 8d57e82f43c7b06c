"""Many notebooks graded, each in a process and a folder of its own, two at a time, once for each content.

What a submission gave is in a JSON file that begins with the hash of all that it depends on: the file that
was handed in, the sheet, the library, the limits. A second run grades what has another hash, nothing else.
A submission that cannot be graded has a record as well, which says why; it never stops the others.
"""

import hashlib
import json
import re
import shutil
import tempfile
import time
from multiprocessing import connection
from pathlib import Path

import nbformat
from tqdm import tqdm

from tools.course import GRADER, kernel
from tools.course.sheets import info, mark

DEATHS = 3  # cells of one notebook that may end their kernel before the rest is given up


def grader(sheet, seconds):
    """The hash of all that a grade depends on, but for the submission."""
    from tools.build import fingerprint

    return fingerprint(GRADER, seconds, nbformat.writes(sheet.instructor))


def place(course, kind, student, name, suffix):
    """Where a file of a student's is: in folders as nbgrader has them."""
    return course / kind / safe(student) / name / f"{name}{suffix}"


def safe(student):
    """A student as the name of a folder."""
    return re.sub(r"[^\w.@+-]+", "_", student).strip(".") or "_"


def record_of(course, submission):
    """What an earlier run has written, or None."""
    path = place(course, "results", submission.student, submission.set, ".json")
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def grade(course, submissions, sheets, seconds=25, jobs=2):
    """The records of all submissions; those with the hash of an earlier run are read and not made again."""
    records, waiting = {}, []
    graders = {name: grader(sheet, seconds) for name, sheet in sheets.items()}
    for submission in submissions:
        content = graders[submission.set].encode() + submission.path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        known = record_of(course, submission)
        if known and known["key"] == digest:
            records[submission] = known | described(submission)
        else:
            waiting.append((submission, digest))
    if waiting:
        kernel.warm_up()
    tqdm.monitor_interval = 0  # a bar with a thread of its own, and no fork would be safe
    bar = tqdm(total=len(waiting), desc="Grading", unit="submission", disable=not waiting)
    with bar:
        for (submission, digest), outcome in attempts(waiting, seconds, jobs):
            record = {"key": digest} | described(submission) | judged(submission, sheets, outcome)
            save(course, submission, record, outcome)
            records[submission] = record | {"fresh": True}
            bar.set_postfix_str(submission.student[:20], refresh=False)
            bar.update()
    return [records[submission] for submission in submissions]


def described(submission):
    """What is known of a submission without running it, and may change while its content does not."""
    shown = ["student", "name", "set", "late"]
    known = {name: getattr(submission, name) for name in shown} | {"file": submission.sent}
    ready = submission.ready
    notes = {"identifier": ready.identifier, "flags": list(ready.flags)} if ready else {"flags": []}
    return known | notes | {"remarks": submission.remarks}


# ---- one attempt in a process of its own ---------------------------------------------------------------


def attempt(notebook, folder, seconds, skip):
    """Run in the new process: execute, and leave the outcome in a file."""
    outcome = {"died": None}
    try:
        stopped = kernel.run(notebook, folder, seconds, skip)
    except kernel.Died as died:
        why, *where = died.args
        outcome["died"], stopped = (why, where[0] if where else None), skip
    outcome["stopped"] = sorted(stopped.items())
    outcome["notebook"] = nbformat.writes(notebook)
    (Path(folder) / "outcome.json").write_text(json.dumps(outcome), encoding="utf-8")


def attempts(waiting, seconds, jobs):
    """Yield ((submission, hash), outcome) as they are done; the outcome is None if there is no answer."""
    queue = [(task, {}) for task in reversed(waiting)]
    running = {}
    try:
        while queue or running:
            while queue and len(running) < jobs:
                task, skip = queue.pop()
                if task[0].ready is None:
                    yield task, None
                    continue
                folder = tempfile.mkdtemp(prefix="grade-")
                arguments = task[0].ready.notebook, folder, seconds, skip
                process = kernel.PROCESSES.Process(target=attempt, args=arguments)
                process.start()
                limit = kernel.START + (seconds + kernel.GRACE) * len(task[0].ready.notebook.cells)
                running[process.sentinel] = process, task, skip, Path(folder), time.monotonic() + limit
            done = connection.wait(running, timeout=1)
            late = [sentinel for sentinel, (*_, until) in running.items() if time.monotonic() > until]
            for sentinel in {*done, *late}:
                process, task, skip, folder, _ = running.pop(sentinel)
                process.kill()
                process.join()
                outcome = answer(folder)
                died = outcome and outcome["died"]
                if died and died[1] is not None and len(skip) < DEATHS:
                    queue.append((task, skip | {died[1]: died[0]}))
                else:
                    yield task, outcome
    finally:
        for process, *_ in running.values():
            process.kill()


def answer(folder):
    """What an attempt has left, or None; its folder is removed."""
    path = folder / "outcome.json"
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# ---- what it is worth ----------------------------------------------------------------------------------


def judged(submission, sheets, outcome):
    """State, reason and points of a submission."""
    if submission.ready is None:
        return {"state": "failed", "reason": submission.why, "cells": {}}
    if outcome is None:
        return {"state": "failed", "reason": "the process that ran it ended without an answer", "cells": {}}
    notebook = nbformat.reads(outcome["notebook"], as_version=4)
    if outcome["died"] and outcome["died"][1] is None:
        return {"state": "failed", "reason": outcome["died"][0], "cells": {}}
    told = [f"{mark(notebook.cells[i]) or f'cell {i + 1}'}: {why}" for i, why in outcome["stopped"]]
    if outcome["died"]:
        why, where = outcome["died"]
        told.append(
            f"{mark(notebook.cells[where]) or f'cell {where + 1}'}: {why}, and nothing after it was run"
        )
    cells = points(notebook, sheets[submission.set])
    return {"state": "partly" if told else "graded", "reason": "; ".join(told), "cells": cells}


def points(notebook, sheet):
    """{cell: points, of, what it said}: nbgrader's rules, but that what goes to stderr costs nothing.

    Points are None where a person has to read.
    """
    from nbgrader.utils import determine_grade

    found = {}
    for cell in notebook.cells:
        if mark(cell) not in sheet.graded:
            continue
        judge = nbformat.from_dict(cell)
        said = None
        if cell.cell_type == "code":
            judge.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
            errors = [output for output in cell.outputs if output.output_type == "error"]
            said = {"error": errors[0].ename, "text": errors[0].evalue} if errors else None
        try:
            got, most = determine_grade(judge)
        except (ValueError, KeyError) as error:  # a result that claims more points than there are
            got, most = 0, float(info(cell)["points"])
            said = {"error": type(error).__name__, "text": str(error)}
        found[mark(cell)] = {"points": got, "of": most, "said": said}
    return found


def save(course, submission, record, outcome):
    """Write the record; keep what was handed in, and what it became, where nbgrader looks for them."""
    files = [("submitted", submission.path.read_bytes())]
    if outcome is not None:
        files.append(("autograded", outcome["notebook"].encode()))
    for kind, content in files:
        path = place(course, kind, submission.student, submission.set, ".ipynb")
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.resolve() != submission.path.resolve():
            path.write_bytes(content)
    path = place(course, "results", submission.student, submission.set, ".json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False), encoding="utf-8")
