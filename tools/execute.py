"""Execute notebooks into the cache from which the site takes what they printed and drew, and read it.

A notebook is found by its code. The folder of the cache stands for all else that its outputs depend
on: tools/build.py says what that is.
"""

import time
from contextlib import contextmanager
from functools import partial

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tools import parallel
from tools.notebooks import execute, read


@contextmanager
def opened(folder):
    cache = get_cache(folder)
    try:
        yield cache
    finally:
        cache.db.dispose()


def missing(cache, paths):
    """The notebooks without a record; of those with equal code, one."""
    found = {}
    for path in paths:
        found.setdefault(cache.create_hashed_notebook(read(path))[1], path)
    known = {record.hashkey for record in cache.list_cache_records()}
    return [path for key, path in found.items() if key not in known]


def run(path, timeout):
    """The executed notebook and its seconds, or None and why there is none."""
    start = time.monotonic()
    try:
        notebook = execute(read(path), path.parent, timeout, widgets=True)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        return None, str(error)
    return notebook, time.monotonic() - start


def fill(folder, paths, timeout):
    """Execute every notebook without a record, several at once; return {path: why} of the failed."""
    failed = {}
    with opened(folder) as cache:
        waiting = missing(cache, paths)
        for path, (notebook, told) in parallel.each(partial(run, timeout=timeout), waiting, "Executing"):
            if notebook is None:
                failed[path] = told
            else:
                store(cache, path, notebook, execution_seconds=told)
    return failed


def keep(folder, paths):
    """Take notebooks that cannot be executed here as they are, without pictures and without seconds."""
    with opened(folder) as cache:
        for path in missing(cache, paths):
            store(cache, path, read(path))


def store(cache, path, notebook, **known):
    record = CacheBundleIn(notebook, str(path), data=known)
    cache.cache_notebook_bundle(record, check_validity=False, overwrite=True)


def recorded(folder, notebook):
    """The code cells of a notebook as they were executed, or None if there is no record of this code."""
    if not folder.is_dir():
        return None
    with opened(folder) as cache:
        try:
            record = cache.match_cache_notebook(notebook)
        except KeyError:
            return None
        return cache.get_cache_bundle(record.pk).nb.cells


class Replay:
    """A kernel, as nbval knows them, that answers with what the cells gave when they were executed."""

    def __init__(self, cells):
        self.cells, self.messages = iter(cells), iter(())

    def is_alive(self):
        return True

    def stop(self):
        pass

    def execute_cell_input(self, source, allow_stdin=None):
        cell = next(cell for cell in self.cells if cell.source == source)
        answers = [(output.output_type, output) for output in cell.outputs]
        self.messages = iter([*answers, ("status", {"execution_state": "idle"})])
        return "recorded"

    def await_reply(self, message, timeout=None):
        pass

    def await_idle(self, message, timeout):
        pass

    def get_message(self, stream, timeout=None):
        kind, content = next(self.messages)
        return {"msg_type": kind, "content": content, "parent_header": {"msg_id": "recorded"}}
