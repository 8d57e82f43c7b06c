"""The course's checks: right answers pass for everyone, and each slip is recognised for what it is."""

import dataclasses
import re
import subprocess

import numpy as np
import pytest
import sympy as sp
import yaml
from scipy.optimize import root

import noetherlib as nl
from noetherlib.course import PROBLEM_SETS, SLIPS, TASKS, Mistake, check, instance
from tools import build
from tools.notebooks import ROOT, read

BOOK = ROOT / "book"

STUDENTS = ["ada", "emmy", "student 3", "0042", "x@example.org"]
x, y, xdot, ydot, t = sp.symbols("x y xdot ydot t")


def numbers(task, student):
    name = next(name for name in PROBLEM_SETS if task in getattr(nl.course, name).TASKS)
    return instance(name, student)


# ---- answers: each a function of the instance, with options for the slips ------------------------


def right_noise(D, h):
    return np.sqrt(2 * D * h)


def euler_maruyama(noise=right_noise, seed=None, legacy=False, first=False, swap=False, equal=False):
    def run(f, D, x0, t, n_paths, rng):
        if legacy:
            np.random.seed(0)
        if seed is not None:
            rng = np.random.default_rng(seed)
        x = [np.full(n_paths, x0)]
        for h in np.diff(t):
            h = t[1] - t[0] if equal else h
            z = np.random.normal(size=n_paths) if legacy else rng.normal(size=None if first else n_paths)
            x.append(x[-1] + f(x[-1]) * h + noise(D, h) * z)
        return np.array(x) if swap else np.array(x).T

    return run


def action(left=False, half=0.5, quarter=0.25):
    def S(x, t, f, divergence, D):
        h, middle = np.diff(t), x[:-1] if left else (x[1:] + x[:-1]) / 2
        return np.sum(h * (quarter * (np.diff(x) / h - f(middle)) ** 2 / D + half * divergence(middle)))

    return S


def estimate(i, factor=1.0, error=None):
    ou = nl.models.ornstein_uhlenbeck(1, 2 * i.a, factor * i.D)
    squares = nl.simulate(ou, 0.0, [0, i.T], 20_000, rng=1, save="final").x[:, 0, 0] ** 2
    return squares.mean(), squares.std() / np.sqrt(20_000) if error is None else error * squares.std()


def mean_and_error(power=0.5):
    return lambda samples: (samples.mean(), samples.std(ddof=1) / len(samples) ** power)


def J(i, drift=True, factor=0.5):
    fx, fy = i.drift(x, y) if drift else (0, 0)
    return factor * (x * (ydot - fy) - y * (xdot - fx)) / i.D


def growing(i, share=1.0, drift=True):
    return sp.exp(i.k * t) * ((xdot + drift * i.k * x) / (2 * i.D) - share * i.k * x / i.D)


def verdicts(i, **changed):
    a, b = (D[0] == D[1] for D in i.noises)
    right = dict.fromkeys(["time translation, system A", "boost, drift-diffusion"], True)
    right |= {"ξ = x + vt, τ = 2t, drift-diffusion": True, "translation along x, system A": False}
    right |= {
        "ξ = x, τ = t, drift-diffusion with v = 0": False,
        "rotation, system A": a,
        "rotation, system B": b,
    }
    return right | changed


def split(i, left=False):
    def parts(x, t):
        h = np.diff(t)[:, None]
        middle, v = x[:-1] if left else (x[1:] + x[:-1]) / 2, np.diff(x, axis=0) / h
        return h, middle, (v - i.drift(middle)) / (2 * i.D)

    return parts


def path_action(i, left=False, half=0.5, swap=False):
    def S(x, t):
        h, middle, p = split(i, left)(x, t)
        return np.sum(h * (i.D * (p**2).sum(axis=1, keepdims=True) + half * i.divergence(middle)[:, None]))

    return S


def gradient(i, half=0.5, kick=0.5, factor=1.0):
    def jumps(x, t):
        h, middle, p = split(i)(x, t)
        force = half * i.divergence_gradient(middle) - np.einsum("kij,ki->kj", i.jacobian(middle), p)
        return factor * ((p + kick * h * force)[:-1] - (p - kick * h * force)[1:])

    return jumps


