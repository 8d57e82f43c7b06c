"""Weights and table of the chapter on image models belong together, and the scripts make such ones."""

import csv

import numpy as np
import pytest

from tools.build import ROOT
from tools.digits import __main__ as digits
from tools.digits import data
from tools.digits.runs import RUNS, spread


def table():
    with digits.TABLE.open(newline="") as file:
        return list(csv.DictReader(file))


def weights(name):
    kept = np.load(digits.WEIGHTS)
    return {key.split("/")[1]: kept[key].astype(float) for key in kept if key.startswith(f"{name}/")}


def denoised(w, spread, x, t):
    """The free form in numpy, of complex x too."""
    silu = lambda z: z / (1 + np.exp(-z))
    total, angle = np.sqrt(t**2 + spread**2), np.log(t) / 2 * np.arange(1, 5)
    e = np.concatenate([np.cos(angle), np.sin(angle)])
    h = silu(x / total @ w["W1"].T + w["E1"] @ e + w["b1"])
    h = silu(h @ w["W2"].T + w["E2"] @ e + w["b2"])
    return (spread / total) ** 2 * x + spread * t / total * (h @ w["W3"].T + w["b3"])


def test_the_table_has_every_network_once_at_every_level():
    keys = [(row["net"], row["seed"], row["step"], float(row["t"])) for row in table()]
    assert len(set(keys)) == len(keys)
    assert {key[3] for key in keys} == set(data.LEVELS)
    for name, run in RUNS.items():
        assert {int(key[1]) for key in keys if key[0] == name} == set(run.seeds)
        assert max(int(key[2]) for key in keys if key[0] == name) == run.steps


@pytest.mark.parametrize("kept", [name for name in digits.KEPT if "conservative" not in name])
def test_weights_and_table_belong_together(kept):
    """Test error, and curl from Jacobians by complex steps, which share no line with what made the table."""
    net, seed, step = kept.split("-")
    w, run = weights(kept), RUNS[net]
    clean = run.points()[2]
    rows = {
        float(row["t"]): row for row in table() if (row["net"], row["seed"], row["step"]) == (net, seed, step)
    }
    for t, z in zip(data.LEVELS, data.noise(clean.shape)):
        x = clean + t * z
        error = ((denoised(w, spread(run), x, t) - clean) ** 2).mean()
        assert error == pytest.approx(float(rows[t]["test"]), rel=1e-4)
    x = x[:100, None] + 1e-30j * np.eye(64)
    J = denoised(w, spread(run), x, t).imag.swapaxes(1, 2) / 1e-30 - np.eye(64)
    size = lambda a: np.linalg.norm(a, axis=(1, 2))
    curl = size(J - J.swapaxes(1, 2)) / size(J + J.swapaxes(1, 2))
    assert curl.mean() == pytest.approx(float(rows[t]["curl"]), rel=1e-4)


def test_the_conservative_weights_and_the_table_belong_together():
    """With J the Jacobian of the free form h, the twin is h + J^T (x - h)."""
    (kept,) = [name for name in digits.KEPT if "conservative" in name]
    net, seed, step = kept.split("-")
    w, run, t = weights(kept), RUNS[net], data.LEVELS[2]
    clean = run.points()[2]
    x = clean + t * data.noise(clean.shape)[2]
    h = denoised(w, spread(run), x, t)
    JT = denoised(w, spread(run), x[:, None] + 1e-30j * np.eye(64), t).imag / 1e-30
    error = ((h + (JT @ (x - h)[..., None])[..., 0] - clean) ** 2).mean()
    (row,) = [
        row
        for row in table()
        if (row["net"], row["seed"], row["step"], float(row["t"])) == (net, seed, step, t)
    ]
    assert error == pytest.approx(float(row["test"]), rel=1e-4)


def test_the_exact_denoisers_are_those_of_the_library():
    import noetherlib as nl

    train, test = data.digits()
    x = test[:5] + data.noise(test.shape)[2, :5]
    library = nl.scores.Empirical(train)
    assert np.allclose(data.exact_denoiser(train, x, 1.0), x + library.score(x, 1.0))
    mixture = nl.scores.GaussianMixture(data.MEANS, widths=data.WIDTHS, weights=data.SHARES)
    x = data.plane(5, np.random.default_rng(0)) + 1
    assert np.allclose(data.plane_denoiser(x, 0.5), x + 0.25 * mixture.score(x, 0.5))


@pytest.mark.parametrize("path", sorted((ROOT / "tools/digits").glob("*.py")), ids=lambda path: path.stem)
def test_scripts_compile(path):
    compile(path.read_text(encoding="utf-8"), path, "exec")


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed: the training scripts are not run")


@pytest.mark.parametrize("form", ["free", "conservative"])
def test_training_learns_and_repeats(torch, form):
    from tools.digits.train import train

    def run():
        return list(train(form, data.plane, 2.0, 8, seed=0, steps=30))

    (start, before), (end, after) = run()
    assert (start, end) == (0, 30) and not before["W3"].any() and after["W3"].any()
    assert all((after[key] == value).all() for key, value in run()[1][1].items())


def test_formulas_and_automatic_differentiation_agree(torch):
    from tools.digits import measure

    w = {key: torch.tensor(value) for key, value in weights("free-0-100").items()}
    run, t = RUNS["free"], torch.tensor(0.3, dtype=torch.float64)
    x = torch.tensor(run.points()[2][:3])
    by_hand = measure.fields_by_hand(w, spread(run), x, t)
    for a, b in zip(by_hand, measure.fields(measure.score_of("free", w, spread(run)), x, t)):
        assert torch.allclose(a, b, rtol=1e-9, atol=1e-9 * float(b.abs().max()))


def test_random_directions_find_the_sizes_of_the_fields(torch):
    """Of a score in the plane that is a quadratic function: exact fields against probes, within 5 s.e."""
    from tools.digits import measure, probes

    A = torch.tensor([[-1.0, 0.5], [0.2, -2.0]], dtype=torch.float64)
    score = lambda x, t: x @ A.T / t + x**2 + x[..., :1] * x[..., 1:]
    x, t = torch.tensor([[0.5, -1.0]], dtype=torch.float64), torch.tensor(0.7, dtype=torch.float64)
    odd, even, slope, rate = measure.fields(score, x, t)
    names = {"odd": odd, "even": even, "force": slope - rate, "slope": slope, "rate": rate}
    runs = [probes.probe(score, x, t, 4, seed) for seed in range(40)]
    for name, field in names.items():
        each = torch.cat([run[name] for run in runs])
        error = 5 * each.std() / len(runs) ** 0.5 + 1e-9
        assert abs(each.mean() - field.square().sum()) < error, name
