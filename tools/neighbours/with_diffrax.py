# /// script
# requires-python = ">=3.11"
# dependencies = ["diffrax==0.7.2"]
# ///
"""diffrax: the solver chooses the calculus, and a coarse Brownian tree changes it."""

import json

import diffrax as dfx
import jax
import jax.numpy as jnp

noise, n, step = 0.7, 20_000, 0.01


def ends(solver, tol):
    def one(key):
        tree = dfx.VirtualBrownianTree(0.0, 1.0, tol=tol, shape=(), key=key)
        terms = dfx.MultiTerm(
            dfx.ODETerm(lambda t, y, args: 0.0 * y),
            dfx.ControlTerm(lambda t, y, args: noise * y, tree),
        )
        return dfx.diffeqsolve(terms, solver, 0.0, 1.0, dt0=step, y0=jnp.array(1.0)).ys[-1]

    return jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(1), n))


rows = []
for name, solver, tol in [
    ("Euler", dfx.Euler(), step / 2),
    ("ItoMilstein", dfx.ItoMilstein(), step / 2),
    ("Heun", dfx.Heun(), step / 2),
    ("EulerHeun", dfx.EulerHeun(), step / 2),
    ("Euler", dfx.Euler(), 10 * step),
    ("Euler", dfx.Euler(), 50 * step),
]:
    last = ends(solver, tol)
    rows.append(
        {
            "what": f"{name}, tol = {tol}, dt0 = {step}: mean of x(1) for x(0) = 1",
            "model": {"g": f"{noise} x"},
            "seen": float(last.mean()),
            "error": float(last.std() / n**0.5),
        }
    )
print(json.dumps(rows))
