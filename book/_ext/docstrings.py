"""Docstrings as the API page wants them."""

import re


def typeset_dots(app, what, name, obj, options, lines):
    """Write ``p . v`` as ``p·v``: a summary would otherwise end at the dot, in the middle of the formula."""
    lines[:] = [re.sub("``[^`]+``", lambda code: code[0].replace(" . ", "·"), line) for line in lines]


def setup(app):
    app.connect("autodoc-process-docstring", typeset_dots)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
