# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.13.0", "diffusers==0.42.1", "numpy==2.4.6"]
# ///
"""diffusers' schedulers: their marginals, their predictions, and where their noise levels end."""

import json

import numpy as np
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    EDMEulerScheduler,
    FlowMatchEulerDiscreteScheduler,
)

rng = np.random.default_rng(1)
x0, noise = (torch.tensor(rng.standard_normal((3, 1, 4))) for _ in range(2))
timesteps = torch.tensor([10, 500, 990])
ddpm = DDPMScheduler()
bar = ddpm.alphas_cumprod[timesteps]
ddpm.alphas_cumprod = ddpm.alphas_cumprod.double()  # else add_noise adds its single precision
x = ddpm.add_noise(x0, noise, timesteps)
flow = FlowMatchEulerDiscreteScheduler()
at = flow.timesteps[[100, 500, 900]]
x_flow = flow.scale_noise(x0, at, noise)
rows = [
    {
        "what": "add_noise and get_velocity",
        "model": {
            "alpha_bar": bar.tolist(),
            "data": x0[:, 0].tolist(),
            "epsilon": noise[:, 0].tolist(),
        },
        "seen": {
            "x": x[:, 0].tolist(),
            "v": ddpm.get_velocity(x0, noise, timesteps)[:, 0].tolist(),
        },
        "error": None,
    },
    {
        "what": "flow matching: scale_noise",
        "model": {
            "s": (at / 1000).tolist(),
            "data": x0[:, 0].tolist(),
            "noise": noise[:, 0].tolist(),
        },
        "seen": {"x": x_flow[:, 0].tolist()},
        "error": None,
    },
]
edm = EDMEulerScheduler()
edm.set_timesteps(10)
rows.append(
    {
        "what": "EDM: last two noise levels",
        "model": {"steps": 10},
        "seen": edm.sigmas[-2:].tolist(),
        "error": None,
    }
)


def ddim(steps, clip, x, data):
    """What DDIM makes of x, for Gaussian data of standard deviation 1/2, whose epsilon is known."""
    scheduler = DDIMScheduler(clip_sample=clip)
    scheduler.set_timesteps(steps)
    bars = scheduler.alphas_cumprod.double()
    for t in scheduler.timesteps:
        epsilon = (x - bars[t].sqrt() * data) * (1 - bars[t]).sqrt() / (bars[t] * 0.25 + 1 - bars[t])
        x = scheduler.step(epsilon, t, x).prev_sample
    return x


for steps in 100, 250, 500, 600, 700, 1000:
    end = ddim(steps, False, torch.zeros(1, dtype=torch.float64), 1.0)
    rows.append(
        {
            "what": "DDIM, unclipped: mean for data of mean 1",
            "model": {"steps": steps, "mean": 1.0},
            "seen": float(end),
            "error": None,
        }
    )
start = torch.tensor(rng.standard_normal(20_000))
for clip in False, True:
    end = ddim(500, clip, start, 0.0)
    rows.append(
        {
            "what": f"DDIM, {'clipped (default)' if clip else 'unclipped'}: standard deviation",
            "model": {"steps": 500, "data": 0.5},
            "seen": float(end.std()),
            "error": 0.5 / np.sqrt(40_000),
        }
    )
print(json.dumps(rows))
