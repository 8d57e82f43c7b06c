# /// script
# requires-python = ">=3.11"
# dependencies = ["pyddm==0.9.0", "numpy==2.4.6", "scipy==1.17.1"]
# ///
"""PyDDM's density of the undecided against the generator's on a grid, and both against the sine series.

Drift 0.5, noise 1, bounds at -1 and 1, from 0.25, at time 1. The error is the largest of the density, over
its largest value. PyDDM's mesh is its default (0.005) and finer ones, by its implicit method in C, which is
the one of its methods that returns this density.
"""

import logging
from functools import partial

import numpy as np
import pyddm

import noetherlib as nl

from .table import compare

MODEL = nl.interop.from_pyddm(drift=0.5, noise=1.0, bound=1.0, starting_position=0.25)
T = 1.0
CELLS = 16, 32


def exact(x):
    """The density at T of the paths that have met no bound."""
    D, v, (low, high) = MODEL.diffusion, MODEL.velocity, MODEL.bounds
    width, n = high - low, np.arange(1, 200)
    modes = np.sin(np.outer(n, np.pi * (x - low) / width))
    weights = np.sin(n * np.pi * (MODEL.x0 - low) / width) * np.exp(-D * (n * np.pi / width) ** 2 * T)
    tilt = np.exp(v * (x - MODEL.x0) / (2 * D) - v**2 * T / (4 * D))
    return 2 / width * tilt * (weights @ modes)


def off(answer):
    x, density = answer
    return f"error {np.abs(density - exact(x)).max() / exact(x).max():.1e}"


def theirs(step):
    model = pyddm.gddm(**nl.interop.to_pyddm(MODEL), dx=step, dt=step, T_dur=T)
    return model.x_domain(conditions={}), model.solve_numerical_c().pdf_undec()


def ours(cells):
    system = nl.models.drift_diffusion(MODEL.velocity, MODEL.diffusion)
    gen = nl.generator(system, MODEL.bounds, cells, edges="absorbing")
    return gen.axes[0], gen.transition_density([MODEL.x0], T).values


def main():
    logging.getLogger("pyddm").setLevel("ERROR")  # it warns of overlays, and there are none
    others = {f"dx = dt = {step}": (partial(theirs, step), off) for step in (0.005, 0.0025, 0.001)}
    for cells in CELLS:
        compare(
            f"Density of the undecided: time of PyDDM 0.9.0 over ours on {cells} cells",
            (partial(ours, cells), off),
            others,
            ">= 1",
        )


if __name__ == "__main__":
    main()
