"""What belongs to a formula stays beside it: no line begins with its comma, and none ends with its bracket.

A browser may break a line on either side of a formula, as it may beside a picture. So the formula and the
punctuation that touches it become one span, which `book.css` does not break. A long formula may itself wrap
on a phone, and its box is then as wide as the column: its comma or full stop becomes a part of it.

A long name in a table breaks at its joints alone: behind three letters and an underscore, a dot, a bracket or
a sign, and where a capital begins a word.
"""

import re

from docutils import nodes

LONG = 40  # characters of TeX, about a line of a phone
MARK = re.compile(r"^[.,;:]")
WHOLE = 13  # characters of the longest name in a table that does not break
JOINT = re.compile(r"(?<=\w{3}[_.(,=])(?=[\w\"'])|(?<=[a-z])(?=[A-Z])")
OPENING, CLOSING = re.compile(r"[(\[“‘]+$"), re.compile(r"^[.,;:!?)\]”’]+")


def hold(app, doctree, docname):
    for formula in list(doctree.findall(nodes.math)):
        parent = formula.parent
        place = parent.index(formula)
        if len(formula.astext()) > LONG and (mark := cut(parent, place + 1, MARK)):
            formula[:] = [nodes.Text(f"{formula.astext()}{{{mark}}}")]
        held = nodes.inline("", "", formula.deepcopy(), classes=["unbroken"])
        if before := cut(parent, place - 1, OPENING):
            held.insert(0, nodes.Text(before))
        if after := cut(parent, place + 1, CLOSING):
            held += nodes.Text(after)
        if len(held) > 1:
            parent[place] = held


def cut(parent, place, pattern):
    """Take from the text there, if there is any, what the pattern finds at its border."""
    if not 0 <= place < len(parent) or not isinstance(parent[place], nodes.Text):
        return ""
    text = str(parent[place])
    found = pattern.search(text)
    if not found:
        return ""
    parent[place] = nodes.Text(text[: found.start()] + text[found.end() :])
    return found.group()


def joint(app, doctree, docname):
    for cell in doctree.findall(nodes.entry):
        for text in [text for name in cell.findall(nodes.literal) for text in name.findall(nodes.Text)]:
            if len(text) > WHOLE:
                parts = []
                for piece in JOINT.split(text):
                    parts += [nodes.raw("", "<wbr>", format="html"), nodes.Text(piece)]
                text.parent.replace(text, parts[1:])


def setup(app):
    app.connect("doctree-resolved", hold)
    app.connect("doctree-resolved", joint)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
