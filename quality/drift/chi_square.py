"""Pearson's chi-square test of homogeneity: do two samples of classes come from one source?

Reference:
    Cochran 1954, Some methods for strengthening the common chi-square tests (the rule of five).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RULE_OF_FIVE = 5.0


@dataclass(frozen=True)
class ChiSquareTest:
    """Result of `chi_square`; None where fewer than two classes are left to compare.

    Attributes:
        statistic: Pearson's statistic over the classes after pooling.
        p_value: Chance of one at least this large from one source.
        classes: Classes compared, the pooled rare ones counted as one.
        pooled: Rare classes that were pooled.
    """

    statistic: float | None
    p_value: float | None
    classes: int
    pooled: int


def chi_square(reference: Any, current: Any) -> ChiSquareTest:
    """Tests two count vectors (classes,).

    Without rare classes equal to `scipy.stats.chi2_contingency(correction=False)`. Classes with an
    expected count below five on either side are pooled first: with them the p-value would be wrong.
    """
    from scipy.special import chdtrc

    table = np.array([reference, current], dtype=np.float64)
    table, pooled = _pool_rare(table[:, table.sum(axis=0) > 0])
    classes = table.shape[1]
    if classes < 2 or (table.sum(axis=1) == 0).any():  # noqa: PLR2004
        return ChiSquareTest(None, None, classes, pooled)
    expected = _expected(table)
    statistic = float(((table - expected) ** 2 / expected).sum())
    return ChiSquareTest(statistic, float(chdtrc(classes - 1, statistic)), classes, pooled)


def _expected(table: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.outer(table.sum(axis=1), table.sum(axis=0)) / max(table.sum(), 1.0))


def _pool_rare(table: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    rare = (_expected(table) < RULE_OF_FIVE).any(axis=0)
    if not rare.any():
        return table, 0
    pool = table[:, rare].sum(axis=1, keepdims=True)
    return np.hstack([table[:, ~rare], pool]), int(rare.sum())