def left_path(i):
    """Of least left-point action: the forces by hand."""

    def jumps(inner):
        x = i.path.x.copy()
        x[1:-1] = inner.reshape(-1, 2)
        h, left, p = split(i, left=True)(x, i.times)
        force = i.divergence_gradient(left) / 2 - np.einsum("kij,ki->kj", i.jacobian(left), p)
        return (p[:-1] - p[1:] + h[1:] * force[1:]).ravel()

    x = i.path.x.copy()
    x[1:-1] = root(jumps, x[1:-1].ravel(), tol=1e-12).x.reshape(-1, 2)
    return x


def energy(i, sign=1, half=0.5, L=False):
    def E(x, t):
        h, middle, p = split(i)(x, t)
        v, U = np.diff(x, axis=0) / h, half * i.divergence(middle)
        lagrangian = i.D * (p**2).sum(axis=1) + U
        return lagrangian if L else sign * ((p * v).sum(axis=1) - lagrangian)

    return E


def angular(i, kick=0.5, factor=1.0, drift=True):
    def momentum(x, t):
        h, middle, p = split(i)(x, t)
        force = i.divergence_gradient(middle) / 2 - np.einsum("kij,ki->kj", i.jacobian(middle), p)
        p = p + kick * h * force + (0 if drift else i.drift(middle) / (2 * i.D))
        return factor * (x[1:, 0] * p[:, 1] - x[1:, 1] * p[:, 0])

    return momentum


def escape(i, bend=0.5, **options):
    s, times = np.linspace(0, 1, 61)[:, None], np.linspace(0, 8, 61)
    guess = (
        np.hstack([-np.cos(np.pi * s), bend * np.sin(np.pi * s)]) if bend else np.hstack([2 * s - 1, 0 * s])
    )
    ends = [-1, 0], [1, 0]
    return nl.least_action_path(i.two_wells, *ends, times, "freidlin-wentzell", guess=guess, **options)


def reverse_path(i, **options):
    s = np.linspace(0, i.t_max - i.t_min, 61)
    return nl.least_action_path(i.reverse, [1.5, 0.0], [0.0, i.radius], s, **options)


def bumped(path):
    return dataclasses.replace(path, x=path.x + 0.001 * np.sin(np.linspace(0, np.pi, 61))[:, None] ** 2)


def claimed(i, turn=True, shift=False):
    path = reverse_path(i)
    return {"turn": (path, nl.rotation(0, 1), turn), "shift": (path, nl.translation([1.0, 0.0]), shift)}


def waited(i):
    return {"wait": (reverse_path(i), nl.time_translation(), False)}


def claimed_twice(i):
    return {"turn again": (reverse_path(i), nl.rotation(0, 1), True)}


def boost_claim(i):
    s = np.linspace(0, 1, 21)
    path = nl.least_action_path(nl.models.drift_diffusion(1.0, i.D), 0.0, 2.0, s)
    boost = nl.Symmetry(lambda x, t: np.broadcast_to(t[..., None], x.shape))
    return {"boost": (path, boost, True), "shift": (path, nl.Symmetry(lambda x, t: x), False)}


def broken_turn(i, noise=0.2, lean=0.0):
    """Claims that a rotation is a symmetry where the noise, or a shear of the drift, breaks it."""
    system = nl.System(lambda x, t: -x + lean * np.stack([x[..., 1], 0 * x[..., 0]], axis=-1), noise, 2)
    path = nl.least_action_path(system, [1.0, 0.0], [0.0, 1.0], np.linspace(0, 1, 21))
    return {"turn": (path, nl.rotation(0, 1), True), "shift": (path, nl.translation([1.0, 0.0]), False)}


def by_seed(i, streams=range(10), power=0.5):
    table = []
    for stream in streams:
        z = np.random.default_rng(stream).normal(size=2000)
        table.append([z.mean(), z.std() / 2000**power])
    return np.array(table)


def bent(jacobian=None, last=True):
    def drift(x, t):
        return np.stack([x[..., 1], -(x[..., 0] ** 3)], axis=-1) if last else np.array([x[1], -(x[0] ** 3)])

    return nl.System(drift, 0.1, 2, jacobian)


def bent_jacobian(x, t):
    rows = np.zeros(x.shape + (2,))
    rows[..., 0, 1], rows[..., 1, 0] = 1, -3 * x[..., 0] ** 2
    return rows


