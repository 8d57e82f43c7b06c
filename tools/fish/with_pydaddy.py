# /// script
# requires-python = ">=3.11"
# dependencies = ["pydaddy==1.0.0", "numpy==2.4.6", "scipy==1.17.1", "setuptools==80.9.0"]
# ///
"""PyDaddy, which brings the recording: drift and squared increments as polynomials, its defaults."""

import contextlib
import json
import sys

import numpy as np
import pydaddy

m = np.genfromtxt(sys.argv[1], delimiter=",")
with contextlib.redirect_stdout(sys.stderr):
    found = pydaddy.Characterize([m[:, 0], m[:, 1]], t=0.12, show_summary=False)
    drift = {name: found.fit(name, order=3, tune=True) for name in ("F1", "F2")}
    noise = {name: found.fit(name, order=2, tune=True) for name in ("G11", "G22")}

# its polynomials list the powers of x first: 1, x, x^2, ..., y, x y, ...; its G is 2 D
rows = []
for name, G in noise.items():
    places = {"1": 0, "x^2": 2, "y^2": 5}
    values, errors = np.asarray(G.coeffs) / 2, np.asarray(G.stderr) / 2
    rows += [
        {"what": f"D from {name}: coefficient of {term}", "seen": values[k], "error": errors[k]}
        for term, k in places.items()
    ]
for name, F in drift.items():
    kept = int(np.count_nonzero(F.coeffs))
    rows.append({"what": f"terms that its threshold keeps in {name}, of 10", "seen": kept, "error": None})
print(json.dumps(rows))
