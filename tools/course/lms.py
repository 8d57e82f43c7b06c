"""Class lists as Canvas, Moodle and nbgrader write them, and points into what Canvas and Moodle take.

Canvas    the gradebook's export: Student (or LastName, FirstName), ID, [SIS User ID,] SIS Login ID,
          [Integration ID, Root Account,] Section, one column 'noise (4711)' for each assignment, sometimes a
          row 'Manual Posting', then one that begins with '    Points Possible'; commas or semicolons
Moodle    an assignment's grading worksheet: Identifier ('Participant 12345'), Full name, [ID number, Email
          address,] Status, Grade, Maximum grade ('Maximum Grade' before 4), Grade can be changed,
          Last modified (submission), Last modified (grade), Feedback comments
nbgrader  id, first_name, last_name, email

Where a column's name is another language's, the LMS wants it in that language and this file does not know it:
set the language to English for the export.
"""

import csv
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath

IDENTIFIERS = ["SIS User ID", "SIS Login ID", "Integration ID", "ID number", "Email address", "email"]


@dataclass(frozen=True)
class Person:
    """One of the class: the name that files carry, the name to read, and other identifiers."""

    student: str
    name: str
    others: frozenset = frozenset()

    def answers_to(self, identifier):
        return identifier.strip().casefold() in {self.student.casefold(), *self.others}


@dataclass(frozen=True)
class Table:
    """A CSV file with what it takes to write one like it."""

    kind: str
    header: list
    rows: list
    delimiter: str
    encoding: str

    @classmethod
    def read(cls, path):
        data = path.read_bytes()
        encoding = "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8"
        text = data.decode(encoding)
        first = text.splitlines()[0] if text.strip() else ""
        delimiter = max(",;\t", key=first.count)
        header, *rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)) or [[]]
        return cls(kind_of(header, path), header, rows, delimiter, encoding)

    def column(self, name):
        return self.header.index(name)

    def get(self, row, name):
        place = self.header.index(name) if name in self.header else len(row)
        return row[place].strip() if place < len(row) else ""

    def write(self, path, rows, header=None):
        with open(path, "w", newline="", encoding=self.encoding) as file:
            csv.writer(file, delimiter=self.delimiter).writerows([header or self.header, *rows])


def kind_of(header, path):
    """Whose file it is, by its columns."""
    columns = set(header)
    if "ID" in columns and columns & {"Student", "LastName"}:
        return "canvas"
    if {"Identifier", "Grade", "Last modified (grade)"} <= columns:
        return "moodle"
    if {"id", "first_name", "last_name"} <= columns:
        return "nbgrader"
    raise ValueError(
        f"{path.name} is no class list: its columns are {', '.join(header)[:200] or 'none'}, and those of a "
        "Canvas gradebook, a Moodle grading worksheet or nbgrader's students.csv are needed"
    )


def student_of(table, row):
    """The student of a row, as file names have it; None where the row has none."""
    if table.kind == "moodle":
        found = re.search(r"(\d+)$", table.get(row, "Identifier"))
        return found[1] if found else None
    identifier = table.get(row, "ID" if table.kind == "canvas" else "id")
    return identifier or None


def people(path):
    """The class, as a file lists it."""
    table, found = Table.read(path), []
    for row in table.rows:
        if student := student_of(table, row):
            if table.kind == "canvas" and "Student" in table.header:
                name = table.get(row, "Student")
            elif table.kind == "moodle":
                name = table.get(row, "Full name")
            else:
                first, last = (
                    ("FirstName", "LastName") if table.kind == "canvas" else ("first_name", "last_name")
                )
                name = f"{table.get(row, last)}, {table.get(row, first)}".strip(", ")
            others = {table.get(row, column).casefold() for column in IDENTIFIERS} - {""}
            found.append(Person(student, name, frozenset(others)))
    return found


def flag_foreign(submissions, everyone):
    """Flag whoever is not in the class, and whoever uses the identifier of another one."""
    for submission in submissions:
        owner = [person for person in everyone if person.student == submission.student]
        if not owner and everyone:
            submission.remarks.append("is not in the class list")
        used = submission.ready and submission.ready.identifier
        if not used or (owner and owner[0].answers_to(used)):
            continue
        for other in everyone:
            if other.student != submission.student and other.answers_to(used):
                submission.ready.flags.append(f"the identifier '{used}' is that of {other.name}")


# ---- points back ---------------------------------------------------------------------------------------


def fill(path, points, title, most, to):
    """Write a copy of an LMS's file with the points of a set: {student: points}; return how many.

    A student without points keeps an empty field, or what the LMS had there. Of a Canvas gradebook only the
    columns that say who it is are kept beside the one of the set: an import cannot change any other.
    """
    table = Table.read(path)
    if table.kind == "nbgrader":
        raise ValueError(f"{path.name} is a class list of nbgrader's: there is no column for points in it")
    column = column_of(table, title)
    rows, count = [list(row) + [""] * (len(table.header) - len(row)) for row in table.rows], 0
    for row in rows:
        possible = possible_points(table, row, column)
        if possible is not None and possible != most:
            raise ValueError(
                f"{path.name} gives {possible:g} points for {title}, and it has {most:g}: change that"
            )
        student = student_of(table, row)
        if student in points:
            row[column] = f"{points[student]:g}"
            count += 1
    header = table.header
    if table.kind == "canvas":
        kept = [*range(header.index("Section") + 1 if "Section" in header else 4), column]
        header, rows = [header[i] for i in kept], [[row[i] for i in kept] for row in rows]
    table.write(to, rows, header)
    return count


def possible_points(table, row, column):
    """The most that the LMS gives, where a row says it."""
    if table.kind == "canvas":
        told = row[column] if row[0].strip() == "Points Possible" else ""
    else:
        told = table.get(row, "Maximum grade") or table.get(row, "Maximum Grade")
    try:
        return float(told.replace(",", ".")) if told.strip() else None
    except ValueError:
        return None  # '(read only)'


def column_of(table, title):
    """Where the points go: 'Grade' in Moodle; in Canvas the one column whose name has the title."""
    if table.kind == "moodle":
        return table.column("Grade")
    start = table.header.index("Section") + 1 if "Section" in table.header else 4
    columns = [
        i
        for i, name in enumerate(table.header)
        if i >= start
        and re.fullmatch(rf"(.*\b)?{re.escape(title)}(\b.*)? \(\d+\)|{re.escape(title)}", name, re.IGNORECASE)
    ]
    if len(columns) != 1:
        named = [name for name in table.header[start:]]
        raise ValueError(
            f"'{title}' must name one assignment of the gradebook, and it has {named}: use --column"
        )
    return columns[0]


def feedback_archive(records, page, to):
    """Pages for students in the archive that the LMS takes: under the names that it gave to their files.

    Moodle: 'Upload multiple feedback files in a zip'. Canvas: 'Upload Submissions'. ``page`` is a function of
    a record: the page's path.
    """
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for record in records:
            if record["file"] and page(record).exists():
                archive.write(page(record), PurePosixPath(record["file"]).with_suffix(".html"))
