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
