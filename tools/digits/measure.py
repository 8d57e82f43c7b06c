"""How far a score is from that of a diffusing density: curl and Fokker-Planck residual, image by image.

The fields come from automatic differentiation, for any score; for the free form also from formulas, which
take a fiftieth of the time.
"""

import torch
from torch.func import grad, jacrev, jvp, vmap

from .nets import FORMS, clock


def score_of(form, w, spread):
    """The score (dim,) at one point x (dim,) and noise level t (), as a function for `torch.func`."""

    def score(x, t):
        return (FORMS[form](w, spread, x[None], t[None])[0] - x) / t**2

    return score


def fields(score, x, t):
    """J - J^T, J + J^T, grad G and d_t s at x (n, dim) and one level t, G = t (|s|^2 + div s)."""

    def G(x):
        return t * ((score(x, t) ** 2).sum() + jacrev(score)(x, t).trace())

    def at(x):
        J = jacrev(score)(x, t)
        return J - J.T, J + J.T, grad(G)(x), jvp(lambda t: score(x, t), (t,), (torch.ones_like(t),))[1]

    return vmap(at, chunk_size=20)(x)


def response(z):
    """The first two derivatives of silu."""
    g = z.sigmoid()
    return g * (1 + z * (1 - g)), g * (1 - g) * (2 + z * (1 - 2 * g))


def fields_by_hand(w, spread, x, t):
    """The same for the free form: with a1, a2 the slopes of the units, J = k W3 a2 W2 a1 W1 - 1 / v and
    div s = k a2 Q a1 - dim / v, where Q = W2 * (W1 W3)^T."""
    score = lambda t: (FORMS["free"](w, spread, x, t.expand(len(x))) - x) / t**2
    s, rate = jvp(score, (t,), (torch.ones_like(t),))
    v = t**2 + spread**2
    e = clock(t[None])
    z1 = x / v.sqrt() @ w["W1"].T + e @ w["E1"].T + w["b1"]
    z2 = torch.nn.functional.silu(z1) @ w["W2"].T + e @ w["E2"].T + w["b2"]
    (a1, c1), (a2, c2) = response(z1), response(z2)
    Q = w["W2"] * (w["W1"] @ w["W3"]).T
    bend = (c1 * (a2 @ Q) + a1 * ((c2 * (a1 @ Q.T)) @ w["W2"])) @ w["W1"]
    J = (w["W3"] * a2[:, None]) @ (w["W2"] * a1[:, None]) @ w["W1"]
    J = spread / (t * v) * J - torch.eye(x.shape[1], dtype=x.dtype) / v
    slope = t * (2 * (J.mT @ s[..., None])[..., 0] + spread / (t * v**1.5) * bend)
    return J - J.mT, J + J.mT, slope, rate


def force(odd, even, slope, rate, t):
    """Numbers of each point (n,), by name, from the fields at one level t.

    curl: |J - J^T| / |J + J^T|, Frobenius norms. residual: |grad G - d_t s| / (|grad G| + |d_t s|).
    magnetic: t^2 |J - J^T| / sqrt(2). electric: t^2 |grad G - d_t s|, the force on a point at rest.
    """
    size = lambda a: a.flatten(1).norm(dim=1)
    off = size(slope - rate)
    return {
        "curl": size(odd) / size(even),
        "residual": off / (size(slope) + size(rate)),
        "magnetic": t**2 * size(odd) / 2**0.5,
        "electric": t**2 * off,
    }
