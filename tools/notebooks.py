"""Execute notebooks from a fresh kernel and normalise them for git: `python -m tools.notebooks [PATH ...]`.

A committed notebook holds what it printed and how its cells were counted, so that every number can be
compared with a new run. It holds no pictures and nothing that differs between two runs or two machines.
Its figures leave their `<Figure ...>` line behind. Its first code cell is tools/colab.py, which the site does
not show.
"""

import argparse
import ast
import asyncio
import copy
import hashlib
import re
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient
from tqdm import tqdm

from tools import parallel
from tools.environment import use_own_profile

ROOT = Path(__file__).resolve().parent.parent

# Outputs of these types are pictures, or widgets' states and random identifiers. Glued ones have a prefix.
PAYLOAD = re.compile(r"(^|/)(image|video|audio)/|/pdf$|/vnd\.jupyter\.widget-")
# Pictures within HTML. nbval replaces the same patterns in what it compares (see conftest.py).
HTML_PAYLOADS = {
    re.compile(r"data:(image|video|audio|application)/[^\"'`<>)]+"): "data:,",
    re.compile(r"<svg\b(?! ?/>).*?</svg>", re.DOTALL): "<svg />",
}
CELL_METADATA = {"tags", "mystnb", "nbgrader", "jupyter", "cellView"}  # the last two: folded, also in Colab
COLAB = Path(__file__).with_name("colab.py").read_text(encoding="utf-8").rstrip("\n")
COLAB_ID = "colab"
# not on the site; folded in JupyterLab; in Colab the line of its title alone
COLAB_METADATA = {"cellView": "form", "jupyter": {"source_hidden": True}, "tags": ["remove-cell"]}
WIDTH, LINES = 76, 20  # columns of code and print beside both side bars; lines of a cell that is not folded
WIDGET = re.compile(r"[A-Z]\w*\(\w+=")  # how a widget prints, in whose place the site shows it
FOLDED = {"hide-input", "hide-cell", "remove-cell", "remove-input"}
# what asserts, by whose it is: a claim in the ledger of a page, a check of a problem set, which raises
ASSERTING = {"claims": {"agree", "below", "above", "holds"}, "course": {"check"}}
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def find(root=ROOT / "book"):
    return sorted(path for path in root.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)


def with_colab(notebook):
    """A copy whose first code cell is the one that Google Colab needs."""
    notebook = copy.deepcopy(notebook)
    cells = [cell for cell in notebook.cells if cell.get("id") != COLAB_ID]
    first = next((index for index, cell in enumerate(cells) if cell.cell_type == "code"), len(cells))
    own = nbformat.v4.new_code_cell(COLAB, id=COLAB_ID, metadata=copy.deepcopy(COLAB_METADATA))
    notebook.cells = [*cells[:first], own, *cells[first:]]
    return notebook


