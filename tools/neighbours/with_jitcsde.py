# /// script
# requires-python = ">=3.11"
# dependencies = ["jitcsde==1.6.2"]
# ///
"""jitcsde: geometric Brownian motion; `ito=False` is the other calculus. Needs a C compiler."""

import json

import numpy as np
from jitcsde import jitcsde, y

noise, n = 0.7, 4000
rows = []
for calculus in {}, {"ito": False}:
    sde = jitcsde(
        [0 * y(i) for i in range(n)],
        [noise * y(i) for i in range(n)],
        n=n,
        verbose=False,
        **calculus,
    )
    sde.compile_C(simplify=False, do_cse=False, chunk_size=500, extra_compile_args=["-O0"])
    sde.set_seed(1)
    sde.set_initial_value(np.ones(n), 0.0)
    sde.set_integration_parameters(first_step=0.01, max_step=0.01)
    last = sde.integrate(1.0)
    rows.append(
        {
            "what": ("ito=False" if calculus else "default") + ": mean of x(1) for x(0) = 1",
            "model": {"g": f"{noise} x"},
            "seen": float(np.mean(last)),
            "error": float(np.std(last) / np.sqrt(n)),
        }
    )
print(json.dumps(rows))
