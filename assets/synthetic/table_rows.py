"""Rows of a table between their canonical JSON and values."""

import json

import polars as pl

from assets.dataset_file.models import Dataset
from assets.ingestion.content import contents
from assets.ingestion.layout import Chunk, Layout
from assets.ingestion.rejects import Fault
from quality.synthetic.rows import Row


def rows_of(content: pl.Series, dataset: Dataset) -> list[dict[str, float | str | None]]:
    """The values of each row: a float for a number, a text for a category, None for nothing."""
    categorical = set(dataset.ingestion.categorical_columns)
    return [
        {
            name: value if value is None or name in categorical else float(value)
            for name, value in json.loads(text).items()
        }
        for text in content
    ]


def content_of(row: Row, dataset: Dataset) -> str:
    """The canonical JSON of a row, as a row of a file would have it.

    Raises:
        Fault: no file could hold such a row.
    """
    names = tuple(sorted(row))
    values = tuple(row[name] for name in names)
    (content,) = contents(Chunk(Layout(names, None, None), [1], [values], [], []), dataset)
    if isinstance(content, Fault):
        raise content
    return content
