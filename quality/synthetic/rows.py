"""Rows of a table, and features, moved within their class."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Row = Mapping[str, float | str | None]


def jittered(
    row: Row, spreads: Mapping[str, float], strength: float, rng: np.random.Generator
) -> dict[str, float | str | None]:
    """A row with normal noise added to its numbers.

    Args:
        row: Column by name; None where nothing is known, which stays so.
        spreads: Standard deviation of each column that is moved.
        strength: The noise's standard deviation, of the column's.
        rng: Where all chance comes from.
    """
    noise = dict(zip(spreads, rng.normal(0, strength, len(spreads)), strict=True))
    return {
        name: value + float(noise[name]) * spreads[name]
        if name in noise and isinstance(value, float)
        else value
        for name, value in row.items()
    }


def between(
    first: Row, second: Row, columns: Sequence[str], share: float
) -> dict[str, float | str | None]:
    """The first row with its numbers moved a share of the way to the second's.

    Columns that are not named, or missing in one of the two, stay those of the first.
    """
    moved = dict(first)
    for name in columns:
        here, there = first.get(name), second.get(name)
        if isinstance(here, float) and isinstance(there, float):
            moved[name] = here + share * (there - here)
    return moved


def near(features: NDArray[np.floating], row: int, most: int) -> NDArray[np.int64]:
    """The nearest rows to one, itself left out: SMOTE's neighbours (Chawla et al. 2002).

    doi:10.1613/jair.953. Distances are Euclidean; of equal ones the earlier row comes first.

    Args:
        features: [rows, columns], the rows of one class.
        row: Which row.
        most: How many neighbours at most.

    Returns:
        Their places, nearest first.
    """
    distance = ((features - features[row]) ** 2).sum(axis=1, dtype=np.float64)
    distance[row] = np.inf
    order = np.argsort(distance, kind="stable")
    return order[: min(most, len(distance) - 1)].astype(np.int64)
