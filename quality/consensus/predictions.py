"""A classifier's probabilities, brought into the order of items and classes."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from quality.coding import places
from quality.consensus.errors import PredictionsError
from quality.consensus.expectation import Floats

TOLERANCE = 1e-3
"""How far a row may sum from 1: what is left of 32-bit probabilities of many classes."""


def class_probabilities(
    predictions: pl.DataFrame | None, items: pl.Series, classes: Sequence[str]
) -> Floats:
    """float64 [n_items, n_classes]; rows of NaN for items that were not predicted.

    Args:
        predictions: item_id and probabilities List(Float64) in the order of classes; or None.
        items: String [n_items], the items wanted.
        classes: the classes.

    Raises:
        PredictionsError: columns are missing, an item comes twice, or a row is no distribution.
    """
    if predictions is None:
        return np.full((len(items), len(classes)), np.nan)
    missing = [name for name in ("item_id", "probabilities") if name not in predictions.columns]
    if missing:
        raise PredictionsError(f"columns {missing} are missing from {predictions.columns}")
    if not isinstance(predictions.schema["probabilities"], pl.List | pl.Array):
        raise PredictionsError(f"probabilities are {predictions.schema['probabilities']}")
    place = places(predictions["item_id"].cast(pl.String), items)
    n_repeated = len(place[place >= 0]) - len(np.unique(place[place >= 0]))
    if n_repeated:
        raise PredictionsError(f"{n_repeated} rows predict an item again", n_rows=n_repeated)
    wanted = predictions["probabilities"].filter(pl.Series(place >= 0))
    found = np.full((len(items), len(classes)), np.nan)
    found[place[place >= 0]] = _matrix(wanted.cast(pl.List(pl.Float64)), len(classes))
    return found


def _matrix(rows: pl.Series, n_classes: int) -> Floats:
    lengths = int((rows.list.len() != n_classes).fill_null(value=True).sum())
    if lengths:
        raise PredictionsError(f"{lengths} rows do not have {n_classes} numbers", n_rows=lengths)
    flat: Floats = rows.explode().fill_null(float("nan")).to_numpy().reshape(len(rows), n_classes)
    wrong = ~(np.isfinite(flat) & (flat >= 0)).all(axis=1)
    if wrong.any():
        raise PredictionsError(
            f"{wrong.sum()} rows hold a number that is null, negative or not finite",
            n_rows=int(wrong.sum()),
        )
    off = np.abs(flat.sum(axis=1) - 1) > TOLERANCE
    if off.any():
        example = float(flat[off][0].sum())
        raise PredictionsError(
            f"{off.sum()} rows do not sum to 1 (the first sums to {example:.6g})",
            n_rows=int(off.sum()),
        )
    return flat
