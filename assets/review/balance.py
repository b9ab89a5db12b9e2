"""The balance of an import: in = accepted + duplicate + conflict + rejected."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from assets.review.errors import LedgerUnbalanced

REJECTS = {
    "file": pl.String(),
    "file_sha256": pl.String(),
    "task": pl.String(),
    "annotation": pl.String(),
    "item_id": pl.String(),
    "actor": pl.String(),
    "label": pl.String(),
    "outcome": pl.String(),
    "reason": pl.String(),
}


@dataclass(frozen=True)
class Source:
    """Which file is imported, when, and by which run and code."""

    file: str
    file_sha256: str
    imported_at: datetime
    run_id: str
    code_version: str


@dataclass(frozen=True)
class Balance:
    """How many judgments came in and what became of them.

    A judgment is one annotation, or one vote that a retraction names. A task that nobody
    answered holds none: it is counted as unanswered, apart from the balance.
    """

    tasks_in: int
    accepted: int
    duplicate: int
    conflict: int
    rejected: int
    unanswered: int = 0

    @property
    def accounted(self) -> int:
        """Judgments of which it is known what became of them."""
        return self.accepted + self.duplicate + self.conflict + self.rejected


@dataclass(frozen=True)
class ReviewImport:
    """What one review file came to.

    Attributes:
        file: Name of the file.
        file_sha256: Digest of its bytes.
        votes: New votes (schema VOTES), to be added to the ledger.
        rejects: What was set aside (columns of REJECTS), conflicts included, with the reason.
        balance: What became of each judgment.
    """

    file: str
    file_sha256: str
    votes: pl.DataFrame
    rejects: pl.DataFrame
    balance: Balance

    def __post_init__(self) -> None:
        if self.balance.tasks_in != self.balance.accounted:
            raise LedgerUnbalanced(self.file, self.balance.tasks_in, self.balance.accounted)
