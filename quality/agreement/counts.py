"""Votes per class of each item, kept as the distinct rows that occur and how often.

A million items with five votes in ten classes have at most 3,002 distinct rows; every figure and
every bootstrap replicate is a sum over those.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from quality.agreement.errors import AgreementError
from quality.votes import VoteCodes

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]
_TABLE = 2
_CELLS_PER_BLOCK = 4_000_000


@dataclass(frozen=True)
class CountRows:
    """The distinct rows of votes per class.

    Attributes:
        counts: (n_rows, n_classes) sparse, votes per class; every row has at least one vote.
        times: (n_rows,) how many items have this row.
        row_keys: (n_rows,) key of each row, ascending.
        item_keys: (n_voted,) key of the row of each item that has a vote, in item order.
    """

    counts: sparse.csr_array
    times: Codes
    row_keys: Keys
    item_keys: Keys

    @property
    def n_classes(self) -> int:
        """Classes of the ontology, used or not."""
        return int(self.counts.shape[1])

    @property
    def sizes(self) -> Floats:
        """(n_rows,) votes of one item with this row."""
        return np.asarray(self.counts.sum(axis=1), np.float64)

    @property
    def n_pairable(self) -> int:
        """Items with at least two votes, which is what agreement is about."""
        return int(self.times[self.sizes > 1].sum())

    def votes_for(self, row: Codes, label: npt.NDArray[np.int32]) -> Codes:
        """How many votes each (row, label) holds; each must hold at least one."""
        filled = self.counts.tocoo()
        places = filled.row.astype(np.int64) * self.n_classes + filled.col
        found = np.searchsorted(places, row * self.n_classes + label)
        return np.asarray(filled.data[found], np.int64)

    def row_of_item(self) -> Codes:
        """(n_voted,) which row each voted item has."""
        return np.searchsorted(self.row_keys, self.item_keys).astype(np.int64)


def count_votes(coded: VoteCodes) -> CountRows:
    """The distinct rows of votes per class in coded votes."""
    begins, ends = coded.starts[coded.voted], coded.starts[coded.voted + 1]
    weights = _class_keys(len(coded.classes))[coded.label]
    keys = np.add.reduceat(weights, begins) if len(begins) else np.empty(0, np.uint64)
    row_keys, first, times = _distinct(keys)
    begin, end = begins[first], ends[first]
    row = np.repeat(np.arange(len(first)), end - begin)
    vote = np.arange(len(row)) + np.repeat(
        begin - np.cumsum(end - begin) + (end - begin), end - begin
    )
    counts = _count(row, coded.label[vote], (len(first), len(coded.classes)))
    return CountRows(counts, times, row_keys, keys)


def count_ratings(ratings: npt.ArrayLike, n_classes: int | None = None) -> CountRows:
    """The distinct rows of ratings per class in a table of class codes.

    Args:
        ratings: (n_raters, n_items) integer class codes; a negative code is a missing rating.
        n_classes: Classes of the scale; by default one more than the highest code.

    Raises:
        AgreementError: The ratings are no such table, or a code is beyond n_classes.
    """
    table = np.atleast_2d(np.asarray(ratings))
    if table.ndim != _TABLE or not np.issubdtype(table.dtype, np.integer):
        raise AgreementError(
            f"ratings have {table.ndim} dimensions of {table.dtype}; expected a table "
            "(raters, items) of integer class codes, negative where a rating is missing."
        )
    n_classes = int(table.max(initial=-1)) + 1 if n_classes is None else n_classes
    if table.max(initial=-1) >= n_classes:
        raise AgreementError(f"a rating has code {table.max()}, but there are {n_classes} classes.")
    weights = np.append(_class_keys(n_classes), np.uint64(0))
    keys = np.zeros(table.shape[1], np.uint64)
    for rater in table:
        keys += weights[np.maximum(rater, -1)]
    row_keys, first, times = _distinct(keys)
    rater, row = np.nonzero(table[:, first] >= 0)
    counts = _count(row, table[:, first][rater, row], (len(first), n_classes))
    return _without_unrated(CountRows(counts, times, row_keys, keys))


def count_table(counts: npt.ArrayLike) -> CountRows:
    """The distinct rows of a dense (n_items, n_classes) table of counts."""
    table = np.asarray(counts)
    if (
        table.ndim != _TABLE
        or (table.size and (table < 0).any())
        or (table != np.floor(table)).any()
    ):
        raise AgreementError("counts are no (items, classes) table of whole numbers from 0 up.")
    keys = table.astype(np.uint64) @ _class_keys(table.shape[1])
    row_keys, first, times = _distinct(keys)
    rows = sparse.csr_array(table[first].astype(np.float64))
    return _without_unrated(CountRows(rows, times, row_keys, keys))


def pair_sums(counts: sparse.csr_array, table: Floats | None) -> Floats:
    """(n_rows,) sum over k and l of n_k n_l t_kl; without a table that of the identity."""
    if table is None:
        return np.asarray(counts.multiply(counts).sum(axis=1), np.float64)
    sums = np.empty(counts.shape[0])
    block = max(1, _CELLS_PER_BLOCK // max(counts.shape[1], 1))
    for begin in range(0, len(sums), block):
        some = counts[begin : begin + block]
        sums[begin : begin + block] = some.multiply(some @ table).sum(axis=1)
    return sums


def item_agreement(rows: CountRows) -> Floats:
    """(n_voted,) share of an item's pairs of votes that agree, NaN with a single vote."""
    sizes = rows.sizes
    agreeing = pair_sums(rows.counts, None) - sizes
    share = np.full(len(sizes), np.nan)
    np.divide(agreeing, sizes * (sizes - 1), out=share, where=sizes > 1)
    return share[rows.row_of_item()]


def _class_keys(n_classes: int) -> Keys:
    """One fixed random 64-bit number per class.

    A row's key is the sum of its votes' numbers, so it does not depend on the votes' order. Two
    different rows share a key with a probability of about n_rows^2 / 2^65.
    """
    numbers = np.random.default_rng(64).integers(1, 2**64, n_classes, np.uint64, endpoint=False)
    return np.asarray(numbers, np.uint64)


def _distinct(keys: Keys) -> tuple[Keys, Codes, Codes]:
    """Distinct keys in ascending order, the first place of each and how often it occurs."""
    places = pl.DataFrame({"key": keys}).with_row_index("place")
    groups = places.group_by("key").agg(pl.col("place").min(), pl.len()).sort("key")
    first, times = groups["place"].to_numpy(), groups["len"].to_numpy()
    return groups["key"].to_numpy(), first.astype(np.int64), times.astype(np.int64)


def _count(row: Codes, label: Codes, shape: tuple[int, int]) -> sparse.csr_array:
    """Sparse counts of the labels that fall in each row."""
    counts = sparse.coo_array((np.ones(len(row)), (row, label)), shape=shape).tocsr()
    counts.sort_indices()
    return counts


def _without_unrated(rows: CountRows) -> CountRows:
    """Without the row of items that nobody rated."""
    rated = rows.sizes > 0
    unrated = rows.row_keys[~rated]
    keys = rows.item_keys if not len(unrated) else rows.item_keys[~np.isin(rows.item_keys, unrated)]
    return CountRows(rows.counts[rated], rows.times[rated], rows.row_keys[rated], keys)
