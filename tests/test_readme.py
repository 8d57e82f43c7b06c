"""What README.md, CONTRIBUTING.md and the front page tell a reader to do works."""

import re
import subprocess
import sys
import tomllib

import pytest
import yaml

from tools import readme
from tools.build import ROOT

README, CONTRIBUTING, FRONT_PAGE = "README.md", "CONTRIBUTING.md", "book/index.md"


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name, language):
    return re.findall(rf"^```{language}\n(.*?)^```", read(name), re.DOTALL | re.MULTILINE)


def targets():
    return set(re.findall(r"^([a-z]+):.*##", read("Makefile"), re.MULTILINE))


@pytest.mark.parametrize("name", [README, FRONT_PAGE])
def test_python_blocks_run(name, tmp_path):
    found = blocks(name, "python")
    assert found
    for code in found:
        subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, check=True)


@pytest.mark.parametrize("name", [README, CONTRIBUTING, FRONT_PAGE])
def test_make_targets_exist(name):
    code = blocks(name, "sh") + re.findall(r"`([^`\n]+)`", read(name))
    named = re.findall(r"\bmake(?: [A-Z_]+=\S+)* ([a-z]+)", "\n".join(code))
    assert named
    assert set(named) <= targets()


def test_make_help_lists_every_target():
    run = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True)
    assert targets() == set(re.findall(r"^  make ([a-z]+) ", run.stdout, re.MULTILINE))


@pytest.mark.parametrize("name", [README, CONTRIBUTING])
def test_links_to_files_lead_somewhere(name):
    for target in re.findall(r"\]\(([^)\s]+)\)", read(name)):
        assert "://" in target or (ROOT / target).exists(), target


def test_variables_that_the_readme_names_are_the_ones_that_the_build_reads():
    from tools.build import ADDRESS

    assert set(re.findall(r"^\| `(BOOK_\w+)`", read(README), re.MULTILINE)) == set(ADDRESS)


def test_it_shows_pictures_of_chapters_that_are_small_and_described():
    shown = re.findall(r"!\[([^\]]+)\]\(([^)]+)\)\n\n(\*[^*]+\*)?", read(README))
    assert [file for _, file, _ in shown[1:]] == [
        f"book/_assets/{file}" for file in ("ways-back.svg", "wilson-cowan.svg")
    ]
    for words, file, caption in shown:
        assert len(words) > 60 and (ROOT / file).stat().st_size < 100_000
        assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]+"', "", (ROOT / file).read_text(encoding="utf-8"))
        assert "most-likely-path" in file or re.search(r"\(book/beyond/[\w-]+\.ipynb\)", caption)


def test_it_links_to_the_site_where_its_address_is_known():
    text = read(README)
    linked = readme.linked(text, {"BOOK_URL": "https://example.org/book/"})
    assert (
        linked.replace("**[Read the book online.](https://example.org/book/)**\n\n", "", 1) == text != linked
    )
    assert readme.linked(linked, {"BOOK_URL": "https://example.org/book"}) == linked
    assert readme.linked(linked, {}) == readme.linked(text, {}) == text


def test_citation():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert {"message", "title", "authors"} <= citation.keys()
    paper = citation["references"][0]
    assert {"type", "title", "authors"} <= paper.keys()
    assert paper["authors"][0]["family-names"] == "Vastola"
    assert "2504.09761" in paper["doi"]
