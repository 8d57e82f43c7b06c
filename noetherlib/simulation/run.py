"""The front: what is asked for, cut into blocks, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..inputs import as_count, as_states, as_streams, as_times, brief
from .blocks import BLOCK, fill
from .bounds import as_bounds
from .schemes import choose


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
        The scheme used: "exact", "euler-maruyama" or "milstein".
    exit_time : (n_paths,) array, or None without bounds
        When each path first reached a bound; nan while it is still inside.
    exit_side : (n_paths,) array of int, or None without bounds
        -1 for the lower bound, +1 for the upper one, 0 while still inside.
    """

    t: np.ndarray
    x: np.ndarray
    method: str
    exit_time: np.ndarray | None = None
    exit_side: np.ndarray | None = None

    def __repr__(self):
        n_paths, n_times, dim = self.x.shape
        inside = "" if self.exit_side is None else f", {(self.exit_side == 0).sum()} still inside"
        return (
            f"<Ensemble: {n_paths} paths of dimension {dim}, t from {self.t[0]:.6g} to "
            f"{self.t[-1]:.6g} ({n_times} saved), {self.method}{inside}>"
        )


def simulate(
    system, x0, t, n_paths, rng=0, save="all", bounds=None, executor=None, progress=False,
    method=None,
):
    """Simulate independent paths of ``dx = f dt + sqrt(2 D) dW`` (Itô).

    Parameters
    ----------
    system : System
    x0 : (dim,) or (n_paths, dim) array, or a number where dim is 1
        One start for all paths, or one for each.
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
        there. Crossings inside a step are found by the Brownian-bridge test (see Notes).
    executor : concurrent.futures.Executor, optional
        Who computes: threads, processes, ``dask.distributed.Client.get_executor()``, MPI. By
        default two threads; one block after another on a single core, and where no thread can be
        started.
    progress : bool
        Show a bar.
    method : "exact", "euler-maruyama" or "milstein", optional
        By default the best that applies: exact transitions for linear drift and constant D without
        bounds, right at any step size; Milstein where D depends on the state, for dim 1 or a
        diagonal D whose entries each depend on their own coordinate alone; else Euler-Maruyama.

    Returns
    -------
    Ensemble

    Raises
    ------
    ValueError
        Naming the argument: bad shapes, times that do not increase, a start outside the bounds,
        bounds where dim > 1, a drift or diffusion that is not finite (with time and state), a
        method that does not apply, a system that cannot be sent to the executor's processes.

    Notes
    -----
    Strong order: Euler-Maruyama 1 where D does not depend on the state, else 1/2; Milstein 1. Weak
    order 1 (Kloeden and Platen 1992, chapters 10 and 14).

    Bounds: inside an Euler step the path is a Brownian bridge, drift and D frozen at their values
    at the start. Ending at a distance b from a bound, having started at a, it has touched it with
    probability ``exp(-a b / (D h))``, first at the time ``h z / (1 + z)``, where z is inverse
    Gaussian with mean a/b and shape ``a**2 / (2 D h)``. Steps with
    ``2 D h > (upper - lower)**2 / 16`` are cut into equal parts, so that a bridge hardly ever
    (under 1e-6) meets both bounds. Thus for constant drift and D the exits are right at any step
    size; otherwise the error is of order h.

    Memory: the saved states, ``8 n_paths n_times dim`` bytes, and some blocks of 10,000 states.
    """
    t = as_times(t)
    n_paths = as_count(n_paths, "n_paths")
    saved = _saved(save, len(t))
    starts = as_states(x0, system.dim, "x0")
    if starts.shape not in ((system.dim,), (n_paths, system.dim)):
        raise ValueError(
            f"x0 must be one state ({system.dim},) or one for each path ({n_paths}, {system.dim}), "
            f"got shape {starts.shape}"
        )
    starts = np.broadcast_to(starts, (n_paths, system.dim))
    if bounds is not None:
        bounds = as_bounds(bounds, system.dim, starts)
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise ValueError(f"executor must be a concurrent.futures.Executor, got {brief(executor)}")
    scheme = choose(system, starts, t, method, bounds)
    edges = [*range(0, n_paths, BLOCK), n_paths]
    blocks = [slice(*pair) for pair in zip(edges, edges[1:])]
    streams = as_streams(rng, len(blocks))

    arrays = [np.empty((len(saved), system.dim, n_paths))]
    if bounds is not None:
        arrays += [np.full(n_paths, np.nan), np.zeros(n_paths, dtype=np.int8)]
    parts = [[array[..., block] for array in arrays] for block in blocks]
    jobs = [(scheme, starts[b], t, saved, stream, bounds) for b, stream in zip(blocks, streams)]
    done = fill(parts, jobs, executor)
    if progress:
        done = _with_bar(done, blocks)
    for _ in done:
        pass
    return Ensemble(t[saved], arrays[0].transpose(2, 0, 1), scheme.name, *arrays[1:])


def _saved(save, count):
    """Indices of the times to keep."""
    if isinstance(save, str) and save == "all":
        return np.arange(count)
    if isinstance(save, str) and save == "final":
        return np.array([count - 1])
    if isinstance(save, str):
        raise ValueError(f'save must be "all", "final" or a positive integer, got {save!r}')
    return np.union1d(np.arange(0, count, as_count(save, "save")), count - 1)


def _with_bar(done, blocks):
    """The indices ``done``, with a bar that shows how many paths there are."""
    from tqdm.auto import tqdm

    with tqdm(total=blocks[-1].stop, unit="path", unit_scale=True) as bar:
        for k in done:
            bar.update(blocks[k].stop - blocks[k].start)
            yield k