RIGHT = {
    "diffusion": lambda i: i.sigma**2 / 2,
    "spread": lambda i: i.sigma * np.sqrt(i.T),
    "simulator": lambda i: euler_maruyama(),
    "action": lambda i: action(),
    "odds": lambda i: (np.exp(1.5 * i.a * i.T), 1.0),
    "mean and error": lambda i: mean_and_error(),
    "variance": estimate,
    "momentum": lambda i: lambda v, f, D: (v - f) / (2 * D),
    "energy": lambda i: lambda v, f, D, U: ((v**2).sum(-1) - (f**2).sum(-1)) / (4 * D) - U,
    "angular momentum": J,
    "verdicts": verdicts,
    "gauge term": lambda i: (x - i.v * t) / i.sigma**2 + 3,
    "growing translation": growing,
    "counts": lambda i: (1, 5),
    "path action": path_action,
    "gradient": gradient,
    "path": lambda i: i.path.x,
    "energies": energy,
    "angular momenta": angular,
    "order": lambda i: 1.97,
    "escape": lambda i: escape(i).x,
    "system": lambda i: bent(bent_jacobian),
    "own path": reverse_path,
    "claims": claimed,
    "seeds": by_seed,
}

WRONG = [
    ("diffusion", "σ² for D", lambda i: i.sigma**2),
    ("diffusion", "units", lambda i: i.sigma),
    ("diffusion", "sign", lambda i: -i.D),
    ("spread", "square root", lambda i: 2 * i.D * i.T),
    ("spread", "σ² for D", lambda i: np.sqrt(2 * i.sigma**2 * i.T)),
    ("spread", "factor ½", lambda i: np.sqrt(i.D * i.T)),
    ("simulator", "transposed axes", lambda i: euler_maruyama(swap=True)),
    ("simulator", "global seed", lambda i: euler_maruyama(legacy=True)),
    ("simulator", "global seed", lambda i: euler_maruyama(seed=0)),
    ("simulator", "square root", lambda i: euler_maruyama(noise=lambda D, h: np.sqrt(2 * D) * h)),
    ("simulator", "σ² for D", lambda i: euler_maruyama(noise=lambda D, h: np.sqrt(4 * D * h))),
    ("simulator", "factor ½", lambda i: euler_maruyama(noise=lambda D, h: np.sqrt(D * h))),
    ("simulator", None, lambda i: euler_maruyama(first=True)),
    ("simulator", None, lambda i: euler_maruyama(equal=True)),
    ("action", "left-point rule", lambda i: action(left=True)),
    ("action", "left-point rule", lambda i: action(left=True, half=0)),
    ("action", "missing ½∇·f", lambda i: action(half=0)),
    ("action", "factor ½", lambda i: action(half=1)),
    ("action", "factor ½", lambda i: action(quarter=0.5)),
    ("action", "factor ½", lambda i: action(half=1, quarter=0.5)),
    ("action", "σ² for D", lambda i: action(quarter=0.125)),
    ("action", "sign", lambda i: action(half=-0.5)),
    ("action", None, lambda i: 1.0),
    ("odds", "sign", lambda i: (np.exp(-1.5 * i.a * i.T), 1.0)),
    ("odds", "factor ½", lambda i: (np.exp(3 * i.a * i.T), 1.0)),
    ("odds", "missing ½∇·f", lambda i: (1.0, 1.0)),
    ("mean and error", "standard error", lambda i: mean_and_error(0)),
    ("mean and error", "standard error", lambda i: mean_and_error(1)),
    ("variance", "σ² for D", lambda i: estimate(i, 2.0)),
    ("variance", "standard error", lambda i: estimate(i, error=1.0)),
    ("momentum", "units", lambda i: lambda v, f, D: v - f),
    ("momentum", "units", lambda i: lambda v, f, D: 2 * D * (v - f)),
    ("momentum", "units", lambda i: lambda v, f, D: (v - f) / (2 * np.sqrt(2 * D))),
    ("momentum", "σ² for D", lambda i: lambda v, f, D: (v - f) / (2 * (2 * D))),
    ("momentum", "factor ½", lambda i: lambda v, f, D: (v - f) / D),
    ("momentum", "sign", lambda i: lambda v, f, D: (f - v) / (2 * D)),
    ("momentum", "drift", lambda i: lambda v, f, D: v / (2 * D)),
    ("momentum", "transposed axes", lambda i: lambda v, f, D: ((v - f) / (2 * D)).T),
    ("energy", "E and L", lambda i: lambda v, f, D, U: ((v - f) ** 2).sum(-1) / (4 * D) + U),
    ("energy", "E and L", lambda i: lambda v, f, D, U: U - ((v**2).sum(-1) - (f**2).sum(-1)) / (4 * D)),
    ("energy", "missing ½∇·f", lambda i: lambda v, f, D, U: ((v**2).sum(-1) - (f**2).sum(-1)) / (4 * D)),
    ("energy", "units", lambda i: lambda v, f, D, U: (v**2).sum(-1) - (f**2).sum(-1) - U),
    ("energy", "units", lambda i: lambda v, f, D, U: (v**2).sum(-1) - (f**2).sum(-1)),
    ("energy", "factor ½", lambda i: lambda v, f, D, U: ((v**2).sum(-1) - (f**2).sum(-1)) / (2 * D) - U),
    ("angular momentum", "drift", lambda i: J(i, drift=False)),
    ("angular momentum", "sign", lambda i: -J(i)),
    ("angular momentum", "units", lambda i: J(i) * i.sigma**2),
    ("angular momentum", "σ² for D", lambda i: J(i, factor=0.25)),
    ("angular momentum", "factor ½", lambda i: J(i, factor=1.0)),
    ("verdicts", "noise", lambda i: verdicts(i, **{"rotation, system A": True, "rotation, system B": True})),
    ("verdicts", "gauge term", lambda i: verdicts(i, **{"boost, drift-diffusion": False})),
    ("verdicts", None, lambda i: verdicts(i, **{"ξ = x, τ = t, drift-diffusion with v = 0": True})),
    ("gauge term", "gauge term", lambda i: 0),
    ("gauge term", "gauge term", lambda i: x / (2 * i.D)),
    ("gauge term", "sign", lambda i: -(x - i.v * t) / (2 * i.D)),
    ("gauge term", "factor ½", lambda i: (x - i.v * t) / i.D),
    ("gauge term", "units", lambda i: x - i.v * t),
    ("growing translation", "gauge term", lambda i: growing(i, 0)),
    ("growing translation", "factor ½", lambda i: growing(i, 0.5)),
    ("growing translation", "sign", lambda i: growing(i, -1)),
    ("growing translation", "drift", lambda i: growing(i, drift=False)),
    ("counts", None, lambda i: (1, 1)),
    ("path action", "left-point rule", lambda i: path_action(i, left=True)),
    ("path action", "missing ½∇·f", lambda i: path_action(i, half=0)),
    ("path action", "factor ½", lambda i: path_action(i, half=1)),
    ("gradient", "naive momentum", lambda i: gradient(i, kick=0)),
    ("gradient", "missing ½∇·f", lambda i: gradient(i, half=0)),
    ("gradient", "sign", lambda i: gradient(i, factor=-1)),
    ("gradient", "factor ½", lambda i: gradient(i, factor=2)),
    ("gradient", "σ² for D", lambda i: gradient(i, factor=0.5)),
    ("gradient", "transposed axes", lambda i: lambda x, t: gradient(i)(x, t).T),
    ("path", "transposed axes", lambda i: i.path.x.T),
    ("path", "unconverged", lambda i: np.linspace(*i.ends, 41)),
    ("path", "missing ½∇·f", lambda i: nl.least_action_path(i.system, *i.ends, i.times, "fw").x),
    ("path", "left-point rule", left_path),
    ("path", None, lambda i: i.path.x + 0.01),
    ("energies", "E and L", lambda i: energy(i, L=True)),
    ("energies", "E and L", lambda i: energy(i, sign=-1)),
    ("energies", "missing ½∇·f", lambda i: energy(i, half=0)),
    ("energies", "factor ½", lambda i: energy(i, half=1)),
    ("energies", "units", lambda i: lambda x, t: 4 * i.D * energy(i, half=0)(x, t)),
    ("angular momenta", "naive momentum", lambda i: angular(i, kick=0)),
    ("angular momenta", "units", lambda i: angular(i, factor=2 * i.D)),
    ("angular momenta", "factor ½", lambda i: angular(i, factor=2)),
    ("angular momenta", "drift", lambda i: angular(i, kick=0, drift=False)),
    ("order", "sign", lambda i: -2.0),
    ("order", "factor ½", lambda i: 1.0),
    ("escape", "saddle", lambda i: escape(i, bend=0).x),
    ("escape", "unconverged", lambda i: np.linspace([-1, 0], [1, 0], 61)),
    ("system", "transposed axes", lambda i: bent(last=False)),
    ("system", "transposed axes", lambda i: bent(lambda x, t: np.swapaxes(bent_jacobian(x, t), -1, -2))),
    ("own path", "unconverged", lambda i: bumped(reverse_path(i))),
    ("own path", "saddle", lambda i: escape(instance("paths", "ada"), bend=0)),
    ("claims", None, lambda i: claimed(i, shift=False, turn=False) | claimed_twice(i)),
    ("claims", "gauge term", lambda i: claimed(i, shift=True) | waited(i)),
    ("claims", "gauge term", boost_claim),
    ("claims", "noise", lambda i: broken_turn(i, noise=[0.2, 0.4])),
    ("claims", None, lambda i: broken_turn(i, lean=0.5)),
    ("seeds", "global seed", lambda i: by_seed(i, [3] * 10)),
    ("seeds", "standard error", lambda i: by_seed(i, power=0)),
    ("seeds", "standard error", lambda i: by_seed(i, power=1)),
    ("seeds", "transposed axes", lambda i: by_seed(i).T),
]


