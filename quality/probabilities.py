"""Class probabilities of items, checked once at the door."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.errors import QualityError

Floats = npt.NDArray[np.float64]
_TABLE = 2
_SUM_TOLERANCE = 1e-3


class ProbabilitiesError(QualityError):
    """Rows that are no probabilities.

    Attributes:
        rows: Places of the first faulty rows, at most five.
        n_faulty: How many rows are faulty.
    """

    def __init__(self, message: str, rows: tuple[int, ...] = (), n_faulty: int = 0) -> None:
        self.rows, self.n_faulty = rows, n_faulty
        super().__init__(message)


def probability_matrix(
    given: Any, *, n_items: int, n_classes: int, exclusive: bool = True
) -> Floats:
    """(n_items, n_classes) probabilities.

    Args:
        given: A polars List or Array column, or anything numpy reads as such a table.
        n_items: Rows there must be.
        n_classes: Columns there must be.
        exclusive: Whether an item has exactly one class, so that a row sums to 1 (to 0.001).

    Raises:
        ProbabilitiesError: The shape is another one, or a number is missing, not finite, below
            0 or above 1, or a row does not sum to 1.
    """
    table = _table(given, n_classes)
    if table.shape != (n_items, n_classes):
        raise ProbabilitiesError(
            f"probabilities have the shape {table.shape}; expected {n_items} items by "
            f"{n_classes} classes, columns in the order of the classes."
        )
    fits = table.min(initial=0) >= 0 and table.max(initial=0) <= 1 + _SUM_TOLERANCE
    whole = np.full(n_items, not exclusive or not n_classes)
    with np.errstate(invalid="ignore"):
        whole |= np.abs(table @ np.ones(n_classes) - 1) <= _SUM_TOLERANCE
    if not (fits and whole.all()):
        each = (table >= 0) & (table <= 1 + _SUM_TOLERANCE)
        rows = np.flatnonzero(~(each.all(axis=1) & whole))
        first = table[rows[0]].tolist()
        raise ProbabilitiesError(
            f"{len(rows)} rows are no probabilities, the first of them row {rows[0]}: {first}; "
            "each number must lie between 0 and 1"
            + (" and each row sum to 1." if exclusive else "."),
            tuple(rows[:5].tolist()),
            len(rows),
        )
    return table


def _table(given: Any, n_classes: int) -> Floats:
    """The numbers as a table; rows of unequal length have no shape of their own."""
    if isinstance(given, pl.Series) and given.dtype in (pl.List, pl.Array):
        lengths = given.list.len() if given.dtype == pl.List else given.arr.len()
        uneven = lengths.ne_missing(n_classes)
        if uneven.any():
            rows = np.flatnonzero(uneven.to_numpy())
            raise ProbabilitiesError(
                f"{len(rows)} items do not have {n_classes} probabilities, the first of them "
                f"row {rows[0]}.",
                tuple(rows[:5].tolist()),
                len(rows),
            )
        flat = given.explode(empty_as_null=False, keep_nulls=False) if len(given) else given.head(0)
        numbers = flat.cast(pl.Float64).to_numpy() if len(given) else np.empty(0)
        return np.asarray(numbers, np.float64).reshape(len(given), n_classes)
    try:
        table = np.asarray(given, np.float64)
    except (TypeError, ValueError) as fault:
        raise ProbabilitiesError(f"probabilities are no table of numbers: {fault}.") from fault
    if not table.size and table.ndim < _TABLE:
        return table.reshape(0, n_classes)
    return table
