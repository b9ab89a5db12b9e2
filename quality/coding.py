"""Columns of names as integer codes."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quality.errors import UnknownLabelError, VotesFrameError

Codes = NDArray[np.int32]
Keys = NDArray[np.uint64]

MOST_BITS = 64
SPARSE = 4
"""Whole numbers are their own codes where they span no more than this times the rows."""


def names_and_codes(column: pl.Series, *, by_name: bool = True) -> tuple[pl.Series, Codes]:
    """The distinct values of a column, and int32 codes: each value's place among them.

    The runs of equal values are found first: a column grouped by item is looked up once per item
    and not once per vote.

    Args:
        column: names (String, Categorical, Enum) or whole numbers, none of them null.
        by_name: whether the distinct values are sorted; if not, values that never come back
            after another one are taken as they come.

    Raises:
        VotesFrameError: a null, or another type.
    """
    values = _nameable(column)
    if values.dtype.is_integer() and len(values) and _span(values) <= SPARSE * len(values):
        return _whole_numbers(values)
    run = values.rle_id().to_numpy().astype(np.int32)
    if len(run) and run[-1] > len(run) // 2 and not values.is_sorted():
        return _distinct(values)
    heads = values.gather(run_starts(run))
    if heads.is_sorted() or not (by_name or _may_repeat(heads)):
        return heads, run
    names, codes = _distinct(heads)
    return names, codes[run]


def class_codes(column: pl.Series, classes: Sequence[str]) -> Codes:
    """int32 codes of labels: each one's place among the classes, -1 for null.

    Raises:
        VotesFrameError: the labels are no names.
        UnknownLabelError: a label outside the classes.
    """
    values = column.cast(pl.String) if column.dtype == pl.Null else column
    if values.dtype not in (pl.String, pl.Categorical, pl.Enum):
        raise _unfit(column, "String")
    coded = values.cast(pl.Enum(classes), strict=False)
    if coded.null_count() > values.null_count():
        unknown = values.filter(coded.is_null() & values.is_not_null()).cast(pl.String)
        counts = (
            unknown.rename("label").value_counts().sort("count", "label", descending=[True, False])
        )
        raise UnknownLabelError(dict(counts.iter_rows()), tuple(classes))
    physical = coded.to_physical()
    return physical.cast(pl.Int32).fill_null(-1).to_numpy()


def places(values: pl.Series, names: pl.Series) -> Codes:
    """int32: the place of each value among the names; -1 where it is not among them."""
    known = pl.DataFrame({"name": names, "place": pl.int_range(len(names), eager=True)})
    joined = values.to_frame("name").join(known, on="name", how="left", maintain_order="left")
    return joined["place"].fill_null(-1).to_numpy().astype(np.int32)


def run_starts(codes: NDArray[np.integer]) -> NDArray[np.int64]:
    """Where each run of equal codes begins."""
    first = np.ones(len(codes), np.bool_)
    np.not_equal(codes[1:], codes[:-1], out=first[1:])
    return np.flatnonzero(first)


def in_order(key: NDArray[np.int64] | Keys) -> tuple[Keys, NDArray[np.int64]]:
    """Keys from 0 upwards in ascending order, and their places; equal keys keep their order.

    A key and its place fit in one number, and numbers are sorted faster than places by keys.
    """
    bits = max(len(key) - 1, 0).bit_length()
    packed = key.astype(np.uint64)
    if int(key.max(initial=0)).bit_length() + bits > MOST_BITS:
        order = np.argsort(packed, kind="stable")
        return packed[order], order
    packed <<= np.uint64(bits)
    packed |= np.arange(len(key), dtype=np.uint64)
    packed.sort()
    order = (packed & np.uint64((1 << bits) - 1)).astype(np.int64)
    packed >>= np.uint64(bits)
    return packed, order


def _nameable(column: pl.Series) -> pl.Series:
    if column.null_count():
        raise VotesFrameError(
            f"{column.null_count()} votes have no {column.name}. Every vote names its item and "
            "its actor (an unknown person is 'human:unknown').",
            column=column.name,
            n_rows=column.null_count(),
        )
    if column.dtype == pl.Null:
        return column.cast(pl.String)
    if isinstance(column.dtype, pl.Categorical | pl.Enum):
        return column.cast(pl.String)
    if column.dtype == pl.String or column.dtype.is_integer():
        return column
    raise _unfit(column, "String")


def _unfit(column: pl.Series, expected: str) -> VotesFrameError:
    return VotesFrameError(
        f"Column {column.name!r} of the votes is {column.dtype}; expected {expected}.",
        column=column.name,
        n_rows=len(column),
    )


def _span(values: pl.Series) -> int:
    return int(values.max()) - int(values.min())  # type: ignore[arg-type]


def _whole_numbers(column: pl.Series) -> tuple[pl.Series, Codes]:
    """Whole numbers by their place among those that occur, from the lowest up."""
    low = int(column.min())  # type: ignore[arg-type]
    code = column.to_numpy().astype(np.int64)
    code -= low
    occurs = np.bincount(code) > 0
    names = pl.Series(column.name, np.flatnonzero(occurs) + low).cast(column.dtype)
    if occurs.all():
        return names, code.astype(np.int32)
    return names, (np.cumsum(occurs, dtype=np.int32) - 1)[code]


def _may_repeat(values: pl.Series) -> bool:
    """Whether some value may occur twice: True where two hashes are the same."""
    hashes = np.sort(values.hash().to_numpy())
    return bool((hashes[1:] == hashes[:-1]).any())


def _distinct(values: pl.Series) -> tuple[pl.Series, Codes]:
    """Sorted distinct values, and the place of each value among them."""
    if values.dtype != pl.String:
        names = values.unique().sort()
        return names, places(values, names)
    code = values.cast(pl.Categorical).to_physical().to_numpy()
    row = np.full(int(code.max(initial=0)) + 1, -1)
    row[code] = np.arange(len(code))
    found = np.flatnonzero(row >= 0)
    names = values.gather(row[found])
    order = names.arg_sort()
    place = np.empty(len(row), np.int32)
    place[found[order.to_numpy()]] = np.arange(len(found), dtype=np.int32)
    return names.gather(order), place[code]
