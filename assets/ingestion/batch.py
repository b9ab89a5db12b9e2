"""A batch made ready: everything that is uploaded lies in one folder, and the books balance."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from assets.ingestion.arrivals import Arrival
from assets.ingestion.cleaning import FIXES
from assets.ingestion.errors import CountsDoNotBalance, IngestionError
from assets.ingestion.files import remove
from assets.ingestion.rejects import REJECTS
from quality.schema import ITEMS


@dataclass(frozen=True)
class Counts:
    """Where every row and file of a batch went: read = taken + duplicate + known + rejected.

    Attributes:
        read: Rows that were read or found unreadable; a whole file that is unreadable is one.
        taken: New items.
        duplicate: Rows with the content of an earlier row of the batch.
        known: Rows whose item the dataset has already.
        rejected: Rows that are no item, by reason.
        files: Files of the batch.
        files_rejected: Files that were rejected whole.

    Raises:
        CountsDoNotBalance: the sum is not right.
    """

    read: int
    taken: int
    duplicate: int
    known: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    files: int = 1
    files_rejected: int = 0

    def __post_init__(self) -> None:
        accounted = self.taken + self.duplicate + self.known + self.rejected_rows
        if accounted != self.read:
            raise CountsDoNotBalance(self.read, accounted)

    @property
    def rejected_rows(self) -> int:
        """Rows that were rejected, for whatever reason."""
        return sum(self.rejected.values())

    @property
    def reject_share(self) -> float:
        """Share of the rows, or of the files where that is more, that was rejected."""
        of_rows = self.rejected_rows / self.read if self.read else 0.0
        return max(of_rows, self.files_rejected / self.files if self.files else 0.0)

    def to_markdown(self) -> str:
        """The counts as a table."""
        rows = [("read", self.read), ("taken", self.taken), ("duplicate", self.duplicate)]
        rows += [("known", self.known)]
        rows += [(f"rejected: {reason}", count) for reason, count in self.rejected.items()]
        lines = [f"| {name} | {count:,} |" for name, count in rows]
        return "\n".join(["| rows | count |", "|---|---:|", *lines])


@dataclass(frozen=True)
class Batch:
    """A batch ready to be uploaded.

    Attributes:
        name: Name of the batch.
        arrival: The files that it was made of.
        counts: Where every row went.
        folder: All that was prepared; `objects/` in it mirrors the store, `rejected/` holds what
            is set aside for people.
    """

    name: str
    arrival: Arrival
    counts: Counts
    folder: Path

    @property
    def objects(self) -> dict[str, Path]:
        """Local files by the path at which they are to be stored."""
        top = self.folder / "objects"
        files = sorted(path for path in top.rglob("*") if path.is_file())
        return {path.relative_to(top).as_posix(): path for path in files}

    def items(self) -> pl.LazyFrame:
        """The new items, in the order of their ids."""
        paths = sorted((self.folder / "objects" / items_prefix(self.name)).glob("*.parquet"))
        return pl.scan_parquet(paths, schema=dict(ITEMS.columns), hive_partitioning=False)

    def rejects(self) -> pl.LazyFrame:
        """All rows that were not taken, with their reasons.

        Duplicate and known rows have the item's id and the row's own `source_uri`: under that name
        too others may know the item.
        """
        paths = sorted((self.folder / "objects" / rejects_prefix(self.name)).glob("*.parquet"))
        if not paths:
            return REJECTS.empty().lazy()
        return pl.scan_parquet(paths, schema=dict(REJECTS.columns), hive_partitioning=False)

    def fixes(self) -> pl.DataFrame:
        """What was mended in items, duplicate and known ones included."""
        paths = sorted((self.folder / "objects" / fixes_prefix(self.name)).glob("*.parquet"))
        return pl.read_parquet(paths) if paths else FIXES.empty()

    def media(self, uri: str) -> bytes:
        """The bytes of a new item's image."""
        return (self.folder / "objects" / uri).read_bytes()

    def discard(self) -> None:
        """Delete what was prepared, once it is uploaded or given up."""
        remove(self.folder)


class RejectLimitExceeded(IngestionError):
    """Too much of a batch is unusable to take in the rest.

    Attributes:
        batch: The batch as it was prepared, complete with rejects and raw files.
        limit: The dataset's `ingestion.reject_limit`.
    """

    def __init__(self, batch: Batch, limit: float) -> None:
        self.batch = batch
        self.limit = limit
        by_reason = sorted(batch.counts.rejected.items(), key=lambda pair: -pair[1])
        listed = ", ".join(f"{count:,} {reason}" for reason, count in by_reason)
        first = batch.rejects().filter(pl.col("reason") == by_reason[0][0]).head(1).collect()
        source, row, detail = first.select("source", "row", "detail").row(0)
        where = source if row is None else f"{source}, row {row}"
        super().__init__(
            f"batch '{batch.name}': {batch.counts.reject_share:.1%} rejected, at most {limit:.1%} "
            f"are allowed ({listed}); for example {where}: {detail}. Nothing was taken, the files "
            "are still in the inbox: mend them, or raise ingestion.reject_limit"
        )


def items_prefix(batch: str) -> str:
    """Where a batch's items are stored."""
    return f"items/batch={batch}/"


def rejects_prefix(batch: str) -> str:
    """Where a batch's rejects are stored."""
    return f"rejects/batch={batch}/"


def fixes_prefix(batch: str) -> str:
    """Where it is stored what was mended in a batch's items."""
    return f"cleaned/batch={batch}/"


def raw_prefix(batch: str) -> str:
    """Where a batch's raw files are stored, byte for byte."""
    return f"raw/{batch}/"
