"""One column of two samples, measured: effect, p-value, PSI, Jensen-Shannon, Wasserstein.

Every effect is a share of probability that moved: for numbers the Kolmogorov-Smirnov distance, for
classes the total variation. Missing values are compared too: a column that goes missing has moved.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quality.drift.chi_square import ChiSquareTest, chi_square
from quality.drift.divergence import jensen_shannon, psi, total_variation
from quality.drift.kolmogorov import ks_p_values
from quality.drift.ordered import OrderedPair, in_one_precision, present_in_order
from quality.drift.policy import DriftPolicy

Kind = Literal["numeric", "categorical", "embedding", "other"]
Counts = NDArray[np.int64]

MISSING = "(missing)"
SHOWN_CLASSES = 5


@dataclass(frozen=True)
class FeatureDrift:
    """What became of one column; a figure that could not be computed is None, `reason` says why.

    Attributes:
        name: The column's name.
        kind: How it was compared: as numbers, as classes, as embedding vectors, or not at all.
        psi: Population stability index over reference deciles or classes.
        js: Jensen-Shannon distance (base 2) over the same.
        statistic: Kolmogorov-Smirnov distance of numbers, Pearson's chi-square of classes, squared
            MMD of embeddings.
        p_value: Chance of a difference this large from one source.
        corrected_p: The same after the report's correction; hold this one against alpha.
        effect: Share of probability that moved, 0 to 1.
        threshold: Calibrated effect that decided in place of the p-value; None where p decided.
        drifted: More than chance, and large enough to matter.
        watched: More than chance, not large enough to be drift, large enough to look at.
        wasserstein: How far a value moved on average, in the column's unit.
        missing_reference: Share of missing values in the reference.
        missing_current: Share of missing values now.
        reason: What kept a figure from being computed, or what stands out.
    """

    name: str
    kind: Kind
    psi: float | None = None
    js: float | None = None
    statistic: float | None = None
    p_value: float | None = None
    corrected_p: float | None = None
    effect: float | None = None
    threshold: float | None = None
    drifted: bool = False
    watched: bool = False
    wasserstein: float | None = None
    missing_reference: float | None = None
    missing_current: float | None = None
    reason: str | None = None


def kind_of(dtype: pl.DataType) -> Kind:
    """How a column of this type is compared."""
    if dtype.is_numeric():
        return "numeric"
    if dtype in (pl.String, pl.Boolean, pl.Categorical, pl.Enum):
        return "categorical"
    return "other"


def measure_column(
    name: str, reference: pl.Series, current: pl.Series, policy: DriftPolicy
) -> FeatureDrift:
    """Measures one column; what it amounts to is decided later, with all columns known."""
    kinds = {kind_of(side.dtype) for side in (reference, current) if side.dtype != pl.Null}
    if len(kinds) > 1:
        reason = f"was {reference.dtype} in the reference and is {current.dtype} now"
        return FeatureDrift(name, "other", drifted=True, reason=reason)
    kind = kinds.pop() if kinds else "other"
    if kind == "numeric":
        return measure_numbers(name, _numbers(reference), _numbers(current), policy)
    if kind == "categorical":
        return measure_classes(name, class_counts(reference), class_counts(current), policy)
    return FeatureDrift(name, "other", reason=f"{reference.dtype} values are not compared")


def measure_numbers(
    name: str, reference: NDArray[Any], current: NDArray[Any], policy: DriftPolicy
) -> FeatureDrift:
    """Measures a numeric column, (n,) and (m,); NaN is missing."""
    if 0 in (reference.size, current.size):
        return FeatureDrift(name, "numeric", reason="no values on one side")
    one, two = present_in_order(reference), present_in_order(current)
    present = (one.size, two.size)
    missing = (reference.size - one.size, current.size - two.size)
    shares = (missing[0] / reference.size, missing[1] / current.size)
    moved = abs(shares[1] - shares[0])
    gone = chi_square((present[0], missing[0]), (present[1], missing[1])).p_value
    row = FeatureDrift(
        name, "numeric", missing_reference=shares[0], missing_current=shares[1], p_value=gone
    )
    if min(present) < policy.min_n:
        reason = f"only {present[0]} and {present[1]} values are present, {policy.min_n} are needed"
        return replace(row, effect=None if gone is None else moved, reason=reason)
    pair = OrderedPair(*in_one_precision(one, two))
    distance = pair.ks_distance()
    counts = [np.append(*both) for both in zip(pair.bin_counts(policy.bins), missing, strict=True)]
    p_value = float(ks_p_values(np.array([distance]), *present)[0])
    return replace(
        row,
        psi=psi(*_without_empty(*counts)),
        js=jensen_shannon(*counts),
        statistic=distance,
        # Two questions of one column, values and their absence: the smaller p-value pays for both.
        p_value=p_value if gone is None else min(1.0, 2 * min(p_value, gone)),
        effect=max(distance, moved),
        wasserstein=_wasserstein(pair),
    )


def measure_classes(
    name: str, reference: Mapping[str, int], current: Mapping[str, int], policy: DriftPolicy
) -> FeatureDrift:
    """Measures a column of classes, given as counts by class; a class may be missing on a side."""
    classes = sorted(reference.keys() | current.keys())
    if len(classes) > policy.max_classes:
        reason = f"{len(classes)} distinct values: taken for an identifier or free text"
        return FeatureDrift(name, "other", reason=reason)
    one = np.array([reference.get(value, 0) for value in classes], dtype=np.int64)
    two = np.array([current.get(value, 0) for value in classes], dtype=np.int64)
    if min(one.sum(), two.sum()) < policy.min_n:
        reason = f"only {one.sum()} and {two.sum()} values, {policy.min_n} are needed"
        return FeatureDrift(name, "categorical", reason=reason)
    test = chi_square(one, two)
    return FeatureDrift(
        name,
        "categorical",
        psi=psi(*_without_empty(one, two)),
        js=jensen_shannon(one, two),
        statistic=test.statistic,
        p_value=test.p_value,
        effect=_beyond_noise(one, two),
        missing_reference=reference.get(MISSING, 0) / int(one.sum()),
        missing_current=current.get(MISSING, 0) / int(two.sum()),
        reason=_class_reason(classes, one, two, test),
    )


def _class_reason(classes: list[str], one: Counts, two: Counts, test: ChiSquareTest) -> str | None:
    if test.p_value is None:
        return "one class only" if len(classes) == 1 else "no class is frequent enough to compare"
    new = [
        value for value, before, now in zip(classes, one, two, strict=True) if now and not before
    ]
    if not new:
        return None
    shown = ", ".join(repr(value) for value in new[:SHOWN_CLASSES])
    more = f" and {len(new) - SHOWN_CLASSES} more" if len(new) > SHOWN_CLASSES else ""
    return f"not in the reference: {shown}{more}"


def _beyond_noise(one: Counts, two: Counts) -> float:
    """Total variation less what two samples of one source would show: it grows with the classes."""
    n, m = one.sum(), two.sum()
    pooled = (one + two) / (n + m)
    spread = pooled * (1 - pooled) * (1 / n + 1 / m)
    noise = float(np.sqrt(2 / np.pi * spread).sum() / 2)
    return float(np.sqrt(max(total_variation(one, two) ** 2 - noise**2, 0.0)))


def _without_empty(one: Counts, two: Counts) -> tuple[Counts, Counts]:
    used = (one + two) > 0
    return one[used], two[used]


def _wasserstein(pair: OrderedPair) -> float | None:
    ends = np.array([*pair.reference[[0, -1]], *pair.current[[0, -1]]])
    return pair.wasserstein() if np.isfinite(ends).all() else None


def _numbers(column: pl.Series) -> NDArray[Any]:
    floats = column if column.dtype == pl.Float32 else column.cast(pl.Float64)
    return (floats.fill_null(float("nan")) if floats.null_count() else floats).to_numpy()


def class_counts(column: pl.Series) -> dict[str, int]:
    """Rows by class; nulls are a class of their own."""
    counted = column.cast(pl.String).fill_null(MISSING).value_counts(name="n")
    return dict(counted.iter_rows())
