"""Maximum mean discrepancy: the distance between the mean embeddings of two samples.

With random features the statistic is the squared distance of two mean vectors, so that every
permutation costs one row of a matrix product. The p-value is exact for any sample size.

References:
    Gretton et al. 2012, A kernel two-sample test.
    Phipson and Smyth 2010, Permutation p-values should never be zero.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quality.drift.random_features import fourier_features

Floats = NDArray[np.float64]

BLOCK = 100


@dataclass(frozen=True)
class MmdTest:
    """Squared MMD (biased, 0 to 2) and its permutation p-value."""

    statistic: float
    p_value: float
    permutations: int


def mmd(reference: Any, current: Any, *, seed: int, permutations: int = 999) -> MmdTest:
    """Tests whether two samples (n, d) and (m, d) come from one source.

    Sees a change of any kind, given enough rows: of the mean, the spread, the shape, the clusters.
    """
    rng = np.random.default_rng(seed)
    return mmd_of_features(*fourier_features((reference, current), rng=rng), rng, permutations)


def mmd_of_features(
    one: Floats, two: Floats, rng: np.random.Generator, permutations: int
) -> MmdTest:
    """The same test on random features, (n, features) and (m, features)."""
    pooled = np.vstack([one, two])
    observed = float(((one.mean(axis=0) - two.mean(axis=0)) ** 2).sum())
    blocks = (min(BLOCK, permutations - done) for done in range(0, permutations, BLOCK))
    drawn = np.concatenate([_permuted(pooled, len(one), count, rng) for count in blocks])
    # The tolerance counts a permutation that restores the samples as a tie, whatever the rounding.
    as_large = int((drawn >= observed * (1 - 1e-9)).sum())
    return MmdTest(observed, (1 + as_large) / (1 + permutations), permutations)


def _permuted(pooled: Floats, n: int, count: int, rng: np.random.Generator) -> Floats:
    total = len(pooled)
    signs = np.full((count, total), -1.0 / (total - n))
    signs[:, :n] = 1.0 / n
    return np.asarray(((rng.permuted(signs, axis=1) @ pooled) ** 2).sum(axis=1))
