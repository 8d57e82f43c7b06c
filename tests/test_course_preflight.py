"""What students hand in is recognised, mended where it can be, and told in words where it cannot."""

import json
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.course_sheet import answered, cell, sheet, write
from tools.course import collect, preflight, submissions

TOY = sheet()
NAMES = ["toy-student", "toy-double", "toy-double-check", "toy-double-hidden", "toy-why"]


def mended(notebook):
    return preflight.repair(notebook, TOY)


def marks(notebook):
    found = [c.metadata.get("nbgrader", {}).get("grade_id") for c in notebook.cells]
    return [name for name in found if name]


def assert_whole(ready):
    """Each cell once, in order, marked as released, with the teacher's checks and the student's answers."""
    assert marks(ready.notebook) == NAMES
    for name in NAMES:
        assert cell(ready.notebook, name).metadata == TOY.cells[name].metadata
    assert "secret" in cell(ready.notebook, "toy-double-hidden").source
    assert cell(ready.notebook, "toy-double").source.endswith("return x + x")
    assert cell(ready.notebook, "toy-why").source == "It adds up."
    nbformat.validate(ready.notebook)


def test_what_is_as_released_is_left_alone():
    ready = mended(answered())
    assert_whole(ready)
    assert ready.remarks == [] and ready.flags == [] and ready.identifier == "ada"


@pytest.mark.parametrize("name", ["toy-double", "toy-double-check", "toy-why"])
@pytest.mark.parametrize("answer_last", [True, False])
def test_a_copied_cell_is_graded_once(name, answer_last):
    notebook = answered()
    place = next(i for i, c in enumerate(notebook.cells) if c.id == name)
    copied = nbformat.from_dict(TOY.cells[name])
    notebook.cells.insert(place if answer_last else place + 1, copied)
    ready = mended(notebook)
    assert_whole(ready)
    assert ready.remarks == [f"cells were copied, and one of each is graded: {name}"]


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_cell_is_put_back(name):
    notebook = answered()
    notebook.cells = [c for c in notebook.cells if c.id != name]
    ready = mended(notebook)
    assert marks(ready.notebook) == NAMES
    assert ready.remarks == [f"cells were missing, and put back as released: {name}"]
    put = cell(ready.notebook, name).source
    if name == "toy-why":  # nbgrader gives a text that is as released no points without asking
        assert put == TOY.cells[name].source
    else:
        assert put == (TOY.locked[name].source if name in TOY.locked else preflight.EMPTY)


def test_an_answer_in_another_cell_is_not_undone():
    notebook = answered()
    answer = cell(notebook, "toy-double").source
    cell(notebook, "toy-student").source += f"\n{answer}"  # two cells were merged
    notebook.cells = [c for c in notebook.cells if c.id != "toy-double"]
    assert not defined_again(mended(notebook).notebook, after="toy-student")
    notebook = answered()
    notebook.cells.insert(4, nbformat.from_dict(TOY.cells["toy-double"]))  # a copied stub below the answer
    assert not defined_again(mended(notebook).notebook, after="toy-double")


def defined_again(notebook, after):
    place = next(i for i, c in enumerate(notebook.cells) if c.id == after)
    return [c for c in notebook.cells[place + 1 :] if "def double" in c.source]


@pytest.mark.parametrize("ids", [True, False])
def test_lost_marks_are_found_by_name_by_text_and_by_place(ids):
    notebook = answered()
    notebook.cells.insert(3, new_code_cell("print('tried something')"))
    for number, c in enumerate(notebook.cells):
        c.metadata = nbformat.NotebookNode()
        c.id = c.id if ids else f"new-{number}"
    ready = mended(notebook)
    assert_whole(ready)
    assert "lost" in ready.remarks[0] and all(name in ready.remarks[0] for name in NAMES)


def test_old_marks_and_changed_points_are_as_released_again():
    notebook = answered()
    for c in notebook.cells:
        if note := c.metadata.get("nbgrader"):
            for key in ("schema_version", "task", "locked"):
                note.pop(key)
    cell(notebook, "toy-double-check").metadata.nbgrader.points = 100
    cell(notebook, "toy-why").metadata.nbgrader.grade = False
    assert_whole(mended(notebook))


def test_a_changed_check_is_put_back_and_told():
    notebook = answered()
    cell(notebook, "toy-double-check").source = "pass"
    ready = mended(notebook)
    assert_whole(ready)
    assert cell(ready.notebook, "toy-double-check").source == "assert double(2) == 4"
    assert ready.remarks == ["checks were changed, and put back: toy-double-check"]


