"""Rows of a Parquet file, row group by row group."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from assets.ingestion.layout import CHUNK_BYTES, CHUNK_ROWS, Chunk, Layout
from assets.ingestion.rejects import Fault, Reason, Reject


def parquet_chunks(
    path: Path, source: str, layout_of: Callable[[Sequence[str]], Layout], *, max_bytes: float
) -> Iterator[Chunk]:
    """The rows of a Parquet file; a damaged row group costs the rows that are left in it.

    Args:
        path: The file.
        source: Its name in rejects.
        layout_of: Says which columns to take, given the schema's.
        max_bytes: Bytes of the whole file at most when it is unpacked.

    Raises:
        Fault: the file is no Parquet file, or too large once unpacked, or a column is missing.
    """
    file = _opened(path)
    meta = file.metadata
    unpacked = unpacked_bytes(path)
    if unpacked > max_bytes:
        raise Fault(Reason.OVERSIZED_FILE, f"{unpacked:,} bytes unpacked, at most {max_bytes:,.0f}")
    layout = layout_of(file.schema_arrow.names)
    start = 1
    for index in range(meta.num_row_groups):
        yield from _group_chunks(file, index, start, layout, source)
        start += meta.row_group(index).num_rows


def unpacked_bytes(path: Path) -> int:
    """Bytes of a Parquet file's columns once they are unpacked; 0 where it is none."""
    if path.suffix.lower() != ".parquet":
        return 0
    try:
        meta = _opened(path).metadata
    except Fault:
        return 0
    return sum(meta.row_group(index).total_byte_size for index in range(meta.num_row_groups))


def _opened(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise Fault(Reason.UNREADABLE_FILE, f"not a whole Parquet file: {error}") from None


def _group_chunks(
    file: Any, index: int, start: int, layout: Layout, source: str
) -> Iterator[Chunk]:
    import pyarrow as pa

    group = file.metadata.row_group(index)
    per_row = max(1, group.total_byte_size // max(1, group.num_rows))
    batch_size = max(1, min(CHUNK_ROWS, CHUNK_BYTES // per_row))
    read = 0
    try:
        for batch in file.iter_batches(
            batch_size, row_groups=[index], columns=list(layout.columns)
        ):
            yield _chunk(batch, start + read, layout)
            read += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        lost = group.num_rows - read
        detail = f"row group {index} is damaged: {error}"
        reject = Reject(source, start + read, Reason.UNREADABLE_FILE, detail, rows=lost)
        yield Chunk(layout, [], [], [], [reject])


def _chunk(batch: Any, start: int, layout: Layout) -> Chunk:
    import pyarrow as pa

    try:
        batch.validate(full=True)
        rows = _rows(batch, layout)
    # Damaged types and lengths that Arrow lets pass make polars panic, which is no Exception.
    except (pa.ArrowInvalid, pl.exceptions.PanicException):
        rows = list(zip(*(_values(batch.column(name)) for name in layout.columns), strict=True))
    return Chunk(layout, [*range(start, start + len(rows))], rows, [], [])


def _rows(batch: Any, layout: Layout) -> list[tuple[Any, ...]]:
    frame = pl.DataFrame(pl.from_arrow(batch))
    decimals = pl.selectors.decimal().cast(pl.Float64)
    names = pl.selectors.categorical().cast(pl.String)
    return frame.select(layout.columns).with_columns(decimals, names).rows()


def _values(column: Any) -> list[Any]:
    """Values of a column whose strings are not all UTF-8: those come with surrogates in them."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return list(column.to_pylist())
    values = column.cast(pa.large_binary()).to_pylist()
    return [None if v is None else v.decode("utf-8", "surrogateescape") for v in values]
