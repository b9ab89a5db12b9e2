"""Digests of what was judged, so that a receipt can be held against the data again."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import polars as pl

_SLICE_ROWS = 65_536


def objects_digest(objects: Mapping[str, str]) -> str:
    """SHA-256 over the paths of stored objects and their own SHA-256, whatever their order.

    Anyone with the listing of a commit can compute it again without reading the data.

    Args:
        objects: SHA-256 in hex by path.
    """
    lines = "".join(f"{sha256}  {path}\n" for path, sha256 in sorted(objects.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def frames_digest(frames: Mapping[str, pl.DataFrame]) -> str:
    """SHA-256 over the columns, types, rows and row order of frames, by table name."""
    whole = hashlib.sha256()
    for name, frame in sorted(frames.items()):
        schema = [[column, str(dtype)] for column, dtype in frame.schema.items()]
        whole.update(json.dumps([name, frame.height, schema]).encode() + b"\n")
        exact = [pl.col(c).cast(_written(d)) for c, d in frame.schema.items()]
        for part in frame.iter_slices(_SLICE_ROWS):
            whole.update(part.select(exact).write_ndjson().encode())
    return whole.hexdigest()


def _written(dtype: Any) -> Any:
    """The type under which JSON keeps every value apart: it has neither NaN nor infinity."""
    if dtype.is_float():
        return pl.String()
    if isinstance(dtype, pl.List):
        return pl.List(_written(dtype.inner))
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: _written(field.dtype) for field in dtype.fields})
    return dtype
