"""What may be skipped at a first reading: marked below its heading, and folded.

```{skippable}
In a sentence: what it is about, and what is lost without it.
```

The directive comes right after a heading. All that follows in that section, cells and smaller sections
included, is folded behind these words: a `<details>` of HTML, which needs no script. `skippable.js` opens it
for a link to it or into it, and on paper.
"""

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LOG = logging.getLogger(__name__)
MARK = "May be skipped at a first reading."
OPEN = f'<details class="skippable"><summary><strong>{MARK}</strong> '


class Skippable(SphinxDirective):
    has_content = True

    def run(self):
        words = nodes.Element()
        self.state.nested_parse(StringList(self.content), 0, words)
        if len(words.children) != 1 or not isinstance(words[0], nodes.paragraph):
            raise self.error("skippable needs one plain paragraph that says what is folded")
        start = raw(OPEN, names=["skippable"])
        self.set_source_info(start)
        return [start, nodes.inline("", "", *words[0].children), raw("</summary>")]


def raw(html, **attributes):
    return nodes.raw("", html, format="html", **attributes)


def close(app, doctree):
    """The fold ends where its section does, smaller sections and all."""
    for start in list(
        doctree.findall(lambda node: isinstance(node, nodes.raw) and "skippable" in node["names"])
    ):
        section = start.parent
        before = section.children[: section.index(start)] if isinstance(section, nodes.section) else []
        if not before or not isinstance(before[-1], nodes.title):
            LOG.warning("skippable must come right after the heading of a section", location=start)
        section += raw("</details>")


def setup(app):
    app.add_directive("skippable", Skippable)
    app.connect("doctree-read", close)
    app.add_css_file("reading.css")
    app.add_js_file("skippable.js")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
