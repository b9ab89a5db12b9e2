"""Pairs worth a comparison: items that share the key of at least one band.

References:
    Indyk and Motwani 1998, Approximate nearest neighbors.
    Leskovec, Rajaraman and Ullman, Mining of massive datasets, section 3.4 (banding).
"""

import math
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from quality.coding import in_order, run_starts

Rows = NDArray[np.int64]
Keys = NDArray[np.uint64]

CROWD = 100
REACH = 10


def sharing_a_key(keys: Keys) -> Iterator[tuple[Rows, Rows]]:
    """Row pairs of equal key, in blocks; keys (n,).

    All pairs of up to 100 rows that share a key. In a larger crowd each row is paired with the
    next ten of it, so that the work stays linear; what is alike there still meets in a chain.
    """
    ranked, order = in_order(keys)
    crowds = np.diff(run_starts(ranked), append=len(ranked))
    crowded = np.repeat(crowds > CROWD, crowds)
    alike = np.flatnonzero(ranked[1:] == ranked[:-1])
    offset = 1
    while alike.size:
        yield order[alike], order[alike + offset]
        offset += 1
        alike = alike[: np.searchsorted(alike, len(keys) - offset)]
        alike = alike[ranked[alike] == ranked[alike + offset]]
        if offset > REACH:
            alike = alike[~crowded[alike]]


def pairs_skipped(keys: Keys) -> int:
    """Pairs of equal key that `sharing_a_key` leaves out."""
    crowds = np.unique_counts(keys).counts.astype(np.int64)
    beyond = crowds[crowds > CROWD] - REACH
    return int((beyond * (beyond - 1) // 2).sum())


def distinct_pairs(blocks: Iterable[Iterable[tuple[Rows, Rows]]], n: int) -> tuple[Rows, Rows]:
    """The pairs of several bands over n rows once each, the smaller row first, in order."""
    found = np.empty(0, dtype=np.int64)
    for band in blocks:
        codes = [np.minimum(i, j) * n + np.maximum(i, j) for i, j in band]
        found = np.unique(np.concatenate([found, *codes]))
    return found // max(n, 1), found % max(n, 1)


def rows_per_band(agreement: float, values: int, recall: float) -> int:
    """Most rows per band by which a pair still meets in some band with chance `recall`.

    Args:
        agreement: Chance that a pair just at the threshold agrees in one value.
        values: Values to be divided into bands.
        recall: Wanted chance that such a pair becomes a candidate.
    """
    for rows in range(values, 1, -1):
        if meeting_chance(agreement, values // rows, rows) >= recall:
            return rows
    return 1


def meeting_chance(agreement: float, bands: int, rows: int) -> float:
    """Chance that a pair agrees in all rows of at least one band."""
    return -math.expm1(bands * math.log1p(-(min(agreement, 1 - 1e-12) ** rows)))
