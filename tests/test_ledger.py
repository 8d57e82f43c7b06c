"""The page of all claims: gathered from the tables that the pages show, and as data beside it."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import noetherlib as nl

EXTENSIONS = str(Path(__file__).resolve().parent.parent / "book/_ext")
CONF = f"""
import sys; sys.path.insert(0, {EXTENSIONS!r})
extensions = ["myst_nb", "ledger"]
nb_execution_mode = "off"
html_theme = "basic"
html_static_path = [{EXTENSIONS.replace("_ext", "_assets")!r}]
"""


def page(title, claims):
    shown = {"text/plain": repr(claims), "text/html": claims._repr_html_()}
    out = new_output("execute_result", data=shown, execution_count=1)
    text = f"# {title}\n\n## What this page claims"
    cells = [new_markdown_cell(text), new_code_cell("claims", outputs=[out], execution_count=1)]
    metadata = {"language_info": {"name": "python", "pygments_lexer": "ipython3"}}
    return new_notebook(cells=cells, metadata=metadata)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    root = tmp_path_factory.mktemp("site")
    first, second = nl.Claims(), nl.Claims()
    first.agree("If x < 1, the way up costs ΔV/D", derived=2.5, computed=2.50004, within=1e-4)
    first.holds("It is a minimum", True)
    second.below("Energy is constant", 1e-14, 1e-10, scale=1)
    nbformat.write(page("Wells", first), root / "wells.ipynb")
    nbformat.write(page("Energy", second), root / "energy.ipynb")
    (root / "index.md").write_text("# Book\n\n```{toctree}\nwells\nenergy\nreference/claims\n```\n")
    (root / "reference").mkdir()
    (root / "reference/claims.md").write_text("# What this book claims\n\n```{ledger}\n```\n")
    (root / "conf.py").write_text(CONF)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", str(root), str(root / "out")]
    subprocess.run(command, check=True)
    return root / "out"


def test_all_claims_are_data_in_the_order_of_the_book(site):
    claims = json.loads((site / "reference/claims.json").read_text())
    assert [claim["page"] for claim in claims] == ["wells", "wells", "energy"]
    assert claims[0] == {
        "page": "wells",
        "claim": "If x < 1, the way up costs ΔV/D",
        "derived": "2.50000",
        "computed": "2.50004",
        "simulated": "–",
        "bound": "± 1e-4",
        "margin": "2.5",
    }


def test_the_page_counts_them_and_links_to_where_they_stand(site):
    html = (site / "reference/claims.html").read_text()
    assert "3 claims on 2 pages." in html and 'href="claims.json"' in html
    assert html.count('href="../wells.html#what-this-page-claims"') == 2
    assert "If x &lt; 1, the way up" in html and "roundoff" in html


def test_only_that_page_gets_the_script(site):
    assert "ledger.js" in (site / "reference/claims.html").read_text()
    assert "ledger.js" not in (site / "wells.html").read_text()


def test_a_value_that_a_claim_does_not_have_is_marked_for_small_screens(site):
    html = (site / "wells.html").read_text()
    assert '<td data-head="Simulated" class="nothing">–</td>' in html
    assert html.count('class="nothing"') == html.count(">–</td>")