def execute(notebook, folder, timeout=None, widgets=False):
    """Run every cell, in order, in a new kernel whose working directory is the notebook's folder.

    Seconds for a cell; whether the state of widgets is stored, which the site shows and git does not keep.
    """
    client = NotebookClient(
        copy.deepcopy(notebook),
        kernel_name="python3",
        timeout=timeout,
        coalesce_streams=True,
        store_widget_state=widgets,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    return asyncio.run(client.async_execute())  # closes its event loop, in any thread


def normalise(notebook):
    """A copy without pictures, timings, versions and widget states. Normalising twice changes nothing."""
    notebook = copy.deepcopy(notebook)
    kept = {key: value for key, value in notebook.metadata.items() if key == "mystnb"}
    notebook.metadata = nbformat.from_dict({**KERNEL, **kept})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen = set()
    for cell in notebook.cells:
        cell.metadata = {key: value for key, value in cell.metadata.items() if key in CELL_METADATA}
        cell.id = stable_id(cell, seen)
        for output in cell.get("outputs", []):
            if "data" in output:
                output.data = {
                    kind: strip(text) if kind.endswith("html") else text
                    for kind, text in output.data.items()
                    if not PAYLOAD.search(kind)
                }
                output.metadata = {
                    key: value for key, value in output.metadata.items() if not PAYLOAD.search(key)
                }
    return notebook


def strip(html):
    for pattern, replacement in HTML_PAYLOADS.items():
        html = pattern.sub(replacement, html)
    return html


def stable_id(cell, seen):
    """The cell's own id, or where it has none to itself one made from its text."""
    name = cell.get("id")
    copies = 0
    while not name or name in seen:
        name = hashlib.sha256(f"{copies}{cell.source}".encode()).hexdigest()[:8]
        copies += 1
    seen.add(name)
    return name


def problems(notebook):
    """Why this notebook should not be committed: a list of sentences, empty when all is well."""
    found = []
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    counts = [cell.execution_count for cell in code]
    if None in counts:
        found.append(f"code cell {counts.index(None) + 1} was never executed")
    elif counts != list(range(1, len(code) + 1)):
        found.append(f"not executed in order from a fresh kernel: the cells' counts are {counts}")
    for number, cell in enumerate(code, start=1):
        for output in cell.outputs:
            if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", []):
                found.append(f"code cell {number} failed: {output.ename}: {output.evalue}")
            for kind, text in output.get("data", {}).items():
                if PAYLOAD.search(kind) or kind.endswith("html") and strip(text) != text:
                    found.append(f"code cell {number} has a picture in its output ({kind})")
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.get("attachments") or cell.cell_type == "markdown" and strip(cell.source) != cell.source:
            found.append(f"cell {number} has a picture in its text: draw it in a code cell instead")
    if "widgets" in notebook.metadata:
        found.append("it stores the state of its widgets")
    if not code or code[0].source != COLAB or code[0].metadata != COLAB_METADATA:
        found.append("its first code cell is not tools/colab.py: run `make notebooks`")
    graded = any("nbgrader" in cell.metadata for cell in code)  # a problem set is no page
    for number, cell in enumerate([] if graded else code[1:], start=2):
        found += [f"code cell {number} {what}" for what in untidy(cell)]
    if not any(asserts(cell.source) for cell in code):
        found.append("it asserts nothing: state the page's claims in a ledger, nl.Claims()")
    if not found and normalise(notebook) != notebook:
        found.append("it is not normalised: run `make notebooks`")
    return found


def untidy(cell):
    """What makes a code cell hard to read on the page."""
    said = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell.outputs]
    for name, text in (("is", cell.source), *(("prints", words) for words in said)):
        widest = max(map(len, text.splitlines()), default=0)
        if widest > WIDTH and not WIDGET.match(text):
            yield f"{name} {widest} columns wide, at most {WIDTH} fit"
    lines = len(cell.source.splitlines())
    if lines > LINES and not FOLDED & {*cell.metadata.get("tags", [])}:
        yield f"has {lines} lines: fold it (hide-input), or split it by idea into cells of at most {LINES}"


def asserts(source):
    """Whether the code asserts, states a claim, or calls what is named like numpy's `assert_allclose`."""
    for node in ast.walk(parse(source)):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            owner = getattr(node.func, "value", None)
            whose = getattr(owner, "attr", getattr(owner, "id", ""))
            if name.startswith("assert_") or name in ASSERTING.get(whose, ()):
                return True
    return False


def parse(source):
    """The syntax tree of a cell, whose magics become ordinary calls."""
    return ast.parse(TransformerManager().transform_cell(source))


def read(path):
    return nbformat.read(path, as_version=4)


def main(arguments):
    parser = argparse.ArgumentParser(description="Execute notebooks and normalise them for git.")
    parser.add_argument("paths", nargs="*", type=Path, help="default: every notebook of the book")
    paths = parser.parse_args(arguments).paths or find()
    with tempfile.TemporaryDirectory() as profile:
        use_own_profile(profile)
        for path, said in parallel.each(renew, paths, "Executing"):
            tqdm.write(f"{path}: {said}")


def renew(path):
    """Execute a notebook and write it if that changed it; tell how it went."""
    start = time.monotonic()
    notebook = normalise(execute(with_colab(read(path)), path.resolve().parent))
    text = nbformat.writes(notebook) + "\n"
    changed = text != path.read_text(encoding="utf-8")
    if changed:
        path.write_text(text, encoding="utf-8")
    return f"{time.monotonic() - start:.0f} s, {'written' if changed else 'unchanged'}"


if __name__ == "__main__":
    main(sys.argv[1:])
