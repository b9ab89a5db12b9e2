"""The state a fit can start from: parameters by the names of actors, items and classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quality.consensus.errors import StartError

SCHEMA = pl.Schema(
    {
        "method": pl.String,
        "parameter": pl.String,
        "name": pl.String,
        "true_class": pl.String,
        "voted_class": pl.String,
        "value": pl.Float64,
    }
)


@dataclass(frozen=True)
class Start:
    """Where a fit ended, so that a later one starts there.

    Everything is kept by name: actors, items and classes may have come and gone since.

    Attributes:
        method: the aggregator's name.
        frame: one row per number: method, parameter, name (of the actor or item; null where
            there is none), true_class, voted_class (likewise), value.
    """

    method: str
    frame: pl.DataFrame

    @classmethod
    def of(cls, method: str, **tables: pl.DataFrame) -> Self:
        """Put together the tables of a method's parameters, each made by `table`."""
        parts = [
            frame.with_columns(method=pl.lit(method), parameter=pl.lit(parameter))
            for parameter, frame in tables.items()
        ]
        frame = pl.concat(parts, how="diagonal") if parts else SCHEMA.to_frame()
        missing = [pl.lit(None, SCHEMA[c]).alias(c) for c in SCHEMA if c not in frame.columns]
        return cls(method, frame.with_columns(missing).select(SCHEMA.names()).cast(SCHEMA))

    @classmethod
    def from_frame(cls, frame: pl.DataFrame, method: str) -> Self:
        """Read back what `frame` held when it was stored.

        Raises:
            StartError: columns are missing, a value is not finite, or it is another method's.
        """
        missing = [column for column in SCHEMA if column not in frame.columns]
        if missing:
            raise StartError(method, f"its frame has no columns {missing}")
        others = set(frame["method"].unique()) - {method}
        if others:
            raise StartError(method, f"it was saved by {sorted(others)}")
        if not frame["value"].is_finite().fill_null(value=False).all():
            raise StartError(method, "it holds values that are null or not finite")
        return cls(method, frame.select(SCHEMA.names()).cast(SCHEMA))

    def array(
        self, parameter: str, axes: Mapping[str, Sequence[str] | pl.Series]
    ) -> NDArray[np.float64]:
        """float64 in the shape of the axes; NaN where the start knows nothing.

        Args:
            parameter: the parameter's name.
            axes: the names along each axis, by column: name, true_class or voted_class.
        """
        shape = tuple(len(names) for names in axes.values())
        known = self.frame.filter(pl.col("parameter") == parameter)
        flat = pl.lit(0, pl.Int64)
        for (column, names), size in zip(axes.items(), shape, strict=True):
            places = {column: pl.Series(names, dtype=pl.String)}
            place = pl.DataFrame(places).with_row_index(f"{column}_place")
            known = known.join(place, on=column, how="inner")
            flat = flat * size + pl.col(f"{column}_place").cast(pl.Int64)
        found = np.full(int(np.prod(shape)), np.nan)
        found[known.select(flat).to_series().to_numpy()] = known["value"].to_numpy()
        return found.reshape(shape)


def table(values: NDArray[np.float64], **axes: Sequence[str] | pl.Series) -> pl.DataFrame:
    """The long form of an array: one column of names per axis, and the value.

    Args:
        values: float64, one axis per keyword.
        axes: the names along each axis, by column: name, true_class or voted_class.
    """
    places = np.unravel_index(np.arange(values.size), values.shape)
    columns = {
        column: pl.Series(names, dtype=pl.String).gather(place)
        for (column, names), place in zip(axes.items(), places, strict=True)
    }
    return pl.DataFrame({**columns, "value": values.ravel()})
