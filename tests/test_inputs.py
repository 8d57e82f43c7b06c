"""What an error message quotes: one short line, and of an array its shape, or one entry."""

import numpy as np
import pytest

from noetherlib import models
from noetherlib.inputs import as_a, as_box, as_count, as_floats, as_positive, as_streams, brief

LONG = np.linspace(0, 1, 500)
REFUSED = {
    "complex numbers": lambda: as_floats(LONG * 1j, "x"),
    "objects": lambda: as_floats(np.full(500, "a", dtype=object), "x"),
    "a list": lambda: as_floats([1.0, "two"] * 300, "x"),
    "no entry below 0": lambda: as_positive(LONG, "x"),
    "no integer": lambda: as_count(LONG, "x"),
    "no box": lambda: as_box(LONG, 2, "x"),
    "a box of arrays": lambda: as_box((LONG[:2], -LONG[:2]), 2, "x"),
    "another kind": lambda: as_a(dict, LONG, "x"),
    "no seed": lambda: as_streams(LONG, 1),
}


@pytest.mark.parametrize("case", REFUSED)
def test_no_message_prints_an_array(case):
    with pytest.raises(ValueError, match="(x|rng) must be") as caught:
        REFUSED[case]()
    message = str(caught.value)
    assert "array(" not in message and "\n" not in message and len(message) < 200


def test_what_is_quoted():
    assert brief(LONG) == "ndarray of shape (500,)"
    assert brief((LONG, 2)) == "(ndarray of shape (500,), 2)"
    assert brief(LONG.reshape(5, 10, 10).tolist()) == "a list of 5 lists"
    assert brief(((0, 1), (2, 1))) == "((0, 1), (2, 1))"
    assert brief([1, -1]) == "[1, -1]" and brief("seed") == "'seed'" and brief(None) == "None"
    lines = type("Lines", (), {"__repr__": lambda self: "one\ntwo", "shape": lambda self: 2})()
    assert brief(lines) == "one two"
    with pytest.raises(ValueError, match=r"x must be finite, got nan at index \(3, 1\)"):
        as_floats(np.where(np.arange(8).reshape(4, 2) == 7, np.nan, 0.0), "x")


@pytest.mark.parametrize("x", [[1j, 0.0], np.array([1j, 0.0]), np.array([object(), 0.0]), ["a", "b"]])
def test_states_are_real_numbers(x):
    with pytest.raises(ValueError, match="x must be real numbers"):
        models.maier_stein(0.1).drift(x, 0.0)
    assert np.isnan(models.maier_stein(0.1).drift(np.array([None, 0.0]), 0.0)).any()
