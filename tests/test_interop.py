"""Numbers from other packages: round trips, and what was recorded from the packages themselves.

``tests/neighbours.json`` is what ``python -m tools.neighbours`` saw, real packages, outside the
tests. Here every row of it is computed again from its model, by way of `nl.interop`.
"""

import inspect
import json
import re
from math import exp, sqrt, tanh
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import noetherlib as nl

ROOT = Path(nl.__file__).parent.parent
RECORD = json.loads((ROOT / "tests" / "neighbours.json").read_text())
ROWS = [(package, row) for package, entry in RECORD.items() for row in entry["rows"]]
PAGE = (ROOT / "book" / "reference" / "coming-from-another-package.md").read_text(encoding="utf-8")
SECTIONS = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
CONVERSIONS = [name for name in nl.interop.__all__ if name.startswith(("from_", "to_"))]
interop = nl.interop
numbers = st.floats(-10, 10)
positive = st.floats(1e-3, 1e3)
shares = st.floats(1e-3, 1 - 1e-3)
pairs = st.tuples(numbers, numbers).map(np.array)
FACTOR = np.array([[1.6, 0.0], [0.8, 1.2]])


def close(a, b, scale=1.0):
    np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12 * scale)


# ---- where the functions are named ---------------------------------------------------------------


def test_the_api_page_has_all_of_them():
    api = (ROOT / "book" / "reference" / "api.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^   interop\.(\w+)$", api, flags=re.MULTILINE))
    explained = set(re.findall(r"^\.\. auto\w+:: noetherlib\.interop\.(\w+)", api, flags=re.MULTILINE))
    assert listed == set(CONVERSIONS) and explained == set(interop.__all__)


# ---- there and back ------------------------------------------------------------------------------


@given(numbers, positive, positive, st.floats(-0.99, 0.99), st.floats(0, 5))
def test_decisions_there_and_back(drift, noise, bound, start, nondecision):
    one = interop.from_pyddm(drift, noise, bound, start, nondecision)
    theirs = interop.to_pyddm(one)
    assert theirs.pop("mixture_coef") == 0
    close(list(theirs.values()), [drift, noise, bound, start, nondecision])
    other = interop.to_ssms(one)
    close(list(other.values()), [drift, bound, (start + 1) / 2, nondecision, noise])
    again = interop.from_ssms(**other)
    close(
        [again.velocity, again.diffusion, again.bounds[1], again.x0, again.nondecision],
        [one.velocity, one.diffusion, one.bounds[1], one.x0, one.nondecision],
        scale=bound,
    )


@given(pairs, shares)
def test_states_and_clocks_there_and_back(x, share):
    for there, back in [
        (interop.from_variance_preserving, interop.to_variance_preserving),
        (interop.from_flow, interop.to_flow),
    ]:
        y, t = there(x, share)
        again, level = back(y, t)
        close(again, x)
        close(level, share)


@given(pairs, pairs, shares)
def test_predictions_there_and_back(v, x, share):
    y, t = interop.from_flow(x, share)
    close(interop.to_flow_velocity(interop.from_flow_velocity(v, x, share), y, t), v, scale=1e4)
    close(interop.from_v_prediction(interop.to_v_prediction(v, x, share), x, share), v, scale=1e2)
    close(interop.to_epsilon(interop.from_epsilon(v, t), t), v)


@given(pairs, positive, st.floats(-0.9, 0.9))
def test_drift_and_diffusion_there_and_back(f, d, correlation):
    D = d * np.array([[1.0, correlation], [correlation, 2.0]])
    powers = [[0, 1], [1, 0], [1, 1], [0, 2], [2, 0]]
    k = interop.to_kramersmoyal(f, D, powers, 0.01)
    back, noise = interop.from_kramersmoyal(k, powers, 0.01)
    close(back, f)
    close(noise, D)
    close(interop.from_pysindy(interop.to_pysindy(f, -f, D), -f, D), f, scale=1e4)
    for one, other in zip(interop.from_pydaddy(*interop.to_pydaddy(f, D)), (f, D), strict=True):
        close(one, other)
    close(interop.from_amplitude(interop.to_amplitude(D)), D)
    close(interop.from_amplitude(interop.to_amplitude(d)), d)
    gradient = np.arange(8.0).reshape(2, 2, 2)
    close(
        interop.from_stratonovich(interop.to_stratonovich(f, D, gradient), D, gradient),
        f,
        scale=1e4,
    )


