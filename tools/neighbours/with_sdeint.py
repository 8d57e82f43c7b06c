# /// script
# requires-python = ">=3.11"
# dependencies = ["sdeint==0.3.0", "numpy==2.4.6"]
# ///
"""sdeint: geometric Brownian motion, and the calculus that each function reads it in."""

import json

import numpy as np
import sdeint

noise, n = 0.7, 4000
tspan = np.linspace(0, 1, 101)
rows = []
for name in "itoint", "stratint", "itoEuler", "stratHeun":
    last = []
    for seed in range(n // 100):
        generator = np.random.default_rng([1, seed])
        last += [
            getattr(sdeint, name)(lambda x, t: 0.0, lambda x, t: noise * x, 1.0, tspan, generator=generator)[
                -1, 0
            ]
            for _ in range(100)
        ]
    rows.append(
        {
            "what": f"{name}: mean of x(1) for x(0) = 1",
            "model": {"g": f"{noise} x"},
            "seen": float(np.mean(last)),
            "error": float(np.std(last) / np.sqrt(n)),
        }
    )
print(json.dumps(rows))
