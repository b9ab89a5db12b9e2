"""Rows of a JSON Lines file: one object a line."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from assets.ingestion.layout import Chunk, ChunkBuilder, Layout
from assets.ingestion.lines import Line, decoded, lines
from assets.ingestion.rejects import Fault, Reason


def jsonl_chunks(
    path: Path,
    source: str,
    layout_of: Callable[[Sequence[str]], Layout],
    *,
    every_key: bool,
    limit: int,
) -> Iterator[Chunk]:
    """The rows of a JSON Lines file; the first object that can be used settles the columns.

    Args:
        path: The file.
        source: Its name in rejects.
        layout_of: Says which columns to take, given an object's keys.
        every_key: Whether all keys are content, so that a key that others lack is a fault.
        limit: Bytes of a line at most.
    """
    layout: Layout | None = None
    build = ChunkBuilder(Layout((), None, None), source)
    for line in lines(path, limit):
        if not line.raw.strip():
            continue
        try:
            record = _record(line)
            if layout is None:
                layout = layout_of(list(record))
                yield build.chunk()
                build = ChunkBuilder(layout, source)
                pick = layout.pick(layout.columns)
            build.take(line.number, pick(_complete(record, layout, every_key)), line.raw)
        except Fault as fault:
            build.reject(line.number, fault, line.raw)
        if build.full:
            yield build.chunk()
    yield build.chunk()


def _record(line: Line) -> dict[str, Any]:
    try:
        record = json.loads(decoded(line))
    except json.JSONDecodeError as error:
        raise Fault(Reason.NOT_JSON, f"{error.msg} at character {error.pos + 1}") from None
    except (ValueError, RecursionError) as error:
        raise Fault(Reason.NOT_JSON, str(error)) from None
    if not isinstance(record, dict):
        raise Fault(Reason.NOT_AN_OBJECT, f"a JSON {type(record).__name__}, expected an object")
    return record


def _complete(record: dict[str, Any], layout: Layout, every_key: bool) -> dict[str, Any]:
    if layout.id is not None:
        record.setdefault(layout.id, None)
    missing = [name for name in layout.columns if name not in record]
    if missing:
        raise Fault(Reason.MISSING_COLUMN, f"no {missing}, there are {list(record)[:20]}")
    if every_key and len(record) > len(layout.columns):
        surplus = [name for name in record if name not in layout.columns]
        raise Fault(Reason.SURPLUS_COLUMN, f"{surplus[:20]}, which the first object has not")
    return record
