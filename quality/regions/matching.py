"""Intersection over union of regions, and the best matching of two actors' regions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quality.regions.region import Region

Floats = npt.NDArray[np.float64]


def iou(one: Floats, other: Floats) -> Floats:
    """Intersection over union, row by row, of boxes or spans given by their sides.

    Args:
        one: (..., 2 d) lower ends, then upper ends, in d dimensions (1 for spans, 2 for boxes).
        other: Likewise, of a shape that goes with it.

    Returns:
        (...) from 0 to 1; regions that only touch share nothing.
    """
    half = one.shape[-1] // 2
    low = np.maximum(one[..., :half], other[..., :half])
    high = np.minimum(one[..., half:], other[..., half:])
    shared = np.maximum(high - low, 0.0).prod(axis=-1)
    sizes = [(each[..., half:] - each[..., :half]).prod(axis=-1) for each in (one, other)]
    either = sizes[0] + sizes[1] - shared
    return np.asarray(shared / np.where(either > 0, either, 1.0))


def sides_of(regions: Sequence[Region]) -> Floats:
    """(n, 2 d) sides of regions; (0, 0) of none."""
    return np.array([region.sides for region in regions], dtype=np.float64).reshape(
        len(regions), -1 if regions else 0
    )


@dataclass(frozen=True)
class Matched:
    """Two sets of regions, compared.

    Attributes:
        pairs: Places in the first and in the second set, with their IoU.
        n_one: Regions of the first.
        n_other: Regions of the second.
    """

    pairs: tuple[tuple[int, int, float], ...]
    n_one: int
    n_other: int

    @property
    def f1(self) -> float:
        """Share of all regions that have a partner; 1 where both sets are empty."""
        total = self.n_one + self.n_other
        return 2 * len(self.pairs) / total if total else 1.0

    @property
    def overlap(self) -> float:
        """As F1, each pair counting its IoU."""
        total = self.n_one + self.n_other
        return 2 * sum(pair[2] for pair in self.pairs) / total if total else 1.0


def matched(one: Sequence[Region], other: Sequence[Region], *, threshold: float) -> Matched:
    """The matching of regions of the same class with most pairs, of those with most overlap.

    Args:
        one: What one actor drew.
        other: What the other drew.
        threshold: Lowest IoU of a pair, above 0.
    """
    return _assigned(one, other, threshold=threshold, worth=1.0)


def most_overlap(one: Sequence[Region], other: Sequence[Region]) -> Matched:
    """The matching of regions of the same class with the greatest sum of IoU, however small."""
    return _assigned(one, other, threshold=np.finfo(np.float64).tiny, worth=0.0)


def _assigned(
    one: Sequence[Region], other: Sequence[Region], *, threshold: float, worth: float
) -> Matched:
    """Pairs of an optimal assignment, each pair worth so much beside its IoU."""
    if not one or not other:
        return Matched((), len(one), len(other))
    overlap = iou(sides_of(one)[:, None], sides_of(other)[None])
    labels = np.array([r.label for r in one])[:, None] == np.array([r.label for r in other])
    allowed = labels & (overlap >= threshold)
    # A pair more always outweighs whatever overlap it costs.
    gain = np.where(allowed, overlap + worth * min(overlap.shape), 0.0)
    rows, columns = _best(gain)
    pairs = tuple(
        (int(row), int(column), float(overlap[row, column]))
        for row, column in zip(rows, columns, strict=True)
        if allowed[row, column]
    )
    return Matched(pairs, len(one), len(other))


def _best(gain: Floats) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Rows and columns of an assignment with the greatest gain."""
    from scipy.optimize import linear_sum_assignment

    positive = gain > 0
    if positive.sum(axis=0).max() <= 1 and positive.sum(axis=1).max() <= 1:
        rows, columns = np.nonzero(positive)
        return rows, columns
    rows, columns = linear_sum_assignment(gain, maximize=True)
    return rows, columns
