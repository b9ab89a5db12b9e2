"""From an arrival to a batch: read, identify, fold, count."""

from datetime import datetime
from pathlib import Path

import polars as pl

from assets.dataset_file.models import Dataset
from assets.ingestion.arrivals import Arrival
from assets.ingestion.batch import Batch, RejectLimitExceeded
from assets.ingestion.files import remove, room_below
from assets.ingestion.image_files import take_images
from assets.ingestion.preparation import Preparation
from assets.ingestion.table_files import content_bytes, take_tables

STAGED_IMAGE_BYTES = 512


def read_batch(
    arrival: Arrival,
    dataset: Dataset,
    *,
    ingested_at: datetime,
    known_items: pl.LazyFrame | None,
    workspace: Path,
) -> Batch:
    """Make a batch ready to be uploaded, in `workspace/BATCH`; the inbox is only read.

    The same arrival, dataset file, time and known items give the same bytes.

    Args:
        arrival: What lies in the inbox.
        dataset: The dataset file.
        ingested_at: Goes into the items table; with a time zone.
        known_items: The items that the dataset has, with a column item_id; None where none.
        workspace: A folder of the caller's own with room for the arrival's files twice.

    Raises:
        ArrivalChanged: a file is not what it was when it was found.
        RejectLimitExceeded: more than the dataset's reject limit cannot be used.
        DiskFull: there is no room; nothing half-made is left.
        CountsDoNotBalance: a row was lost or doubled on the way.
        ValueError: `ingested_at` has no time zone.
    """
    if ingested_at.tzinfo is None:
        raise ValueError(f"ingested_at {ingested_at} has no time zone; expected one, such as UTC")
    final, unfinished = workspace / arrival.batch, workspace / f".{arrival.batch}.partial"
    remove(final)
    remove(unfinished)
    try:
        with room_below(workspace, 2 * arrival.size):
            counts = _prepare(arrival, dataset, unfinished).finish(
                len(arrival.files), ingested_at, known_items
            )
            unfinished.replace(final)
    finally:
        remove(unfinished)
    batch = Batch(arrival.batch, arrival, counts, final)
    if counts.reject_share > dataset.ingestion.reject_limit:
        raise RejectLimitExceeded(batch, dataset.ingestion.reject_limit)
    return batch


def _prepare(arrival: Arrival, dataset: Dataset, folder: Path) -> Preparation:
    if dataset.modality == "image":
        size = STAGED_IMAGE_BYTES * len(arrival.files)
        preparation = Preparation(arrival.batch, dataset, folder, content_bytes=size)
        take_images(arrival, dataset, preparation)
    else:
        size = content_bytes(arrival)
        preparation = Preparation(arrival.batch, dataset, folder, content_bytes=size)
        take_tables(arrival, dataset, preparation)
    return preparation