@given(positive, positive, positive)
def test_scales_there_and_back(d, mass, damping):
    close(interop.from_dynamo(interop.to_dynamo(d)), d)
    close(interop.from_deeptime(interop.to_deeptime(d, mass, damping), mass, damping), d)
    close(interop.from_critical_transitions(interop.to_critical_transitions(mass, d, 3), d, 3), mass)


def test_edm_levels_there_and_back():
    sigmas = [80.0, 5.0, 0.3, 0.0]
    times = interop.from_edm(sigmas)
    assert len(times) == 3  # the last level is 0, and left out
    close(interop.to_edm(times, 80.0), sigmas, scale=80)


def test_responses_there_and_back():
    side = np.array([1, -1, 0, 1])
    exits = np.array([0.5, 1.25, np.nan, 1.75])
    rt, choice = interop.to_responses(exits, side, 0.3)
    np.testing.assert_array_equal(choice, [1, -1, 1])
    back, same = interop.from_responses(np.append(rt, 2.3), np.append(choice, -1), 0.3, 2.0, 0.001)
    close(back[:3], exits[~np.isnan(exits)])
    assert np.isnan(back[3]) and same[3] == 0


# ---- what they mean ------------------------------------------------------------------------------


def test_stratonovich_growth():
    """dx = g x o dW has the Itô drift g² x / 2, and so the mean exp(g² / 2)."""
    close(interop.from_stratonovich([0.0], [[0.7 * 3.0]], [[[0.7]]]), [0.7**2 / 2 * 3.0])


def test_a_gaussian_has_the_same_score_in_every_dialect():
    """Data of deviation 1/2: predictions written down from theirs, scores known in ours."""
    x, s, bar = np.array([0.4, -1.1]), 0.3, 0.6
    y, t = interop.from_flow(x, s)
    score = -y / (0.25 + t**2)
    variance = 0.25 * (1 - s) ** 2 + s**2
    close(interop.from_flow_velocity((s - 0.25 * (1 - s)) / variance * x, x, s), score)
    y, t = interop.from_variance_preserving(x, bar)
    epsilon = x * sqrt(1 - bar) / (0.25 * bar + 1 - bar)
    close(interop.from_epsilon(epsilon, t), -y / (0.25 + t**2))
    data = x * sqrt(bar) * 0.25 / (0.25 * bar + 1 - bar)
    close(interop.from_v_prediction(sqrt(bar) * epsilon - sqrt(1 - bar) * data, x, bar), epsilon)


def test_critical_transitions_formula():
    """Their action: the residual in the covariance over its mean eigenvalue."""
    D, velocity, force = (
        np.array([[0.5, 0.1], [0.1, 0.2]]),
        np.array([1.0, 0.3]),
        np.array([0.2, -0.4]),
    )
    system = nl.System(lambda x, t: np.broadcast_to(force, x.shape), D, 2)
    t = np.linspace(0, 2, 5)
    ours = nl.action(system, t[:, None] * velocity, t, "freidlin-wentzell")
    covariance, residual = 2 * D, velocity - force
    theirs = residual @ np.linalg.solve(covariance / (np.trace(covariance) / 2), residual) / 2 * 2.0
    close(interop.from_critical_transitions(theirs, D, 2), ours)


# ---- what the packages said ----------------------------------------------------------------------


def decision(d):
    """Mean exit time and probability of the upper bound (optional stopping)."""
    B, k = d.bounds[1], d.velocity / d.diffusion
    upper = (1 - exp(-k * (d.x0 + B))) / (1 - exp(-2 * k * B))
    return (B * (2 * upper - 1) - d.x0) / d.velocity, upper


