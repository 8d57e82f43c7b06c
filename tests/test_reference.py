"""The reference pages know every name of the library, every linked term and every cited work."""

import inspect
import re
from functools import cache
from operator import attrgetter
from pathlib import Path

import nbformat
import pytest

import noetherlib as nl

BOOK = Path(nl.__file__).parent.parent / "book"
PAGES = sorted([*BOOK.rglob("*.md"), *BOOK.rglob("*.ipynb")])
RESULTS = ["simulation.Ensemble", "paths.Path", "paths.GeometricPath", "system.FixedPoint", "bridges.Bridges"]


@cache
def prose(path):
    """The text of a page, without code."""
    if path.suffix == ".md":
        text = path.read_text(encoding="utf-8")
    else:
        cells = nbformat.read(path, as_version=4).cells
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return re.sub(r"```\{code-cell\}.*?```", "", text, flags=re.DOTALL)


def reference(name):
    return (BOOK / "reference" / name).read_text(encoding="utf-8")


def documented():
    """Names of the library on the API page."""
    blocks = re.findall(r"\.\. autosummary::\n(.*?)\n\n\.\.", reference("api.md"), flags=re.DOTALL)
    return sorted(set(re.findall(r"^   ([A-Za-z_][\w.]*)$", "\n".join(blocks), flags=re.MULTILINE)))


def in_code(text):
    """Everything that a page sets in code, cut into names: `nl.charge(path, symmetry)` gives three."""
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*", "", text))
    return {word for span in spans for word in re.findall(r"[A-Za-z_]\w*", span)}


NOTATION = in_code(reference("notation.md"))


def slug(heading):
    """The anchor that a heading gets (GitHub's rule, which myst_heading_anchors follows)."""
    plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").strip().lower())
    return plain.replace(" ", "-")


# ---- notation --------------------------------------------------------------------------------------------


def test_the_api_page_is_read():
    assert {"System", "least_action_path", "models.reverse_diffusion", "symbolic.gauge_term"} <= set(
        documented()
    )


@pytest.mark.parametrize("name", documented())
def test_the_notation_page_has_the_name_and_its_parameters(name):
    missing = {name.rsplit(".", 1)[-1], *inspect.signature(attrgetter(name)(nl)).parameters} - NOTATION
    assert not missing, f"{name}: reference/notation.md lacks {sorted(missing)}"


@pytest.mark.parametrize("name", RESULTS)
def test_the_notation_page_has_what_results_hold(name):
    module, kind = name.split(".")
    result = getattr(__import__(f"noetherlib.{module}", fromlist=[kind]), kind)
    missing = {
        field for field in inspect.signature(result).parameters if not field.startswith("_")
    } - NOTATION
    assert not missing, f"{name}: reference/notation.md lacks {sorted(missing)}"


def test_a_missing_name_would_be_noticed():
    assert in_code("`nl.charge(path, symmetry)` and a `guess`") == {
        "nl",
        "charge",
        "path",
        "symmetry",
        "guess",
    }
    assert "no_such_parameter" not in NOTATION


# ---- glossary, references, links --------------------------------------------------------------------------


def terms():
    """Terms that the glossary explains: lines at the margin of its directive."""
    body = re.search(r"```\{glossary\}\n(.*?)\n```", reference("glossary.md"), flags=re.DOTALL)[1]
    return {line.replace("\\", "").lower() for line in body.splitlines() if re.match(r"[^\s:]", line)}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(BOOK).as_posix())
def test_linked_terms_are_in_the_glossary(path):
    linked = re.findall(r"\{term\}`([^`]+)`", prose(path))
    # {term}`shown <entry>` links to an entry under another name
    entries = {" ".join((re.search(r"<([^>]+)>$", term) or [0, term])[1].split()).lower() for term in linked}
    assert not entries - terms()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(BOOK).as_posix())
def test_cited_works_are_in_the_bibliography(path):
    known = set(re.findall(r"^@\w+\{([^,]+),", reference("references.bib"), flags=re.MULTILINE))
    cited = {
        key.strip() for keys in re.findall(r"\{cite:\w+\}`([^`]+)`", prose(path)) for key in keys.split(",")
    }
    assert not cited - known


def test_every_reference_is_complete():
    entries = re.findall(
        r"^@(\w+)\{([^,]+),\n(.*?)^\}", reference("references.bib"), flags=re.MULTILINE | re.DOTALL
    )
    keys = [key for _, key, _ in entries]
    assert (
        len(keys) == len(set(keys)) == len(re.findall(r"^@", reference("references.bib"), flags=re.MULTILINE))
    )
    needed = {"article": {"journal"}, "book": {"publisher"}, "inproceedings": {"booktitle"}}
    for kind, key, body in entries:
        fields = set(re.findall(r"^\s*(\w+)\s*=", body, flags=re.MULTILINE))
        assert {"author", "title", "year"} | needed.get(kind, set()) <= fields, key


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(BOOK).as_posix())
def test_links_lead_to_a_heading_that_exists(path):
    broken = []
    for target, anchor in re.findall(r"\]\(([\w./-]*\.(?:ipynb|md))#([^)\s]+)\)", prose(path)):
        page = (path.parent / target).resolve()
        text = prose(page) if page.exists() else ""
        if anchor not in {
            slug(heading) for heading in re.findall(r"^#{1,3} (.+)$", text, flags=re.MULTILINE)
        }:
            broken.append(f"{target}#{anchor}")
    assert not broken
