"""All that the book claims, gathered from the ledgers (`nl.Claims`) that its pages show.

```{ledger}
```

A sentence that counts the claims, and a table of them in the order of the book; its heads sort it.
As JSON they stand beside the page that has the directive, under its name.
"""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

from docutils import nodes
from measured import link, reading_order, table, text
from sphinx.util.docutils import SphinxDirective

HEADS = ["Claim", "Page", "Bound", "Margin"]
SECTION = "what-this-page-claims"
EMPTY = re.compile("(<td[^>]*)>–<")  # no value: left out on a phone, where each cell is a line


class Ledger(nodes.General, nodes.Element):
    """Stands for the table until every page has been read."""


class LedgerDirective(SphinxDirective):
    def run(self):
        return [Ledger()]


class Rows(HTMLParser):
    """The rows of tables that nl.Claims draws: each a dict from its heads to its text."""

    def __init__(self, html):
        super().__init__()
        self.rows, self.head = [], None
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append({})
        self.head = dict(attributes).get("data-head") if tag == "td" else None

    def handle_endtag(self, tag):
        self.head = None

    def handle_data(self, data):
        if self.head:
            self.rows[-1][self.head] = self.rows[-1].get(self.head, "") + data


def claims_of(doctree):
    """The claims on a page, in the order in which it shows them."""
    shown = [node.astext() for node in doctree.findall(nodes.raw) if 'class="nl-claims"' in node.astext()]
    return [row for html in shown for row in Rows(html).rows if row]


def gather(app):
    """Document names and their claims, for every page that has any."""
    found = {name: claims_of(app.env.get_doctree(name)) for name in reading_order(app)}
    return {name: claims for name, claims in found.items() if claims}


def filled(app, fromdoc):
    pages = gather(app)
    if not pages:
        return [nodes.paragraph("", "No page states a claim.")]
    rows = []
    for name, claims in pages.items():
        for claim in claims:
            page = link(app, fromdoc, name, text(app.env.titles[name].astext()))
            page["refuri"] += f"#{SECTION}"
            rows.append(
                [
                    text(claim["Claim"]),
                    page,
                    text(claim["Bound"]),
                    text(claim["Margin"]),
                ]
            )
    whole = table(HEADS, rows)
    whole["classes"] += ["ledger"]
    if app.builder.format == "html":
        write(app, fromdoc, pages)
    count = f"{len(rows)} claims on {len(pages)} pages. "
    data = nodes.reference(
        "",
        "The same as data",
        refuri=f"{fromdoc.rsplit('/', 1)[-1]}.json",
        internal=False,
    )
    return [
        nodes.paragraph("", count, data, text(", with all values.")),
        whole,
    ]


def resolve(app, doctree, docname):
    for node in list(doctree.findall(Ledger)):
        node.replace_self(filled(app, docname))
    for node in list(doctree.findall(nodes.raw)):
        html = node.astext()
        if 'class="nl-claims"' in html:
            node.replace_self(nodes.raw("", EMPTY.sub(r'\1 class="nothing">–<', html), format="html"))


def sort(app, pagename, templatename, context, doctree):
    """The page with the table gets the script that sorts it; no other page does."""
    if doctree is not None and any("ledger" in node["classes"] for node in doctree.findall(nodes.table)):
        app.add_js_file("ledger.js")


def write(app, docname, pages):
    """The claims as data beside the page that lists them."""
    claims = [
        {"page": page, **{head.lower(): value for head, value in claim.items()}}
        for page, stated in pages.items()
        for claim in stated
    ]
    path = Path(app.outdir) / f"{docname}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(claims, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def setup(app):
    app.add_node(Ledger)
    app.add_directive("ledger", LedgerDirective)
    app.connect("doctree-resolved", resolve)
    app.connect("html-page-context", sort)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
