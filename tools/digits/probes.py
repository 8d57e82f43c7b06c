"""Curl and Fokker-Planck residual in many dimensions, from random directions."""

import torch
from torch.func import grad, jvp, vjp


def probe(score, x, t, count, seed=0):
    """Squares of the fields' sizes at each point of x (n, dim), one level t, by name: estimates without bias.

    With random signs v, E |A v|^2 = |A|^2 for any matrix A, and E grad(v J v) = grad div s, which makes
    ``F_k`` of each direction an estimate of ``F = grad G - d_t s``. The square of an average of them has the
    bias of its noise; the products of different ones have none:
    ``|F|^2 = mean of F_k . F_l over k != l``.
    """
    make = torch.Generator().manual_seed(seed)
    at = lambda x: score(x, t)
    s, back = vjp(at, x)
    rate = jvp(lambda t: score(x, t), (t,), (torch.ones_like(t),))[1]
    pull = 2 * t * back(s)[0]
    along = lambda x, v: (jvp(at, (x,), (v,))[1] * v).sum()
    odd, even, slopes = [], [], []
    for _ in range(count):
        v = (torch.randint(2, x.shape, generator=make) * 2 - 1).to(x)
        there, returned = jvp(at, (x,), (v,))[1], back(v)[0]
        odd.append((there - returned).square().sum(1))
        even.append((there + returned).square().sum(1))
        slopes.append(pull + t * grad(along)(x, v))
    slopes = torch.stack(slopes)
    square = lambda a: (a.sum(0).square().sum(1) - a.square().sum((0, 2))) / (count * (count - 1))
    return {
        "odd": torch.stack(odd).mean(0),
        "even": torch.stack(even).mean(0),
        "force": square(slopes - rate),
        "slope": square(slopes),
        "rate": rate.square().sum(1),
    }
