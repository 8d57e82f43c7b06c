"""Action, momenta and energies of a path by the midpoint rule, and what slips make of them."""

from __future__ import annotations

import numpy as np

from .compare import compare


def _middle(x, t, at=0.5, equal=False, undivided=False):
    """Steps, places and velocities: ``at`` 0 is the left end of a step, 1 the right one."""
    h = np.diff(t)
    h = h if not equal else np.full_like(h, h[0] if equal == "first" else h.mean())
    where = (1 - at) * x[:-1] + at * x[1:]
    return h, where, (np.diff(x, axis=0).T / (1 if undivided else h)).T


def action(x, t, f, divergence, D, *, share=0.5, quarter=0.25, drift=1.0, unweighted=False, **mesh):
    """The Onsager-Machlup action; the options make of it what slips make of it."""
    h, where, v = _middle(x, t, **mesh)
    push = (v - drift * f(where)).reshape(len(h), -1)
    each = quarter / D * (push**2).sum(axis=1) + share * divergence(where)
    return each.sum() if unweighted else h @ each


ACTION_SLIPS = [
    ("missing ½∇·f", {"share": 0}),
    ("left-point rule", {"at": 0}),
    ("right-point rule", {"at": 1}),
    ("unequal steps", {"equal": "first"}),
    ("unequal steps", {"equal": "mean"}),
    ("forgotten h", {"unweighted": True}),
    ("forgotten h", {"undivided": True}),
    ("drift", {"drift": 0}),
    ("drift", {"drift": -1}, "It is v - f, and not v + f"),
    ("factor ½", {"share": 1}, "It is that of ∇·f"),
    ("factor ½", {"share": 0.25}, "It is that of ∇·f"),
    ("factor ½", {"quarter": 0.5}),
    ("factor ½", {"quarter": 0.5, "share": 1}),
    ("σ² for D", {"quarter": 0.125}),
    ("sign", {"share": -0.5}, "It is that of ∇·f"),
]


def compare_actions(got, *arguments):
    """`compare` for an action of ``(x, t, f, divergence, D)``: each slip, and each without ½∇·f."""
    slips = [(slip, action(*arguments, **options), *why) for slip, options, *why in ACTION_SLIPS]
    slips += [
        (slip, action(*arguments, **options | {"share": 0}), *why)
        for slip, options, *why in ACTION_SLIPS
        if "share" not in options
    ]
    D = arguments[-1]
    slips.append(("units", action(*arguments, quarter=0.25 * D), "The noise D is not in it"))
    compare(got, action(*arguments), slips)


def momenta(i, x, t, D, *, drift=1.0, kick=0.5, transposed=True, U=1.0, unweighted=False, **mesh):
    """The momenta that arrive at the end of each step and leave its start, ``p ± (h/2) ∂L/∂x``.

    For a system with ``i.drift``, ``i.jacobian`` and ``i.divergence_gradient``, and ``U`` times ``½∇·f``.
    """
    h, where, v = _middle(x, t, **mesh)
    p = (v - drift * i.drift(where)) / (2 * D)
    force = U * i.divergence_gradient(where) / 2
    force = force - np.einsum("kij,ki->kj" if transposed else "kji,ki->kj", i.jacobian(where), p)
    step = kick * (force if unweighted else h[:, None] * force)
    return p + step, p - step


MOMENTUM_SLIPS = [
    ("naive momentum", {"kick": 0.0}, "So the half step with ∂L/∂x is missing"),
    ("missing ½∇·f", {"U": 0.0}),
    ("transposed Jacobian", {"transposed": False}),
    ("sign", {"U": -1.0}, "It is that of ∇U"),
    ("sign", {"kick": -0.5}, "It is that of ∂L/∂x"),
    ("factor ½", {"U": 0.5}, "It is that of U = ½∇·f"),
    ("factor ½", {"U": 2.0}, "It is that of U = ½∇·f"),
    ("factor ½", {"kick": 1.0}, "It is that of the half step"),
    ("unequal steps", {"equal": "first"}),
    ("unequal steps", {"equal": "mean"}),
    ("forgotten h", {"unweighted": True}, "It is that of the half step"),
    ("forgotten h", {"undivided": True}),
    ("drift", {"drift": 0.0}),
    ("drift", {"drift": -1.0}, "It is v - f, and not v + f"),
    ("drift", {"drift": 0.0, "kick": 0.0}),
]


def jumps(i, x, t, D, **slip):
    """The derivative of the action by the inner nodes."""
    arrive, leave = momenta(i, x, t, D, **slip)
    return arrive[:-1] - leave[1:]


def turning(i, x, t, D, **slip):
    """Angular momentum at the node that ends each step."""
    arrive, _ = momenta(i, x, t, D, **slip)
    return x[1:, 0] * arrive[:, 1] - x[1:, 1] * arrive[:, 0]


def energy(i, x, t, D, *, share=0.5, drift=1.0, **mesh):
    """``E = p.v - L`` in the middle of each step."""
    _, where, v = _middle(x, t, **mesh)
    square = (v**2).sum(axis=-1) - drift * (i.drift(where) ** 2).sum(axis=-1)
    return square / (4 * D) - share * i.divergence(where)
