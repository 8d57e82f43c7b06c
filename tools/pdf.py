"""Print the whole book into one PDF with a browser that has no window: `python -m tools.pdf`."""

import os
import sys
from io import BytesIO
from urllib.parse import unquote, urldefrag

from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, NameObject

from tools import browser
from tools.build import INDEX, chapters

BOOK = INDEX.parent.with_name("book.pdf")
MARGINS = {"top": "18mm", "bottom": "20mm", "left": "16mm", "right": "16mm"}
# pages are numbered through the book: each chapter goes on counting
NUMBERS = """
@page { @bottom-center { content: counter(page); font: 9pt sans-serif } }
html { counter-reset: page %d }
"""


def chapter(tab, address, pages_before):
    tab.goto(address)
    browser.draw_all(tab)
    tab.add_style_tag(content=NUMBERS % pages_before)
    return PdfReader(BytesIO(tab.pdf(format="A4", margin=MARGINS, outline=True, tagged=True)))


def join(names, address, window):
    """The chapters as one document: titles and headings in its outline, links that stay within it."""
    book, first, tab = PdfWriter(), {}, window.new_page()
    for name in names:
        first[f"{address}{name}.html"] = len(book.pages)
        pages = chapter(tab, f"{address}{name}.html", len(book.pages))
        book.append(pages, outline_item=tab.title().partition(" — ")[0])
        print(f"{len(pages.pages):4d} pages: {name}", flush=True)
    redirect(book, address, first)
    return book


def redirect(book, address, first):
    """Links to other pages of the site lead to the first sheet of that chapter, or nowhere if it has none."""
    for sheet in book.pages:
        for link in sheet.get("/Annots", ()):
            link = link.get_object()
            target = link.get("/A", {}).get("/URI", "")
            if target.startswith(address):
                del link["/A"]
                number = first.get(unquote(urldefrag(target).url))
                if number is not None:
                    to = book.pages[number].indirect_reference
                    link[NameObject("/Dest")] = ArrayObject([to, NameObject("/Fit")])


def main():
    if browser.find() is None:
        sys.exit(f"The book cannot be printed: {browser.MISSING}.")
    with browser.served(INDEX.parent) as address, browser.launched() as window:
        book = join(chapters(), address, window)
    book.add_metadata({"/Title": "Noether's theorem for noisy dynamical systems"})
    book.compress_identical_objects()
    book.write(BOOK)
    print(f"{len(book.pages)} pages, {os.path.getsize(BOOK) / 1e6:.1f} MB: {BOOK}")


if __name__ == "__main__":
    main()
