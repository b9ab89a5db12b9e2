"""Intervals from resampling items: 1,000 replicates at the cost of a few thousand numbers each.

Drawing n items with replacement is the same as drawing multinomial weights for the distinct rows,
so no replicate ever touches an item. Where nearly every row is its own, items are first put into
5,000 bundles of equal size at random and bundles are drawn: the same spread, known to about 1 %.
"""

from collections.abc import Callable

import numpy as np
from scipy import sparse

from quality.agreement.counts import Codes, Floats

REPLICATES = 1_000
_CELLS_PER_BLOCK = 4_000_000
_RARE = 24
_MOST_ROWS = 20_000
_BUNDLES = 5_000
_DENSE = 0.05


def resampled_sums(
    moments: sparse.csr_array, times: Codes, *, replicates: int, seed: int
) -> Floats:
    """(replicates, n_moments) sums of the rows' moments when items are drawn anew.

    Args:
        moments: (n_rows, n_moments) what one item with this row adds.
        times: (n_rows,) how many items have this row.
        replicates: How often the items are drawn.
        seed: Of the draws; the same seed gives the same sums.
    """
    rng = np.random.default_rng(seed)
    if len(times) > _MOST_ROWS:
        moments, times = _bundled(moments, times, rng)
    by_moment = moments.T.tocsr()
    if by_moment.nnz > _DENSE * moments.shape[0] * moments.shape[1]:
        by_moment = by_moment.toarray()
    sums = np.empty((replicates, moments.shape[1]))
    block = max(1, _CELLS_PER_BLOCK // max(len(times), 1))
    draw = _drawer(times)
    for begin in range(0, replicates, block):
        size = min(block, replicates - begin)
        sums[begin : begin + size] = (by_moment @ draw(rng, size).T).T
    return sums


def interval(replicates: Floats) -> tuple[float, float] | None:
    """Percentile interval of 95 %, or None where half of the replicates have no value."""
    values = replicates[np.isfinite(replicates)]
    if len(values) * 2 <= len(replicates):
        return None
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _bundled(
    moments: sparse.csr_array, times: Codes, rng: np.random.Generator
) -> tuple[sparse.csr_array, Codes]:
    """Moments of bundles of items put together at random, each bundle there once."""
    row = rng.permutation(np.repeat(np.arange(len(times)), times))
    bundle = np.arange(len(row)) * _BUNDLES // len(row)
    shape = (_BUNDLES, len(times))
    members = sparse.coo_array((np.ones(len(row)), (bundle, row)), shape=shape).tocsr()
    return (members @ moments).tocsr(), np.ones(_BUNDLES, np.int64)


def _drawer(times: Codes) -> Callable[[np.random.Generator, int], Floats]:
    """Draws (size, n_rows) multinomial weights.

    Rows that many items share cost one binomial each. Rare rows are pooled: the pool's share is
    one more binomial, and each of its draws picks an item directly. Exact, and far cheaper where
    nearly every row is its own.
    """
    n_items = int(times.sum())
    common = np.flatnonzero(times >= _RARE)
    rare = np.flatnonzero(times < _RARE)
    members = np.repeat(rare, times[rare])
    chances = np.append(times[common], len(members)) / max(n_items, 1)

    def draw(rng: np.random.Generator, size: int) -> Floats:
        weights = np.zeros((size, len(times)))
        drawn = rng.multinomial(n_items, chances, size)
        weights[:, common] = drawn[:, :-1]
        for replicate, n_rare in enumerate(drawn[:, -1]):
            if n_rare:
                picked = members[rng.integers(0, len(members), n_rare)]
                weights[replicate] += np.bincount(picked, minlength=len(times))
        return weights

    return draw
