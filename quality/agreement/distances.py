"""Distances between classes, as Krippendorff's alpha sums them (squared already).

Scales: Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011. Sets: Jaccard, and MASI
(Passonneau, LREC 2006), which also asks whether one set holds the other.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from quality.agreement.counts import Floats
from quality.agreement.errors import AgreementError

Scale = Literal["nominal", "ordinal", "interval", "ratio"]
Distance = npt.NDArray[np.float64]


def distances(scale: Scale | Distance, n_classes: int, values: Floats | None = None) -> Distance:
    """(n_classes, n_classes) distances of a scale, or the given matrix, checked.

    Raises:
        AgreementError: The scale has no name here, the matrix is no distance matrix of that
            size, or the values are not one finite number per class (none negative for ratio).
    """
    if not isinstance(scale, str):
        return _checked(scale, n_classes)
    if scale == "nominal":
        return 1.0 - np.eye(n_classes)
    places = np.arange(n_classes) if values is None else np.asarray(values, np.float64)
    if places.shape != (n_classes,) or not np.isfinite(places).all():
        raise AgreementError(f"values are {places.tolist()}; expected {n_classes} finite numbers.")
    apart = np.subtract.outer(places, places) ** 2.0
    if scale == "interval":
        return apart
    if scale != "ratio":
        raise AgreementError(
            f"no scale is called {scale!r}; expected nominal, ordinal, interval, ratio or a matrix."
        )
    if (places < 0).any():
        raise AgreementError(f"a ratio scale starts at 0, but a value is {places.min()}.")
    total = np.add.outer(places, places) ** 2.0
    return np.divide(apart, total, out=np.zeros_like(apart), where=total > 0)


def ordinal_distances(votes: Floats) -> Distance:
    """(..., n_classes, n_classes) distances of ranks, from votes per class (..., n_classes).

    d_kl is the square of the votes from class k to class l, those of the two ends counted half.
    """
    middle = np.cumsum(votes, axis=-1) - votes / 2
    return np.asarray((middle[..., :, None] - middle[..., None, :]) ** 2)


def jaccard_distances(sets: Sequence[Collection[str]]) -> Distance:
    """(n, n) one minus the shared part of two sets; two empty sets are the same."""
    return _pairwise(sets, lambda shared, either, _: shared / either)


def masi_distances(sets: Sequence[Collection[str]]) -> Distance:
    """(n, n) MASI: Jaccard times 1 for equal sets, 2/3 for subsets, 1/3 for overlaps, else 0."""

    def near(shared: int, either: int, smaller: int) -> float:
        if shared == either:
            return 1.0
        return shared / either * (2 / 3 if shared == smaller else 1 / 3)

    return _pairwise(sets, near)


def _pairwise(sets: Sequence[Collection[str]], near: Callable[[int, int, int], float]) -> Distance:
    """One minus the nearness of each pair of sets, given |A and B|, |A or B|, min(|A|, |B|)."""
    distinct = [frozenset(each) for each in sets]
    apart = np.zeros((len(sets), len(sets)))
    for i, one in enumerate(distinct):
        for j, other in enumerate(distinct[:i]):
            either = len(one | other)
            value = near(len(one & other), either, min(len(one), len(other))) if either else 1.0
            apart[i, j] = apart[j, i] = 1 - value
    return apart


def _checked(matrix: Distance, n_classes: int) -> Distance:
    """The matrix, where it is one of distances between that many classes."""
    apart = np.asarray(matrix, np.float64)
    square = apart.shape == (n_classes, n_classes)
    if not square or not np.isfinite(apart).all() or (apart < 0).any():
        raise AgreementError(
            f"distances are {apart.shape}; expected ({n_classes}, {n_classes}), "
            "finite and none negative."
        )
    if np.diagonal(apart).any() or not np.allclose(apart, apart.T):
        raise AgreementError("distances must be symmetric, and 0 from a class to itself.")
    return apart