def test_a_cell_has_its_kind_again():
    notebook = answered()
    place = next(i for i, c in enumerate(notebook.cells) if c.id == "toy-why")
    note = notebook.cells[place].metadata
    notebook.cells[place] = new_code_cell("It adds up.", metadata=note, id="toy-why")
    assert_whole(mended(notebook))


def test_the_kernel_is_not_the_students_to_choose():
    notebook = answered()
    notebook.metadata.kernelspec = {"name": "my-own", "display_name": "mine", "language": "R"}
    assert mended(notebook).notebook.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize(
    "source, named, flag",
    [
        ("student = '0042'", "0042", None),
        ("x = 1\nstudent = ' ada '", "ada", None),
        ("student = 42", "42", None),
        ("student = ''", None, "empty"),
        ("student = 'None'", None, "empty"),
        ("student = None", None, "None"),
        ("student = []", None, "[]"),
        ("student = float('nan')", None, "computed"),
        ("student = 'your identifier'", "your identifier", "template"),
        ("student = 'instructor'", "instructor", "template"),
        ("# student = 'ada'\nraise NotImplementedError()", None, "no identifier"),
        ("student = ", None, "no Python"),
    ],
)
def test_identifiers_that_are_none_are_flagged(source, named, flag):
    notebook = answered()
    cell(notebook, "toy-student").source = source
    ready = mended(notebook)
    assert ready.identifier == named
    assert [flag in told for told in ready.flags] == [True] * (flag is not None)


