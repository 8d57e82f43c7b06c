"""A page's ledger: what it claims, in words and numbers, with the bound that each claim had to meet.

A claim is tested when it is stated. One that fails raises, so that its page does not build. A bound so wide
that it would say nothing is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..inputs import brief
from . import text
from .judge import ROUNDOFF, RUNS, compare, numbers, require, scale_of, simulate, tells

SEEDS = (1, 2, 3, 4)  # of simulations
HEADS = ("Claim", "Derived", "Computed", "Simulated", "Bound", "Margin")


@dataclass(frozen=True)
class Claim:
    """One line of the ledger, as it is shown: every entry is text, rounded so that machines agree on it."""

    words: str
    derived: str = ""
    computed: str = ""
    simulated: str = ""
    bound: str = ""
    margin: str = ""

    @property
    def cells(self):
        return self.words, self.derived, self.computed, self.simulated, self.bound, self.margin


class Claims:
    """The ledger of one page. State each claim with one of its methods, then let the ledger show itself.

    Parameters
    ----------
    seeds : sequence of at least four int
        Every simulation given as a function is run at these. The first run is the one that is shown.

    Notes
    -----
    Fix the bounds before you look at the numbers: a bound chosen afterwards tests nothing. In a notebook the
    ledger is a table; printed it is text of at most 76 columns. Differences that are roundoff are shown by
    their bound alone, since machines differ in them.

    Examples
    --------
    >>> claims = nl.Claims()
    >>> claims.agree("The way up costs ΔV/D", derived=2.5, computed=path.action, within=1e-3)
    >>> claims.below("Energy is constant along it", np.ptp(path.energy), 1e-6, scale=2.5)
    >>> claims.holds("It is a minimum", path.kind == "minimum")
    >>> claims
    """

    def __init__(self, seeds=SEEDS):
        self._seeds = tuple(seeds)
        if len(set(self._seeds)) < RUNS:
            raise ValueError(f"seeds must hold at least four different seeds, got {brief(seeds)}")
        self._stated = []

    def agree(
        self,
        words,
        *,
        derived=None,
        computed=None,
        simulated=None,
        within=None,
        errors=4.0,
        bias=0.0,
        scale=None,
    ):
        """Two or three ways to the same number agree.

        Parameters
        ----------
        words : str
            The claim, for a student to read.
        derived, computed : float or ndarray, optional
            What the mathematics says, and what the computer finds.
        simulated : callable or sequence of pairs, optional
            ``simulated(seed)`` returns the estimate and its standard error; or at least four such pairs, of
            independent runs. Compared with `derived` where that is given, else with `computed`.
        within : float, optional
            Bound of \\|computed − derived\\|. Needed where both are given, but for whole numbers, which
            must be equal without one.
        errors : float, at least 3
            A simulation may be off by so many of its standard errors.
        bias : float
            What a simulation may be off beside that, from its time step for example.
        scale : float, optional
            How large the number would be if the claim were false. By default the largest \\|derived\\| (or
            \\|computed\\|). Needed where that is zero.

        Raises
        ------
        ClaimFailed
            If the numbers do not agree.
        ValueError
            If the bound is above half the scale: it would say nothing. Or if there is nothing to compare.
        """
        known = [each for each in (derived, computed) if each is not None]
        if len(known) + (simulated is not None) < 2:
            raise ValueError(f"{words!r}: of derived, computed and simulated at least two must be given")
        if within is not None and len(known) < 2:
            raise ValueError(f"{words!r}: within bounds |computed - derived|, but one of them is missing")
        size = scale_of(words, scale, known[0])
        cells = compare(words, derived, computed, within, size) if len(known) == 2 else {}
        if simulated is not None:
            runs = [simulated(seed) for seed in self._seeds] if callable(simulated) else list(simulated)
            more = simulate(words, runs, known[0], errors, bias, size)
            expected = more.pop("expected")
            cells.setdefault("computed" if derived is None else "derived", expected)
            for head in ("bound", "margin"):
                more[head] = "; ".join(filter(None, [cells.get(head), more[head]]))
            cells |= more
        self._stated.append(Claim(words, **cells))

    def below(self, words, value, bound, *, scale):
        """A number is small: \\|value\\| ≤ bound, for every entry.

        Parameters
        ----------
        words : str
        value : float or ndarray
        bound : float
        scale : float
            How large `value` would be if the claim were false.

        Raises
        ------
        ClaimFailed
            If an entry is larger, or not a number.
        ValueError
            If the bound is above half the scale: it would say nothing.
        """
        size = scale_of(words, scale, None)
        tiny = tells(words, bound, size)
        worst = np.abs(numbers(value)).max()
        require(worst <= bound, words, f"|value| is {worst:.3g}, above the bound {bound:.3g}")
        least = max(worst, bound if tiny else ROUNDOFF * size)  # below that machines differ
        shown = text.significant(worst) if worst == least else f"below {text.bound(least)}"
        self._stated.append(
            Claim(
                words, computed=shown, bound=f"≤ {text.bound(bound)}", margin=text.margin(bound, worst, tiny)
            )
        )

    def above(self, words, value, bound):
        """A number is large: value ≥ bound > 0, for every entry. For contrasts: "ten times the error of".

        Parameters
        ----------
        words : str
        value : float or ndarray
        bound : float, positive

        Raises
        ------
        ClaimFailed
            If an entry is smaller, or not a number.
        ValueError
            If the bound is not positive.
        """
        if not bound > 0:
            raise ValueError(f"{words!r}: bound must be positive, got {bound!r}")
        least = numbers(value).min()
        require(least >= bound, words, f"the value is {least:.3g}, below the bound {bound:.3g}")
        self._stated.append(
            Claim(
                words,
                computed=text.significant(least),
                bound=f"≥ {bound:g}",
                margin=text.margin(least, bound),
            )
        )

    def holds(self, words, truth):
        """A fact without a number: a kind, an identity proved by algebra, an order of things.

        Parameters
        ----------
        words : str
        truth : bool or ndarray of bool
            All entries must be true.

        Raises
        ------
        ClaimFailed
            If it is false.
        ValueError
            If `truth` is not made of True and False.
        """
        facts = np.asarray(truth)
        if facts.dtype != bool or not facts.size:
            raise ValueError(
                f"{words!r}: truth must be True or False, or an array of them, got {brief(truth)}"
            )
        require(facts.all(), words, "it is false")
        self._stated.append(Claim(words, computed="yes" if facts.size == 1 else f"yes, all {facts.size}"))

    def __len__(self):
        return len(self._stated)

    def __iter__(self):
        return iter(self._stated)

    def __repr__(self):
        """The ledger as text of at most 76 columns."""
        return text.plain(HEADS, [claim.cells for claim in self._stated])

    def _repr_html_(self):
        return text.table(HEADS, [claim.cells for claim in self._stated])
