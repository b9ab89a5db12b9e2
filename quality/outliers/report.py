"""Outliers by the distance to their nearest neighbours, exact, on robustly scaled columns."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quality.outliers.errors import OutlierError

FENCE = 3.0
AS_NORMAL = 1.4826
FOUND = {
    "item_id": pl.String(),
    "score": pl.Float64(),
    "is_outlier": pl.Boolean(),
    "because": pl.String(),
}


@dataclass(frozen=True)
class Outliers:
    """How unlike the others each item is.

    Attributes:
        frame: One row an item, the most unlike first: item_id; score, its distance in units of
            the limit; is_outlier, a score above 1; because, the column that it is far off in.
        limit: The distance from which an item is an outlier; 0 where there is none to be one.
        neighbours: How many nearest items the distance is a mean over.
    """

    frame: pl.DataFrame
    limit: float
    neighbours: int

    @property
    def share(self) -> float:
        """Share of the items that are outliers."""
        return float(self.frame["is_outlier"].mean() or 0.0) if self.frame.height else 0.0  # type: ignore[arg-type]


def find_outliers(
    item_ids: pl.Series, columns: pl.DataFrame, *, neighbours: int = 10, scale: bool = True
) -> Outliers:
    """Items whose nearest others are far, compared with how far they are for most.

    An item's distance is the mean Euclidean distance to its k nearest others (Angiulli and
    Pizzuti 2002, doi:10.1007/3-540-45681-3_2); an outlier is beyond Tukey's outer fence, the
    third quartile of the distances and three interquartile ranges.

    Args:
        item_ids: The items.
        columns: A column of numbers each; null is taken for the column's median.
        neighbours: k; with fewer items all others.
        scale: Columns are taken in units of their median absolute deviation (as a standard
            deviation), or of their standard deviation where that is 0; else as they are.

    Raises:
        OutlierError: neighbours is below 1, or there are not as many items as rows.
    """
    if neighbours < 1 or item_ids.len() != columns.height:
        raise OutlierError(
            f"1 or more neighbours and a row for each item; got {neighbours}, "
            f"{columns.height} rows and {item_ids.len()} items"
        )
    k = min(neighbours, columns.height - 1)
    if k < 1 or not columns.width:
        return Outliers(_frame(item_ids, np.zeros(len(item_ids)), [""] * len(item_ids)), 0.0, 0)
    matrix = _matrix(columns, scale=scale)
    distance, nearest = _nearest(matrix, k)
    limit = _fence(distance)
    score = distance / limit if limit > 0 else np.zeros_like(distance)
    off = np.abs(matrix - matrix[nearest].mean(axis=1)).argmax(axis=1)
    return Outliers(_frame(item_ids, score, [columns.columns[c] for c in off]), limit, k)


def _matrix(columns: pl.DataFrame, *, scale: bool) -> NDArray[np.float64]:
    filled = columns.cast(pl.Float64).fill_nan(None)
    filled = filled.with_columns(pl.all().fill_null(pl.all().median()).fill_null(0.0))
    matrix = filled.to_numpy().astype(np.float64)
    if not scale:
        return matrix
    centred = matrix - np.median(matrix, axis=0)
    spread = np.median(np.abs(centred), axis=0) * AS_NORMAL
    spread = np.where(spread > 0, spread, matrix.std(axis=0))
    scaled: NDArray[np.float64] = centred / np.where(spread > 0, spread, 1)
    return scaled


def _nearest(matrix: NDArray[np.float64], k: int) -> tuple[Any, Any]:
    """Mean distance to the k nearest other rows, and which they are."""
    from sklearn.neighbors import NearestNeighbors

    found = NearestNeighbors(n_neighbors=k).fit(matrix)
    # Without arguments scikit-learn leaves out each row itself, however many equal it.
    distances, places = found.kneighbors()
    return distances.mean(axis=1), places


def _fence(distance: NDArray[np.float64]) -> float:
    low, high = np.quantile(distance, [0.25, 0.75])
    return float(high + FENCE * (high - low))


def _frame(item_ids: pl.Series, score: NDArray[np.float64], because: list[str]) -> pl.DataFrame:
    frame = pl.DataFrame(
        {
            "item_id": item_ids.cast(pl.String),
            "score": score,
            "is_outlier": score > 1,
            "because": pl.Series(because, dtype=pl.String),
        },
        schema=FOUND,
    )
    return frame.sort("score", "item_id", descending=[True, False])
