"""Denoisers with two smooth hidden layers, free and conservative."""

import torch
from torch.nn.functional import silu

WAVES = 4


def clock(t):
    """What the network sees of the noise level t (n,): waves of log t, (n, 2 WAVES)."""
    angle = t.log()[:, None] / 2 * torch.arange(1, WAVES + 1, dtype=t.dtype)
    return torch.cat([angle.cos(), angle.sin()], 1)


def initial(dim, hidden, seed):
    """Weights by name: W act on x and the layers, E on the clock. W3 = 0, so that nothing is learned yet."""
    make = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(shape, generator=make) / shape[1] ** 0.5
    weights = dict(W1=draw(hidden, dim), E1=draw(hidden, 2 * WAVES), b1=torch.zeros(hidden))
    weights |= dict(W2=draw(hidden, hidden), E2=draw(hidden, 2 * WAVES), b2=torch.zeros(hidden))
    return weights | dict(W3=torch.zeros(dim, hidden), b3=torch.zeros(dim))


def free(w, spread, x, t):
    """Denoised x (n, dim) at levels t (n,); preconditioned as Karras et al. (2022), table 1."""
    total = (t**2 + spread**2).sqrt()[:, None]
    e = clock(t)
    h = silu(x / total @ w["W1"].T + e @ w["E1"].T + w["b1"])
    h = silu(h @ w["W2"].T + e @ w["E2"].T + w["b2"])
    return (spread / total) ** 2 * x + spread * t[:, None] / total * (h @ w["W3"].T + w["b3"])


def conservative(w, spread, x, t):
    """The same with a score that is a gradient: x - grad |x - free(x)|^2 / 2."""
    energy = lambda x: ((x - free(w, spread, x, t)) ** 2).sum() / 2
    return x - torch.func.grad(energy)(x)


FORMS = {"free": free, "conservative": conservative}
