"""Blocks of paths, each with its own stream: computed by threads, by any executor or in turn."""

from __future__ import annotations

import os
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pickle import PicklingError

import numpy as np

from ..inputs import as_count, brief
from .bounds import Walls
from .crossing import between
from .failures import NotFinite, check
from .region import leaving

#: Paths per block. Each block draws from its own stream, whoever computes it.
BLOCK = 10_000


def fill(parts, jobs, executor=None):
    """Compute each of ``jobs`` into the arrays of its part; yield its index when it is done.

    Results are taken in the order of the jobs, so that of several failures the first job's is
    raised, whoever was quicker.

    A job is ``(scheme, starts, t, saved, rng, walls, first, strict)``, its part the arrays of
    `room` that `block` fills.
    """
    pool = _threads(len(jobs)) if executor is None else executor
    if pool is None:
        for k, (part, job) in enumerate(zip(parts, jobs)):
            block(*job, part)
            yield k
        return
    shared = isinstance(pool, ThreadPoolExecutor)  # only threads can write into our memory
    futures = {}
    try:
        for k, (part, job) in enumerate(zip(parts, jobs)):
            with _transport(shared):
                future = pool.submit(block, *job, part) if shared else pool.submit(_away, *job)
            futures[future] = k
        for future in list(futures):
            k = futures.pop(future)
            with _transport(shared):
                result = future.result()
            if isinstance(result, Exception):
                raise result
            if not shared:
                for array, values in zip(parts[k], result):
                    array[...] = values
            yield k
    finally:
        for future in futures:
            future.cancel()
        if executor is None:
            pool.shutdown()


def _threads(count):
    """Two threads for so many blocks; None where they are one too many or cannot be started."""
    count = min(2, os.cpu_count() or 1, count)
    if count == 1:
        return None
    pool = ThreadPoolExecutor(count)
    try:
        pool.submit(int)  # starts one
    except RuntimeError:  # in a browser, say
        return None
    return pool


@contextmanager
def _transport(shared):
    """Errors of these kinds were raised in pickling: what a job raises is returned by `_away`."""
    try:
        yield
    except (PicklingError, AttributeError, TypeError) as error:
        if shared:  # nothing is pickled
            raise
        raise ValueError(
            f"system cannot be sent to the executor's processes ({error}): define its drift (and "
            "every other function, of bounds and region too) with def at the top level of a module, "
            "or use System.from_sympy"
        ) from error


def _away(scheme, starts, t, saved, rng, walls, *options):
    """The arrays of one block, computed where they have to be sent back; or the error it raised."""
    part = room(len(saved), *starts.shape, walls)
    try:
        block(scheme, starts, t, saved, rng, walls, *options, part)
    except Exception as error:
        error.add_note(traceback.format_exc())  # where it was raised is lost on the way
        return error
    return part


def rows(save, count):
    """Indices of the times to keep."""
    if isinstance(save, str) and save == "all":
        return np.arange(count)
    if isinstance(save, str) and save == "final":
        return np.array([count - 1])
    if isinstance(save, str):
        raise ValueError(f'save must be "all", "final" or a positive integer, got {brief(save)}')
    return np.union1d(np.arange(0, count, as_count(save, "save")), count - 1)


def room(n_saved, count, dim, walls, blocks=1):
    """Arrays for states (saved, dim, paths), who was lost, the step needed, and the exits."""
    part = [np.empty((n_saved, dim, count)), np.zeros(count, dtype=bool), np.full(blocks, np.inf)]
    if walls is not None:
        part += [np.full(count, np.nan), np.zeros(count, dtype=np.int8)] if walls.exits else []
    return part


def block(scheme, starts, t, saved, rng, walls, first, strict, part):
    """Simulate one block, from path number ``first`` on, into ``part``."""
    try:
        with np.errstate(all="ignore"):  # what is not finite is an error or a lost path
            if walls is None:
                free(scheme, starts, t, saved, rng, part[0], None if strict else part[1])
            elif isinstance(walls, Walls):
                between(scheme, starts, t, saved, rng, walls, strict, part)
            else:
                leaving(scheme, starts, t, saved, rng, walls, strict, part)
    except NotFinite as failure:
        raise failure.explained(starts, t, first) from None


def free(scheme, starts, t, saved, rng, states, lost=None):
    """Fill ``states`` (saved, dim, paths) with paths that nothing stops.

    With ``lost`` (paths,), those that leave the finite numbers are marked there, are nan from then
    on, and go on unseen from their start, so that the others keep their numbers.
    """
    x = np.array(starts.T, order="C")
    z, work = np.empty_like(x), np.empty_like(x)
    row = 0
    for k in range(len(t)):
        if k > 0:
            rng.standard_normal(out=z)
            scheme.advance(x, z, work, k - 1)
            if lost is not None and not np.isfinite(x.sum()):
                fallen = ~np.isfinite(x).all(axis=0)
                lost |= fallen
                x[:, fallen] = starts.T[:, fallen]
        if k == saved[row]:
            states[row] = x
            if lost is not None:
                states[row][:, lost] = np.nan
            else:
                check(x, t[k])
            row += 1


def with_bar(done, blocks):
    """The indices ``done``, with a bar that shows how many paths there are."""
    from tqdm.auto import tqdm

    with tqdm(total=blocks[-1].stop, unit="path", unit_scale=True) as bar:
        for k in done:
            bar.update(blocks[k].stop - blocks[k].start)
            yield k
