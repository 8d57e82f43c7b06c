"""Which networks are trained, on what, and where they are measured."""

from typing import NamedTuple

import numpy as np

from . import data


class Run(NamedTuple):
    """Networks: their form, width, number of steps, the data that they see, and a seed for each."""

    form: str = "free"
    hidden: int = 192
    steps: int = 3000
    kind: str = "all"
    seeds: tuple = (0, 1, 2)

    def points(self):
        """(function that draws clean data to learn, training data or None, clean test data)."""
        if self.kind == "plane":
            return data.plane, None, data.plane(300, np.random.default_rng(2))
        train, test = data.digits()
        train = train[: data.FEW] if self.kind == "few" else train
        return (lambda n, rng: train[rng.integers(len(train), size=n)]), train, test


RUNS = {
    "free": Run(),
    "long": Run(steps=10_000, seeds=(0,)),
    "memory": Run(kind="few"),
    "plane": Run(hidden=64, kind="plane"),
    "conservative": Run("conservative", steps=1000),
}


def spread(run):
    """Standard deviation of the data, all coordinates together: what the preconditioning knows of them."""
    draw, train, _ = run.points()
    return float((draw(20_000, np.random.default_rng(3)) if train is None else train).std())
