"""How far a sampler is, and how long the rest will take."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext

from ..inputs import brief


class Tally:
    """Trajectories done and the fewest that will be, told to ``tell(done, total)`` after each."""

    def __init__(self, tell=lambda done, total: None):
        self.tell, self.done, self.total = tell, 0, 0

    def expect(self, count):
        """So many are still to come."""
        self.total = self.done + count

    def step(self):
        self.done += 1
        self.tell(self.done, self.total)


def followed(progress):
    """A context with the tally that tells what ``progress`` asks for."""
    if callable(progress):
        return nullcontext(Tally(progress))
    if progress is True:
        return _bar()
    if progress is False or progress is None:
        return nullcontext(Tally())
    raise ValueError(f"progress must be True, False or a function of (done, total), got {brief(progress)}")


@contextmanager
def _bar():
    from tqdm.auto import tqdm  # slow to load, and only needed here

    with tqdm(unit="trajectory", desc="bridges") as bar:

        def tell(done, total):
            bar.total = total
            bar.update(done - bar.n)

        yield Tally(tell)
