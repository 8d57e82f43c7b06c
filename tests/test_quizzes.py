"""Every chapter ends with three questions, the syllabus has five, and a mistake in their files is named."""

import copy
import re
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
import yaml

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "book/_ext"))
import quiz  # noqa: E402

CHAPTERS = sorted(
    p for part in ("foundations", "paper", "beyond") for p in (ROOT / "book" / part).glob("*.ipynb")
)
GOOD = [
    {
        "question": f"Question {k}?",
        "answers": [{"text": f"Answer {i}", "correct": i == k % 3, "why": "Because."} for i in range(3)],
    }
    for k in range(3)
]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_every_chapter_asks_three_questions(chapter):
    cells = nbformat.read(chapter, as_version=4).cells
    assert sum("```{quiz}\n```" in cell.source for cell in cells if cell.cell_type == "markdown") == 1
    questions = quiz.read(ROOT / "book" / quiz.FOLDER / f"{chapter.stem}.yml")
    assert len(questions) == 3
    places = [[answer["correct"] for answer in question["answers"]].index(True) for question in questions]
    assert len(set(places)) > 1, "the right answer is always at the same place"


def test_the_syllabus_asks_a_question_for_each_thing_that_it_needs():
    text = (ROOT / "book/course/syllabus.md").read_text(encoding="utf-8")
    needed = re.findall(r"^\| (.+?) \|", text.partition("| --- |")[2].partition("\n\n")[0], re.MULTILINE)
    questions = quiz.read(ROOT / "book" / quiz.FOLDER / "syllabus.yml")
    assert text.count("```{quiz}\n```") == 1
    assert [question["question"].partition(".")[0] for question in questions] == needed


def test_no_file_of_questions_is_lost():
    assert {p.stem for p in (ROOT / "book" / quiz.FOLDER).iterdir()} == {p.stem for p in CHAPTERS} | {
        "syllabus"
    }


def length(text):
    """Characters that a reader sees, about: a command of a formula is one."""
    return len(re.sub(r"[$\\{}^_!]", "", re.sub(r"\\[A-Za-z]+", "x", text)))


def told_by_length(questions):
    """How far three ways to guess by length are from chance, in standard deviations.

    The ways: take the longest answer, take the shortest, and rank (0 longest, 1 shortest; ties share).
    """
    hits, chances, ranks, spreads = [], [], [], []
    for question in questions:
        sizes = np.array([length(answer["text"]) for answer in question["answers"]])
        right = sizes[[answer["correct"] for answer in question["answers"]].index(True)]
        n = len(sizes)
        hits.append([(right == best) / (sizes == best).sum() for best in (sizes.max(), sizes.min())])
        chances.append(1 / n)
        ranks.append(((sizes > right).sum() + ((sizes == right).sum() - 1) / 2) / (n - 1))
        spreads.append((n + 1) / (12 * (n - 1)))  # variance of a uniform rank
    by_chance = np.array(chances)
    bar = np.sqrt((by_chance * (1 - by_chance)).sum())
    guesses = (np.sum(hits, axis=0) - by_chance.sum()) / bar
    return {
        "longest": guesses[0],
        "shortest": guesses[1],
        "rank": (np.sum(ranks) - len(ranks) / 2) / np.sqrt(np.sum(spreads)),
    }


def all_questions():
    return [q for path in sorted((ROOT / "book" / quiz.FOLDER).iterdir()) for q in quiz.read(path)]


def test_the_length_of_an_answer_tells_nothing():
    questions = all_questions()
    for way, score in told_by_length(questions).items():
        assert abs(score) < 2, f"{way}: {score:+.1f} standard deviations from chance"
    for question in questions:
        sizes = [length(answer["text"]) for answer in question["answers"]]
        assert max(sizes) < 2 * min(sizes), f"lengths {sizes}: {question['question']}"


def test_telling_lengths_are_noticed():
    questions = all_questions()
    for question in questions:
        for answer in question["answers"]:
            answer["text"] += " indeed" * 9 * answer["correct"]
    scores = told_by_length(questions)
    assert scores["longest"] > 5 and scores["shortest"] < -3 and scores["rank"] < -5


def test_no_question_is_asked_twice():
    texts = [question["question"] for question in all_questions()]
    rights = [a["text"] for question in all_questions() for a in question["answers"] if a["correct"]]
    assert len(set(texts)) == len(texts) and len(set(rights)) == len(rights)


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
