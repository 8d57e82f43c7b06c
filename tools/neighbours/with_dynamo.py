# /// script
# requires-python = ">=3.11"
# dependencies = ["dynamo-release==1.5.3", "six==1.17.0", "statsmodels==0.14.6"]
# ///
"""dynamo's action of a path, and the time that it makes of it."""

import json

import numpy as np
from dynamo.prediction.least_action_path import LeastActionPath

path = np.column_stack([np.linspace(-1, 1, 21), np.linspace(0, 1, 21) ** 2])
matrix = np.array([[-1.0, 0.5], [-0.5, -2.0]])
found = LeastActionPath(path, lambda x: x @ matrix.T, D=0.8, dt=0.1)
model = {"D": 0.8, "dt": 0.1, "matrix": matrix.tolist(), "path": path.tolist()}
rows = [
    {"what": "action", "model": model, "seen": float(found.action_t()[-1]), "error": None},
    {
        "what": "mean first passage time",
        "model": model,
        "seen": float(found.mfpt()[-1]),
        "error": None,
    },
]
print(json.dumps(rows))
