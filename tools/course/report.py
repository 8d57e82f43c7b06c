"""The class, without names: which slips, how many students, where to read; and what each task tells.

A slip is what a check has named (`noetherlib.course.SLIPS`). A student counts once for a slip, however many
checks have found it. Discrimination is the point-biserial correlation of a task, right or not, with the
points of all *other* tasks: near 0 or below, the task does not measure what the others do.
"""

import csv
import html
import re
from collections import defaultdict

import numpy as np

NOTHING = "not answered, or under another name"
OTHER = "a mistake that is none of the usual slips"
WHERE = re.compile(r"See (.+?)\.?$")


def slip_of(said):
    """What a failed check has found: the name of a slip, else what kind of failure it was."""
    from noetherlib.course import SLIPS

    known = [name for name, text in SLIPS.items() if text in said["text"]]
    if known:
        return max(known, key=lambda name: len(SLIPS[name]))
    if said["error"] in ("NotImplementedError", "NameError"):
        return NOTHING
    return (
        OTHER if said["error"] in ("Mistake", "AssertionError") else f"the program stopped: {said['error']}"
    )


def where(slip):
    """The page that explains a slip, as the check's text has it."""
    from noetherlib.course import SLIPS

    found = WHERE.search(SLIPS.get(slip, ""))
    return found[1] if found else ""


def ran(records):
    return [record for record in records if record["cells"]]


def slips(records):
    """Rows of slip, students, share, tasks, where to read; the most frequent first."""
    who, tasks = defaultdict(set), defaultdict(set)
    for number, record in enumerate(ran(records)):
        for name, cell in record["cells"].items():
            if cell.get("said"):
                slip = slip_of(cell["said"])
                who[slip].add(number)
                tasks[slip].add(name)
    total = len(ran(records))
    rows = [
        {
            "slip": slip,
            "students": len(found),
            "of": total,
            "share": round(len(found) / total, 3),
            "tasks": " ".join(sorted(tasks[slip])),
            "where to read": where(slip),
        }
        for slip, found in who.items()
    ]
    return sorted(rows, key=lambda row: (-row["students"], row["slip"]))


def tasks(records):
    """Rows of task, points, students, share right, mean, discrimination; in the order of the sheet."""
    rows, everyone = [], ran(records)
    names = list(dict.fromkeys(name for record in everyone for name in record["cells"]))
    for name in names:
        cells = [(record, record["cells"][name]) for record in everyone if name in record["cells"]]
        cells = [(record, cell) for record, cell in cells if cell["points"] is not None]
        if not cells:
            continue
        most = cells[0][1]["of"]
        points = np.array([cell["points"] for _, cell in cells])
        others = [sum(c["points"] or 0 for other, c in r["cells"].items() if other != name) for r, _ in cells]
        rows.append(
            {
                "task": name,
                "points": most,
                "students": len(cells),
                "share right": round(float((points >= most).mean()), 3),
                "mean": round(float(points.mean()), 2),
                "discrimination": discrimination(points >= most, np.array(others, dtype=float)),
            }
        )
    return rows


def discrimination(right, others):
    """The point-biserial correlation, or '' where all are right, all are wrong, or there are too few."""
    if len(right) < 5 or not right.std() > 0 or not others.std() > 0:
        return ""
    return round(float(np.corrcoef(right, others)[0, 1]), 2)


# ---- as files ------------------------------------------------------------------------------------------


def told(records):
    """The most frequent slips in a line: '19 of 60: missing ½∇·f; 7 of 60: sign'."""
    rows = slips(records)[:5]
    return "; ".join(f"{row['students']} of {row['of']}: {row['slip']}" for row in rows) or "no slips"


def markdown(rows):
    if not rows:
        return "Nothing.\n"
    head = list(rows[0])
    lines = [head, ["---"] * len(head), *([str(row[column]) for column in head] for row in rows)]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def table(rows):
    if not rows:
        return "<p>Nothing.</p>"
    head = "".join(f"<th scope='col'>{html.escape(column)}</th>" for column in rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(value))}</td>" for value in row.values()) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; margin: 1rem 0 }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .8rem; border-bottom: 1px solid #ccc }}
</style></head><body><h1>{title}</h1><p>{states}</p>
<h2>Slips</h2>{slips}<h2>Tasks</h2><p>Discrimination is the correlation of a right answer with the points of
all other tasks. It is left out where everyone is right or wrong, and below five students.</p>
{tasks}</body></html>
"""


def write(records, name, folder):
    """The report of one set as CSV, Markdown and a page."""
    found, items = slips(records), tasks(records)
    folder.mkdir(parents=True, exist_ok=True)
    for part, rows in (("slips", found), ("tasks", items)):
        with open(folder / f"{name}-{part}.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]) if rows else ["nothing"])
            writer.writeheader()
            writer.writerows(rows)
    title = f"The class in {name}"
    count = f"{len(ran(records))} of {len(records)} could be graded."
    text = f"# {title}\n\n{count}\n\n## Slips\n\n{markdown(found)}\n## Tasks\n\n{markdown(items)}"
    (folder / f"{name}.md").write_text(text, encoding="utf-8")
    page = PAGE.format(title=title, states=count, slips=table(found), tasks=table(items))
    (folder / f"{name}.html").write_text(page, encoding="utf-8")
