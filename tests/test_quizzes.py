"""Every chapter ends with three questions, and a mistake in their files is named."""

import copy
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "book/_ext"))
import quiz  # noqa: E402

CHAPTERS = sorted(p for part in ("foundations", "paper", "beyond") for p in (ROOT / "book" / part).glob("*.ipynb"))
GOOD = [
    {
        "question": f"Question {k}?",
        "answers": [
            {"text": f"Answer {i}", "correct": i == k % 3, "why": "Because."} for i in range(3)
        ],
    }
    for k in range(3)
]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_every_chapter_asks_three_questions(chapter):
    cells = nbformat.read(chapter, as_version=4).cells
    assert sum("```{quiz}\n```" in cell.source for cell in cells if cell.cell_type == "markdown") == 1
    questions = quiz.read(ROOT / "book" / quiz.FOLDER / f"{chapter.stem}.yml")
    places = [[answer["correct"] for answer in question["answers"]].index(True) for question in questions]
    assert len(set(places)) > 1, "the right answer is always at the same place"


def test_no_file_of_questions_is_lost():
    assert {p.stem for p in (ROOT / "book" / quiz.FOLDER).iterdir()} == {p.stem for p in CHAPTERS}


def two_right(questions):
    for answer in questions[0]["answers"]:
        answer["correct"] = True


def no_reason(questions):
    del questions[2]["answers"][1]["why"]


def in_words(questions):
    questions[0]["answers"][0]["correct"] = "yes"


def empty(questions):
    questions[1]["question"] = " "


def one_answer(questions):
    del questions[1]["answers"][1:]


def only_a_formula(questions):
    questions[2]["answers"][2]["text"] = "$x^2 + y$."


@pytest.mark.parametrize(
    "spoil, message",
    [
        (two_right, "question 1 needs exactly one correct answer"),
        (no_reason, "question 3: an answer needs text, correct"),
        (in_words, "question 1: an answer needs text, correct"),
        (empty, "question 2 has an empty text"),
        (one_answer, "question 2 has 1 answers"),
        (only_a_formula, "question 3: no words in an answer"),
        (list.pop, "needs 3 questions"),
        (lambda q: q[0].update(hint="no"), "question 1 needs question and answers"),
    ],
)
def test_mistakes_in_a_file_are_named(tmp_path, spoil, message):
    questions = copy.deepcopy(GOOD)
    file = tmp_path / "page.yml"
    file.write_text(yaml.safe_dump(questions))
    assert quiz.read(file) == GOOD
    spoil(questions)
    file.write_text(yaml.safe_dump(questions))
    with pytest.raises(ValueError, match=f"page.yml: {message}"):
        quiz.read(file)
