"""The table of a class: for each student and set a state, points if there are any, and the reason in words.

graded    every check was run, and every text that was written has been read
unread    every check was run; a person has to read, and the points so far are no mark
partly    some cells were stopped, or ended the kernel; what could be run has its points
failed    nothing could be graded, and there are no points, not even 0
absent    in the class list, and nothing was handed in
"""

import csv
from collections import Counter

STATES = ["graded", "unread", "partly", "failed", "absent"]
COLUMNS = ["student", "name", "set", "state", "points", "of", "unread", "reason", "look", "remarks", "file"]


def completed(record, sheet):
    """A record with its state, the points it has, and those that a person still has to give."""
    cells = record["cells"].values()
    unread = sum(cell["of"] for cell in cells if cell["points"] is None or cell.get("again"))
    points = sum(cell["points"] for cell in cells if cell["points"] is not None)
    state = "unread" if record["state"] == "graded" and unread else record["state"]
    known = {"state": state, "unread": unread, "of": sum(sheet.graded.values())}
    return record | known | {"points": points if record["cells"] else None}


def absent(people, records, sheets):
    """Records of those who are in the class list and have handed in nothing of a set that others did."""
    there = {(record["student"], record["set"]) for record in records}
    return [
        {"student": person.student, "name": person.name, "set": name, "state": "absent", "cells": {}}
        | {"reason": "nothing was handed in", "flags": [], "remarks": [], "file": "", "late": False}
        for name in sorted({record["set"] for record in records})
        for person in people
        if (person.student, name) not in there
    ]


def row(record):
    """What the table says of a record."""
    shown = dict(record) | {"look": "; ".join(record["flags"]), "remarks": "; ".join(record["remarks"])}
    shown["points"] = "" if record["points"] is None else f"{record['points']:g}"
    shown["unread"] = f"{record['unread']:g}" if record["unread"] else ""
    if not shown["reason"] and record["unread"]:
        shown["reason"] = f"{record['unread']:g} points wait for a person to read"
    return {column: shown[column] for column in COLUMNS} | {"of": f"{record['of']:g}"}


def write(records, path):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(row(record) for record in records)


def show(records):
    """The table as text: a line for each, what a person should look at, how many are in each state."""
    lines = []
    for record in records:
        told = row(record)
        points = f"{told['points'] or '-':>5} of {told['of']}"
        who = f"{record['student'][:18]:18s} {record['name'][:22]:22s}"
        lines.append(
            f"{who} {record['set']:10s} {record['state']:7s} {points}   {told['reason'][:90]}".rstrip()
        )
    look = [
        f"Look at {record['student']}: {'; '.join(record['flags'])}" for record in records if record["flags"]
    ]
    counts = Counter(record["state"] for record in records)
    total = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    return "\n".join([*lines, *look, total])


def marks(records, also=()):
    """{student: points} of those whose mark is complete, and of the states that a teacher adds to them."""
    wanted = {"graded", *also} - {"failed", "absent"}
    return {record["student"]: record["points"] for record in records if record["state"] in wanted}
