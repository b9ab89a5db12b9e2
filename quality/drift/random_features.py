"""Random Fourier features: vectors whose dot products approximate a Gaussian kernel.

Reference:
    Rahimi and Recht 2007, Random features for large-scale kernel machines.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quality.drift.errors import DriftError

Floats = NDArray[np.float64]

MEDIAN_ROWS = 500


def fourier_features(
    samples: tuple[Any, Any], *, rng: np.random.Generator, features: int = 256
) -> tuple[Floats, Floats]:
    """Maps two samples (n, d) and (m, d) to (n, features) and (m, features), with one map for both.

    The kernel's width is the median distance between pooled rows, so that the result does not
    depend on the unit of the embedding.

    Raises:
        DriftError: The samples are not matrices of one width, or hold NaN or infinities.
    """
    one, two = matrices(*samples)
    pooled = np.vstack([one, two])
    # One map for both sides, chosen without a look at which row is whose, keeps the tests exact.
    shown = pooled[rng.permutation(len(pooled))[:MEDIAN_ROWS]]
    directions = rng.standard_normal((one.shape[1], features // 2)) / _median_distance(shown)
    return _map(one, directions), _map(two, directions)


def matrices(one: Any, two: Any) -> tuple[Floats, Floats]:
    """Both samples as float64 matrices of one width, checked."""
    first, second = np.asarray(one, dtype=np.float64), np.asarray(two, dtype=np.float64)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:  # noqa: PLR2004
        raise DriftError(
            "embeddings must be two matrices (rows, dimensions) of one width, got shapes "
            f"{first.shape} and {second.shape}",
            reference=first.shape,
            current=second.shape,
        )
    for side, values in (("reference", first), ("current", second)):
        broken = int((~np.isfinite(values)).any(axis=1).sum())
        if broken:
            raise DriftError(
                f"{broken} of {len(values)} rows of the {side} embeddings hold NaN or infinities; "
                "embed these items anew or leave them out",
                side=side,
                rows=broken,
            )
    return first, second


def _median_distance(rows: Floats) -> float:
    from scipy.spatial.distance import pdist

    distances = pdist(rows)
    apart = distances[distances > 0]
    return float(np.median(apart)) if apart.size else 1.0


def _map(rows: Floats, directions: Floats) -> Floats:
    angles = rows @ directions
    waves = np.hstack([np.cos(angles), np.sin(angles)])
    return np.asarray(waves / np.sqrt(directions.shape[1]))
