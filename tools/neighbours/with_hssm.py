# /// script
# requires-python = ">=3.12"
# dependencies = ["hssm==0.5.0"]
# ///
"""HSSM's likelihood of the drift-diffusion model, integrated: the meaning of v, a, z, t."""

import json

import numpy as np
import pytensor
import pytensor.tensor as pt
from hssm.likelihoods.analytical import logp_ddm

pytensor.config.floatX = "float64"
data, numbers = pt.dmatrix(), [pt.dscalar() for _ in "vazt"]
density = pytensor.function([data, *numbers], pt.exp(logp_ddm(data, *numbers)))

model = {"v": 0.8, "a": 1.2, "z": 0.6, "t": 0.3}
rt = np.linspace(0, 15, 30_001)[1:] - 1 / 4000 + model["t"]
sides = [density(np.column_stack([rt, np.full(len(rt), side)]), *model.values()) for side in (-1.0, 1.0)]
step = rt[1] - rt[0]
rows = [
    {
        "what": "mean response time",
        "model": model,
        "seen": float((rt * sum(sides)).sum() * step),
        "error": 1e-5,
    },
    {
        "what": "probability of the upper bound",
        "model": model,
        "seen": float(sides[1].sum() * step),
        "error": 1e-5,
    },
]
print(json.dumps(rows))
