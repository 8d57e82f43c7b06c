# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.13.0", "torchsde==0.2.6"]
# ///
"""torchsde: geometric Brownian motion; `sde_type` says which calculus is meant."""

import json

import torch
import torchsde

noise, n = 0.7, 20_000
rows = []
for calculus in "ito", "stratonovich":

    class Growth(torch.nn.Module):
        sde_type, noise_type = calculus, "diagonal"

        def f(self, t, x):
            return torch.zeros_like(x)

        def g(self, t, x):
            return noise * x

    torch.manual_seed(1)
    last = torchsde.sdeint(Growth(), torch.ones(n, 1), torch.tensor([0.0, 1.0]), dt=0.01)[-1]
    rows.append(
        {
            "what": f"sde_type {calculus}: mean of x(1) for x(0) = 1",
            "model": {"g": f"{noise} x"},
            "seen": float(last.mean()),
            "error": float(last.std() / n**0.5),
        }
    )
print(json.dumps(rows))
