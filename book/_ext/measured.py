"""What only the build knows, put on the pages that quote it: seconds, versions, pictures.

{run-time}`this page`        how long the page took to run; one that does not say gets a line below its title
{run-time}`/paper/some-page` how long another one took

```{run-times}               a table of all pages that run
```
```{versions} numpy scipy    a table of the versions that the book was built with
```
```{health}                  a table: when the site was built, on what, and what the tests found
```
```{gallery}                 a card for each page, its first picture and its reading time
paper/some-page | core | What it is about, in a sentence.
```
"""

import os
import platform
import re
import time
from importlib.metadata import version

from docutils import nodes
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.util.docutils import SphinxDirective, SphinxRole


class RunTime(nodes.inline):
    """Stands for a time until every page has been read."""


class RunTimes(nodes.General, nodes.Element):
    """Stands for the table of times."""


class Gallery(nodes.General, nodes.Element):
    """Stands for the cards."""


def seconds(env, docname):
    """How long the page's cells took in the run whose results it shows; None if it has no cells."""
    data = NbMetadataCollector.get_exec_data(env, docname)
    return data and data["runtime"]


def in_words(time):
    if time is None:
        return "not measured"
    if time < 1:
        return "under a second"
    return f"{time:.0f}\N{NO-BREAK SPACE}s" if time < 90 else f"{time / 60:.0f}\N{NO-BREAK SPACE}min"


class RunTimeRole(SphinxRole):
    def run(self):
        here = self.text == "this page"
        docname = self.env.docname if here else self.env.relfn2path(self.text)[0]
        return [RunTime(docname=docname)], []


class RunTimesDirective(SphinxDirective):
    def run(self):
        return [RunTimes()]


class VersionsDirective(SphinxDirective):
    optional_arguments = 1
    final_argument_whitespace = True

    def run(self):
        rows = [("Python", platform.python_version())]
        rows += [(name, version(name)) for name in self.arguments[0].split()]
        return [table(["Package", "Version"], [[text(cell) for cell in row] for row in rows])]


class HealthDirective(SphinxDirective):
    def run(self):
        built = float(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
        rows = [
            ("Built", moment(built)),
            ("On", f"{platform.system()} ({platform.machine()}), Python {platform.python_version()}"),
            ("Tests", in_numbers(self.config.tests_found)),
        ]
        return [table(["What", "Which"], [[text(cell) for cell in row] for row in rows])]


class GalleryDirective(SphinxDirective):
    has_content = True

    def run(self):
        entries = [[part.strip() for part in line.split("|", 2)] for line in self.content if line.strip()]
        for entry in entries:
            if len(entry) != 3 or entry[1] not in ("core", "optional"):
                raise self.error(f"a card must read  page | core or optional | a sentence, got {entry}")
        return [Gallery(entries=entries)]


def moment(seconds):
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def in_numbers(found):
    """What `make test` left: never more than it found, and nothing where it did not run."""
    if not found:
        return "not run before this build"
    failed = found["failed"] + found["error"]
    numbers = f"{found['passed']} passed, {failed} failed, {found['skipped']} skipped"
    whose = "of these very files" if found["these"] else "of an earlier state of these files"
    return f"{numbers}; {whose}, {moment(found['ended'])}"


def text(words):
    return nodes.Text(words)


def link(app, fromdoc, docname, *children):
    uri = app.builder.get_relative_uri(fromdoc, docname)
    return nodes.reference("", "", *children, internal=True, refuri=uri)


def table(heads, rows):
    body = [nodes.row("", *[entry(cell) for cell in row]) for row in rows]
    head = nodes.row("", *[entry(text(cell)) for cell in heads])
    group = nodes.tgroup("", *[nodes.colspec(colwidth=1) for _ in heads], cols=len(heads))
    group += [nodes.thead("", head), nodes.tbody("", *body)]
    return nodes.table("", group)


def entry(cell):
    return nodes.entry("", nodes.paragraph("", "", cell))


def times_table(app, fromdoc):
    env = app.env
    measured = {name: seconds(env, name) for name in reading_order(app) if seconds(env, name) is not None}
    rows = [
        [link(app, fromdoc, name, text(env.titles[name].astext())), text(in_words(time))]
        for name, time in measured.items()
    ]
    return table(["Page", "Time"], [*rows, [text("All pages"), text(in_words(sum(measured.values())))]])


def reading_order(app):
    """Document names in the order of the table of contents."""
    name = app.config.root_doc
    relations = app.env.collect_relations()
    while name:
        yield name
        name = relations[name][2]


def reading_time(page):
    """What the page itself says of how long it takes to read, or None."""
    found = re.search(r"Reading takes about (\d+ minutes)", page.astext())
    return found and found[1]


def cards(app, fromdoc, entries):
    """One card per page: its first picture, title and subject, how long it takes to read and to run."""
    gallery = nodes.container(classes=["gallery"])
    for docname, part, words in entries:
        page = app.env.get_doctree(docname)
        card = nodes.container(classes=["gallery-card"])
        title = link(app, fromdoc, docname, text(app.env.titles[docname].astext()))
        for picture in list(page.findall(nodes.image))[:1]:
            picture["alt"] = ""  # the title below names it, and its page describes it
            title.insert(0, picture)
        card += nodes.paragraph("", "", title, classes=["gallery-title"])
        card += nodes.paragraph("", words)
        read, runs = reading_time(page), f"runs in {in_words(seconds(app.env, docname))}"
        times = ", ".join(filter(None, [part, read, runs]))
        card += nodes.paragraph("", times[:1].upper() + times[1:], classes=["gallery-time"])
        gallery += card
    return gallery


def resolve(app, doctree, docname):
    if seconds(app.env, docname) is not None and not any(doctree.findall(RunTime)):
        line = nodes.paragraph("", "Runs in ", RunTime(docname=docname), text("."))
        title = next(doctree.findall(nodes.title))
        title.parent.insert(title.parent.index(title) + 1, line)
    for node in list(doctree.findall(RunTime)):
        node.replace_self(text(in_words(seconds(app.env, node["docname"]))))
    for node in list(doctree.findall(RunTimes)):
        node.replace_self(times_table(app, docname))
    for node in list(doctree.findall(Gallery)):
        node.replace_self(cards(app, docname, node["entries"]))


def setup(app):
    for node in [RunTime, RunTimes, Gallery]:
        app.add_node(node)
    app.add_role("run-time", RunTimeRole())
    app.add_directive("run-times", RunTimesDirective)
    app.add_directive("versions", VersionsDirective)
    app.add_directive("gallery", GalleryDirective)
    app.add_directive("health", HealthDirective)
    app.add_config_value("tests_found", None, "env", types=[dict, type(None)])
    app.connect("doctree-resolved", resolve)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