def before(d, horizon):
    """Share of decisions before a horizon, and its mean time, from the middle (sine series)."""
    t = np.linspace(0, horizon, 20_001)[1:] - horizon / 40_000
    B, D, n = d.bounds[1], d.diffusion, np.arange(200)[:, None]
    waves = (-1.0) ** n * (2 * n + 1) * np.exp(-(((2 * n + 1) * np.pi / (2 * B)) ** 2) * D * t)
    tilt = np.cosh(d.velocity * B / (2 * D)) * np.exp(-(d.velocity**2) * t / (4 * D))
    density = np.pi * D / B**2 * tilt * waves.sum(axis=0)
    return density.mean() * horizon, (t * density).mean() * horizon


def of_pyddm(row):
    model = dict(row["model"])
    horizon, mixture = model.pop("T_dur", None), model.pop("mixture_coef", 0.02)
    d = interop.from_pyddm(**model)
    if horizon:  # the mean of those decided, with a uniform density mixed in
        share, moment = before(d, horizon)
        mean = (1 - mixture) * moment + mixture * horizon / 2
        return mean / ((1 - mixture) * share + mixture), 5e-4
    if row["what"].startswith("has an analytical"):
        return int(row["what"].endswith("a number")), 0
    mean, upper = decision(d)
    return (upper if row["what"].startswith("prob") else mean + d.nondecision), 1e-4


def of_ssms(row):
    """Bounds seen at time steps only lie 0.5826 s sqrt(step) further out (Siegmund 1985)."""
    model = dict(row["model"])
    horizon = model.pop("max_t", None)
    step = 0.001 if horizon else 0.0002
    d = interop.from_ssms(**model)
    B = d.bounds[1] + 0.5826 * model.get("s", 1.0) * sqrt(step)
    wider = interop.Decision(d.velocity, d.diffusion, (-B, B), d.x0, d.nondecision)
    if row["what"] == "share of trials at max_t + t":
        n = np.arange(1, 200, 2)
        waves = np.sin(n * np.pi / 2) / n
        return 4 / np.pi * waves @ np.exp(-d.diffusion * (n * np.pi / (2 * B)) ** 2 * horizon), 0
    if row["what"] == "longest response time":
        return horizon + d.nondecision, 1.5 * step
    if row["what"].startswith("choices"):
        return 0, 0
    mean, upper = decision(wider)
    return (upper if row["what"].startswith("prob") else mean + d.nondecision), 0


def of_hssm(row):
    d = interop.from_ssms(**row["model"])
    mean, upper = decision(d)
    return (upper, 0) if row["what"].startswith("prob") else (mean + d.nondecision, 1e-4)


def sampled(model):
    """Drift, diffusion and its bend in x that increments of a linear system have, exactly."""
    rate, dt = model["rate"], model["dt"]
    decay = exp(-rate * dt)
    D = interop.from_amplitude(model["noise"])
    return -(1 - decay) / dt, D * (1 - decay**2) / (2 * rate * dt), ((1 - decay) / dt) ** 2 * dt / 2


def of_kramersmoyal(row):
    slope, D, _ = sampled(row["model"])
    if row["what"] == "drift slope, k[1]/dt":
        return slope, 0.01
    if row["what"] == "diffusion, k[2]/dt":
        return D, 0.005
    if row["what"].startswith("row "):
        i, j = {"2, 0": (0, 0), "1, 1": (0, 1), "0, 2": (1, 1)}[row["what"][4:8]]
        power = np.eye(2, dtype=int)[i] + np.eye(2, dtype=int)[j]
        return interop.to_kramersmoyal(np.zeros(2), D, [power], 1.0).item(), 0.01
    return {"rows for powers=[1, 2]": (3, 0), "integral of row 0": (1e6, 5e4)}[row["what"]]


