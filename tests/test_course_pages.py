"""What the course's pages say of chapters, problem sets, nbgrader and the library is so."""

import inspect
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_notebook

import noetherlib as nl
from tools.course import __main__ as main
from tools.course import collect, grading, kernel
from tools.course.results import STATES
from tools.notebooks import KERNEL, ROOT, read

BOOK = ROOT / "book"
PAGES = ["instructors", "problem-sets", "projects", "syllabus"]
SETS = ["noise", "symmetries", "paths", "project"]
CHAPTERS = sorted(
    path.relative_to(BOOK).as_posix()
    for folder in ["foundations", "paper", "beyond"]
    for path in BOOK.glob(f"{folder}/*.ipynb")
)
LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
REFERENCE = re.compile(r"\{ref\}`([^<`]+) <([\w-]+)>`")


@cache
def text(page):
    return (BOOK / "course" / f"{page}.md").read_text(encoding="utf-8")


def section(page, title):
    """What is below a heading, up to the next one of the same level or a higher one."""
    found = re.search(
        rf"^(#+) {re.escape(title)}\n(.*?)(?=^#{{1,2}} |\Z)", text(page), re.DOTALL | re.MULTILINE
    )
    assert found, f"{page} has no heading {title}"
    return found[2]


def rows(table):
    """The cells of a table's rows, below its head."""
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text(page), re.DOTALL | re.MULTILINE)


@cache
def markdown(chapter):
    return "\n".join(cell.source for cell in read(BOOK / chapter).cells if cell.cell_type == "markdown")


def title(chapter):
    return re.match(r"# (.+)", markdown(chapter))[1]


def minutes(chapter):
    return int(re.search(r"Reading takes about (\d+)\s+minutes", markdown(chapter))[1])


def exercises(chapter):
    return {
        label: name for name, label in re.findall(r"exercise-start\} (.+)\n:label: (\S+)", markdown(chapter))
    }


def figures(chapter):
    named = [
        cell.metadata.get("mystnb", {}).get("figure", {}).get("name") for cell in read(BOOK / chapter).cells
    ]
    return {name for name in named if name}


def anchors(path):
    words = markdown(path) if path.endswith(".ipynb") else (BOOK / path).read_text(encoding="utf-8")
    headings = re.findall(r"^#{1,3} (.+)$", words, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def chapters_in(words):
    return [
        target.removeprefix("../").partition("#")[0]
        for _, target in LINK.findall(words)
        if ".ipynb" in target
    ]


# ---- all four pages ----------------------------------------------------------------------------------


def test_every_chapter_of_the_book_is_known_here():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    listed = {f"{name}.ipynb" for name in files if name.startswith(("foundations/", "paper/", "beyond/"))}
    assert listed == set(CHAPTERS)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    """And none to a notebook with solutions."""
    for _, target in LINK.findall(text(page)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (BOOK / "course" / path).resolve() if path else BOOK / "course" / f"{page}.md"
        assert file.is_file(), target
        name = file.relative_to(BOOK.resolve()).as_posix()
        assert not re.match(r"course/.*\.ipynb", name), target
        assert not anchor or anchor in anchors(name), target
    known = {name for chapter in CHAPTERS for name in figures(chapter) | set(exercises(chapter))}
    assert {label for _, label in REFERENCE.findall(text(page))} <= known


@pytest.mark.parametrize("page", PAGES)
def test_commands_exist(page):
    code = "\n".join(blocks(page, "sh") + re.findall(r"`([^`\n]+)`", text(page)))
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"^make ([a-z]+)", code, re.MULTILINE)) <= set(targets)
    for script in re.findall(r"python3? (tools/\w+\.py)", code):
        assert (ROOT / script).is_file()
    for command in re.findall(r"python -m tools\.course (\w+)", code):
        with pytest.raises(SystemExit, match="0"):
            main.parser().parse_args([command, "--help"])
    apps = pytest.importorskip("nbgrader.apps.nbgraderapp")
    assert set(re.findall(r"^nbgrader (\w+)", code, re.MULTILINE)) <= set(apps.NbGraderApp.subcommands)


# ---- syllabus ----------------------------------------------------------------------------------------


def weeks():
    pattern = r"^### Week (\d+): [^\n]+\n(.*?)(?=^##|\Z)"
    found = re.findall(pattern, text("syllabus"), re.DOTALL | re.MULTILINE)
    assert [int(number) for number, _ in found] == list(range(1, 13))
    return [words for _, words in found]


def days():
    found = rows(section("syllabus", "Two weeks"))
    assert [int(row[0].partition(".")[0]) for row in found] == list(range(1, 11))
    return found


