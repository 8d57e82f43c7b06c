"""The numbers of one student in one problem set: drawn from an identifier, the same on every machine."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass, field, fields
from numbers import Integral

import numpy as np

from ..inputs import brief

#: Identifiers that nobody has: what an unset variable prints as, and what a template says.
NOBODY = {"none", "nan", "null", "true", "false", "student", "name", "identifier", "student number"}


def between(low, high, **options):
    """A number of an `Instance`, drawn between these limits."""
    return field(metadata={"range": (low, high)}, **options)


@dataclass(frozen=True)
class Instance:
    """The numbers of one student. The noise has the amplitude sigma."""

    sigma: float = between(0.55, 0.95)
    student: str = field(default="", kw_only=True)

    def __str__(self):
        shown = [number.name for number in drawn(self) if number.repr]
        return f"{self.student}: " + ", ".join(f"{name} = {getattr(self, name):g}" for name in shown)


def drawn(kind):
    """The fields of an `Instance` that are drawn."""
    return [number for number in fields(kind) if "range" in number.metadata]


def identifier(student):
    """The name that numbers are drawn from: case, accents' encodings and blanks do not matter.

    Raises
    ------
    ValueError
        For what is neither text nor an integer, or names nobody.
    """
    needed = "student must be an identifier of yours, such as a student number"
    if isinstance(student, bool) or not isinstance(student, str | Integral):
        raise ValueError(f"{needed}, got {brief(student)}")
    name = " ".join(unicodedata.normalize("NFKC", str(student)).casefold().split())
    if name.removeprefix("your ") in NOBODY or not any(sign.isalnum() for sign in name):
        raise ValueError(f"{needed}, got {brief(student)}")
    return name


def draw(kind, problem_set, student):
    """An `Instance` of this kind. Four digits make it all but certain that no two students share a number."""
    name = identifier(student)
    digest = hashlib.sha256(f"{problem_set}/{name}".encode()).digest()
    numbers = {}
    for k, number in enumerate(drawn(kind)):
        low, high = number.metadata["range"]
        share = int.from_bytes(digest[4 * k : 4 * k + 4], "big") / 2**32
        numbers[number.name] = round(low + share * (high - low), 4)
    return kind(**numbers, student=name)


def diffusion_of(instance):
    """``D = sigma**2 / 2``. No attribute of the instance, since it is what students are asked for."""
    return instance.sigma**2 / 2


# ---- where answers are compared ------------------------------------------------------------------------


def points(dim):
    """Twelve fixed, irregular points of order one, where functions and expressions are compared."""
    k = np.arange(1, 13)[:, None] * np.sqrt([2, 3, 5, 7, 11, 13][:dim])
    return 0.4 + 2 * (k % 1.0)


def uneven(T, n):
    """Times from 0 to T, the steps different."""
    u = np.linspace(0, 1, n)
    return T * (u + 0.3 * np.sin(np.pi * u) * u)
