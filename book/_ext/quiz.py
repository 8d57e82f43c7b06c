"""Questions at the end of a page: `{quiz}` sets those of book/_quizzes/<page>.yml, checked as they are read.

Plain radio buttons, and a style sheet that shows the explanation of the answer that is chosen: the page needs
no script and no server, and the keyboard works as in any form.
"""

import re
from pathlib import Path

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

FOLDER = "_quizzes"  # in the source folder
QUESTIONS, ANSWERS = 3, (3, 4)  # so many questions or more
VERDICT = {True: "Right.", False: "Not quite."}


def read(path):
    """The questions of a file, or a ValueError that says what is wrong with it."""
    questions = yaml.safe_load(path.read_text(encoding="utf-8"))

    def check(right, what):
        if not right:
            raise ValueError(f"{path.name}: {what}")

    check(isinstance(questions, list) and len(questions) >= QUESTIONS, f"needs {QUESTIONS} questions")
    for number, question in enumerate(questions, 1):
        where = f"question {number}"
        check(isinstance(question, dict), f"{where} must be a mapping")
        keys = set(question)
        check(keys == {"question", "answers"}, f"{where} needs question and answers, got {keys}")
        answers = question["answers"]
        check(len(answers) in ANSWERS, f"{where} has {len(answers)} answers, needs {ANSWERS}")
        for answer in answers:
            keys = {"text": str, "correct": bool, "why": str}
            check(
                isinstance(answer, dict) and {k: type(v) for k, v in answer.items()} == keys,
                f"{where}: an answer needs text, correct (true or false) and why, got {answer}",
            )
        check(sum(answer["correct"] for answer in answers) == 1, f"{where} needs exactly one correct answer")
        texts = [question["question"], *(answer[key] for answer in answers for key in ("text", "why"))]
        check(all(isinstance(text, str) and text.strip() for text in texts), f"{where} has an empty text")
        for answer in answers:  # a formula is set when it is looked at: until then it cannot name its button
            words = re.search(r"[^\W\d_]", re.sub(r"\$[^$]*\$", "", answer["text"]))
            check(words, f"{where}: no words in an answer")
    return questions


class Quiz(SphinxDirective):
    def run(self):
        name = self.env.docname.rpartition("/")[2]
        path = Path(self.env.srcdir, FOLDER, f"{name}.yml")
        self.env.note_dependency(str(path))
        try:
            questions = read(path)
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise self.error(f"quiz of {self.env.docname}: {error}") from error
        return [self.typeset(question, f"quiz-{k}") for k, question in enumerate(questions, 1)]

    def typeset(self, question, key):
        box = nodes.container(classes=["quiz"])
        box += tag('<fieldset><legend class="quiz-question">')
        box += self.parsed(question["question"])
        box += tag("</legend>")
        for k, answer in enumerate(question["answers"]):
            kind = "right" if answer["correct"] else "wrong"
            box += tag(
                f'<div class="quiz-answer quiz-{kind}"><input type="radio" name="{key}" id="{key}-{k}">'
                f'<label for="{key}-{k}">'
            )
            box += self.parsed(answer["text"])
            box += tag(f'</label><div class="quiz-why"><strong>{VERDICT[answer["correct"]]}</strong> ')
            box += self.parsed(answer["why"])
            box += tag("</div></div>")
        box += tag("</fieldset>")
        return box

    def parsed(self, text):
        """The words and formulas of a paragraph, without the paragraph: a label may not hold one."""
        parent = nodes.Element()
        self.state.nested_parse(StringList(text.strip().splitlines()), 0, parent)
        if not all(isinstance(child, nodes.paragraph) for child in parent):
            raise self.error(f"quiz of {self.env.docname}: only plain paragraphs, got {text!r}")
        span = nodes.inline()
        for child in parent:
            span += child.children
        return span


def tag(html):
    return nodes.raw("", html, format="html")


def all_used(app, env):
    """A file of questions that no page sets is a mistake in its name."""
    stems = {path.stem for path in Path(env.srcdir, FOLDER).glob("*.yml")}
    lost = stems - {name.rpartition("/")[2] for name in env.found_docs}
    if lost:
        raise ExtensionError(f"{FOLDER}: no page for {sorted(lost)}")


def setup(app):
    app.add_directive("quiz", Quiz)
    app.connect("env-check-consistency", all_used)
    app.add_css_file("quiz.css")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
