"""Which file is whose work on which set: the last of several, read and mended, or the reason why not."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tools.course import preflight
from tools.course.collect import files


@dataclass(eq=False)
class Submission:
    """One student's work on one set. Without ``ready`` it cannot be graded, for the reason ``why``."""

    student: str
    name: str
    set: str
    path: Path
    sent: str
    late: bool = False
    ready: preflight.Ready | None = None
    why: str = ""
    remarks: list = field(default_factory=list)


def handed_in(folder, scratch, sheets):
    """The submissions in a folder, in the order of their students."""
    found, refused = files(folder, scratch, sheets)
    read = [opened(file, refused, sheets) for file in found]
    usual = Counter(name for _, name, _, _ in read if name).most_common(1)
    groups = {}
    for file, name, ready, why in read:
        student = file.student or (ready and ready.identifier) or file.path.stem
        name = name or named(file.path, sheets) or (usual[0][0] if usual else next(iter(sheets)))
        groups.setdefault((student, name), []).append((file, ready, why))
    made = [chosen(*whose, group) for whose, group in sorted(groups.items())]
    worked = {submission.student for submission in made if submission.ready}
    # a broken or foreign file beside a notebook that can be graded is no submission of its own
    made = [submission for submission in made if submission.ready or submission.student not in worked]
    flag_shared(made)
    return made


def opened(file, refused, sheets):
    """The file, its set, what is ready to run, or why there is nothing."""
    if file.path in refused:
        return file, None, None, f"the archive cannot be unpacked: {refused[file.path]}"
    try:
        notebook = preflight.read(file.path)
        sheet = preflight.which(notebook, sheets)
        return file, sheet.name, preflight.repair(notebook, sheet), ""
    except preflight.Unreadable as error:
        return file, None, None, str(error)


def named(path, sheets):
    """The set whose name is in a file's, or None."""
    return next((name for name in sheets if name in path.name.lower()), None)


def chosen(student, name, group):
    """The last file of a student that can be graded, else the last one."""
    usable = [entry for entry in group if entry[1]] or group
    file, ready, why = max(usable, key=lambda entry: (entry[0].order, entry[0].path.stat().st_mtime))
    remarks = list(ready.remarks) if ready else []
    if len(group) > 1:
        remarks.append(f"{len(group)} files were handed in, and this is the last that can be read")
    if file.late:
        remarks.append("late")
    return Submission(student, file.name, name, file.path, file.sent, file.late, ready, why, remarks)


def flag_shared(submissions):
    """Flag identifiers that several students use: their numbers are the same."""
    used = {}
    for submission in submissions:
        if submission.ready and submission.ready.identifier:
            used.setdefault((submission.set, submission.ready.identifier.casefold()), []).append(submission)
    for (_, identifier), group in used.items():
        if len(group) > 1:
            for submission in group:
                submission.ready.flags.append(f"{len(group)} students use the identifier '{identifier}'")
