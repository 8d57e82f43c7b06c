# /// script
# requires-python = ">=3.11"
# dependencies = ["StochasticForceInference==2.0.4"]
# ///
"""Stochastic Force Inference on a linear system: its force, its diffusion, its information."""

import json

import numpy as np
from SFI import OverdampedLangevinInference, TrajectoryCollection
from SFI.bases import monomials_up_to

rate, noise, dt, n = 1.0, 1.6, 0.01, 200_000
decay = np.exp(-rate * dt)
kicks = noise * np.sqrt((1 - decay**2) / (2 * rate)) * np.random.default_rng(1).standard_normal(n)
x = np.zeros((n, 1))
for k in range(1, n):
    x[k] = decay * x[k - 1] + kicks[k]

inference = OverdampedLangevinInference(TrajectoryCollection.from_arrays(X=x, dt=dt))
inference.compute_diffusion_constant()
inference.infer_force_linear(monomials_up_to(order=1, dim=1, rank="vector"))
inference.compute_force_error()
force = np.asarray(inference.force_inferred(np.array([[-1.0], [1.0]])))
model = {"rate": rate, "noise": noise, "dt": dt, "duration": n * dt}
time = n * dt
rows = [
    {
        "what": "slope of the force",
        "model": model,
        "seen": float((force[1] - force[0]).item() / 2),
        "error": np.sqrt(2 * rate / time),
    },
    {
        "what": "diffusion",
        "model": model,
        "seen": float(np.asarray(inference.diffusion_average).squeeze()),
        "error": noise**2 / 2 * np.sqrt(2 / n) * 2,
    },
    {
        "what": "force information",
        "model": model,
        "seen": float(inference.force_information),
        "error": np.sqrt(rate * time / 8) + np.sqrt(rate * time / 2),
    },
]
print(json.dumps(rows))
