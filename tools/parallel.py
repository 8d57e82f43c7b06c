"""Several things at once, as many as there are cores for: the book's notebooks, and the tests."""

import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tqdm import tqdm

SHARE = Path("/sys/fs/cgroup/cpu.max")  # a container's: microseconds of work in a period of so many
THREADS = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"]


def cores():
    """Cores that this process may use; in a container, no more than its share of time is worth."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    allowed, period = SHARE.read_text().split() if SHARE.exists() else ("max", "1")
    return bound if allowed == "max" else max(1, min(bound, int(allowed) // int(period)))


def limit_threads(jobs):
    """Let so many jobs share the cores: more threads than cores wait for one another."""
    for name in THREADS:
        os.environ.setdefault(name, str(max(1, cores() // jobs)))


def each(function, items, title):
    """Yield every item with the function's result, as they are done, behind a bar that says which was last.

    Threads are enough: what takes long runs in processes of its own, such as kernels.
    """
    jobs = max(1, min(cores(), len(items)))
    limit_threads(jobs)
    bar = tqdm(total=len(items), desc=title, unit="page", disable=not items)
    with bar, ThreadPoolExecutor(jobs) as pool:
        waiting = {pool.submit(function, item): item for item in items}
        for done in as_completed(waiting):
            item = waiting[done]
            if error := done.exception():
                error.add_note(f"while working on {item}")
                pool.shutdown(cancel_futures=True)
                raise error
            yield item, done.result()
            bar.set_postfix_str(Path(str(item)).stem, refresh=False)
            bar.update()
