# /// script
# requires-python = ">=3.11"
# dependencies = ["diffrax==0.7.2", "jax==0.10.2", "numpy==2.4.6", "scipy==1.17.1"]
# ///
"""diffrax's ensemble against ours: the same equation, scheme, step and number of paths, compiled before.

`UnsafeBrownianPath` is its quickest source of noise, `VirtualBrownianTree` the one that it recommends.
"""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np

from .ensemble import START, STEPS, TURN, D, error, ours
from .table import compare

PATHS = 10_000


def drift(t, x, args):
    inward = 1 - x @ x
    return jnp.stack([inward * x[0] - TURN * x[1], inward * x[1] + TURN * x[0]])


def solver(path, adjoint):
    """Ends (PATHS, 2) by one source of noise."""

    def one(key):
        noise = diffrax.ControlTerm(lambda t, x, args: (2 * D) ** 0.5 * jnp.eye(2), path(key))
        return diffrax.diffeqsolve(
            diffrax.MultiTerm(diffrax.ODETerm(drift), noise),
            diffrax.Euler(),
            0.0,
            1.0,
            dt0=1 / STEPS,
            y0=jnp.asarray(START),
            adjoint=adjoint,
        ).ys[-1]

    compiled = jax.jit(jax.vmap(one))
    return lambda: np.asarray(compiled(jax.random.split(jax.random.key(1), PATHS)))


def main():
    jax.config.update("jax_enable_x64", True)
    unsafe = solver(lambda key: diffrax.UnsafeBrownianPath((2,), key), diffrax.DirectAdjoint())
    tree = solver(
        lambda key: diffrax.VirtualBrownianTree(0.0, 1.0, 0.5 / STEPS, (2,), key),
        diffrax.RecursiveCheckpointAdjoint(),
    )
    compare(
        f"{PATHS:,} paths x {STEPS} steps of the clock: time of diffrax 0.7.2 over ours",
        (lambda: ours(PATHS), error),
        {"Euler, UnsafeBrownianPath": (unsafe, error), "Euler, tree": (tree, error)},
    )


if __name__ == "__main__":
    main()
