# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.13.0", "torchsde==0.2.6", "numpy==2.4.6", "scipy==1.17.1"]
# ///
"""torchsde's ensemble against ours: the same equation, scheme, step and number of paths."""

import torch
import torchsde

from .ensemble import START, STEPS, TURN, D, error, ours
from .table import compare

PATHS = 10_000


class Clock(torch.nn.Module):
    sde_type, noise_type = "ito", "diagonal"

    def f(self, t, x):
        inward = 1 - (x**2).sum(dim=-1)
        a, b = x[..., 0], x[..., 1]
        return torch.stack([inward * a - TURN * b, inward * b + TURN * a], dim=-1)

    def g(self, t, x):
        return torch.full_like(x, (2 * D) ** 0.5)


def theirs():
    start = torch.tensor(START, dtype=torch.float64).expand(PATHS, 2)
    times = torch.tensor([0.0, 1.0], dtype=torch.float64)
    with torch.no_grad():
        return torchsde.sdeint(Clock(), start, times, dt=1 / STEPS, method="euler")[-1].numpy()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    compare(
        f"{PATHS:,} paths x {STEPS} steps of the clock: time of torchsde 0.2.6 over ours",
        (lambda: ours(PATHS), error),
        {'method="euler"': (theirs, error)},
    )


if __name__ == "__main__":
    main()
