"""How long an exact search may take."""

from __future__ import annotations

from time import monotonic


class SearchLimitError(RuntimeError):
    """An exact search was given up because it takes too long or has too many unknowns.

    It says nothing about the symmetries.  `noetherlib.discover` finds those with ``xi`` affine in
    the state and no gauge term numerically, in any dimension; a smaller ``degree`` or
    ``time_basis`` makes the exact search smaller.
    """


def given_up(reason):
    """The error to raise, with what to do instead."""
    return SearchLimitError(
        f"the exact search was given up: {reason}. Take a smaller degree or time_basis, or search "
        "numerically with noetherlib.discover.symmetries_from_drift"
    )


class Deadline:
    """Raises `SearchLimitError` once so many seconds have passed; never if None."""

    def __init__(self, seconds=None):
        self.seconds, self.start = seconds, monotonic()

    def check(self, step):
        """To be called between the parts of a step."""
        if self.seconds is not None and monotonic() - self.start > self.seconds:
            raise given_up(f"it took more than {self.seconds:g} seconds and had come to {step}")
