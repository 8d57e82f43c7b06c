"""The network of the 28 x 28 digits: an encoder and decoder with skips, 477,233 numbers, in EDM's frame."""

import math

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    """Two convolutions beside a skip; the noise level scales and shifts what is between them."""

    def __init__(self, inputs, outputs, clock):
        super().__init__()
        self.n1, self.c1 = nn.GroupNorm(8, inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.n2, self.c2 = nn.GroupNorm(8, outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.e = nn.Linear(clock, 2 * outputs)
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x, e):
        scale, shift = self.e(e)[:, :, None, None].chunk(2, 1)
        h = self.n2(self.c1(F.silu(self.n1(x)))) * (1 + scale) + shift
        return self.skip(x) + self.c2(F.silu(h))


class UNet(nn.Module):
    def __init__(self, c=32, clock=64):
        super().__init__()
        self.freq = nn.Parameter(torch.zeros(16), requires_grad=False)
        self.emb = nn.Sequential(nn.Linear(32, clock), nn.SiLU(), nn.Linear(clock, clock), nn.SiLU())
        self.inp = nn.Conv2d(1, c, 3, padding=1)
        self.d1, self.d2, self.d3 = Block(c, c, clock), Block(c, 2 * c, clock), Block(2 * c, 2 * c, clock)
        self.m, self.u3 = Block(2 * c, 2 * c, clock), Block(4 * c, 2 * c, clock)
        self.u2, self.u1 = Block(4 * c, c, clock), Block(2 * c, c, clock)
        self.out = nn.Sequential(nn.GroupNorm(8, c), nn.SiLU(), nn.Conv2d(c, 1, 3, padding=1))

    def forward(self, x, log_level):
        w = log_level[:, None] * self.freq * 2 * math.pi
        e = self.emb(torch.cat([w.cos(), w.sin()], 1))
        up = lambda h: F.interpolate(h, scale_factor=2.0, mode="nearest")
        a = self.d1(self.inp(x), e)
        b = self.d2(F.avg_pool2d(a, 2), e)
        c = self.d3(F.avg_pool2d(b, 2), e)
        h = self.u3(torch.cat([self.m(c, e), c], 1), e)
        h = self.u2(torch.cat([up(h), b], 1), e)
        return self.out(self.u1(torch.cat([up(h), a], 1), e))


def load(path, dtype):
    """The network of a file of weights (free.pt or conservative.pt), ready to be differentiated."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    net = UNet()
    net.load_state_dict({name.split("net.", 1)[1]: value.float() for name, value in state.items()})
    return net.to(dtype).requires_grad_(False)


def denoiser(net, spread, conservative):
    """The denoiser of x (n, 784) at one level t (): free, or x - grad |x - free|^2 / 2."""

    def free(x, t):
        total = (t**2 + spread**2).sqrt()
        told = net((x / total).view(-1, 1, 28, 28), (t.log() / 4).expand(len(x))).flatten(1)
        return (spread / total) ** 2 * x + spread * t / total * told

    def gradient(x, t):
        return x - torch.func.grad(lambda x: ((x - free(x, t)) ** 2).sum() / 2)(x)

    return gradient if conservative else free