def of_pydaddy(row):
    slope, D, bend = sampled(row["model"])
    if row["what"].startswith("G by default"):
        return 0.0, 0.0
    return {
        "F: slope": (interop.to_pydaddy(slope, 1)[0], 0),
        "G: constant": (interop.to_pydaddy(0, D)[1], 0.01),
        "coarse sampling: G's constant": (2 * D, 0.02),
        "coarse sampling: G's x squared": (2 * bend, 0.01),
    }[row["what"]]


def of_sfi(row):
    slope, D, _ = sampled(row["model"])
    if row["what"] == "force information":  # the Freidlin-Wentzell action against zero drift: time rate / 4
        return row["model"]["duration"] * row["model"]["rate"] / 4, 0
    return (slope, 0.01) if row["what"].startswith("slope") else (D, 0.02)


def of_deeptime(row):
    if row["what"].startswith("ornstein"):
        return interop.from_amplitude(
            2 / row["model"]["beta"]
        ), 2e-3  # 2 / beta, where sqrt(2 / beta) is documented
    return interop.from_deeptime(row["model"]["kT"], row["model"]["mass"], row["model"]["damping"]), 2e-3


def of_pysindy(row):
    rate, turn = row["model"]["rate"], row["model"]["turn"]
    D = interop.from_amplitude(row["model"]["noise"])
    matrix = np.array([[-rate, -turn], [turn, -rate]])
    if row["what"].startswith("default"):
        matrix = interop.to_pysindy(matrix.T, -np.eye(2) * rate / D, D).T  # at the unit vectors, one a row
    return (matrix[0, 0] if row["what"].endswith("diagonal") else matrix[1, 0]), 0.01


def of_calculus(row):
    """Geometric Brownian motion: the mean of x(1) is exp(f) for the Itô drift f x."""
    noise = float(row["model"]["g"].removesuffix(" x"))
    stratonovich = (
        "strat",
        "ito=False",
        "sde_type strat",
        "Heun",
        "EulerHeun",
        "Euler, tol = 0.1",
        "Euler, tol = 0.5",
    )
    reads = row["what"].startswith(stratonovich)
    f = interop.from_stratonovich([0.0], [[noise]], [[[noise]]])[0] if reads else 0.0
    coarse = {
        "Euler, tol = 0.1": 0.12,
        "Euler, tol = 0.5": 0.03,
    }  # Stratonovich as tol / step grows
    return exp(f), coarse.get(row["what"].split(", dt0")[0], 0.01)


def of_diffusers(row):
    model, seen = row["model"], row["seen"]
    if row["what"].startswith("add_noise"):
        y, t = interop.from_variance_preserving(seen["x"], model["alpha_bar"])
        epsilon = interop.from_v_prediction(seen["v"], seen["x"], model["alpha_bar"])
        want = np.array(model["data"]) + t[:, None] * np.array(model["epsilon"])
        return ({"y": y, "epsilon": epsilon}, {"y": want, "epsilon": np.array(model["epsilon"])})
    if row["what"].startswith("flow"):
        y, t = interop.from_flow(seen["x"], model["s"])
        data, noise = np.array(model["data"]), np.array(model["noise"])
        velocity = interop.to_flow_velocity(-noise / t[:, None], y, t)
        return ({"y": y, "v": velocity}, {"y": data + t[:, None] * noise, "v": noise - data})
    raise KeyError(row["what"])


EXPECTED = {"pyddm": of_pyddm, "ssms": of_ssms, "hssm": of_hssm, "kramersmoyal": of_kramersmoyal}
EXPECTED |= {"pydaddy": of_pydaddy, "sfi": of_sfi, "deeptime": of_deeptime, "pysindy": of_pysindy}
EXPECTED |= dict.fromkeys(["sdeint", "jitcsde", "torchsde", "diffrax"], of_calculus)
STATISTICS = [(package, row) for package, row in ROWS if package in EXPECTED]


@pytest.mark.parametrize(("package", "row"), STATISTICS, ids=[f"{p}: {r['what']}" for p, r in STATISTICS])
def test_what_was_seen_is_what_the_conversion_says(package, row):
    """Within four standard errors, and the bias of the package's step where its script has one."""
    expected, bias = EXPECTED[package](row)
    assert abs(row["seen"] - expected) <= 4 * (row["error"] or 0) + bias


