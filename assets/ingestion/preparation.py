"""A batch while it is being made: where its parts are gathered, and how it is finished."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import polars as pl

from assets.dataset_file.models import Dataset
from assets.ingestion.arrivals import ArrivedFile
from assets.ingestion.batch import (
    Counts,
    fixes_prefix,
    items_prefix,
    raw_prefix,
    rejects_prefix,
)
from assets.ingestion.cleaning import Fix, fixes_frame
from assets.ingestion.files import copy_verified, remove
from assets.ingestion.rejects import NO_FAULT, Fault, Reason, Reject, RejectLog
from assets.ingestion.staging import Staging, items_table


class Preparation:
    """Gathers the items and rejects of a batch in one folder.

    Attributes:
        objects: Mirrors the store.
        raw: Where raw files are kept, below objects.
    """

    def __init__(self, batch: str, dataset: Dataset, folder: Path, *, content_bytes: int) -> None:
        self._batch = batch
        self._dataset = dataset
        self._rejected = folder / "rejected"
        self._spill = folder / "spill"
        self.objects = folder / "objects"
        self.raw = self.objects / raw_prefix(batch)
        self._log = RejectLog(self.objects / rejects_prefix(batch), self._rejected)
        self._staging = Staging.of_size(self._spill, content_bytes)
        self._counts: Counter[str] = Counter()
        self.raw.mkdir(parents=True)

    def read(self, rows: int) -> None:
        """Count rows as read; each must then be added or rejected."""
        self._counts["read"] += rows

    def add(self, items: pl.DataFrame) -> None:
        """Add staged items."""
        self._log.add_frame(self._staging.add(items))

    def fixed(self, fixes: Sequence[Fix]) -> None:
        """Note what was mended in items."""
        if fixes:
            folder = self.objects / fixes_prefix(self._batch)
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"part-{len(list(folder.iterdir())):04}.parquet"
            fixes_frame(fixes).write_parquet(path, compression="zstd")

    def reject(self, rejects: Sequence[Reject], header: bytes = b"") -> None:
        """Set rows aside, with the header that a file of them has to start with."""
        self._log.add(rejects, header)

    def reject_file(self, file: ArrivedFile, fault: Fault, path: Path | None) -> None:
        """Set a whole file aside; `path` is copied for people to mend."""
        self._counts["files_rejected"] += 1
        self._log.add([Reject(file.name, None, fault.reason, fault.detail)])
        if path is not None:
            target = self._rejected / file.name
            copy_verified(path, target, file.sha256)

    def finish(self, files: int, ingested_at: datetime, known: pl.LazyFrame | None) -> Counts:
        """Write the items table and the rejects; the counts of all.

        Args:
            files: How many files the batch was made of.
            ingested_at: Goes into the items table.
            known: The items that the dataset has, with a column item_id.
        """
        folder = self.objects / items_prefix(self._batch)
        folder.mkdir(parents=True)
        for number, folded in enumerate(self._staging.fold(known)):
            table = items_table(folded.taken, self._dataset, ingested_at)
            if table.height or not number:
                table.write_parquet(folder / f"part-{number:03}.parquet", compression="zstd")
            self._log.add_frame(folded.rejects)
            self._counts["taken"] += table.height
            self._drop_media(folded.rejects, table)
        self._log.flush()
        remove(self._spill)
        return self._finished(files)

    def _drop_media(self, rejects: pl.DataFrame, table: pl.DataFrame) -> None:
        """What the dataset has already is not uploaded again."""
        if self._dataset.modality != "image":
            return
        taken = set(table["item_id"])
        for item_id in set(rejects["item_id"]) - taken:
            for path in (self.objects / "media" / item_id[:2]).glob(f"{item_id[2:]}.*"):
                path.unlink()

    def _finished(self, files: int) -> Counts:
        logged = self._log.counts
        rejected = {str(r): n for r, n in sorted(logged.items()) if r not in NO_FAULT}
        return Counts(
            read=self._counts["read"],
            taken=self._counts["taken"],
            duplicate=logged[Reason.DUPLICATE],
            known=logged[Reason.KNOWN],
            rejected=rejected,
            files=files,
            files_rejected=self._counts["files_rejected"],
        )
