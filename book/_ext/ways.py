"""Ways through the book: the landing page lists them, and each page says where on the chosen one it is.

```{ways}
- **Neuroscience.** [A page](a/page.ipynb), [another](another/page.ipynb).
```

Every item is a way: its name in bold, then its pages, in order, as links. The lines for all ways are part of
each page, hidden; the script `way.js`, which is part of the page too, shows that of the way that the reader
chose. So nothing more is asked for, and without a script nothing shows.
"""

import re
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.util.docutils import SphinxDirective

SCRIPT = Path(__file__).parent.with_name("_assets") / "way.js"
BUTTON = (
    '<button type="button" class="way-choose btn btn-sm" data-way="{slug}" data-name="{name}" hidden>'
    "</button>"
    '<span class="way-resume" data-way="{slug}" hidden></span>'
)


class Ways(SphinxDirective):
    has_content = True

    def run(self):
        box = nodes.container(classes=["ways"], ids=["ways"])
        self.state.nested_parse(self.content, 0, box)
        found = {}
        for item in box.findall(nodes.list_item):
            name = next((bold.astext().rstrip(".") for bold in item.findall(nodes.strong)), None)
            pages = [link["reftarget"] for link in item.findall(pending_xref) if link["refdomain"] == "doc"]
            if not name or len(pages) < 2 or len(set(pages)) < len(pages):
                raise self.error(f"a way needs a name in bold and links to its pages, got {item.astext()!r}")
            found[name] = pages
            item["classes"].append("way")
            item += nodes.raw("", BUTTON.format(slug=slug(name), name=escape(name)), format="html")
        if not found:
            raise self.error("ways must be the items of a list")
        self.env.metadata[self.env.docname]["ways"] = found
        return [box]


def slug(name):
    return re.sub(r"\W+", "-", name.lower())


def line(app, docname, name, pages):
    """Where this page is on a way, as HTML; of a chapter that is not on it, that it may be skipped."""

    def link(target, words, anchor=""):
        address = app.builder.get_relative_uri(docname, target) + anchor
        return f'<a href="{escape(address)}">{escape(words)}</a>'

    way = link(app.config.root_doc, name, "#ways")
    step = ""
    if docname in pages:
        at = pages.index(docname) + 1
        step = f' data-step="{at}"'
        words = f"{way} {at} of {len(pages)}"
        following = pages[at : at + 1]
        after = [f"next: {link(page, app.env.titles[page].astext())}" for page in following]
        words += f" · {(after or ['the last page of this way'])[0]}"
    elif app.env.doc2path(docname).endswith(".ipynb"):
        words = f"{way} · not on this way: may be skipped at a first reading"
    else:
        return ""
    return (
        f'<nav class="way-line" data-way="{slug(name)}"{step} aria-label="Your way through the book" hidden>'
        f"{words}</nav>"
    )


def show(app, pagename, templatename, context, doctree):
    ways = app.env.metadata[app.config.root_doc].get("ways")
    if doctree is None or not ways:
        return
    lines = [line(app, pagename, *way) for way in ways.items() if pagename != app.config.root_doc]
    script = SCRIPT.read_text(encoding="utf-8")
    context["body"] = f"{''.join(lines)}<script>\n{script}</script>\n{context['body']}"


def setup(app):
    app.add_directive("ways", Ways)
    app.connect("html-page-context", show)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
