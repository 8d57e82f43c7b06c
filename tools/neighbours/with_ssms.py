# /// script
# requires-python = ">=3.11"
# dependencies = ["ssm-simulators==0.12.5"]
# ///
"""ssm-simulators: the meaning of v, a, z, t and s, and what becomes of undecided trials."""

import json

import numpy as np
from ssms.basic_simulators.simulator import simulator

theirs = {"v": 0.8, "a": 1.2, "z": 0.6, "t": 0.3}
noise, n, step = 1.4, 40_000, 0.0002
out = simulator(
    {k: np.array([v]) for k, v in theirs.items()},
    model="ddm",
    n_samples=n,
    delta_t=step,
    sigma_noise=noise,
    max_t=20.0,
    random_state=1,
)
rt, choice = np.ravel(out["rts"]), np.ravel(out["choices"])
model = theirs | {"s": noise}
rows = [
    {
        "what": "mean response time",
        "model": model,
        "seen": float(rt.mean()),
        "error": float(rt.std() / np.sqrt(n)),
    },
    {
        "what": "probability of the upper bound",
        "model": model,
        "seen": float((choice == 1).mean()),
        "error": float((choice == 1).std() / np.sqrt(n)),
    },
]
model = {"v": 0.0, "a": 2.0, "z": 0.5, "t": 0.3, "max_t": 1.0}
out = simulator(
    {k: np.array([model[k]]) for k in "vazt"},
    model="ddm",
    n_samples=n,
    delta_t=0.001,
    max_t=model["max_t"],
    smooth_unif=False,
    random_state=2,
)
rt, choice = np.ravel(out["rts"]), np.ravel(out["choices"])
late = rt > model["max_t"] + model["t"] - 0.0015
rows += [
    {
        "what": "share of trials at max_t + t",
        "model": model,
        "seen": float(late.mean()),
        "error": float(late.std() / np.sqrt(n)),
    },
    {
        "what": "choices of trials at max_t + t, besides -1 and 1",
        "model": model,
        "seen": len(set(choice[late].tolist()) - {-1, 1}),
        "error": None,
    },
    {"what": "longest response time", "model": model, "seen": float(rt.max()), "error": None},
]
print(json.dumps(rows))