# ---- the checks ------------------------------------------------------------------------------------------


def test_every_task_and_every_slip_is_tested():
    assert set(RIGHT) == set(TASKS)
    assert {slip for _, slip, _ in WRONG} - {None} == set(SLIPS)


@pytest.mark.parametrize("task", TASKS)
def test_a_right_answer_passes_for_everyone(task, capsys):
    for student in STUDENTS:
        i = numbers(task, student)
        check(task, RIGHT[task](i), i)
    assert capsys.readouterr().out == f"{task}: right\n" * len(STUDENTS)


@pytest.mark.parametrize("task, slip, answer", WRONG, ids=[f"{w[0]}-{w[1]}-{n}" for n, w in enumerate(WRONG)])
def test_a_slip_is_recognised(task, slip, answer, capsys):
    for student in STUDENTS[:3]:
        i = numbers(task, student)
        with pytest.raises(Mistake) as mistake:
            check(task, answer(i), i)
        assert mistake.value.slip == slip, mistake.value
        assert str(mistake.value).startswith(f"{task}: {SLIPS.get(slip, '')}")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    "nonsense", [None, "a", [[1, 2], [3]], np.nan, lambda *_: np.nan, {"a": 1}], ids=range(6)
)
def test_nonsense_is_a_mistake_like_any_other(task, nonsense):
    i = numbers(task, "ada")
    with pytest.raises(Mistake):
        check(task, nonsense, i)


