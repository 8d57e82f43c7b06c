"""Denoising score matching with averaged weights: the weights at some steps on the way."""

import numpy as np
import torch

from .nets import FORMS, initial

MARKS = 0, 30, 100, 300, 1000, 3000, 10_000


def train(form, points, spread, hidden, seed, steps, batch=128):
    """Yield (step, weights): float16 arrays by name, averages over the steps so far.

    ``points(n, rng)`` draws clean data, (n, dim). Noise levels are log-normal (mean -0.6, s.d. 1.2) and
    the loss at each is divided by its expected size, as in Karras et al. (2022).
    """
    rng, denoise = np.random.default_rng(seed), FORMS[form]
    w = initial(points(1, rng).shape[1], hidden, seed)
    mean = {name: value.clone() for name, value in w.items()}
    for value in w.values():
        value.requires_grad_()
    optimiser = torch.optim.Adam(w.values(), 1e-3, fused=True)
    for step in range(steps + 1):
        if step in MARKS:
            yield step, {name: value.numpy().astype(np.float16) for name, value in mean.items()}
        clean = torch.tensor(points(batch, rng), dtype=torch.float32)
        t = torch.tensor(np.exp(rng.normal(-0.6, 1.2, batch)), dtype=torch.float32)
        noise = torch.tensor(rng.standard_normal(clean.shape), dtype=torch.float32)
        off = denoise(w, spread, clean + t[:, None] * noise, t) - clean
        loss = ((t**2 + spread**2) / (t * spread) ** 2 * (off**2).mean(1)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        keep = min(0.999, (step + 1) / (step + 11))
        with torch.no_grad():
            for name, value in mean.items():
                value.lerp_(w[name], 1 - keep)
