"""Many tests, one rate of error: p-values adjusted so that each may be held against alpha itself.

References:
    Holm 1979, A simple sequentially rejective multiple test procedure (family-wise error).
    Benjamini and Hochberg 1995, Controlling the false discovery rate.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quality.drift.errors import DriftError
from quality.drift.policy import Correction

Floats = NDArray[np.float64]


def holm(p_values: Floats) -> Floats:
    """Adjusted p-values (m,); rejecting those <= alpha errs at all with chance alpha at most."""
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    return _back(np.maximum.accumulate(p_values[order] * factors), order)


def benjamini_hochberg(p_values: Floats) -> Floats:
    """Adjusted p-values (m,); of those <= alpha, a share alpha at most is expected to be false."""
    order = np.argsort(p_values)
    count = len(p_values)
    raised = p_values[order] * count / np.arange(1, count + 1)
    return _back(np.minimum.accumulate(raised[::-1])[::-1], order)


def correct(p_values: Any, correction: Correction) -> Floats:
    """Adjusts p-values by the named correction.

    Raises:
        DriftError: A p-value is not a number between 0 and 1.
    """
    given = np.asarray(p_values, dtype=np.float64)
    if not bool(np.all((given >= 0) & (given <= 1))):
        raise DriftError(f"p-values must lie between 0 and 1, got {given.tolist()}", given=given)
    return holm(given) if correction == "holm" else benjamini_hochberg(given)


def _back(adjusted: Floats, order: NDArray[np.intp]) -> Floats:
    result = np.empty_like(adjusted)
    result[order] = np.minimum(adjusted, 1.0)
    return result
