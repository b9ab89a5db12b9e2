"""How far two distributions over the same bins or classes lie apart, from their counts.

PSI and Jensen-Shannon have no p-value and depend on sample size and bins; they describe. What
decides is the test and the total variation: the share of probability that moved.

References:
    Lin 1991, Divergence measures based on the Shannon entropy.
    Yurdakul 2018, Statistical properties of the population stability index.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quality.drift.errors import DriftError

Floats = NDArray[np.float64]


def psi(reference: Any, current: Any) -> float:
    """Population stability index of two count vectors (bins,), 0 where they agree.

    Half a count is added to every bin, so that an empty bin weighs what half an item would. For
    samples of n and m of one source it is about (bins - 1) * (1/n + 1/m): small samples look
    unstable by themselves.
    """
    one, two = _both(reference, current)
    p = (one + 0.5) / (one + 0.5).sum()
    q = (two + 0.5) / (two + 0.5).sum()
    return float(((q - p) * np.log(q / p)).sum())


def jensen_shannon(reference: Any, current: Any) -> float:
    """Jensen-Shannon distance (base 2) of two count vectors: 0 the same, 1 nothing in common."""
    p, q = _shares(reference, current)
    middle = (p + q) / 2
    divergence = (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2
    return float(np.sqrt(max(divergence, 0.0)))


def total_variation(reference: Any, current: Any) -> float:
    """Share of probability that moved: the largest difference in share of any set of classes."""
    p, q = _shares(reference, current)
    return float(np.abs(p - q).sum() / 2)


def _relative_entropy(p: Floats, q: Floats) -> float:
    held = p > 0
    return float((p[held] * np.log2(p[held] / q[held])).sum())


def _shares(reference: Any, current: Any) -> tuple[Floats, Floats]:
    one, two = _both(reference, current)
    return one / one.sum(), two / two.sum()


def _both(reference: Any, current: Any) -> tuple[Floats, Floats]:
    one = np.asarray(reference, dtype=np.float64)
    two = np.asarray(current, dtype=np.float64)
    if one.ndim != 1 or one.shape != two.shape:
        raise DriftError(
            f"counts must be two vectors over the same bins, got {one.shape} and {two.shape}",
            reference=one.shape,
            current=two.shape,
        )
    for side, counts in (("reference", one), ("current", two)):
        if not (np.isfinite(counts).all() and (counts >= 0).all() and counts.sum() > 0):
            raise DriftError(
                f"{side} counts must be finite, not negative and not all zero: {counts.tolist()}",
                side=side,
                counts=counts,
            )
    return one, two