@pytest.mark.parametrize("what", ["add_noise and get_velocity", "flow matching: scale_noise"])
def test_diffusers_states_and_predictions(what):
    (row,) = [row for package, row in ROWS if package == "diffusers" and row["what"] == what]
    seen, want = of_diffusers(row)
    for name in want:  # scheduler tables are in single precision: exact for the level that was recorded
        np.testing.assert_allclose(seen[name], want[name], rtol=1e-5, atol=1e-5)


def test_dynamo_action_is_ours():
    rows = {row["what"]: row for row in RECORD["dynamo"]["rows"]}
    model = rows["action"]["model"]
    matrix, path = np.array(model["matrix"]), np.array(model["path"])
    system = nl.System(lambda x, t: x @ matrix.T, interop.from_dynamo(model["D"]), 2)
    t = model["dt"] * np.arange(len(path))
    S = nl.action(system, path, t, "freidlin-wentzell")
    close(rows["action"]["seen"], S)
    close(rows["mean first passage time"]["seen"], exp(S))


def test_edm_ends_in_zero_and_ddim_loses_where_its_steps_do_not_divide():
    rows = {(row["what"], row["model"]["steps"]): row["seen"] for p, row in ROWS if "steps" in row["model"]}
    assert rows["EDM: last two noise levels", 10][1] == 0 < rows["EDM: last two noise levels", 10][0]
    off = {
        steps: abs(seen - 1)
        for (what, steps), seen in rows.items()
        if what.startswith("DDIM, unclipped: mean")
    }
    assert off[600] > 5 * off[500] and off[700] > 5 * off[500] and off[1000] < 0.01
    spread = [seen for (what, _), seen in rows.items() if what.endswith("standard deviation")]
    assert abs(max(spread) - 0.5) < 0.01 < 0.5 - min(spread)


def test_pyddm_means_depend_on_the_horizon_only_with_the_mixture():
    means = {
        (row["model"]["T_dur"], "mixture_coef" in row["model"]): row["seen"]
        for row in RECORD["pyddm"]["rows"]
        if "T_dur" in row["model"]
    }
    assert means[20, False] - means[5, False] > 0.1
    assert abs(means[20, True] - tanh(1.0)) < 1e-3 > abs(means[5, True] - means[20, True]) - 1e-3


# ---- the page and the docstrings -----------------------------------------------------------------


@pytest.mark.parametrize("name", CONVERSIONS)
def test_every_conversion_says_what_for_and_from_which_version(name):
    function = getattr(interop, name)
    doc = inspect.getdoc(function)
    for section in ("Parameters", "Returns", "Raises", "Notes"):
        assert re.search(rf"^{section}\n-+$", doc, flags=re.MULTILINE), f"{name} lacks {section}"
    for parameter in inspect.signature(function).parameters:
        assert re.search(rf"\b{parameter}\b", doc.split("Returns\n")[0]), (
            f"{name} does not describe {parameter}"
        )
    assert re.search(r"\d+\.\d+\.\d+", doc.split("Notes\n")[1]), f"{name} names no version"


def test_every_conversion_has_its_way_back_and_stands_on_the_page():
    assert {name.split("_", 1)[1] for name in CONVERSIONS if name.startswith("from_")} == {
        name.split("_", 1)[1] for name in CONVERSIONS if name.startswith("to_")
    }
    assert not [name for name in CONVERSIONS if not re.search(rf"\b{name}\b", PAGE)]


@pytest.mark.parametrize("section", SECTIONS, ids=[s.splitlines()[0] for s in SECTIONS])
def test_no_row_of_the_page_lacks_version_or_source(section):
    tables = re.findall(r"^\|.*\|$", section, flags=re.MULTILINE)
    if not tables:
        return
    head, rule, *rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in tables]
    assert head[-1] == "Version and source" and rows
    for row in rows:
        assert len(row) == len(head)
        assert re.fullmatch(r"[\w.-]+ \d+\.\d+\.\d+: .+", row[-1]), f"no version or source: {row}"


