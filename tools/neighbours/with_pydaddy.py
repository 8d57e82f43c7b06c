# /// script
# requires-python = ">=3.11"
# dependencies = ["pydaddy==1.0.0", "numpy==2.4.6", "scipy==1.17.1", "setuptools==80.9.0"]
# ///
"""PyDaddy on linear systems: its F and G, its threshold, and coarse sampling."""

import contextlib
import json
import sys

import numpy as np
import pydaddy


def series(rate, noise, dt, n):
    """An exact path of ``dx = -rate x dt + noise dW``."""
    decay = np.exp(-rate * dt)
    kicks = noise * np.sqrt((1 - decay**2) / (2 * rate)) * np.random.default_rng(1).standard_normal(n)
    x = np.zeros(n)
    for k in range(1, n):
        x[k] = decay * x[k - 1] + kicks[k]
    return x


def fit(noise, dt, order, threshold=None, n=200_000):
    with contextlib.redirect_stdout(sys.stderr):
        found = pydaddy.Characterize([series(1.0, noise, dt, n)], t=dt, Dt=1, show_summary=False, bins=20)
        extra = {} if threshold is None else {"threshold": threshold}
        F, G = found.fit("F", order=1, **extra), found.fit("G", order=order, **extra)
    return [np.asarray(p.coeffs, float) for p in (F, G)]  # lowest power first


dt, n, noise = 0.01, 200_000, 1.6
F, G = fit(noise, dt, 1, 0.0)
model = {"rate": 1.0, "noise": noise, "dt": dt}
rows = [
    {"what": "F: slope", "model": model, "seen": F[1], "error": np.sqrt(2 / (n * dt))},
    {"what": "G: constant", "model": model, "seen": G[0], "error": noise**2 * np.sqrt(2 / n)},
]
small = {"rate": 1.0, "noise": 0.2, "dt": dt}
rows.append(
    {
        "what": "G by default, where G is 0.04: largest coefficient",
        "model": small,
        "seen": np.abs(fit(0.2, dt, 2)[1]).max(),
        "error": None,
    }
)
coarse = {"rate": 1.0, "noise": noise, "dt": 0.5}
F, G = fit(noise, 0.5, 2, 0.0)
rows += [
    {
        "what": "coarse sampling: G's constant",
        "model": coarse,
        "seen": G[0],
        "error": noise**2 * np.sqrt(2 / n),
    },
    {
        "what": "coarse sampling: G's x squared",
        "model": coarse,
        "seen": G[2],
        "error": noise**2 * np.sqrt(2 / n),
    },
]
print(json.dumps(rows))
