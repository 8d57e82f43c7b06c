# /// script
# requires-python = ">=3.11"
# dependencies = ["kramersmoyal==0.4.1", "numpy==2.4.6", "scipy==1.17.1"]
# ///
"""kramersmoyal on linear systems: what its rows are, and their units."""

import json

import numpy as np
from kramersmoyal import km


def series(rate, noise, dt, n, rng):
    """An exact path of ``dx = -rate x dt + noise dW``, the state on the last axis."""
    decay = np.exp(-rate * dt)
    root = np.linalg.cholesky(noise @ noise.T * (1 - decay**2) / (2 * rate))
    kicks = rng.standard_normal((n, len(noise))) @ root.T
    x = np.zeros((n, len(noise)))
    for k in range(1, n):
        x[k] = decay * x[k - 1] + kicks[k]
    return x


dt, n = 0.01, 1_000_000
rng = np.random.default_rng(1)
x = series(1.0, np.array([[1.6]]), dt, n, rng)
k, (edges,) = km(x, bins=[200], bw=0.1, powers=[1, 2])
near = abs(edges) < 1.5  # within a little more than a standard deviation, 1.13
slope = np.polyfit(edges[near], k[1, near] / dt, 1, w=np.sqrt(k[0, near]))[0]
level = np.average(k[2, near] / dt, weights=k[0, near])
ours = {"rate": 1.0, "noise": 1.6, "dt": dt}
rows = [
    {"what": "drift slope, k[1]/dt", "model": ours, "seen": slope, "error": np.sqrt(2 / (n * dt))},
    {"what": "diffusion, k[2]/dt", "model": ours, "seen": level, "error": level * np.sqrt(2 / n)},
    {"what": "rows for powers=[1, 2]", "model": ours, "seen": len(k), "error": None},
    {
        "what": "integral of row 0",
        "model": ours,
        "seen": k[0].sum() * (edges[1] - edges[0]),
        "error": None,
    },
]

noise = np.array([[1.6, 0.0], [0.8, 1.2]])  # noise noise^T / 2 = [[1.28, 0.64], [0.64, 1.04]]
x = series(1.0, noise, dt, n // 2, rng)
k, edges, _, powers = km(x, bins=[60, 60], bw=0.3, powers=2, full=True)
near = np.hypot(*np.meshgrid(*edges, indexing="ij")) < 1.0
for power in [2, 0], [1, 1], [0, 2]:
    row = k[[list(p) for p in powers].index(power)]
    rows.append(
        {
            "what": f"row {power[0]}, {power[1]} of two coordinates, over dt",
            "model": {"rate": 1.0, "noise": noise.tolist(), "dt": dt},
            "seen": np.average(row[near] / dt, weights=k[0, near]),
            "error": 2 * np.sqrt(2 / n) * 2,
        }
    )
print(json.dumps(rows))
