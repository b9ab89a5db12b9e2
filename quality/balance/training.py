"""What a rare class weighs in training, and which rows are learned from."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

Weighting = Literal["none", "balanced", "effective_number"]
Sampling = Literal["none", "over", "under"]
BETA = 0.999
"""Overlap of items: the more of a class there are, the less a further one adds."""


def class_weights(mass: Floats, how: Weighting) -> Floats:
    """Weight of one item by its class [K]; their mean over the items is 1.

    Args:
        mass: Items of each class, or the sum of their weights [K]; a class may have none.
        how: "balanced" makes all classes weigh the same in total; "effective_number" divides by
            (1 - b^n) / (1 - b), which for a common class is less (Y. Cui et al. 2019,
            https://arxiv.org/abs/1901.05555).
    """
    present = mass > 0
    weights = np.ones_like(mass, dtype=np.float64)
    if how == "none" or not present.any():
        return weights
    counted = mass if how == "balanced" else (1 - BETA**mass) / (1 - BETA)
    weights[present] = 1 / counted[present]
    weights[present] *= mass[present].sum() / (weights * mass)[present].sum()
    return weights


def sampled(codes: Codes, how: Sampling, seed: int) -> NDArray[np.int64]:
    """Rows to learn from, each class as often as the commonest ("over") or rarest ("under").

    Over-sampling keeps every row and repeats rows of the rarer classes, all equally often to
    within one; under-sampling draws without replacement. Rows come in ascending order.
    """
    if how == "none" or not len(codes):
        return np.arange(len(codes))
    rng = np.random.default_rng(seed)
    present, counts = np.unique(codes, return_counts=True)
    wanted = counts.max() if how == "over" else counts.min()
    rows = []
    for code in present:
        shuffled = rng.permutation(np.flatnonzero(codes == code))
        rows.append(np.resize(shuffled, wanted))
    return np.sort(np.concatenate(rows))
