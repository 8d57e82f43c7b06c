# /// script
# requires-python = ">=3.11"
# dependencies = ["pysindy==2.1.0"]
# ///
"""pySINDy on a noisy linear system that turns: which of its differentiators sees which drift."""

import json

import numpy as np
import pysindy as ps

rate, turn, noise, dt, n = 1.0, 1.0, 1.0, 0.01, 400_000
decay = np.exp(-rate * dt)
spin = np.array([[np.cos(turn * dt), -np.sin(turn * dt)], [np.sin(turn * dt), np.cos(turn * dt)]])
kicks = noise * np.sqrt((1 - decay**2) / (2 * rate)) * np.random.default_rng(1).standard_normal((n, 2))
x = np.zeros((n, 2))
for k in range(1, n):
    x[k] = decay * spin @ x[k - 1] + kicks[k]

model = {"rate": rate, "turn": turn, "noise": noise, "dt": dt}
error = np.sqrt(2 * rate / (n * dt))
rows = []
for name, method in (
    ("default", None),
    ("forward", ps.FiniteDifference(order=1, d=1, is_uniform=True)),
):
    extra = {} if method is None else {"differentiation_method": method}
    fit = ps.SINDy(
        optimizer=ps.STLSQ(threshold=0.0),
        feature_library=ps.PolynomialLibrary(1, include_bias=False),
        **extra,
    )
    fit.fit(x, t=dt)
    matrix = fit.coefficients()
    rows += [
        {
            "what": f"{name} differences: mean of the diagonal",
            "model": model,
            "seen": float(np.trace(matrix) / 2),
            "error": error,
        },
        {
            "what": f"{name} differences: half of 21 minus 12",
            "model": model,
            "seen": float((matrix[1, 0] - matrix[0, 1]) / 2),
            "error": error,
        },
    ]
print(json.dumps(rows))
