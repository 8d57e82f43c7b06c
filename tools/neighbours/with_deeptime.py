# /// script
# requires-python = ">=3.11"
# dependencies = ["deeptime==0.4.5"]
# ///
"""deeptime's built-in systems: the diffusion that they sample, seen in stationary variances."""

import json

import deeptime
import numpy as np


def stationary(system, start, coordinate, n, seed):
    """Variance of one coordinate of many last states, with its standard error."""
    x = system(np.tile(start, (n, 1)), seed=seed, n_jobs=1)[:, coordinate]
    return float(x.var()), float(x.var() * np.sqrt(2 / n))


rows = []
var, error = stationary(deeptime.data.ornstein_uhlenbeck(h=1e-3, n_steps=8000), [0.0], 0, 40_000, 1)
rows.append(
    {
        "what": "ornstein_uhlenbeck: stationary variance times rate",
        "model": {"rate": 1.0, "beta": 4.0},
        "seen": var,
        "error": error,
    }
)
for model in {"kT": 1.0, "mass": 1.0, "damping": 1.0}, {"kT": 2.0, "mass": 3.0, "damping": 0.5}:
    system = deeptime.data.double_well_2d(
        h=1e-3,
        n_steps=8000,
        temperature_factor=model["kT"],
        mass=model["mass"],
        damping=model["damping"],
    )
    var, error = stationary(system, [1.0, 0.0], 1, 40_000, 2)
    rows.append(
        {
            "what": "double_well_2d: twice the variance of the second coordinate",
            "model": model,
            "seen": 2 * var,
            "error": 2 * error,
        }
    )
print(json.dumps(rows))
