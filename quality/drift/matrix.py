"""KS and PSI of all columns of two matrices at once, for sources with many features."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quality.drift.divergence import psi
from quality.drift.errors import DriftError
from quality.drift.kolmogorov import ks_p_values
from quality.drift.ordered import OrderedPair, ordered

Floats = NDArray[np.float64]


def ks_columns(reference: Any, current: Any) -> tuple[Floats, Floats]:
    """KS distance and uncorrected p-value of each column, (columns,) both.

    Args:
        reference: (n, columns); Fortran order is fastest.
        current: (m, columns).

    Raises:
        DriftError: The matrices are not of one width, are empty or hold NaN.
    """
    one, two = _both(reference, current)
    gaps = _each(OrderedPair.ks_distance, one, two)
    return gaps, ks_p_values(gaps, one.shape[0], two.shape[0])


def psi_columns(reference: Any, current: Any, *, bins: int = 10) -> Floats:
    """Population stability index of each column over bins at the reference's quantiles.

    Raises:
        DriftError: As `ks_columns`.
    """

    def of_pair(pair: OrderedPair) -> float:
        return psi(*pair.bin_counts(bins))

    return _each(of_pair, *_both(reference, current))


def _both(reference: Any, current: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    one, two = np.asarray(reference), np.asarray(current)
    if one.ndim != 2 or two.ndim != 2 or one.shape[1] != two.shape[1]:  # noqa: PLR2004
        raise DriftError(
            f"expected two matrices of one width, got shapes {one.shape} and {two.shape}",
            reference=one.shape,
            current=two.shape,
        )
    return one, two


def _each(figure: Callable[[OrderedPair], float], one: NDArray[Any], two: NDArray[Any]) -> Floats:
    # numpy's sort and the kernels let go of the interpreter, so that threads use all cores.
    with ThreadPoolExecutor() as pool:
        figures = pool.map(lambda a, b: figure(ordered(a, b)), one.T, two.T)
        return np.array(list(figures), dtype=np.float64)
