"""What an item is: its content in one exact form, and the digest of that form.

A text is its exact UTF-8 bytes: nothing is trimmed, folded or normalized, so that two texts that
differ in a space are two items, and the near-duplicate report says that they are close. An image
is the bytes of its file. A row of features is a JSON object of the feature columns by name:
numbers as 64-bit floats in the shortest digits that read back as the same number, whole ones
below 1e15 without a fraction, categories as strings, missing values as null.
"""

import math
from collections.abc import Callable, Sequence
from hashlib import sha256
from json.encoder import encode_basestring
from typing import Any
from urllib.parse import quote

import polars as pl

from assets.dataset_file.models import Dataset
from assets.ingestion.layout import Chunk, Layout
from assets.ingestion.rejects import Fault, Reason, Reject

WHOLE_BELOW = 1e15
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


def staged(
    chunk: Chunk, dataset: Dataset, *, source: str, source_sha256: str, number_word: str
) -> tuple[pl.DataFrame, list[Reject]]:
    """The items of a chunk, and the rows of it that are none.

    Args:
        chunk: Rows of a source.
        dataset: Says what an item is.
        source: Name of the source below the inbox.
        source_sha256: Digest of the source.
        number_word: What a row's number counts: `line` or `row`.
    """
    content = _reader(dataset, chunk.layout)
    limit = int(dataset.ingestion.max_item_kb * 1024)
    rejects: list[Reject] = []
    items: list[tuple[Any, ...]] = []
    for index, row in enumerate(chunk.rows):
        number = chunk.numbers[index]
        try:
            text = content(row)
            item_id = _digest(text, limit)
        except Fault as fault:
            raw, shown = (chunk.raw[index], "") if chunk.raw else (b"", f"{row!r:.200}")
            rejects.append(Reject(source, number, fault.reason, fault.detail, raw, shown))
            continue
        group, name = _group_and_name(row, chunk.layout)
        uri = source_uri(source, name=name, number=number, number_word=number_word)
        items.append((item_id, text, None, uri, source_sha256, group or item_id, source, number))
    return pl.DataFrame(items, schema=STAGED, orient="row"), rejects


def source_uri(
    source: str, *, name: object = None, number: int | None = None, number_word: str = "row"
) -> str:
    """Where an item comes from: `file.csv#id=s7` by its own name, else `file.csv#line=9`."""
    file = quote(source, safe="/ ()[]{}!$&'*+,;=:@~")
    if name not in (None, ""):
        return f"{file}#id={name}"
    return file if number is None else f"{file}#{number_word}={number}"


def name_in_source(uri: str) -> str | None:
    """The name that an item had in its source, None where it had none."""
    _, found, name = uri.partition("#id=")
    return name if found else None


def _digest(text: str, limit: int) -> str:
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise Fault(Reason.NOT_UTF8, f"half a surrogate pair at character {error.start}") from None
    if len(data) > limit:
        raise Fault(Reason.OVERSIZED_ITEM, f"{len(data):,} bytes, at most {limit:,}")
    return sha256(data).hexdigest()


def _group_and_name(row: Sequence[object], layout: Layout) -> tuple[str | None, object]:
    rest = list(row[len(layout.content) :])
    name = rest.pop() if layout.id is not None else None
    group = rest.pop() if layout.group is not None else None
    return (None if group in (None, "") else str(group)), name


def _reader(dataset: Dataset, layout: Layout) -> Callable[[Sequence[Any]], str]:
    if dataset.modality == "text":
        return _text
    categories = dataset.ingestion.categorical_columns
    cells = [_category if name in categories else _number for name in layout.content]
    keys = ",".join(f"{_key(name)}:%s" for name in layout.content)

    def features(row: Sequence[Any]) -> str:
        values = [_cell(*each) for each in zip(cells, layout.content, row, strict=False)]
        if all(value == "null" for value in values):
            raise Fault(Reason.EMPTY_ITEM, "no feature has a value")
        return "{" + keys % tuple(values) + "}"

    return features


def _key(name: str) -> str:
    return encode_basestring(name).replace("%", "%%")


def _cell(encode: Callable[[Any], str], name: str, value: Any) -> str:
    try:
        return encode(value)
    except Fault as fault:
        raise Fault(fault.reason, f"column '{name}': {fault.detail}") from None


def _text(row: Sequence[Any]) -> str:
    text = row[0]
    if text is None:
        raise Fault(Reason.EMPTY_ITEM, "no text")
    if not isinstance(text, str):
        raise Fault(Reason.WRONG_TYPE, f"a {type(text).__name__}, expected text")
    if not text or text.isspace():
        raise Fault(Reason.EMPTY_ITEM, "no text")
    if "\0" in text:
        raise Fault(Reason.WRONG_TYPE, "a NUL character: binary data, or text in UTF-16")
    return text


def _number(value: Any) -> str:
    if value is None or value == "":
        return "null"
    try:
        # float() also reads 1_000, which no data format means as a number.
        number = float(value if not isinstance(value, str) or "_" not in value else "")
    except (TypeError, ValueError):
        raise Fault(
            Reason.WRONG_TYPE,
            f"{value!r:.60} is no number; name the column in ingestion.categorical_columns "
            "if it holds categories",
        ) from None
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Fault(Reason.NOT_FINITE, f"{value!r:.60}")
    whole = number.is_integer() and abs(number) < WHOLE_BELOW
    return repr(int(number)) if whole else repr(number)


def _category(value: Any) -> str:
    if value is None or value == "":
        return "null"
    if isinstance(value, bool):
        return '"true"' if value else '"false"'
    return encode_basestring(value if isinstance(value, str) else _number(value))
