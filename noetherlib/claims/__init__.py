"""What a page claims: a ledger of claims, tested as they are stated."""

from .judge import ClaimFailed
from .ledger import SEEDS, Claim, Claims
from .measures import mean_and_error, power

__all__ = ["SEEDS", "Claim", "ClaimFailed", "Claims", "mean_and_error", "power"]
