"""Rows of features as numbers: a column each, categories hashed to a few columns."""

import json
from hashlib import sha256

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.dataset_file.models import Dataset


def columns(content: pl.Series, dataset: Dataset) -> dict[str, pl.DataType]:
    """The feature columns with their types, by name.

    Where the dataset file names none, they are those of the items at hand: then only matrices
    with the same names can be compared.
    """
    spec = dataset.ingestion
    names = spec.feature_columns or _names(content)
    categorical = set(spec.categorical_columns)
    return {name: pl.String() if name in categorical else pl.Float64() for name in sorted(names)}


def _names(content: pl.Series) -> set[str]:
    """Names of all columns that any item has; items of one shape are looked at once."""
    shapes = content.drop_nulls().str.replace_all(r'":("([^"\\]|\\.)*"|[^,}]*)', '":0').unique()
    return {name for shape in shapes for name in json.loads(shape)}


def table(content: pl.Series, wanted: dict[str, pl.DataType]) -> pl.DataFrame:
    """The items' features as a frame of the wanted columns; what is missing is null."""
    if not wanted:
        return pl.DataFrame(height=content.len())
    return content.fill_null("{}").str.json_decode(pl.Struct(wanted)).struct.unnest()


def encoded_columns(
    content: pl.Series, wanted: dict[str, pl.DataType], *, buckets: int
) -> tuple[NDArray[np.float32], list[str]]:
    """Features as numbers, and a name for each column of them.

    A number is itself, or 0 with a 1 in `NAME is missing` where there is none. A category is a 1
    in one of so many columns, which follows from the SHA-256 of column and category; a missing
    one is a row of zeros. Numbers are not scaled: that has to be learned from training items.

    Args:
        content: Canonical JSON of each item.
        wanted: The columns, from `columns`.
        buckets: Columns for each categorical column.

    Returns:
        float32 [items, columns] and their names.
    """
    frame = table(content, wanted)
    numbers = [name for name, dtype in wanted.items() if dtype == pl.Float64]
    categories = [name for name in wanted if name not in numbers]
    names = numbers + [f"{name} is missing" for name in numbers]
    names += [f"{name} in bucket {b}" for name in categories for b in range(buckets)]
    matrix = np.zeros((content.len(), len(names)), dtype=np.float32)
    for index, name in enumerate(numbers):
        matrix[:, index] = frame[name].fill_null(0).to_numpy()
        matrix[:, len(numbers) + index] = frame[name].is_null().to_numpy()
    for index, name in enumerate(categories):
        start = 2 * len(numbers) + index * buckets
        _mark(matrix[:, start : start + buckets], name, frame[name])
    return matrix, names


def _mark(block: NDArray[np.float32], name: str, values: pl.Series) -> None:
    bucket = {value: _bucket(name, value, block.shape[1]) for value in values.unique().drop_nulls()}
    codes = values.replace_strict(bucket, default=None, return_dtype=pl.Int64)
    block[codes.is_not_null().arg_true().to_numpy(), codes.drop_nulls().to_numpy()] = 1


def _bucket(name: str, value: str, buckets: int) -> int:
    digest = sha256(f"{name}\0{value}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % buckets