def test_the_versions_of_the_page_are_those_recorded():
    pins = {pin for entry in RECORD.values() for pin in entry["packages"]}
    named = set(re.findall(r"\| ([\w.-]+) (\d+\.\d+\.\d+): ", PAGE))
    assert named
    unknown = {f"{name}=={version}" for name, version in named} - pins
    assert unknown == {"CriticalTransitions.jl==0.9.0"}  # read, not run: the page says so


def test_what_the_page_says_was_seen_is_in_the_record():
    """Each "a for b" in the column *Seen*: a row of that package has both, so rounded."""
    known = {}
    for package, row in ROWS:
        pair = row["seen"], EXPECTED[package](row)[0] if package in EXPECTED else None
        for pin in RECORD[package]["packages"]:
            known.setdefault(pin, []).append(pair)

    def printed(value, digits):
        return isinstance(value, (int, float)) and f"{value:.{len(digits or '')}f}".replace("-0.000", "0.000")

    checked = 0
    for cells in re.findall(r"^\|.*\|$", PAGE, flags=re.MULTILINE):
        *_, cell, source = [c.strip() for c in re.split(r"(?<!\\)\|", cells)[1:-1]]
        found = re.search(r"(-?\d+\.(\d+)) for (-?\d+(?:\.(\d+))?)", cell.replace("−", "-"))
        if found:
            seen, some, right, others = found.groups()
            assert any(
                printed(a, some) == seen and (b is None or printed(float(b), others) == right)
                for a, b in known[source.split(":")[0].replace(" ", "==")]
            ), cells
            checked += 1
    assert checked > 15


def test_the_code_of_the_page_uses_names_that_exist():
    for block in re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL):
        compile(block, "page", "exec")
        for name in re.findall(r"\bnl\.interop\.(\w+)", block):
            assert hasattr(interop, name)
        for name in re.findall(r"\bnl\.([a-zA-Z_]+)", block):
            assert hasattr(nl, name)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: interop.from_pyddm(1, -1, 1), "noise must be one positive"),
        (lambda: interop.from_pyddm(1, 1, 1, 1.5), "strictly between the bounds"),
        (lambda: interop.to_ssms({"v": 1}), "decision must be a Decision"),
        (lambda: interop.from_kramersmoyal(np.ones((2, 5)), [0, 1], 0.1), "is missing"),
        (lambda: interop.from_kramersmoyal(np.ones((2, 5)), [0, 1, 2], 0.1), "powers must be"),
        (lambda: interop.to_kramersmoyal([1.0], [[1.0]], [[3]], 0.1), "order 1 or 2"),
        (lambda: interop.from_amplitude([1.0, 2.0]), "np.diag"),
        (lambda: interop.to_amplitude([[1.0, 2.0], [2.0, 1.0]]), "positive definite"),
        (lambda: interop.to_amplitude([[1.0, 2.0], [0.0, 1.0]]), "symmetric"),
        (lambda: interop.from_flow([1.0], 1.0), "strictly between 0 and 1"),
        (lambda: interop.from_epsilon([1.0], 0.0), "must be positive"),
        (lambda: interop.from_edm([1.0, 2.0]), "strictly decreasing"),
        (lambda: interop.to_edm([0.0, 2.0], 1.0), "below t_max"),
        (lambda: interop.from_pysindy([1.0], [1.0, 2.0], 1.0), "need velocity and score"),
        (lambda: interop.from_stratonovich([1.0], [[1.0]], [1.0]), "gradient"),
        (lambda: interop.from_responses([1.0], [0], 0.1, 2.0, 0.01), "rt and choice"),
        (lambda: interop.from_dynamo(0), "D must be one positive"),
        (lambda: interop.from_critical_transitions(1.0, [1.0, 2.0], 3), "diffusion must be"),
    ],
)
def test_bad_input_is_refused_in_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()