def test_a_mistake_is_an_assertion_and_shows_its_message_alone():
    i = instance("noise", "ada")
    with pytest.raises(AssertionError) as caught:
        check("diffusion", i.sigma**2, i)
    assert caught.value._render_traceback_() == [f"Mistake in {caught.value}"]
    assert "D = σ²/2" in str(caught.value) and str(round(i.D, 3)) not in str(caught.value)


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


def test_an_instance_is_the_same_everywhere_and_for_everyone_another():
    assert (
        str(instance("noise", " Ada "))
        == str(instance("noise", "ada"))
        == "sigma = 0.83, a = 1.06, b = 1.36, T = 1"
    )
    assert len({str(instance("noise", n)) for n in range(200)}) == 200
    assert {instance("symmetries", n).noises[0][1] == instance("symmetries", n).D for n in range(20)} == {
        True,
        False,
    }
    with pytest.raises(dataclasses.FrozenInstanceError):
        instance("noise", "ada").sigma = 1.0


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


# ---- the problem sets, as instructors have them --------------------------------------------------

SHEETS = sorted((BOOK / "course").glob("*.ipynb"))
each_sheet = pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.stem)
KEYS = {"schema_version", "grade_id", "grade", "solution", "locked", "task"}


def test_there_is_a_sheet_for_every_problem_set():
    assert {sheet.stem for sheet in SHEETS} == set(PROBLEM_SETS)