# ---- files ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, content, why",
    [
        ("a.ipynb", b'{"cells": [', "not JSON from line 1"),
        ("a.ipynb", b"\xff\xff\x00", "not JSON"),
        ("a.ipynb", b"  \n", "empty"),
        ("report.pdf", b"%PDF-1.7", "no notebook"),
        ("a.ipynb", b"[1, 2]", "not a notebook"),
        ("a.ipynb", b'{"cells": [{"cell_type": "nonsense"}]}', "not a notebook"),
        ("a.ipynb", b'{"cells": {"a": 1}, "nbformat": 4}', "not a notebook"),
        ("a.ipynb", b"[" * 100_000, "not JSON"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(name, content, why, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(preflight.Unreadable, match=why):
        preflight.read(tmp_path / name)


def test_a_notebook_of_something_else_is_told():
    with pytest.raises(preflight.Unreadable, match="no cell of a problem set"):
        preflight.which(new_notebook(cells=[new_code_cell("1")]), {"toy": TOY})
    with pytest.raises(preflight.Unreadable):
        preflight.which(new_notebook(), {"toy": TOY})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_and_missing_fields_do_not_matter(encoding, tmp_path):
    content = json.loads(nbformat.writes(answered()))
    del content["nbformat"], content["metadata"]
    for c in content["cells"]:
        c.pop("outputs", None), c.pop("execution_count", None)
    (tmp_path / "a.ipynb").write_bytes(json.dumps(content).encode(encoding))
    assert_whole(mended(preflight.read(tmp_path / "a.ipynb")))


def test_a_notebook_of_version_3_is_read(tmp_path):
    old = nbformat.v3.new_notebook(worksheets=[nbformat.v3.new_worksheet()])
    for c in answered().cells:
        make = nbformat.v3.new_code_cell if c.cell_type == "code" else nbformat.v3.new_text_cell
        made = make(input=c.source) if c.cell_type == "code" else make("markdown", source=c.source)
        made.metadata = c.metadata
        old.worksheets[0].cells.append(made)
    (tmp_path / "a.ipynb").write_text(json.dumps(old))
    assert_whole(mended(preflight.read(tmp_path / "a.ipynb")))


@pytest.mark.parametrize(
    "path, student, name, late",
    [
        ("lovelaceada_12345_67890_noise.ipynb", "12345", "lovelaceada", False),
        ("lovelaceada_LATE_12345_67890_noise-1.ipynb", "12345", "lovelaceada", True),
        ("lovelace-ada--late_12345_67890_noise.ipynb", "12345", "lovelace-ada", True),
        ("anon_Xq3aB_67890_noise.ipynb", "Xq3aB", "", False),
        ("Ada Lovelace_12345_assignsubmission_file_/noise.ipynb", "12345", "Ada Lovelace", False),
        ("Ada Lovelace_12345_assignsubmission_file/deep/noise.ipynb", "12345", "Ada Lovelace", False),
        ("Ada Lovelace_12345_assignsubmission_file_noise.ipynb", "12345", "Ada Lovelace", False),
        ("Participant_77_assignsubmission_file_/noise.ipynb", "77", "Participant", False),
        ("ada/toy/toy.ipynb", "ada", "", False),
        ("toy/ada/my toy (1).ipynb", "ada", "", False),
        ("Untitled.ipynb", None, "", False),
    ],
)
def test_files_are_known_by_the_names_that_systems_give_them(path, student, name, late, tmp_path):
    write(answered(), tmp_path / path)
    (file,), refused = collect.files(tmp_path, tmp_path / "scratch", ["toy"])
    assert (file.student, file.name, file.late, refused) == (student, name, late, {})
    assert file.path.name == path.rpartition("/")[2]


def test_archives_are_opened_and_what_is_hidden_is_not_read(tmp_path):
    inner = tmp_path / "lovelaceada_1_9_work.zip"
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("toy.ipynb", nbformat.writes(answered()))
        archive.writestr("__MACOSX/._toy.ipynb", "junk")
        archive.writestr(".ipynb_checkpoints/toy-checkpoint.ipynb", "junk")
    (tmp_path / "in").mkdir()
    with zipfile.ZipFile(tmp_path / "in" / "submissions.zip", "w") as archive:
        archive.write(inner, inner.name)
        archive.writestr("hopper_2_8_toy.ipynb", nbformat.writes(answered("grace")))
    (tmp_path / "in" / "gauss_3_7_broken.zip").write_bytes(b"PK no")
    found, refused = collect.files(tmp_path / "in", tmp_path / "scratch")
    assert {file.student for file in found} == {"1", "2", "3"}
    assert [path.name for path in refused] == ["gauss_3_7_broken.zip"]


def test_an_archive_cannot_write_outside_of_its_folder(tmp_path):
    (tmp_path / "in").mkdir()
    with zipfile.ZipFile(tmp_path / "in" / "a.zip", "w") as archive:
        archive.writestr("../../escaped.ipynb", nbformat.writes(answered()))
    collect.files(tmp_path / "in", tmp_path / "scratch" / "unpacked")
    assert not list(tmp_path.glob("escaped*")) and not list((tmp_path / "scratch").glob("escaped*"))


def handed_in(folder, tmp_path):
    return {s.student: s for s in submissions.handed_in(folder, tmp_path / "scratch", {"toy": TOY})}


def test_of_several_tries_the_last_that_can_be_read_counts(tmp_path):
    folder = tmp_path / "in"
    write(answered(double="def double(x):\n    return 1"), folder / "a_1_10_toy.ipynb")
    write(answered(), folder / "a_LATE_1_12_toy-1.ipynb")
    write("{broken", folder / "a_1_13_toy-2.ipynb")
    write("%PDF", folder / "b_2_14_report.pdf")
    made = handed_in(folder, tmp_path)
    assert set(made) == {"1", "2"}
    assert made["1"].path.name == "a_LATE_1_12_toy-1.ipynb" and made["1"].late
    assert "late" in made["1"].remarks and "files were handed in" in " ".join(made["1"].remarks)
    assert made["2"].ready is None and "report.pdf is no notebook" in made["2"].why


def test_loose_files_belong_to_whom_they_name(tmp_path):
    write(answered("grace"), tmp_path / "in" / "Untitled.ipynb")
    write(answered(""), tmp_path / "in" / "gauss.ipynb")
    made = handed_in(tmp_path / "in", tmp_path)
    assert set(made) == {"grace", "gauss"} and made["gauss"].ready.flags == ["the identifier is empty"]


def test_an_identifier_that_two_use_is_flagged(tmp_path):
    for student, used in [("ada", "Ada"), ("grace", "ada"), ("emmy", "emmy")]:
        write(answered(used), tmp_path / "in" / student / "toy.ipynb")
    made = handed_in(tmp_path / "in", tmp_path)
    assert [bool(made[student].ready.flags) for student in ("ada", "grace", "emmy")] == [True, True, False]


def test_texts_alone_say_which_set_it_is():
    notebook = new_notebook(cells=[new_markdown_cell(c.source) for c in TOY.released.cells])
    assert preflight.which(notebook, {"toy": TOY}) is TOY
