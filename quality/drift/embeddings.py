"""Two samples of embeddings, measured: MMD says whether they differ, a classifier by how much."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quality.drift.classifier import classify_features
from quality.drift.columns import FeatureDrift
from quality.drift.mmd import mmd_of_features
from quality.drift.policy import DriftPolicy
from quality.drift.random_features import fourier_features, matrices


def measure_embeddings(
    reference: NDArray[Any], current: NDArray[Any], *, seed: int, policy: DriftPolicy
) -> FeatureDrift:
    """Compares two matrices (n, d) and (m, d); of more than `max_rows` a seeded draw is looked at.

    Raises:
        DriftError: The matrices are not of one width, or hold NaN or infinities.
    """
    rng = np.random.default_rng(seed)
    drawn = [_drawn(np.asarray(side), policy.max_rows, rng) for side in (reference, current)]
    one, two = matrices(*drawn)
    if min(len(one), len(two)) < policy.min_n:
        reason = f"only {len(one)} and {len(two)} embeddings, {policy.min_n} are needed"
        return FeatureDrift("embedding", "embedding", reason=reason)
    if one.shape[1] == 0:
        return FeatureDrift("embedding", "embedding", reason="embeddings of no dimensions")
    mapped = fourier_features((one, two), rng=rng)
    test = mmd_of_features(*mapped, rng, policy.permutations)
    told_apart = classify_features(*mapped, rng)
    return FeatureDrift(
        "embedding",
        "embedding",
        statistic=test.statistic,
        p_value=test.p_value,
        effect=told_apart.effect,
    )


def _drawn(rows: NDArray[Any], most: int, rng: np.random.Generator) -> NDArray[Any]:
    return rows if len(rows) <= most else rows[rng.choice(len(rows), most, replace=False)]