@each_sheet
def test_nbgrader_will_read_it(sheet):
    seen = set()
    for cell in read(sheet).cells:
        if "nbgrader" in cell.metadata:
            known = cell.metadata.nbgrader
            assert known.schema_version == 3 and not known.task
            assert set(known) == KEYS | ({"points"} if known.grade else set())
            assert known.grade_id.startswith(f"{sheet.stem}-") and known.grade_id not in seen
            assert known.locked != known.solution  # what is no answer cannot be changed
            seen.add(known.grade_id)
        # every opening marker is closed, in a cell of the kind where nbgrader looks for it
        answer, test = (cell.metadata.get("nbgrader", {}).get(kind) for kind in ("solution", "grade"))
        for marker, where in (("SOLUTION", answer), ("HIDDEN TESTS", test)):
            starts, ends = (cell.source.count(f"### {word} {marker}") for word in ("BEGIN", "END"))
            assert starts == ends and (where or not starts)
        assert not answer or cell.cell_type == "markdown" or "### BEGIN SOLUTION" in cell.source


@each_sheet
def test_what_a_sheet_promises(sheet):
    cells = read(sheet).cells
    head, text = cells[0].source, "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    # question, objectives
    assert re.search(r"^\*\*.+\?\*\*$", head, flags=re.MULTILINE) and head.count("\n- ") >= 4
    rows = re.findall(r"^\| (\d) \| (.+?) \| (.+?) \| (\d+) \|$", head, flags=re.MULTILINE)
    assert 4 <= len(rows) <= 6 and "| **30** | **120** |" in head
    assert sum(int(n) for _, _, points, _ in rows for n in re.findall(r"\d+", points)) == 30
    assert sum(int(minutes) for *_, minutes in rows) == 120
    headings = re.findall(r"^## Task (\d): (.+) \((.+)\)$", text, flags=re.MULTILINE)
    assert [(n, title.lower()) for n, title, _ in headings] == [(n, title.lower()) for n, title, *_ in rows]
    assert [re.findall(r"\d+", points) for *_, points in headings] == [
        re.findall(r"\d+", row[2]) for row in rows
    ]

    graded = [cell for cell in cells if cell.metadata.get("nbgrader", {}).get("grade")]
    by_hand = [cell for cell in graded if cell.cell_type == "markdown"]
    hidden = [cell for cell in graded if "### BEGIN HIDDEN TESTS" in cell.source]
    visible = [cell for cell in graded if re.search(r"^check\(", cell.source, flags=re.MULTILINE)]
    assert by_hand and hidden and visible
    assert text.count("*Points: ") + text.count("| None |") == len(by_hand)  # each says what it is read for
    promised = [re.findall(r"(\d+)(,? read by a person)?", row[2]) for row in rows]
    assert sum(int(n) for row in promised for n, person in row if person) == sum(
        cell.metadata.nbgrader.points for cell in by_hand
    )


def answers(cell):
    """Lines of a cell that no student should find: of solutions, hidden tests and model answers."""
    known = cell.metadata.get("nbgrader", {})
    if cell.cell_type == "markdown":
        return cell.source.splitlines() if known.get("solution") else []
    secret = re.findall(r"### BEGIN (SOLUTION|HIDDEN TESTS)\n(.*?)### END \1", cell.source, flags=re.DOTALL)
    return [line.strip() for _, lines in secret for line in lines.splitlines()]


def test_the_sheets_are_not_on_the_site():
    """Neither as pages nor as downloads; without an entry in _toc.yml nothing is."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    assert config["only_build_toc_files"] is True
    assert not [sheet for sheet in SHEETS if re.search(rf"course/{sheet.stem}\b", toc)]
    site = build.INDEX.parent
    if not build.INDEX.exists():
        pytest.skip("the site is not built: `make book` first")
    telling = {
        line for sheet in SHEETS for cell in read(sheet).cells for line in answers(cell) if len(line) > 40
    }
    chapters = {path for path in (ROOT / "book").rglob("*.ipynb")} - set(SHEETS)
    taught = {
        line.strip() for path in chapters for cell in read(path).cells for line in cell.source.splitlines()
    }
    telling -= taught  # what a chapter shows is no secret
    assert len(telling) > 60
    for path in site.rglob("*"):
        if path.is_file() and path.suffix in {".html", ".ipynb", ".js", ".json", ".txt", ".md", ".xml"}:
            text = path.read_text(encoding="utf-8", errors="ignore")
            assert not [word for word in telling if word in text], path


def test_binder_makes_the_student_versions_with_pinned_tools():
    script = ROOT / "postBuild"
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", script]).returncode == 0
    text = script.read_text(encoding="utf-8")
    assert "--constraint constraints.txt nbgrader" in text and "tools.course release book/course" in text
    assert "\nnbgrader==" in (ROOT / "constraints.txt").read_text(encoding="utf-8")
