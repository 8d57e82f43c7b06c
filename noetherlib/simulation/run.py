"""The front: what is asked for, cut into blocks, and what comes back."""

from __future__ import annotations

import warnings
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np

from ..inputs import as_count, as_states, as_streams, as_times, brief
from ..system import tell_outside
from .blocks import BLOCK, fill, room, rows, with_bar
from .bounds import as_walls
from .choose import choose
from .failures import POLICIES
from .interpretation import in_ito
from .linear import NotLinear
from .region import Region


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Simulated paths.

    Attributes
    ----------
    t : (n_times,) array
        The saved times.
    x : (n_paths, n_times, dim) array
        The states there; a view of an array that has the paths last.
    method : str
        The scheme that ran: "exact", "euler-maruyama", "milstein", "local-linear", "tamed" or
        "implicit".
    exit_time : (n_paths,) array, or None without bounds and region
        When each path first reached a bound, or left the region; nan while it is still inside.
    exit_side : (n_paths,) array of int, or None without bounds and region
        -1 for the lower bound, +1 for the upper one and for a region, 0 while still inside.
    failed : int
        How many paths left the finite numbers: dropped from the others, or nan from then on.
    """

    t: np.ndarray
    x: np.ndarray
    method: str
    exit_time: np.ndarray | None = None
    exit_side: np.ndarray | None = None
    failed: int = 0

    def __repr__(self):
        n_paths, n_times, dim = self.x.shape
        inside = "" if self.exit_side is None else f", {(self.exit_side == 0).sum()} still inside"
        failed = f", {self.failed} failed" if self.failed else ""
        return (
            f"<Ensemble: {n_paths} paths of dimension {dim}, t from {self.t[0]:.6g} to "
            f"{self.t[-1]:.6g} ({n_times} saved), {self.method}{inside}{failed}>"
        )


def simulate(
    system,
    x0,
    t,
    n_paths,
    rng=0,
    save="all",
    bounds=None,
    executor=None,
    progress=False,
    method=None,
    *,
    region=None,
    reflect=None,
    interpretation="ito",
    on_failure="raise",
):
    """Simulate independent paths of ``dx = f dt + sqrt(2 D) dW``.

    Parameters
    ----------
    system : System
    x0 : (dim,) or (n_paths, dim) array, a number where dim is 1, or callable
        One start for all paths, or one for each; a function ``x0(rng, n)`` draws n of them,
        (n, dim), with the Generator that it is handed.
    t : (n_steps + 1,) array
        Increasing times, uniform or not; the paths start at ``t[0]`` and each interval is a step.
    n_paths : int
    rng : int, SeedSequence or Generator
        The same seed gives the same numbers, whatever the workers.
    save : "all", "final" or int
        Keep every time, the last one alone, or every ``save``-th with the first and last among
        them.
    bounds : (lower, upper), optional
        Absorbing bounds, for dim 1 and starts strictly between them: a path that reaches one stays
        there. Each is a number, infinite for none, or a function of time (collapsing bounds).
        Crossings inside a step are found by a bridge (see Notes).
    executor : concurrent.futures.Executor, optional
        Who computes: threads, processes, ``dask.distributed.Client.get_executor()``, MPI. By
        default two threads; one block after another on a single core, and where no thread can be
        started.
    progress : bool
        Show a bar.
    method : str, optional
        By default the best that applies, by what is declared of the system or seen:

        - "exact": exact transitions, right at any step size, for a constant D and a linear drift.
          One that is not declared linear (as the zoo's and `System.from_sympy`'s are) but does not
          use the time is compared with ``A x + b`` at every state in use; where it is another, all
          is done again by "euler-maruyama", or, if "exact" was asked for, that is an error.
        - "local-linear": between bounds, for every other drift.
        - "milstein": where D depends on the state, for dim 1 or a diagonal D whose entries each
          depend on their own coordinate alone.
        - "euler-maruyama": everywhere else.
        - "tamed" or "implicit" (drift-implicit Euler), for drifts that grow fast or are stiff,
          where the explicit step explodes; only if asked for.
    region : callable, optional
        Paths stop where they leave it, in any dimension. ``region(x)``, x (n, dim), returns numbers
        (n,), positive inside and smooth, with which crossings inside a step are found, to an error
        of order h (the edge is taken flat, and h is not cut); or truth values, which are looked at
        after each step alone: exits then come late, by O(sqrt(h)).
    reflect : (lower, upper), optional
        Reflecting walls, for dim 1, given as bounds are; with ``bounds`` on the other side, say.
    interpretation : "ito", "stratonovich" or "hanggi-klimontovich"
        Of noise that depends on the state: the drift is given ``div D`` times 0, 1/2 or 1 more, D's
        derivatives exact where the system has them. Stratonovich's needs a diagonal D, which is looked at
        in every state where the drift is.
    on_failure : "raise", "drop" or "nan"
        What becomes of a path that leaves the finite numbers: an error that says where, the other
        paths alone, or nan from then on. The result counts them.

    Returns
    -------
    Ensemble

    Raises
    ------
    ValueError
        Naming the argument: bad shapes, times that do not increase, a start outside the bounds,
        bounds where dim > 1, a drift or diffusion that is not finite (with time, state, step and
        path), a method that does not apply, a system that cannot be sent to the executor's
        processes.

    Warns
    -----
    RuntimeWarning
        Where t's steps would have to be cut into more than 400 parts for exits right within 1 %;
        the warning says which step would do.

    Notes
    -----
    Strong order: Euler-Maruyama, tamed and implicit Euler 1 where D does not depend on the state,
    else 1/2; Milstein 1. Weak order 1; "local-linear" 2 where D does not depend on the state
    (Kloeden and Platen 1992, chapters 10, 14 and 15; Hutzenthaler, Jentzen and Kloeden 2012;
    Higham, Mao and Stuart 2002).

    Bounds: "exact" and "local-linear" take the drift linear over a step, and D frozen.
    In the clock of that drift a step is a Brownian bridge. Ending at a distance b from a bound,
    having started at a, it has touched it with probability ``exp(-a b / (D h))`` (h replaced by
    ``sinh(s h) / s`` for a slope s), first at the time ``h z / (1 + z)`` of that clock, where z is
    inverse Gaussian with mean a/b and shape ``a**2 / (2 D h)``. The bound is taken straight in that
    clock, and moved by 2/3 of its sag. Steps are cut into equal parts so that a bridge hardly ever
    (under 1e-6) meets both bounds, ``2 D h < (upper - lower)**2 / 16``; that ``|s| h < 1/2``, and
    ``s f**2 h**2 < 1.2 D``; and ``h D'**2 < 0.02 D`` for a D that depends on the state. For
    constant drift and D the exits are right at any step size. "euler-maruyama" has the drift frozen
    as well, without the last three cuts: errors of order h. A moving bound holds the path that met
    it where it met it. A D of the time alone is taken half way through a part of a step, which is
    cut until D changes by less than a quarter.

    Region: in a disc of radius 1 (D = 1/2, restoring rate 2) mean exit times are late by 8 % at
    h = 0.2, 4 % at 0.05 and under 1 % at 0.01 (truth values: 24 % there).
    Euler-Maruyama's own error comes on top: halve the steps and compare.

    Reflection pushes each step's end by what its bridge fell below the wall (Skorokhod's equation;
    Lépingle 1995).

    Memory: the saved states, ``8 n_paths n_times dim`` bytes, and some blocks of 10,000 states.
    """
    t = as_times(t)
    n_paths = as_count(n_paths, "n_paths")
    saved = rows(save, len(t))
    system = in_ito(system, interpretation)
    if not isinstance(on_failure, str) or on_failure not in POLICIES:
        names = ", ".join(f'"{name}"' for name in POLICIES)
        raise ValueError(f"on_failure must be one of {names}, got {brief(on_failure)}")
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise ValueError(f"executor must be a concurrent.futures.Executor, got {brief(executor)}")
    edges = [*range(0, n_paths, BLOCK), n_paths]
    blocks = [slice(*pair) for pair in zip(edges, edges[1:])]
    streams = as_streams(rng, len(blocks))
    starts = _starts(x0, system.dim, n_paths, blocks, streams)
    walls, kind = _walls(bounds, reflect, region, system, starts, t)
    strict = on_failure == "raise"
    scheme = choose(system, starts, t, method, kind, strict)

    def computed(scheme, streams):
        arrays = room(len(saved), n_paths, system.dim, walls, len(blocks))
        parts = [
            [array[k : k + 1] if i == 2 else array[..., block] for i, array in enumerate(arrays)]
            for k, block in enumerate(blocks)
        ]
        jobs = [
            (scheme, starts[b], t, saved, stream, walls, b.start, strict)
            for b, stream in zip(blocks, streams)
        ]
        done = fill(parts, jobs, executor)
        for _ in with_bar(done, blocks) if progress else done:
            pass
        return arrays

    try:
        arrays = computed(scheme, deepcopy(streams))
    except NotLinear:
        if method is not None:
            raise
        scheme = choose(system, starts, t, "euler-maruyama", kind, strict)
        arrays = computed(scheme, streams)
    states, lost, needed, *exits = arrays
    if needed.min() < np.inf:
        warnings.warn(
            f"t has steps of up to {np.diff(t).max():.3g}, too long for the drift between the bounds: "
            f"exit times may be wrong by more than 1 %; take steps of at most {needed.min():.2g}",
            RuntimeWarning,
            stacklevel=2,
        )
    ens = Ensemble(t[saved], states.transpose(2, 0, 1), scheme.name, *exits, failed=int(lost.sum()))
    if on_failure == "drop" and lost.any():
        kept = dict(zip(("exit_time", "exit_side"), (each[~lost] for each in exits)))
        ens = replace(ens, x=ens.x[~lost], **kept)
    tell_outside(system, ens.x, "simulate")
    return ens


def _starts(x0, dim, n_paths, blocks, streams):
    """The starts (n_paths, dim), drawn by each block's own stream where they are drawn."""
    if callable(x0):
        drawn = []
        for n, stream in ((b.stop - b.start, s) for b, s in zip(blocks, streams)):
            part = as_states(x0(stream, n), dim, "x0(rng, n)")
            if part.shape != (n, dim):
                raise ValueError(
                    f"x0(rng, n) must return shape (n, {dim}), got shape {part.shape} for n = {n}"
                )
            drawn.append(part)
        return np.concatenate(drawn)
    starts = as_states(x0, dim, "x0")
    if starts.shape not in ((dim,), (n_paths, dim)):
        raise ValueError(
            f"x0 must be one state ({dim},) or one for each path ({n_paths}, {dim}), got shape {starts.shape}"
        )
    return np.broadcast_to(starts, (n_paths, dim))


def _walls(bounds, reflect, region, system, starts, t):
    """What stops or turns the paths, and its kind."""
    if bounds is None and reflect is None:
        return (None, None) if region is None else (Region(region, system, starts), "region")
    if region is not None:
        raise ValueError("region goes without bounds and reflect: write them into its function")
    return as_walls(bounds, reflect, system.dim, starts, t), "bounds"
