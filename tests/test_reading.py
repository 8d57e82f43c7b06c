"""Ways through the book, and what may be skipped: on a small site made with the same extensions and theme."""

import re
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import browser
from tools.build import ROOT

CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "book/_ext")!r})
extensions = ["myst_nb", "skippable", "ways"]
html_theme = "sphinx_book_theme"
html_static_path = [{str(ROOT / "book/_assets")!r}]
html_css_files = ["book.css"]
nb_execution_mode = "off"
"""
INDEX = """# A small book

```{toctree}
one
two
three
```

````{ways}
- **Near.** [One](one.md), then [three](three.ipynb).
- **Far away.** [One](one.md), [two](two.ipynb), [three](three.ipynb) (the end).
````
"""
ONE = "# Page one\n\nWords.\n"
SKIPPED = """## How fast

```{skippable}
How the *error* falls. Nothing below needs it.
```

Folded away.
"""
CELLS = [
    new_markdown_cell(f"# Page two\n\n## Before\n\nNeeded.\n\n{SKIPPED}"),
    new_code_cell("folded = 1"),
    new_markdown_cell("### A part of it\n\nFolded as well: $x^2$."),
    new_markdown_cell("## After\n\nNeeded again."),
]
PYTHON = {"language_info": {"name": "python"}}
PHONE, DESKTOP = {"width": 390, "height": 760}, {"width": 1280, "height": 800}


def pages(folder, **more):
    """The sources of the small book, some of them replaced."""
    folder.mkdir(exist_ok=True)
    for name, text in ({"conf.py": CONF, "index.md": INDEX, "one.md": ONE} | more).items():
        (folder / name).write_text(text, encoding="utf-8")
    for name, cells in {"two": CELLS, "three": [new_markdown_cell("# Page three\n\nThe end.")]}.items():
        nbformat.write(new_notebook(cells=cells, metadata=PYTHON), folder / f"{name}.ipynb")
    return folder


def made(folder):
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-b",
        "html",
        folder,
        folder / "html",
    ]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = pages(tmp_path_factory.mktemp("reading"))
    done = made(folder)
    assert done.returncode == 0, done.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def window():
    if browser.find() is None:
        pytest.fail(browser.MISSING) if browser.CI else pytest.skip(browser.MISSING)
    with browser.launched() as window:
        yield window


@pytest.fixture
def visitor(site, window):
    """visitor(**options) is someone new, whose browser keeps what it is told from page to page."""
    contexts = []
    with browser.served(site) as address:

        def come(name, **options):
            contexts.append(window.new_context(base_url=address, **options))
            tab = contexts[-1].new_page()
            tab.set_default_timeout(browser.PATIENCE)
            tab.goto(name)
            return tab

        yield come
        for context in contexts:
            context.close()


def text(site, name):
    return (site / f"{name}.html").read_text(encoding="utf-8")


def lines(tab):
    """The lines of ways that can be seen."""
    return [line.inner_text() for line in tab.locator(".way-line").all() if line.is_visible()]


def test_every_page_knows_its_place_on_every_way(site):
    found = [
        re.sub(r"<[^>]+>", "", line)
        for line in re.findall(r"<nav class=\"way-line\".*?</nav>", text(site, "one"))
    ]
    assert found == ["Near 1 of 2 · next: Page three", "Far away 1 of 3 · next: Page two"]
    assert "Far away</a> 3 of 3 · the last page" in text(site, "three")
    assert "Near</a> · not on this way: may be skipped" in text(site, "two")
    assert 'class="way-line"' not in text(site, "index")


def test_mistakes_are_named(tmp_path):
    wrong = "# Page one\n\nWords.\n\n```{skippable}\nToo late.\n```\n\n## Part\n\n```{skippable}\n```\n"
    ways = INDEX.replace("**Far away.**", "Far away").replace("- **Near.**", "- **Near.** [One](one.md),")
    done = made(pages(tmp_path / "wrong", **{"one.md": wrong, "index.md": ways}))
    assert done.returncode != 0
    for words in (
        "skippable must come right after the heading",
        "skippable needs one plain paragraph",
        "a way needs a name in bold and links to its pages",
    ):
        assert words in done.stderr


def test_a_way_is_taken_by_keyboard_remembered_and_left(visitor):
    tab = visitor("index.html")
    button = tab.get_by_role("button", name="Take this way: Far away")
    assert tab.locator(".way-resume:visible").count() == 0
    button.press("Enter")
    assert tab.locator(".way-resume:visible").inner_text() == "Begin with One"
    tab.locator(".way-resume a").click()
    tab.wait_for_url("**/one.html")
    assert lines(tab) == ["Far away 1 of 3 · next: Page two"]
    tab.get_by_role("navigation", name="Your way through the book").get_by_role(
        "link", name="Page two"
    ).click()
    tab.wait_for_url("**/two.html")
    assert lines(tab) == ["Far away 2 of 3 · next: Page three"]
    tab.goto("index.html")
    assert tab.locator(".way-resume:visible").inner_text() == "You were at 2 of 3: two"
    tab.get_by_role("button", name="Take this way: Near").click()  # another one instead
    tab.goto("two.html")
    assert lines(tab) == ["Near · not on this way: may be skipped at a first reading"]
    tab.get_by_role("link", name="Near").click()
    tab.get_by_role("button", name="Leave this way: Near").click()
    tab.goto("one.html")
    assert lines(tab) == []


def test_who_took_no_way_or_runs_no_script_sees_nothing_of_it(visitor):
    assert lines(visitor("one.html")) == []
    tab = visitor("index.html", java_script_enabled=False)
    assert tab.locator(".way-choose:visible, .way-resume:visible").count() == 0
    tab.goto("two.html")
    assert lines(tab) == []
    folded = tab.get_by_text("Folded away.")
    assert not folded.is_visible()
    tab.locator("summary").click()
    assert folded.is_visible()


def test_what_may_be_skipped_says_so_and_opens_for_a_link_and_on_paper(visitor):
    tab = visitor("two.html")
    assert tab.locator("summary").inner_text() == (
        "May be skipped at a first reading. How the error falls. Nothing below needs it."
    )
    inside = [
        tab.get_by_text("Folded away."),
        tab.locator(".cell"),
        tab.get_by_role("heading", name="A part of it"),
    ]
    assert not any(part.is_visible() for part in inside)
    assert all(tab.get_by_text(words, exact=True).is_visible() for words in ("Needed.", "Needed again."))
    tab.evaluate("() => { window.dispatchEvent(new Event('beforeprint')); }")
    assert all(part.is_visible() for part in inside)
    tab.evaluate("() => { window.dispatchEvent(new Event('afterprint')); }")
    assert not any(part.is_visible() for part in inside)
    tab.locator("summary").press("Enter")
    assert all(part.is_visible() for part in inside)
    tab.goto("one.html")
    tab.goto("two.html#a-part-of-it")
    inside[-1].wait_for()


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_both_fit_the_window(visitor, size):
    tab = visitor("index.html", viewport=size)
    tab.get_by_role("button", name="Take this way: Far away").click()
    for name in ("index.html", "two.html#how-fast"):
        tab.goto(name)
        tab.locator("article").wait_for()
        assert tab.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert len(lines(tab)) == 1 and tab.get_by_text("Folded away.").is_visible()
