"""The networks of 8 x 8 digits, and of the plane, measured at the test points."""

import numpy as np
import torch

from . import data, measure
from .nets import FORMS
from .runs import spread

POINTS = {"free": 100, "conservative": 30}  # test points for derivatives; errors are taken at all 300


def nudged(w):
    """The weights, each moved within the last digit of float16."""
    rng = np.random.default_rng(4)
    return {key: value * (1 + 2**-11 * rng.uniform(-1, 1, value.shape)) for key, value in w.items()}


def measured(run, w, dtype="float64"):
    """Yield (t, quantity, mean, standard error) of a network with the weights w."""
    _, train, clean = run.points()
    w = {key: torch.tensor(value.astype(dtype)) for key, value in w.items()}
    for t, z in zip(data.LEVELS, data.noise(clean.shape)):
        x, level = clean + t * z, torch.tensor(t, dtype=getattr(torch, dtype))
        given = torch.tensor(x.astype(dtype))
        told = FORMS[run.form](w, spread(run), given, level.expand(len(x))).numpy()
        best = data.plane_denoiser(x, t) if train is None else data.exact_denoiser(train, x, t)
        off = {"test": told - clean, "gap": told - best, "best": best - clean}
        values = {name: (each**2).mean(1) for name, each in off.items()}
        some = given[: POINTS[run.form]]
        if run.form == "free":
            fields = measure.fields_by_hand(w, spread(run), some, level)
        else:
            fields = measure.fields(measure.score_of(run.form, w, spread(run)), some, level)
        values |= {name: each.numpy() for name, each in measure.force(*fields, level).items()}
        for name, each in values.items():
            yield t, name, each.mean(), each.std(ddof=1) / len(each) ** 0.5
