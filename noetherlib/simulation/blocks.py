"""Blocks of paths, each with its own stream: computed by threads, by any executor or in turn."""

from __future__ import annotations

import os
import traceback
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pickle import PicklingError

import numpy as np

from .bounds import absorbed

#: Paths per block. Each block draws from its own stream, whoever computes it.
BLOCK = 10_000


def fill(parts, jobs, executor=None):
    """Compute each of ``jobs`` into the arrays of its part; yield its index when it is done.

    A job is ``(scheme, starts, t, saved, rng, bounds)``, its part the arrays that `block` fills.
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
        for future in as_completed(list(futures)):
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
            "every other function of it) with def at the top level of a module, or use "
            "System.from_sympy"
        ) from error


def _away(scheme, starts, t, saved, rng, bounds):
    """The arrays of one block, computed where they have to be sent back; or the error it raised."""
    count, dim = starts.shape
    part = [np.empty((len(saved), dim, count))]
    if bounds is not None:
        part += [np.full(count, np.nan), np.zeros(count, dtype=np.int8)]
    try:
        block(scheme, starts, t, saved, rng, bounds, part)
    except Exception as error:
        error.add_note(traceback.format_exc())  # where it was raised is lost on the way
        return error
    return part


def block(scheme, starts, t, saved, rng, bounds, part):
    """Simulate one block into ``part``, states (saved, dim, paths)[, times, sides of exit]."""
    with np.errstate(all="ignore"):  # what is not finite raises a ValueError below
        if bounds is None:
            free(scheme, starts, t, saved, rng, *part)
        else:
            absorbed(scheme, starts[:, 0], t, saved, rng, *bounds, *part)


def free(scheme, starts, t, saved, rng, states):
    """Fill ``states`` (saved, dim, paths) with paths that nothing stops."""
    x = np.array(starts.T, order="C")
    z, work = np.empty_like(x), np.empty_like(x)
    row = 0
    for k in range(len(t)):
        if k > 0:
            rng.standard_normal(out=z)
            scheme.advance(x, z, work, k - 1)
        if k == saved[row]:
            states[row] = x
            row += 1
    for i, j in np.argwhere(~np.isfinite(x))[:1]:
        raise ValueError(
            f"the drift of system drives the state to x[{i}] = {x[i, j]} at t = {t[-1]:.6g}: "
            "take smaller steps"
        )
