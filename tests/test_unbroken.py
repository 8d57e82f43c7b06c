"""A formula and the punctuation that touches it stay on one line."""

import sys

import pytest
from docutils import nodes
from docutils.utils import new_document

from tools.build import ROOT

sys.path.insert(0, str(ROOT / "book/_ext"))
import unbroken  # noqa: E402


def held(*parts):
    """The spans kept together, and the whole text, of a sentence whose formulas are strings in $."""
    sentence = nodes.paragraph()
    for part in parts:
        sentence += nodes.math("", part[1:-1]) if part.startswith("$") else nodes.Text(part)
    document = new_document("page")
    document += sentence
    unbroken.hold(None, document, "page")
    return [span.astext() for span in document.findall(nodes.inline)], sentence.astext()


@pytest.mark.parametrize(
    "parts, spans",
    [
        (("where ", "$p = 0$", ", the path"), ["p = 0,"]),
        (("for ", "$x$", " and ", "$y$", "."), ["y."]),
        (("the drift (", "$f$", ") and noise (", "$D$", " here)"), ["(f)", "(D"]),
        (("ends with ", "$T$", "”), as"), ["T”),"]),
        (("$a$", "-fold", "$b$"), []),
    ],
)
def test_punctuation_stays_beside_its_formula_and_no_text_is_lost(parts, spans):
    found, text = held(*parts)
    assert found == spans
    assert text == "".join(part.strip("$") for part in parts)


def test_a_long_formula_takes_its_mark_in():
    """On a phone its box is as wide as the column, and what follows would stand alone at the edge."""
    long = "$" + "+".join(f"x_{{{k}}}" for k in range(10)) + "$"
    assert held("as ", long, ", so")[1] == f"as {long[1:-1]}{{,}} so"
    assert held("as ", long, " (so")[1] == f"as {long[1:-1]} (so"


@pytest.mark.parametrize(
    "name, pieces",
    [
        ("from_variance_preserving", ["from_", "variance_", "preserving"]),
        ('sde_type="stratonovich"', ["sde_", "type=", '"stratonovich"']),
        ("diffrax.EulerHeun", ["diffrax.", "Euler", "Heun"]),
        ("to_stratonovich(f, g)", ["to_stratonovich(", "f, g)"]),
        ("nl.least_action_path", ["nl.least_", "action_", "path"]),
        ("from_pyddm", ["from_pyddm"]),
    ],
)
def test_a_long_name_in_a_table_breaks_at_its_joints(name, pieces):
    document = new_document("page")
    outside = nodes.literal("", name)
    document += [nodes.entry("", nodes.paragraph("", "", nodes.literal("", name))), outside]
    unbroken.joint(None, document, "page")
    (cell,) = document.findall(nodes.entry)
    assert list(map(str, cell.findall(nodes.Text)))[::2] == pieces
    assert {mark.astext() for mark in cell.findall(nodes.raw)} <= {"<wbr>"}
    assert outside.astext() == name and len(outside) == 1
