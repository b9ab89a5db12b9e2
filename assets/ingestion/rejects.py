"""What cannot be taken in, and why."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import polars as pl

from quality.schema import Table

EXCERPT = 200
PART_ROWS = 50_000


class Reason(StrEnum):
    """Why a row or file was not taken; the first two are no faults and count against no limit."""

    DUPLICATE = "duplicate"
    KNOWN = "known"
    EMPTY_FILE = "empty_file"
    UNSUPPORTED_TYPE = "unsupported_type"
    OVERSIZED_FILE = "oversized_file"
    UNREADABLE_FILE = "unreadable_file"
    MISSING_COLUMN = "missing_column"
    SURPLUS_COLUMN = "surplus_column"
    NOT_UTF8 = "not_utf8"
    WRONG_FIELD_COUNT = "wrong_field_count"
    BROKEN_QUOTING = "broken_quoting"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    EMPTY_ITEM = "empty_item"
    WRONG_TYPE = "wrong_type"
    NOT_FINITE = "not_finite"
    OVERSIZED_ITEM = "oversized_item"
    UNREADABLE_IMAGE = "unreadable_image"
    OVERSIZED_IMAGE = "oversized_image"
    TOO_SMALL = "too_small"


NO_FAULT = (Reason.DUPLICATE, Reason.KNOWN)

REJECTS = Table(
    name="rejects",
    columns={
        "source": pl.String(),
        "row": pl.Int64(),
        "reason": pl.String(),
        "detail": pl.String(),
        "excerpt": pl.String(),
        "rows": pl.Int64(),
        "item_id": pl.String(),
        "source_uri": pl.String(),
    },
    key=("source", "row"),
    nullable=frozenset({"row", "excerpt", "item_id", "source_uri"}),
    values={"reason": tuple(Reason)},
)


class Fault(Exception):
    """Why one value, row or file is rejected; caught where it is known which one it is."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Reject:
    """One row, or one whole file, that is not taken.

    Attributes:
        row: Line of a text file or row of a Parquet file, from 1; None for a whole file.
        raw: The row's own bytes, where they can be told apart.
        shown: What people see of a row that has no bytes of its own.
        rows: How many rows are lost with it.
    """

    source: str
    row: int | None
    reason: Reason
    detail: str
    raw: bytes = b""
    shown: str = ""
    rows: int = 1


@dataclass
class RejectLog:
    """Rejects on their way to disk: a table for the auditor, the raw rows for whoever mends them.

    Attributes:
        tables: Folder of the table's parts.
        raw: Folder where rejected rows are written as they came, a file for each source.
    """

    tables: Path
    raw: Path
    counts: Counter[str] = field(default_factory=Counter)
    _pending: list[pl.DataFrame] = field(default_factory=list)
    _parts: int = 0

    def add(self, rejects: Sequence[Reject], header: bytes = b"") -> None:
        """Log rejects and append their raw rows; a new raw file starts with the header."""
        if not rejects:
            return
        self.add_frame(pl.DataFrame([_row(reject) for reject in rejects], schema=REJECTS.columns))
        for source in dict.fromkeys(reject.source for reject in rejects):
            self._append(source, [r.raw for r in rejects if r.source == source and r.raw], header)

    def add_frame(self, frame: pl.DataFrame) -> None:
        """Log rejects given as a frame of the table."""
        per_reason = frame.group_by("reason").agg(pl.col("rows").sum())
        self.counts.update(dict(per_reason.iter_rows()))
        self._pending.append(frame)
        if sum(pending.height for pending in self._pending) >= PART_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what is pending as the table's next part."""
        frame = pl.concat([REJECTS.empty(), *self._pending]).sort("source", "row", nulls_last=False)
        self._pending.clear()
        if frame.height:
            self.tables.mkdir(parents=True, exist_ok=True)
            path = self.tables / f"part-{self._parts:04}.parquet"
            REJECTS.check(frame).write_parquet(path, compression="zstd")
            self._parts += 1

    def _append(self, source: str, rows: Sequence[bytes], header: bytes) -> None:
        if not rows:
            return
        path = self.raw / source
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            if not file.tell():
                file.write(header)
            file.writelines(row if row.endswith(b"\n") else row + b"\n" for row in rows)


def escaped(text: str) -> str:
    """A text with what UTF-8 cannot hold written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _row(reject: Reject) -> dict[str, object]:
    excerpt = reject.shown or reject.raw[:EXCERPT].decode("utf-8", "backslashreplace")
    return {
        "source": reject.source,
        "row": reject.row,
        "reason": reject.reason.value,
        "detail": escaped(reject.detail),
        "excerpt": excerpt[:EXCERPT].rstrip("\r\n") or None,
        "rows": reject.rows,
        "item_id": None,
        "source_uri": None,
    }
