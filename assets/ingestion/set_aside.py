"""What was rejected, put where people find it: the reasons, and the rows and files to mend."""

import json
import shutil
from pathlib import Path

import polars as pl

from assets.ingestion.batch import Batch
from assets.ingestion.files import remove, room_below
from assets.ingestion.rejects import NO_FAULT

REASONS = "reasons.jsonl"
LISTED = 10_000


def set_aside(batch: Batch, folder: Path) -> Path | None:
    """Copy a batch's rejects to `folder/BATCH/`; None where nothing was rejected.

    There lie `reasons.jsonl` (the first 10,000; all are in the rejects table), `summary.md`, and
    below `files/` each rejected row or file as it came, ready to be mended and dropped again.
    Run again, it replaces what it wrote.

    Raises:
        DiskFull: there is no room; what was there before is left.
    """
    if not batch.counts.rejected_rows:
        return None
    target, partial = folder / batch.name, folder / f".{batch.name}.partial"
    remove(partial)
    try:
        with room_below(folder):
            _write(batch, partial)
            remove(target)
            partial.replace(target)
    finally:
        remove(partial)
    return target


def _write(batch: Batch, folder: Path) -> None:
    folder.mkdir(parents=True)
    no_fault = [reason.value for reason in NO_FAULT]
    rejects = batch.rejects().filter(~pl.col("reason").is_in(no_fault)).head(LISTED).collect()
    with (folder / REASONS).open("w", encoding="utf-8") as file:
        for row in rejects.drop("item_id", "source_uri").iter_rows(named=True):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    (folder / "summary.md").write_text(f"# {batch.name}\n\n{batch.counts.to_markdown()}\n")
    if (batch.folder / "rejected").is_dir():
        shutil.copytree(batch.folder / "rejected", folder / "files")
