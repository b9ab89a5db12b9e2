"""Rows of a source as items, with their ids and where they come from."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import polars as pl

from assets.dataset_file.cleaning import Cleaning
from assets.dataset_file.models import Dataset
from assets.ingestion.cleaning import Fix, TextCleaner, excerpt
from assets.ingestion.content import Content, contents
from assets.ingestion.layout import Chunk
from assets.ingestion.rejects import Fault, Reason, Reject, escaped

NOTHING = (None, "")
STAGED = {
    "item_id": pl.String,
    "content": pl.String,
    "uri": pl.String,
    "source_uri": pl.String,
    "source_sha256": pl.String,
    "group_id": pl.String,
    "source": pl.String,
    "row": pl.Int64,
}


@dataclass(frozen=True)
class Staged:
    """What the rows of a chunk came to.

    Attributes:
        items: The items.
        rejects: The rows that are none.
        fixes: What was mended in the items.
    """

    items: pl.DataFrame
    rejects: list[Reject]
    fixes: list[Fix]


def staged(
    chunk: Chunk, dataset: Dataset, *, source: str, source_sha256: str, number_word: str
) -> Staged:
    """The items of a chunk, and the rows of it that are none.

    Args:
        chunk: Rows of a source.
        dataset: Says what an item is.
        source: Name of the source below the inbox.
        source_sha256: Digest of the source.
        number_word: What a row's number counts: `line` or `row`.
    """
    limit = int(dataset.ingestion.max_item_kb * 1024)
    raw = contents(chunk, dataset)
    content, mended = _cleaned(raw, dataset)
    ids = [_item_id(each, limit) for each in content]
    good = [index for index, item_id in enumerate(ids) if isinstance(item_id, str)]
    groups, names = _column(chunk, chunk.layout.group), _column(chunk, chunk.layout.id)
    file = source_file(source)
    rows = {
        "item_id": [ids[i] for i in good],
        "content": [content[i] for i in good],
        "uri": [None] * len(good),
        "source_uri": [_uri(file, names[i], f"{number_word}={chunk.numbers[i]}") for i in good],
        "source_sha256": [source_sha256] * len(good),
        "group_id": [ids[i] if groups[i] in NOTHING else escaped(str(groups[i])) for i in good],
        "source": [source] * len(good),
        "row": [chunk.numbers[i] for i in good],
    }
    faults = [(i, fault) for i, fault in enumerate(ids) if isinstance(fault, Fault)]
    rejects = [_reject(chunk, index, fault, source) for index, fault in faults]
    fixes = [
        Fix(
            source,
            chunk.numbers[i],
            str(ids[i]),
            mended[i],
            excerpt(str(raw[i])),
            excerpt(str(content[i])),
        )
        for i in good
        if i in mended
    ]
    return Staged(pl.DataFrame(rows, schema=STAGED), rejects, fixes)


def _cleaned(
    raw: list[Content], dataset: Dataset
) -> tuple[list[Content], dict[int, tuple[str, ...]]]:
    """Texts as the dataset file wants them, and what was mended by place."""
    cleaning = dataset.ingestion.cleaning
    if dataset.modality != "text" or cleaning == Cleaning():
        return raw, {}
    cleaner, content, mended = TextCleaner.of(cleaning), list[Content](), {}
    for place, text in enumerate(raw):
        try:
            clean, fixes = (text, ()) if isinstance(text, Fault) else cleaner.clean(text)
        except Fault as fault:
            clean, fixes = fault, ()
        content.append(clean)
        if fixes:
            mended[place] = fixes
    return content, mended


def _item_id(content: Content, limit: int) -> Content:
    if isinstance(content, Fault):
        return content
    try:
        data = content.encode()
    except UnicodeEncodeError as error:
        return Fault(Reason.NOT_UTF8, f"character {error.start + 1} is not one of UTF-8")
    if len(data) > limit:
        return Fault(Reason.OVERSIZED_ITEM, f"{len(data):,} bytes, at most {limit:,}")
    return sha256(data).hexdigest()


def _column(chunk: Chunk, name: str | None) -> list[Any]:
    if name is None:
        return [None] * len(chunk.rows)
    index = chunk.layout.columns.index(name)
    return [row[index] for row in chunk.rows]


def _uri(file: str, name: object, number: str) -> str:
    return f"{file}#{number}" if name in NOTHING else f"{file}#id={escaped(str(name))}"


def _reject(chunk: Chunk, index: int, fault: Fault, source: str) -> Reject:
    raw, shown = (chunk.raw[index], "") if chunk.raw else (b"", f"{chunk.rows[index]!r:.200}")
    return Reject(source, chunk.numbers[index], fault.reason, fault.detail, raw, shown)


def source_file(name: str) -> str:
    """A source's name as it stands in `source_uri`: `#` and `%` are escaped."""
    return quote(name, safe="/ ()[]{}!$&'*+,;=:@~")


def name_in_source(uri: str) -> str | None:
    """The name that an item had in its source, None where it had none."""
    _, found, name = uri.partition("#id=")
    return name if found else None
