"""The course's checks: right answers pass for everyone, and each slip is recognised for what it is."""

import dataclasses
import itertools
import re

import numpy as np
import pytest

import noetherlib as nl
from noetherlib.course import PROBLEM_SETS, SLIPS, TASKS, Mistake, check, identifier, instance
from noetherlib.course.discrete import energy, jumps, turning
from noetherlib.course.seeds import honest
from noetherlib.lagrangian import Lagrangian, Mesh
from tests.course_answers import STUDENTS, D, best, numbers
from tests.course_forms import FORMS, RIGHT
from tests.course_slips import WRONG
from tools.notebooks import ROOT, read

BOOK = ROOT / "book"

# ---- right answers and slips -----------------------------------------------------------------------------


def test_every_task_and_every_slip_is_tested():
    assert set(RIGHT) == set(TASKS)
    assert {slip for _, slip, _ in WRONG} - {None} == set(SLIPS)


@pytest.mark.parametrize("task", TASKS)
def test_a_right_answer_passes_for_everyone(task, capsys):
    for student in STUDENTS:
        i = numbers(task, student)
        check(task, RIGHT[task](i), i)
    assert capsys.readouterr().out == f"{task}: right\n" * len(STUDENTS)


@pytest.mark.parametrize("task, answer", FORMS, ids=[f"{form[0]}-{n}" for n, form in enumerate(FORMS)])
def test_a_right_answer_may_have_an_unusual_form(task, answer, capsys):
    i = numbers(task, "emmy")
    check(task, answer(i), i)
    said = capsys.readouterr()
    assert said.out == f"{task}: right\n" and said.err == ""


def passes(task, answer, i):
    try:
        check(task, answer, i)
    except Mistake:
        return False
    return True


@pytest.mark.parametrize("task, slip, answer", WRONG, ids=[f"{w[0]}-{w[1]}-{n}" for n, w in enumerate(WRONG)])
def test_a_slip_is_recognised(task, slip, answer, capsys):
    for student in STUDENTS[:3]:
        i = numbers(task, student)
        with pytest.raises(Mistake) as mistake:
            check(task, answer(i), i)
        assert mistake.value.slip == slip, mistake.value
        assert str(mistake.value).startswith(f"{task}: {SLIPS.get(slip, '')}")
    assert capsys.readouterr().out == ""


def test_a_single_number_is_never_told_how_far_it_is_off():
    i = instance("noise", "ada")
    said = set()
    for factor in (0.1, 0.9, 1.01, 3.0, 1e6):
        with pytest.raises(Mistake) as mistake:
            check("diffusion", factor * D(i), i)
        said.add(str(mistake.value))
    assert said == {"diffusion: Not right, and none of the usual slips."}


def test_error_bars_that_hold_are_not_refused():
    """Counted shares of 1,000 trials, common and rare, by 8 and by 64 seeds: none of 400 classes is."""
    rng = np.random.default_rng(5)
    for chance in (0.5, 0.02):
        for seeds in (8, 64):
            share = rng.binomial(1000, chance, size=(400, seeds)) / 1000
            for table in np.stack([share, np.sqrt(share * (1 - share) / 1000)], axis=-1):
                honest(table)


# ---- the checks' own formulas, against the library's -------------------------------------------------------


def test_right_answers_are_the_librarys():
    i = instance("paths", "ada")
    x, t = best(i).x + 0.1 * np.sin(np.arange(41.0))[:, None] * [1, -2], np.linspace(0, 1, 41) ** 2
    mesh = Mesh(Lagrangian(i.system, "om"), t)
    np.testing.assert_allclose(jumps(i, x, t, D(i)), mesh.gradient(mesh.terms(x, order=1)), atol=1e-9)
    along = best(i).x, best(i).t, D(i)
    np.testing.assert_allclose(energy(i, *along), best(i).energy, atol=1e-9)
    np.testing.assert_allclose(
        turning(i, *along), nl.charge(best(i), nl.rotation(0, 1)).values[1:], atol=1e-9
    )


# ---- what is shown -----------------------------------------------------------------------------------------


def test_a_mistake_is_an_assertion_and_shows_its_message_alone():
    i = instance("noise", "ada")
    with pytest.raises(AssertionError) as caught:
        check("diffusion", i.sigma**2, i)
    assert caught.value._render_traceback_() == [f"Mistake in {caught.value}"]
    assert "D = σ²/2" in str(caught.value) and str(round(D(i), 3)) not in str(caught.value)


