"""The landing page: a card for every chapter, three ways through them, and words that readers search."""

import re
import sys
from types import SimpleNamespace

import pytest
import yaml
from docutils import nodes

from tools.build import ROOT

sys.path.insert(0, str(ROOT / "book/_ext"))

import measured  # noqa: E402

INDEX = (ROOT / "book/index.md").read_text(encoding="utf-8")
CARDS = [
    [part.strip() for part in line.split("|")]
    for line in re.search(r"```\{gallery\}\n(.*?)```", INDEX, re.DOTALL)[1].splitlines()
]


def chapters():
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = re.findall(r"(?:foundations|paper|beyond)/[\w-]+", str(contents))
    return list(dict.fromkeys(files))


def test_every_chapter_has_a_card_with_a_sentence_and_a_weight():
    assert [page for page, _, _ in CARDS] == chapters()
    for page, part, words in CARDS:
        assert part in ("core", "optional") and words.endswith(".") and len(words) < 130, page
        text = (ROOT / f"book/{page}.ipynb").read_text(encoding="utf-8")
        assert re.search(r"Reading takes about \d+ minutes", text)


@pytest.mark.parametrize("way", ["Neuroscience", "Machine learning", "Teaching"])
def test_ways_through_the_book(way):
    text = re.search(rf"- \*\*{way}\.\*\*(.*?)(?=\n- \*\*|\n## |\n\n)", INDEX, re.DOTALL)[1]
    assert len(re.findall(r"\]\([\w/-]+\.(?:ipynb|md)\)", text)) >= 3


@pytest.mark.parametrize(
    ("typed", "page"),
    [
        ("factors of two", "reference/notation.md"),
        ("Wilson-Cowan", "reference/glossary.md"),
        ("head direction", "reference/glossary.md"),
        ("head direction", "index.md"),
        ("Wilson and Cowan", "beyond/your-own-system.ipynb"),
    ],
)
def test_what_readers_type_is_on_a_page_that_the_search_reads(typed, page):
    assert typed.lower() in (ROOT / "book" / page).read_text(encoding="utf-8").lower()


def test_a_card_says_what_how_long_and_whether_it_may_be_skipped(monkeypatch):
    page = nodes.paragraph("", "Reading takes about 35 minutes, running a few seconds.")
    env = SimpleNamespace(get_doctree=lambda name: page, titles={"a/page": nodes.title("", "A page")})
    builder = SimpleNamespace(get_relative_uri=lambda origin, target: f"{target}.html")
    monkeypatch.setattr(measured, "seconds", lambda env, name: 12.0)
    app = SimpleNamespace(env=env, builder=builder)
    card = measured.cards(app, "index", [["a/page", "core", "It is short."]])
    assert [p.astext() for p in card.findall(nodes.paragraph)][:2] == ["A page", "It is short."]
    assert [p.astext() for p in card.findall(nodes.paragraph)][2].startswith("Core, 35 minutes, runs in 12")