def further():
    return rows(section("syllabus", "After the course"))


def test_both_plans_read_every_chapter_once_and_the_rest_comes_after():
    later = chapters_in("\n".join(row[0] for row in further()))
    planned = sorted(set(CHAPTERS) - set(later))
    assert sorted(chapters_in("\n".join(weeks()))) == planned
    assert sorted(chapters_in("\n".join(row[1] for row in days()))) == planned
    for (chapter,), row in zip((chapters_in(row[0]) for row in further()), further()):
        assert f"[{title(chapter)}]" in row[0] and row[1] == str(minutes(chapter))
        named = dict(REFERENCE.findall(row[2]))
        assert named and all(exercises(chapter)[label] == name for name, label in named.items())


def test_the_minutes_are_those_of_the_pages():
    for week in weeks():
        read_here = re.findall(r"\[([^\]]+)\]\(\.\./(\S+?)\), (\d+) minutes", week)
        assert len(read_here) == len(chapters_in(week))
        assert all((name, int(n)) == (title(chapter), minutes(chapter)) for name, chapter, n in read_here)
        together = re.search(r"Together (\d+) minutes", week)
        assert (together is None) == (len(read_here) == 1)
        assert not together or int(together[1]) == sum(int(n) for *_, n in read_here)
    sums = [sum(map(minutes, chapters_in(row[1]))) for row in days()]
    assert [row[2] for row in days()] == [str(n) if n else "–" for n in sums]
    for week, part in [("first", sums[:5]), ("second", sums[5:])]:
        assert f"**After the {week} week** ({sum(part)} minutes" in text("syllabus")
    count = len(CHAPTERS) - len(further())
    assert f"The {count} chapters of the plans take {sum(sums)} minutes to read" in text("syllabus")


def test_the_exercises_are_those_of_the_pages_read():
    for words in [*weeks(), *("\n".join(row) for row in days())]:
        known = {label: name for chapter in chapters_in(words) for label, name in exercises(chapter).items()}
        chosen = {label: name for name, label in REFERENCE.findall(words)}
        assert chosen.items() <= known.items()
        assert len(chosen) >= len(chapters_in(words))


def test_every_problem_set_has_its_week():
    for number in (1, 2, 3):
        assert f"Hand in problem set {number}." in "\n".join(weeks())
    for number in (1, 2, 3, 4):
        assert [row for row in days() if row[4] == f"problem set {number}"]


# ---- problem sets ------------------------------------------------------------------------------------


def graded(name):
    """(points by checks, {cell: points} read by a person)."""
    cells = [
        c
        for c in read(BOOK / "course" / f"{name}.ipynb").cells
        if c.metadata.get("nbgrader", {}).get("grade")
    ]
    by_person = {
        c.metadata.nbgrader.grade_id: c.metadata.nbgrader.points for c in cells if c.cell_type == "markdown"
    }
    return sum(c.metadata.nbgrader.points for c in cells) - sum(by_person.values()), by_person


def test_the_table_of_problem_sets_is_right():
    table = rows(text("problem-sets").partition("\n## ")[0])
    for row, name in zip(table, SETS, strict=True):
        by_checks, by_person = graded(name)
        assert [int(row[3]), int(row[4])] == [by_checks, sum(by_person.values())]
        assert row[1] == f"{{binder}}`open on Binder <course/{name}.ipynb>`"
        head = read(BOOK / "course" / f"{name}.ipynb").cells[0].source
        assert int(row[5]) == int(re.search(r"\| \*\*30\*\* \| \*\*(\d+)\*\* \|", head)[1])
        assert set(chapters_in(row[2])) <= set(chapters_in(head))


@pytest.mark.parametrize("name", SETS)
def test_the_tasks_of_a_problem_set_are_right(name):
    head = read(BOOK / "course" / f"{name}.ipynb").cells[0].source
    heading = re.match(r"# (.+)", head)[1]
    shown = rows(section("problem-sets", heading))
    found = re.findall(r"^\| (\d) \| (.+?) \| (.+?) \| (\d+) \|$", head, re.MULTILINE)
    assert shown == [[f"{number}. {task}", points, time] for number, task, points, time in found]


# ---- instructor's guide ------------------------------------------------------------------------------


def test_what_a_person_reads_is_listed():
    listed = [
        (int(number), re.search(r"`([\w-]+)`", what)[1], int(points))
        for number, what, points in rows(section("instructors", "What you read yourself"))
    ]
    read_by_hand = [graded(name)[1] for name in SETS]
    assert listed == [
        (number, cell, points)
        for number, cells in enumerate(read_by_hand, 1)
        for cell, points in cells.items()
    ]
    sums = [sum(cells.values()) for cells in read_by_hand]
    assert f"Between {min(sums)} and {max(sums)} of the 30 points" in text("instructors")