def test_where_to_read_about_a_slip_exists():
    pages = {}
    for page in [*BOOK.rglob("*.ipynb"), *BOOK.rglob("*.md")]:
        cells = read(page).cells if page.suffix == ".ipynb" else [page.read_text(encoding="utf-8")]
        text = "\n".join(cell if isinstance(cell, str) else cell.source for cell in cells)
        for heading in re.findall(r"^#{1,3} (.+)$", text, flags=re.MULTILINE):
            pages.setdefault(heading, set()).add(page)
    for slip, text in SLIPS.items():
        for heading, title in re.findall(r"See '([^']+)' (?:in|on) (.+)$", text):
            title = "Notation and conventions" if title == "the notation page" else title
            assert pages.get(heading, set()) & pages.get(title, set()), (slip, heading, title)


# ---- instances ---------------------------------------------------------------------------------------------


def test_an_instance_is_the_same_everywhere():
    shown = "ada: sigma = 0.8309, a = 1.3092, b = 0.6225, T = 1.2427"
    assert str(instance("noise", " Ada ")) == str(instance("noise", "ada")) == shown
    assert instance("noise", 42) == instance("noise", "42") != instance("noise", "042")
    with pytest.raises(dataclasses.FrozenInstanceError):
        instance("noise", "ada").sigma = 1.0


@pytest.mark.parametrize("problem_set", PROBLEM_SETS)
def test_everyone_has_numbers_of_their_own(problem_set):
    everyone = [dataclasses.replace(instance(problem_set, f"s{n}"), student="") for n in range(20_000)]
    assert len(set(everyone)) == 20_000
    a_class = everyone[:60]  # and each number is hardly anybody else's
    for number in dataclasses.fields(a_class[0]):
        if number.name != "student":
            assert len({getattr(i, number.name) for i in a_class}) >= 57


def test_verdicts_and_counts_differ_from_student_to_student():
    a_class = [instance("symmetries", f"s{n}") for n in range(60)]
    assert {i.noises[0][0] == i.noises[0][1] for i in a_class} == {True, False}
    assert len({tuple(str(drift) for drift in i.lines(np.float64(2))) for i in a_class}) == 60
    right = [n for i in a_class for n in itertools.product((5, 3, 1), repeat=3) if passes("counts", n, i)]
    assert len(right) == 60 and len(set(right)) > 15


@pytest.mark.parametrize("problem_set", PROBLEM_SETS)
def test_what_is_asked_for_is_out_of_reach(problem_set):
    i = instance(problem_set, "ada")
    given = {name: getattr(i, name) for name in dir(i) if not name.startswith("_")}
    given |= vars(i)
    assert not {"D", "path"} & set(given)
    assert not [
        name for name, value in given.items() if isinstance(value, type(best(instance("paths", "ada"))))
    ]
    if problem_set == "noise":
        asked = RIGHT["diffusion"](i), RIGHT["spread"](i)
        held = [value for value in given.values() if isinstance(value, float)]
        assert len(held) == 4 and not np.isclose(np.array(held)[:, None], asked).any()


@pytest.mark.parametrize(
    "nobody", [None, "", "  ", [], {}, np.nan, "nan", "None", True, 1.5, "...", "Your identifier", "student"]
)
def test_nobody_has_no_numbers(nobody):
    with pytest.raises(ValueError, match="student must be an identifier"):
        instance("noise", nobody)
    with pytest.raises(ValueError, match="student must be an identifier"):
        identifier(nobody)


def test_numbers_that_nobody_drew_are_refused():
    i = instance("noise", "ada")
    for other in (dataclasses.replace(i, sigma=0.6), dataclasses.replace(i, student="emmy")):
        with pytest.raises(Mistake, match="not the numbers of anybody"):
            check("diffusion", D(other), other)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: instance("nois", "ada"), "problem_set must be one of"),
        (lambda: instance("noise", "  "), "student must be"),
        (lambda: check("nonsense", 1, instance("noise", "ada")), "task must be one of"),
        (lambda: check("diffusion", 1, 2), "instance must be a Noise"),
        (lambda: check("diffusion", 1, instance("paths", "ada")), "instance must be a Noise"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
