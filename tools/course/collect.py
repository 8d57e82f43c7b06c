"""What was handed in: files in a folder, named as students, nbgrader, Canvas or Moodle name them.

Canvas    lovelaceada_12345_67890_noise.ipynb, lovelaceada_LATE_12345_67890_noise-1.ipynb (older versions:
          lovelace-ada--late_12345_67890_noise.ipynb), anon_Xq3aB_67890_noise.ipynb where names are hidden
Moodle    Ada Lovelace_12345_assignsubmission_file/noise.ipynb (since 4.1; before, the folder ended with
          another underscore), Ada Lovelace_12345_assignsubmission_file_noise.ipynb if not in folders
nbgrader  STUDENT/noise/noise.ipynb
by hand   STUDENT/any name.ipynb, or loose files: who sent them is then read inside
"""

import re
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

CANVAS = re.compile(
    r"(?P<name>[\w-]*?)(?:(?:_|--)?(?P<late>late))?_(?P<id>\d+)_(?P<order>\d+)_(?P<file>.+)", re.IGNORECASE
)
HIDDEN = re.compile(r"anon(?:_(?P<late>LATE))?_(?P<id>[A-Za-z0-9]+)_(?P<order>\d+)_(?P<file>.+)")
MOODLE = re.compile(
    r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<file>.*)", re.DOTALL
)
ARCHIVES = 500_000_000  # bytes that an archive may unpack to


@dataclass(frozen=True)
class File:
    """One file of one student: ``student`` is None where only the file itself can say whose it is."""

    path: Path
    student: str | None = None
    name: str = ""
    late: bool = False
    order: int = 0  # of several, the one with the highest is the last
    sent: str = ""  # its name in what the LMS gave, under which the LMS takes something back


def owner(parts, sets):
    """Who sent a file, from the parts of its path below the folder that was given."""
    for place, part in enumerate(parts):
        for pattern in (MOODLE, HIDDEN, CANVAS):
            if found := pattern.fullmatch(part):
                known = found.groupdict()
                order, sent = int(known.get("order") or 0), "/".join(parts[place:])
                return known["id"], known.get("name") or "", bool(known.get("late")), order, sent
    folders = [part for part in parts[:-1] if part not in sets and not part.lower().endswith(".zip")]
    return (folders[0] if folders else None), "", False, 0, "/".join(parts)


def unpack(archive, folder):
    """The archive's files in ``folder``; nothing leaves it, and nothing grows without end."""
    with zipfile.ZipFile(archive) as opened:
        if sum(entry.file_size for entry in opened.infolist()) > ARCHIVES:
            raise ValueError(f"it would unpack to more than {ARCHIVES / 1e6:.0f} MB")
        opened.extractall(folder)


def files(folder, scratch, sets=()):
    """Every file that was handed in, archives unpacked into ``scratch``, and {archive: why not}."""
    shutil.rmtree(scratch, ignore_errors=True)
    found, refused = [], {}

    def visit(path, parts):
        if any(part.startswith((".", "__MACOSX")) for part in parts):
            return
        if path.is_dir():
            for child in sorted(path.iterdir()):
                visit(child, (*parts, child.name))
        elif path.suffix.lower() == ".zip":
            inside = scratch / f"{len(list(scratch.glob('*')))}"
            inside.mkdir(parents=True)
            try:
                unpack(path, inside)
            except (zipfile.BadZipFile, ValueError, OSError, RuntimeError) as error:
                refused[path] = str(error)
                found.append(File(path, *owner(parts, sets)))
            for child in sorted(inside.iterdir()):
                visit(child, (*parts, child.name))
        else:
            found.append(File(path, *owner(parts, sets)))

    visit(folder, ())
    return found, refused
