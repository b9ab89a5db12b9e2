"""Texts and rows of features out of CSV, JSON Lines and Parquet files."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from assets.dataset_file.models import Dataset
from assets.ingestion.arrivals import Arrival, ArrivedFile
from assets.ingestion.csv_rows import csv_chunks
from assets.ingestion.files import copy_verified
from assets.ingestion.jsonl_rows import jsonl_chunks
from assets.ingestion.layout import Chunk, Layout, layout_of
from assets.ingestion.parquet_rows import parquet_chunks, unpacked_bytes
from assets.ingestion.preparation import Preparation
from assets.ingestion.rejects import Fault, Reason
from assets.ingestion.staged import staged

TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")


def take_tables(arrival: Arrival, dataset: Dataset, preparation: Preparation) -> None:
    """Read all files of an arrival into a preparation.

    Raises:
        ArrivalChanged: a file is not what it was when it was found.
    """
    for file in arrival.files:
        kept: Path | None = None
        try:
            _check_size(file, dataset.ingestion.max_file_mb)
            kept = preparation.raw / file.name
            copy_verified(arrival.inbox / file.name, kept, file.sha256)
            _take(file, kept, dataset, preparation)
        except Fault as fault:
            preparation.read(1)
            preparation.reject_file(file, fault, kept)


def content_bytes(arrival: Arrival) -> int:
    """About how much there is to take in, once it is unpacked."""
    paths = [(file, arrival.inbox / file.name) for file in arrival.files]
    return sum(max(file.size, unpacked_bytes(path)) for file, path in paths)


def _check_size(file: ArrivedFile, max_mb: float) -> None:
    if file.size > max_mb * 1e6:
        raise Fault(Reason.OVERSIZED_FILE, f"{file.size:,} bytes, at most {max_mb * 1e6:,.0f}")


def _take(file: ArrivedFile, path: Path, dataset: Dataset, preparation: Preparation) -> None:
    word = "row" if path.suffix.lower() == ".parquet" else "line"
    rows = 0
    for chunk in _chunks(file, path, dataset):
        found = staged(
            chunk, dataset, source=file.name, source_sha256=file.sha256, number_word=word
        )
        preparation.read(chunk.read)
        preparation.add(found.items)
        preparation.fixed(found.fixes)
        preparation.reject([*chunk.rejects, *found.rejects], chunk.header)
        rows += chunk.read
    if not rows:
        raise Fault(Reason.EMPTY_FILE, "no rows")


def _chunks(file: ArrivedFile, path: Path, dataset: Dataset) -> Iterator[Chunk]:
    spec = dataset.ingestion
    layout = partial(layout_of, dataset)
    limit = int(spec.max_item_kb * 1024)
    suffix = PurePosixPath(file.name).suffix.lower()
    if not file.size:
        raise Fault(Reason.EMPTY_FILE, "0 bytes")
    if suffix in (".csv", ".tsv"):
        delimiter = "\t" if suffix == ".tsv" else spec.csv_delimiter
        return csv_chunks(path, file.name, layout, delimiter=delimiter, limit=limit)
    if suffix in (".jsonl", ".ndjson"):
        every_key = dataset.modality == "tabular" and not spec.feature_columns
        layout = partial(_layout_of_objects, dataset)
        return jsonl_chunks(path, file.name, layout, every_key=every_key, limit=limit)
    if suffix == ".parquet":
        return parquet_chunks(path, file.name, layout, max_bytes=spec.max_file_mb * 1e6)
    raise Fault(Reason.UNSUPPORTED_TYPE, f"'{suffix}', expected one of {list(TABLES)}")


def _layout_of_objects(dataset: Dataset, keys: Sequence[str]) -> Layout:
    """The layout of JSON objects; the first one need not be one that has an id."""
    return layout_of(dataset, [*dict.fromkeys([*keys, dataset.ingestion.id_column])])
