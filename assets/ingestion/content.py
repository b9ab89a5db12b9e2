"""What an item is: its content in one exact form; the digest of that form is its id.

A text is its exact UTF-8 bytes: nothing is trimmed, folded or normalized, so that two texts that
differ in a space are two items, and the near-duplicate report says that they are close; what
`ingestion.cleaning` asks for is done after this. An image is the bytes of its file. A row of
features is a JSON object of the feature columns by name: numbers as 64-bit floats in the shortest
digits that read back as the same number (Python's repr without a final `.0`, and without a minus
before zero), categories as strings, missing values as null.
"""

import math
from collections.abc import Callable, Sequence
from json.encoder import encode_basestring
from typing import Any

import numpy as np

from assets.dataset_file.models import Dataset
from assets.ingestion.layout import Chunk
from assets.ingestion.rejects import Fault, Reason

NULL = "null"
Content = str | Fault


def contents(chunk: Chunk, dataset: Dataset) -> list[Content]:
    """The content of each row of a chunk, or why it is no item."""
    columns = list(zip(*chunk.rows, strict=True))
    if not columns:
        return []
    if dataset.modality == "text":
        return [_tried(_text, value) for value in columns[0]]
    names = chunk.layout.content
    categorical = dataset.ingestion.categorical_columns
    cells = [
        [_tried(_category, value) for value in column] if name in categorical else _numbers(column)
        for name, column in zip(names, columns, strict=False)
    ]
    return _objects(names, cells)


def _objects(names: Sequence[str], cells: Sequence[Sequence[Content]]) -> list[Content]:
    keys = [encode_basestring(name).replace("%", "%%") for name in names]
    form = "{" + ",".join(f"{key}:%s" for key in keys) + "}"
    nothing = form % ((NULL,) * len(names))
    objects = (form % row for row in zip(*cells, strict=True))
    none = Fault(Reason.EMPTY_ITEM, "no feature has a value")
    rows: list[Content] = [none if each == nothing else each for each in objects]
    for name, column in zip(names, cells, strict=True):
        for index, cell in enumerate(column):
            if isinstance(cell, Fault):
                rows[index] = Fault(cell.reason, f"column '{name}': {cell.detail}")
    return rows


def _tried(encode: Callable[[Any], str], value: Any) -> Content:
    try:
        return encode(value)
    except Fault as fault:
        return fault


def _text(text: Any) -> str:
    if text is None:
        raise Fault(Reason.EMPTY_ITEM, "no text")
    if not isinstance(text, str):
        raise Fault(Reason.WRONG_TYPE, f"a {type(text).__name__}, expected text")
    if not text or text.isspace():
        raise Fault(Reason.EMPTY_ITEM, "no text")
    if "\0" in text:
        raise Fault(Reason.WRONG_TYPE, "a NUL character: binary data, or text in UTF-16")
    return text


def _numbers(column: Sequence[Any]) -> list[Content]:
    """A column of numbers; cell by cell only where it holds anything else."""
    try:
        numbers = np.fromiter(map(float, column), np.float64, len(column)) + 0.0
    except (TypeError, ValueError, OverflowError):
        return [_tried(_number, value) for value in column]
    if not np.isfinite(numbers).all():
        return [_tried(_number, value) for value in column]
    return [repr(number).removesuffix(".0") for number in numbers.tolist()]


def _number(value: Any) -> str:
    if value is None or value == "":
        return NULL
    try:
        number = float(value) + 0.0
    except OverflowError:
        number = math.inf
    except (TypeError, ValueError):
        raise Fault(
            Reason.WRONG_TYPE,
            f"{value!r:.60} is no number; name the column in ingestion.categorical_columns "
            "if it holds categories",
        ) from None
    if not math.isfinite(number):
        raise Fault(Reason.NOT_FINITE, f"{value!r:.60}")
    return repr(number).removesuffix(".0")


def _category(value: Any) -> str:
    if value is None or value == "":
        return NULL
    if isinstance(value, bool):
        return '"true"' if value else '"false"'
    return encode_basestring(value if isinstance(value, str) else _number(value))