def test_every_chapter_has_its_misconception():
    table = rows(section("instructors", "Misconceptions, and how to probe them"))
    assert sorted(chapters_in("\n".join(row[0] for row in table))) == CHAPTERS
    for chapter, believed, question, answer in table:
        (name,) = chapters_in(chapter)
        assert believed.endswith(".") and question.endswith(("?", "."))
        places = [label for _, label in REFERENCE.findall(answer)]
        assert places and set(places) <= figures(name) or chapters_in(answer) == [name]


def test_the_figures_for_slides_are_where_the_table_says():
    table = rows(section("instructors", "Figures for slides"))
    assert len(table) >= 10
    for figure, chapter, _ in table:
        (name,) = chapters_in(chapter)
        assert REFERENCE.findall(figure)[0][1] in figures(name)


def python_block(start):
    (found,) = [code for code in blocks("instructors", "python") if start in code]
    return found


def run(code, folder):
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


def test_figures_are_saved_for_slides(tmp_path):
    code = python_block("savefig")
    page = tmp_path / re.search(r'Path\("(book/\S+\.ipynb)"\)', code)[1]
    wanted = re.findall(r'"(fig-[\w-]+)"', code)
    assert set(wanted) <= figures(page.relative_to(tmp_path / "book").as_posix())
    page.parent.mkdir(parents=True)
    draw = "import matplotlib.pyplot as plt\nfig, ax = plt.subplots(figsize=(4, 2))\nplt.show()"
    cells = [new_code_cell(draw, metadata={"mystnb": {"figure": {"name": name}}}) for name in wanted]
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), page)
    run(code, tmp_path)
    for name in wanted:
        assert "<svg" in (tmp_path / "slides" / f"{name}.svg").read_text()
        header = (tmp_path / "slides" / f"{name}.png").read_bytes()[:24]
        assert int.from_bytes(header[16:20], "big") == 1920


def test_the_guide_says_what_the_grading_does():
    """Its states, its limits, and the names of files that it reads."""
    states = [
        row[0].strip("`") for row in rows(section("instructors", "Grade")) if row[0].strip("`") in STATES
    ]
    assert states == STATES
    seconds = inspect.signature(grading.grade).parameters["seconds"].default
    assert f"A cell may take {seconds} seconds (`--seconds`)" in text("instructors") and kernel.GRACE == 5
    for name in SETS:
        cells = read(BOOK / "course" / f"{name}.ipynb").cells
        assert f"{name}-student" in [c.metadata.get("nbgrader", {}).get("grade_id") for c in cells]


@pytest.mark.parametrize("system", ["Canvas", "Moodle"])
def test_the_files_of_an_lms_that_the_guide_names_are_recognised(system):
    row = next(
        row for row in rows(section("instructors", "Grade")) if row[0].startswith(f"the name that {system}")
    )
    names = re.findall(r"`([^`]+)`", row[1])
    assert names
    for name in names:
        assert collect.owner(name.split("/"), SETS)[0] == "12345"


def test_nbgrader_exports_the_columns_that_the_guide_names(tmp_path, monkeypatch):
    plugins = pytest.importorskip("nbgrader.plugins")
    from nbgrader.api import Gradebook

    # it runs alembic by its bare name
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        plugins.CsvExportPlugin(to=str(tmp_path / "grades.csv")).export(gradebook)
    columns = (tmp_path / "grades.csv").read_text().splitlines()[0]
    assert f"`{columns.replace(',', ', ')}`" in text("instructors")


# ---- projects ----------------------------------------------------------------------------------------


def test_every_idea_is_complete():
    levels = re.findall(r"^## .+ (★+)$", text("projects"), re.MULTILINE)
    ideas = re.split(r"^### ", text("projects"), flags=re.MULTILINE)[1:]
    assert levels == ["★", "★★", "★★★"] and 8 <= len(ideas) <= 12
    for idea in ideas:
        for part in ["Question.", "Begin with", "Method.", "A good result", "Pitfall."]:
            assert idea.count(f"- **{part}**") == 1, (idea.splitlines()[0], part)


@pytest.mark.parametrize("page", PAGES)
def test_names_of_the_library_exist(page):
    for name in re.findall(r"`nl\.([\w.]+)", text(page)):
        found = nl
        for part in name.split("."):
            found = getattr(found, part)
