"""A classifier's probabilities, brought into the order of items and classes."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quality.coding import places
from quality.consensus.errors import PredictionsError
from quality.consensus.expectation import Floats
from quality.probabilities import ProbabilitiesError, probability_matrix


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
    place = _places(predictions["item_id"].cast(pl.String), items)
    known = place >= 0
    n_repeated = int((np.bincount(place[known], minlength=1) - 1).clip(0).sum())
    if n_repeated:
        raise PredictionsError(f"{n_repeated} rows predict an item again", n_rows=n_repeated)
    wanted = predictions["probabilities"].filter(pl.Series(known))
    try:
        rows = probability_matrix(wanted, n_items=len(wanted), n_classes=len(classes))
    except ProbabilitiesError as fault:
        raise PredictionsError(str(fault).rstrip("."), n_rows=fault.n_faulty) from fault
    found = np.full((len(items), len(classes)), np.nan)
    found[place[known]] = rows
    return found


def _places(names: pl.Series, items: pl.Series) -> NDArray[np.int32]:
    if names.equals(items):
        return np.arange(len(items), dtype=np.int32)
    return places(names, items)
