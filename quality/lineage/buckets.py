"""Buckets: a table is cut into files by the first bits of item_id."""

import hashlib
import io
from collections.abc import Iterator

import polars as pl


def bucket_expression(buckets: int) -> pl.Expr:
    """Bucket number of `item_id` (a hex SHA-256), 0 to buckets - 1; buckets is a power of two."""
    first_byte = pl.col("item_id").str.slice(0, 2).str.to_integer(base=16, dtype=pl.Int64)
    return (first_byte * buckets // 256).alias("bucket")


def bucket_of(item_id: str, buckets: int) -> int:
    """Bucket number of one item."""
    return int(item_id[:2], 16) * buckets // 256


def bucket_path(table: str, bucket: int) -> str:
    """Path of one bucket of a table."""
    return f"{table}/bucket={bucket:02x}/part.parquet"


def to_parquet(frame: pl.DataFrame) -> bytes:
    """A frame as Parquet; equal frames give equal bytes with the same version of polars."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", statistics=True)
    return buffer.getvalue()


def cut(frame: pl.DataFrame, table: str, buckets: int) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of every bucket that has rows, rows sorted by item."""
    order = ["item_id", *(c for c in ("release", "region_id") if c in frame.columns)]
    keyed = frame.sort(order).with_columns(bucket_expression(buckets))
    for (bucket,), part in keyed.partition_by(
        "bucket", as_dict=True, include_key=False, maintain_order=True
    ).items():
        yield bucket_path(table, int(bucket)), to_parquet(part)


def content_digest(objects: dict[str, bytes]) -> str:
    """SHA-256 over paths and contents, whatever their order."""
    total = hashlib.sha256()
    for path in sorted(objects):
        total.update(path.encode() + b"\0" + hashlib.sha256(objects[path]).digest())
    return total.hexdigest()
