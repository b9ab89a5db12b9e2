"""Krippendorff's alpha of votes that are values of their own: regions, vectors, numbers.

Such votes have no classes to count, so pairs are compared one by one: all pairs within an item for
the observed disagreement, and for the expected one all pairs of votes, or a seeded sample of them
where there are too many.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from quality.agreement.bootstrap import REPLICATES, interval
from quality.agreement.coefficients import ratio
from quality.agreement.counts import Codes, Floats
from quality.agreement.errors import AgreementError
from quality.agreement.figure import Figure
from quality.coding import run_starts

Apart = Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64]], Floats]
_PAIRS = 2_000_000
_PAIRS_PER_REPLICATE = 50_000
_BLOCK = 20


def alpha_of_values(
    item: npt.ArrayLike,
    values: npt.ArrayLike,
    apart: Apart,
    *,
    n_actors: int,
    seed: int,
    replicates: int = REPLICATES,
    most_pairs: int = _PAIRS,
) -> Figure:
    """Krippendorff's alpha with its interval from resampling items.

    Args:
        item: (n_votes,) item codes, one actor's vote per row.
        values: (n_votes, ...) finite numbers, for example boxes (n_votes, 4).
        apart: Distance of two stacks of values, row by row, for example `iou_apart`.
        n_actors: Actors behind the votes.
        seed: Of the sampled pairs (only above `most_pairs`, by default 2 million, where the
            expected disagreement is then exact to about 0.1 %) and of the bootstrap.
        replicates: Of the bootstrap; 0 leaves the interval out.
        most_pairs: Of more pairs of votes a sample of so many is compared.

    Raises:
        AgreementError: The lengths differ, or a value is not finite.
    """
    code, value = _paired_votes(item, values)
    place = np.unique(code, return_inverse=True)[1]
    n_items = int(place[-1]) + 1 if len(place) else 0
    reason = "only one actor voted" if n_actors == 1 and len(value) else None
    if not n_items or reason:
        reason = reason or "no item has votes of two actors"
        return Figure("krippendorff_alpha", None, None, None, n_items, n_actors, reason)
    rng = np.random.default_rng(seed)
    observed = _observed(place, value, apart)
    one, other = _all_pairs(len(value), rng, most_pairs)
    distance = apart(value[one], value[other])
    n_votes = np.bincount(place).astype(np.float64)
    found = float(1 - ratio(observed.sum() / n_votes.sum(), distance.mean()))
    if np.isnan(found):
        reason = "all votes are the same, so no disagreement could be expected"
        return Figure("krippendorff_alpha", None, None, None, n_items, n_actors, reason)
    few = rng.permutation(len(one))[:_PAIRS_PER_REPLICATE]
    sample = (place[one[few]], place[other[few]], distance[few])
    spread = _replicates(observed, n_votes, sample, replicates=replicates, rng=rng)
    ends = interval(spread) if n_items > 1 and replicates else None
    low, high = ends or (None, None)
    reason = None if ends else "no interval: fewer than two items have two votes"
    return Figure("krippendorff_alpha", found, low, high, n_items, n_actors, reason)


def iou_apart(one: npt.ArrayLike, other: npt.ArrayLike) -> Floats:
    """One minus intersection over union of boxes (..., 4): left, top, right, bottom.

    Raises:
        AgreementError: A corner is not finite, or left > right, or top > bottom.
    """
    first, second = np.asarray(one, np.float64), np.asarray(other, np.float64)
    for corners in (first, second):
        if not np.isfinite(corners).all() or (corners[..., :2] > corners[..., 2:]).any():
            raise AgreementError("boxes need finite corners with left <= right and top <= bottom.")
    low = np.maximum(first[..., :2], second[..., :2])
    high = np.minimum(first[..., 2:], second[..., 2:])
    shared = np.maximum(high - low, 0).prod(axis=-1)
    areas = [(each[..., 2:] - each[..., :2]).prod(axis=-1) for each in (first, second)]
    either = areas[0] + areas[1] - shared
    same = (first == second).all(axis=-1).astype(np.float64)
    return np.asarray(1 - np.where(either > 0, ratio(shared, either), same))


def _paired_votes(item: npt.ArrayLike, values: npt.ArrayLike) -> tuple[Codes, Floats]:
    """Votes sorted by item, of items with at least two."""
    code, value = np.asarray(item, np.int64), np.asarray(values, np.float64)
    if code.ndim != 1 or len(code) != len(value) or not np.isfinite(value).all():
        raise AgreementError(
            f"{code.shape} items and {value.shape} values; expected one finite value per vote."
        )
    order = np.argsort(code, kind="stable")
    code, value = code[order], value[order]
    sizes = np.diff(run_starts(code), append=len(code))
    paired = np.repeat(sizes > 1, sizes)
    return code[paired], value[paired]


def _observed(place: Codes, value: Floats, apart: Apart) -> Floats:
    """(n_items,) sum over ordered pairs of an item's votes of d / (m - 1).

    Votes are compared with the next one, the one after it and so on, as long as any item is
    that long.
    """
    sizes = np.bincount(place)
    total = np.zeros(len(sizes))
    for step in range(1, int(sizes.max())):
        here = np.flatnonzero(place[step:] == place[:-step])
        distance = apart(value[here], value[here + step])
        total += np.bincount(place[here], 2 * distance, len(sizes))
    return np.asarray(total / (sizes - 1))


def _all_pairs(n_votes: int, rng: np.random.Generator, most: int) -> tuple[Codes, Codes]:
    """Places of all pairs of different votes, or a sample of them."""
    if n_votes * (n_votes - 1) // 2 <= most:
        one, other = np.triu_indices(n_votes, 1)
        return one, other
    one = rng.integers(0, n_votes, most)
    return one, (one + rng.integers(1, n_votes, most)) % n_votes


def _replicates(
    observed: Floats,
    n_votes: Floats,
    sample: tuple[Codes, Codes, Floats],
    *,
    replicates: int,
    rng: np.random.Generator,
) -> Floats:
    """Alpha with items drawn anew; a pair weighs as much as its two items together."""
    one, other, distance = sample
    n_items = len(observed)
    spread = np.empty(replicates)
    for begin in range(0, replicates, _BLOCK):
        size = min(_BLOCK, replicates - begin)
        drawn = rng.multinomial(n_items, np.full(n_items, 1 / n_items), size)
        weight = drawn[:, one] * drawn[:, other]
        expected = ratio(weight @ distance, weight.sum(axis=1))
        spread[begin : begin + size] = 1 - ratio((drawn @ observed) / (drawn @ n_votes), expected)
    return spread
