# /// script
# requires-python = ">=3.11"
# dependencies = ["kramersmoyal==0.4.1", "numpy==2.4.6", "scipy==1.17.1"]
# ///
"""kramersmoyal: kernel averages of increments and of their squares, over rings of the disc."""

import json
import sys

import numpy as np
from kramersmoyal import km

step = 0.12
m = np.genfromtxt(sys.argv[1], delimiter=",")
first = m[: np.isnan(m).any(axis=1).argmax()]  # it takes no gaps
k, centres, _, powers = km(first, bins=[40, 40], bw=0.1, powers=2, full=True)
row = {tuple(power): values / step for power, values in zip(powers.tolist(), k)}
X, Y = np.meshgrid(*centres, indexing="ij")
r = np.hypot(X, Y)
outward = (row[1, 0] * X + row[0, 1] * Y) / np.maximum(r, 1e-9)


def mean(values, ring):
    return float(np.average(values[ring], weights=k[0][ring]))


rows = []
for low, high in (0.3, 0.5), (0.5, 0.7), (0.7, 0.9):
    ring, where = (low < r) & (r < high), f"{low} < |m| < {high}"
    rows += [
        {"what": f"D, {where}", "seen": mean((row[2, 0] + row[0, 2]) / 2, ring), "error": None},
        {"what": f"outward drift, {where}", "seen": mean(outward, ring), "error": None},
    ]
print(json.dumps(rows))
