"""Every notebook is committed executed, without pictures, and with its claims asserted."""

import importlib.util
import io
import socket
import subprocess
import urllib.error
import urllib.request

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools.notebooks import COLAB, ROOT, execute, find, normalise, problems, read, with_colab

PNG = "iVBORw0KGgoAAAANSUhEUg=="


def page(*outputs, source="assert 1 + 1 == 2", metadata=None):
    """A notebook as it should be committed, but for what a test plants in it."""
    cell = new_code_cell(source, execution_count=2, outputs=list(outputs), id="check")
    notebook = normalise(with_colab(new_notebook(cells=[new_markdown_cell("# A page", id="title"), cell])))
    notebook.cells[1].execution_count = 1
    notebook.cells[-1].outputs = list(outputs)
    notebook.metadata.update(metadata or {})
    return notebook


def shown(**data):
    return new_output("display_data", data={"text/plain": "<Figure size 640x480 with 1 Axes>", **data})


@pytest.mark.parametrize("path", find(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_books_notebooks(path):
    assert problems(read(path)) == []


def test_a_clean_page_has_no_problem():
    assert problems(page(shown())) == []


PAYLOADS = {
    "png": {"image/png": PNG},
    "jpeg": {"image/jpeg": PNG},
    "svg": {"image/svg+xml": "<svg><path/></svg>"},
    "pdf": {"application/pdf": "JVBERi0="},
    "glued": {"application/papermill.record/image/png": PNG},
    "base64 in HTML": {"text/html": f'<p>A <img src="data:image/png;base64,{PNG}"></p>'},
    "base64 over several lines": {
        "text/html": f'<script>a = "data:image/png;base64,{PNG}\\\n{PNG}"</script>'
    },
    "SVG in HTML": {"text/html": '<p>A <svg width="9">\n<path/></svg></p>'},
    "SVG in glued HTML": {"application/papermill.record/text/html": "<svg><path/></svg>"},
    "widget": {"application/vnd.jupyter.widget-view+json": {"model_id": "1f0c", "version_major": 2}},
}


@pytest.mark.parametrize("data", PAYLOADS.values(), ids=PAYLOADS)
def test_pictures_are_found_and_removed(data):
    notebook = page(shown(**data))
    assert any("picture" in problem for problem in problems(notebook))
    mended = normalise(notebook)
    assert problems(mended) == []
    assert mended.cells[-1].outputs[0].data["text/plain"].startswith("<Figure")


def test_a_picture_in_the_text_is_found():
    notebook = page()
    notebook.cells[0].attachments = {"a.png": {"image/png": PNG}}
    assert any("picture in its text" in problem for problem in problems(notebook))
    notebook = page()
    notebook.cells[0].source = f"![A](data:image/png;base64,{PNG})"
    assert any("picture in its text" in problem for problem in problems(notebook))


def test_stored_widget_states_are_found_and_removed():
    notebook = page(metadata={"widgets": {"application/vnd.jupyter.widget-state+json": {"state": {}}}})
    assert any("widgets" in problem for problem in problems(notebook))
    assert problems(normalise(notebook)) == []


def test_a_cell_never_executed_is_found():
    notebook = page()
    notebook.cells[-1].execution_count = None
    assert problems(notebook) == ["code cell 2 was never executed"]


def test_cells_executed_out_of_order_are_found():
    notebook = page()
    notebook.cells[-1].execution_count = 7
    assert any("fresh kernel" in problem for problem in problems(notebook))


def test_an_error_is_found_unless_it_is_the_point():
    error = new_output("error", ename="ValueError", evalue="no", traceback=[])
    assert any("failed: ValueError: no" in problem for problem in problems(page(error)))
    notebook = page(error)
    notebook.cells[-1].metadata["tags"] = ["raises-exception"]
    assert problems(notebook) == []


@pytest.mark.parametrize(
    "source",
    ["1 + 1", "# assert True", "print('assert')", "%matplotlib inline\nx = 1", "claims = nl.Claims()"],
)
def test_a_page_that_asserts_nothing_is_found(source):
    assert any("asserts nothing" in problem for problem in problems(page(source=source)))


@pytest.mark.parametrize(
    "source",
    [
        "%time\nassert True",
        "np.testing.assert_allclose(1, 1)",
        "claims.holds('It ends', True)",
        "noetherlib.course.check('D', 1, mine)",
    ],
)
def test_assertions_are_recognised(source):
    assert problems(page(source=source)) == []


@pytest.mark.parametrize(
    "metadata",
    [
        {"language_info": {"name": "python", "version": "3.11.7"}},
        {"kernelspec": {"display_name": "mine", "language": "python", "name": "mine"}},
    ],
)
def test_what_differs_between_machines_is_found_and_removed(metadata):
    notebook = page(metadata=metadata)
    assert problems(notebook) == ["it is not normalised: run `make notebooks`"]
    assert problems(normalise(notebook)) == []


@pytest.mark.parametrize(
    "problem, source, printed",
    [
        ("is 80 columns wide", "assert True  #" + 66 * "x", "1"),
        ("prints 77 columns wide", "assert True", 77 * "x"),
        ("has 21 lines", "\n".join(21 * ["assert True"]), "1"),
    ],
)
def test_what_does_not_fit_the_page_is_found(problem, source, printed):
    notebook = page(new_output("stream", text=printed), source=source)
    assert any(problem in found for found in problems(notebook))


def test_a_folded_cell_may_be_long():
    notebook = page(source="\n".join(21 * ["assert True"]))
    notebook.cells[-1].metadata["tags"] = ["hide-input"]
    assert problems(notebook) == []


DRAWS_AND_PRINTS = """\
import matplotlib.pyplot as plt, sys
from IPython.display import HTML, display
plt.plot([0, 1]); plt.show()
display(HTML("<p><svg width='9'><path/></svg></p>"))
print(1); print("aside", file=sys.stderr); print(2)
assert True;"""


def test_executing_and_normalising_twice_changes_nothing(tmp_path):
    first = new_code_cell(DRAWS_AND_PRINTS, metadata={"tags": ["hide-input"], "scrolled": True})
    notebook = new_notebook(cells=[first, new_code_cell("1"), new_code_cell("2 + 2")])
    notebook.cells[-1].id = first.id
    once = normalise(execute(with_colab(notebook), tmp_path))
    twice = normalise(execute(with_colab(once), tmp_path))
    assert nbformat.writes(once) == nbformat.writes(twice)
    assert problems(once) == []
    assert once.cells[1].metadata == {"tags": ["hide-input"]}
    assert len({cell.id for cell in once.cells}) == 4
    assert once.cells[3].outputs[0].data == {"text/plain": "4"}


# ---- the cell for Google Colab -----------------------------------------------------------------------------


@pytest.fixture
def commands(monkeypatch):
    """What the cell would run where the library is missing, instead of running it."""
    commands = []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(socket, "gethostbyname", lambda name: "127.0.0.1")
    monkeypatch.setattr(subprocess, "run", lambda command, check: commands.append(command[1:]))
    monkeypatch.delenv("BOOK_REPOSITORY_URL", raising=False)
    return commands


def answer(monkeypatch, text):
    monkeypatch.setattr(urllib.request, "urlopen", lambda address, timeout: io.BytesIO(text.encode()))


def test_a_page_without_the_cell_is_found():
    for place in [1, 2]:
        notebook = page()
        del notebook.cells[place]
        assert any("tools/colab.py" in problem for problem in problems(notebook)) == (place == 1)
    notebook = page()
    notebook.cells[1].metadata = {}
    assert any("tools/colab.py" in problem for problem in problems(notebook))


def test_with_the_library_the_cell_does_nothing(commands, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name == "noetherlib")
    exec(COLAB, {})
    assert commands == []


def test_on_colab_the_cell_installs_from_the_notebooks_own_repository(commands, monkeypatch):
    opened = "fileId=https%3A%2F%2Fgithub.com%2Fa%2Fb%2Fblob%2Fa%2Fbranch%2Fbook%2Fpaper%2Faudit.ipynb"
    answer(monkeypatch, f'[{{"path": "{opened}", "name": "audit.ipynb"}}]')
    exec(COLAB, {})
    assert commands == [["-m", "pip", "install", "--quiet", "git+https://github.com/a/b@a/branch"]]


def test_an_address_may_be_given(commands, monkeypatch):
    monkeypatch.setenv("BOOK_REPOSITORY_URL", "https://example.org/a")
    exec(COLAB, {})
    assert [command[-1] for command in commands] == ["git+https://example.org/a"]


@pytest.mark.parametrize("opened", ["[]", '[{"path": "fileId=1aB"}]'])
def test_without_an_address_the_cell_says_what_to_do(commands, monkeypatch, opened):
    answer(monkeypatch, opened)
    with pytest.raises(ModuleNotFoundError, match="BOOK_REPOSITORY_URL"):
        exec(COLAB, {})
    assert commands == []


def test_without_a_server_the_cell_says_what_to_do(commands, monkeypatch):
    def refuse(address, timeout):
        raise urllib.error.URLError("refused")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(ModuleNotFoundError, match="BOOK_REPOSITORY_URL"):
        exec(COLAB, {})
