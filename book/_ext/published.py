"""What others ask of a site: a description of each page, a page for wrong addresses, a list of all pages.

The last, and whatever needs a full address, exist only when the book's own is known (BOOK_URL).
"""

from html import escape
from pathlib import Path
from textwrap import shorten

from docutils import nodes

LENGTH = 200  # characters of a description that are shown in lists
MISSING = """<section id="page-not-found"><h1>Page not found</h1>
<p>There is no page at this address. It may have moved: the list of pages and the search are beside this text,
and <a href="index.html">the first page</a> says what the book is about.</p></section>"""


def base(app):
    url = app.config.html_baseurl
    return url and url.rstrip("/") + "/"


def description(doctree):
    """The first sentences of a page that a list can show: no formulas, and no list if there is text."""
    long = {paragraph: " ".join(paragraph.astext().split()) for paragraph in doctree.findall(nodes.paragraph)}
    found = [p for p, words in long.items() if len(words) > 60 and not any(p.findall(nodes.math))]
    found.sort(key=lambda paragraph: not isinstance(paragraph.parent, nodes.section))
    return shorten(long[found[0]], LENGTH, placeholder=" …") if found else None


def describe(app, pagename, templatename, context, doctree):
    tags = {}
    if doctree is not None:
        kind = "website" if pagename == app.config.root_doc else "article"
        tags = {"og:type": kind, "og:site_name": app.config.html_title}
        tags["og:title"] = app.env.titles[pagename].astext()
        if words := description(doctree):
            tags["description"] = tags["og:description"] = words
        if base(app):
            tags["og:url"] = f"{base(app)}{pagename}.html"
            tags["og:image"] = f"{base(app)}_static/preview.png"
    context["metatags"] = context.get("metatags", "") + "".join(
        f'<meta {"property" if name.startswith("og:") else "name"}="{name}" content="{escape(text)}" />\n'
        for name, text in tags.items()
    )
    if pagename == "404" and base(app):  # it answers at any depth
        context["metatags"] = f'<base href="{escape(base(app))}" />\n' + context["metatags"]


def collect(app):
    yield "404", {"title": "Page not found", "body": MISSING}, "page.html"


def list_pages(app, exception):
    if base(app) and not exception and app.builder.format == "html":
        pages = "".join(
            f"<url><loc>{escape(base(app) + name)}.html</loc></url>\n" for name in sorted(app.env.found_docs)
        )
        namespace = "http://www.sitemaps.org/schemas/sitemap/0.9"
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="{namespace}">\n{pages}</urlset>\n'
        (Path(app.outdir) / "sitemap.xml").write_text(text, encoding="utf-8")


def setup(app):
    app.connect("html-page-context", describe)
    app.connect("html-collect-pages", collect)
    app.connect("build-finished", list_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
