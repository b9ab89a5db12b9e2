"""p-values of Kolmogorov-Smirnov distances, at a speed that fits thousands of columns.

scipy's `kstwo` is exact, and takes milliseconds a column where samples are large. There the
expansion of Pelz and Good takes its place: to better than 1e-7 from 1,000 rows on. Beyond the
expansion's reach (p below 1e-8) the tail of Maag and Dicaire errs by a few percent of p, upward.

References:
    Pelz and Good 1976 and Maag and Dicaire 1971, both as given in Simard and L'Ecuyer 2011,
    Computing the two-sided Kolmogorov-Smirnov distribution, doi:10.18637/jss.v039.i11.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EXPANSION_FROM = 1000
TAIL_FROM = 10.0


def ks_p_values(gaps: Floats, n_reference: int, n_current: int) -> Floats:
    """Chance of gaps at least this large between two samples of one continuous source.

    Args:
        gaps: Largest gaps between the two distribution functions, 0 to 1, (columns,).
        n_reference: Values of the reference behind each.
        n_current: Values of the current sample behind each.
    """
    effective = max(round(n_reference * n_current / (n_reference + n_current)), 1)
    if effective < EXPANSION_FROM:
        from scipy.stats import kstwo

        return np.asarray(np.clip(kstwo.sf(gaps, effective), 0.0, 1.0))
    squared = effective * gaps**2
    body = 1 - _pelz_good(np.sqrt(np.minimum(squared, TAIL_FROM)), effective)
    tail = 2 * np.exp(-((6 * effective * gaps + 1) ** 2) / (18 * effective))
    return np.clip(np.where(squared < TAIL_FROM, body, tail), 0.0, 1.0)


def _pelz_good(scaled: Floats, n: int) -> Floats:
    """Chance of a root-n-scaled distance of `scaled` or less, by the four terms of the paper."""
    # Below 0.2 the chance is under 1e-12, and its powers would overflow.
    z = np.maximum(scaled, 0.2)[:, None]
    half = (np.pi * (np.arange(20) + 0.5)) ** 2
    whole = (np.pi * np.arange(1, 20)) ** 2
    at_half, at_whole = np.exp(-half / (2 * z**2)), np.exp(-whole / (2 * z**2))
    first = 2 * at_half / z
    second = (half - z**2) * at_half / (3 * z**4)
    inner = 6 * z**6 + 2 * z**4 + half * (2 * z**4 - 5 * z**2) + half**2 * (1 - 2 * z**2)
    third = inner * at_half / (36 * z**7)
    third_whole = whole * at_whole / (18 * z**3)
    inner = (
        half**3 * (5 - 30 * z**2)
        + half**2 * (212 * z**4 - 60 * z**2)
        + half * (135 * z**4 - 96 * z**6)
        - (30 * z**6 + 90 * z**8)
    )
    fourth = inner * at_half / (3240 * z**10)
    fourth_whole = (3 * whole * z**2 - whole**2) * at_whole / (108 * z**6)
    root = np.sqrt(n)
    total = (first + second / root + third / n + fourth / root**3).sum(axis=1)
    total += (fourth_whole / root**3 - third_whole / n).sum(axis=1)
    return np.asarray(np.sqrt(np.pi / 2) * total)
