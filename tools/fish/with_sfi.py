# /// script
# requires-python = ">=3.11"
# dependencies = ["StochasticForceInference==2.0.4"]
# ///
"""Stochastic Force Inference: D and measurement noise, and whether the state is all there is."""

import json
import sys

import numpy as np
from SFI import OverdampedLangevinInference, TrajectoryCollection, classify_dynamics

m = np.genfromtxt(sys.argv[1], delimiter=",")
first = m[: np.isnan(m).any(axis=1).argmax()]
tracks = TrajectoryCollection.from_arrays(X=first, dt=0.12)
inference = OverdampedLangevinInference(tracks)
inference.compute_diffusion_constant()
report = classify_dynamics(tracks)
half = lambda matrix: float(np.trace(np.asarray(matrix))) / 2
fit, error = report.fit["params"], report.fit["stderr"]
rows = [
    {"what": "D, mean", "seen": half(inference.diffusion_average), "error": None},
    {"what": "variance of measurement, mean", "seen": half(inference.Lambda), "error": None},
    {"what": "underdamped by its verdict (1: yes)", "seen": float(report.verdict == "UD"), "error": None},
    {"what": "variance of the velocity", "seen": fit["V"], "error": error["V"]},
    {"what": "relaxation rate of the velocity", "seen": fit["gamma"], "error": error["gamma"]},
]
print(json.dumps(rows))
