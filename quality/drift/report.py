"""The front door: has the current batch drifted from the reference, and how do we know?

A report asks up to four questions: columns, embeddings, labels, confidence. Its alpha is shared
among those that were asked, and the columns' share is corrected for their number, so that alpha
holds for the whole report.
"""

import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quality.drift.columns import (
    FeatureDrift,
    class_counts,
    measure_classes,
    measure_column,
    measure_numbers,
)
from quality.drift.embeddings import measure_embeddings
from quality.drift.errors import DriftError
from quality.drift.markdown import report_markdown
from quality.drift.picture import picture_of
from quality.drift.policy import DriftPolicy, Question
from quality.drift.verdict import Verdict, conclude, judge

Pair = tuple[NDArray[Any], NDArray[Any]]
Labels = tuple[Mapping[str, int], Mapping[str, int]] | tuple[pl.DataFrame, pl.DataFrame]


@dataclass(frozen=True)
class DriftReport:
    """What one batch looks like against its reference.

    Attributes:
        verdict: `drift` (more than chance and large enough to matter), `watch` (more than chance,
            not large), `none`, or `too_few` to say anything.
        reasons: The verdict in plain words, the largest effect first.
        features: One row per column, in the reference's order.
        embedding: The two-sample test on embeddings, None where none were given.
        label: Change of the label distribution, None where none was given.
        confidence: Change of the confidences, None where none were given.
        n_reference: Rows of the reference.
        n_current: Rows of the current batch.
        seed: Seed of what was drawn.
        policy: What the verdict was made by.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    features: tuple[FeatureDrift, ...]
    embedding: FeatureDrift | None
    label: FeatureDrift | None
    confidence: FeatureDrift | None
    n_reference: int
    n_current: int
    seed: int
    policy: DriftPolicy

    def to_json(self) -> str:
        """The whole report as JSON, without NaN: what is not known is null."""
        return json.dumps(asdict(self), allow_nan=False, sort_keys=True, default=dict)

    def to_markdown(self) -> str:
        """The report for people: verdict, reasons, and a table of the columns."""
        return report_markdown(self)

    def picture(self) -> bytes:
        """Effect of every column against the policy's bar, as PNG."""
        return picture_of(self)


def drift_report(
    reference: pl.DataFrame,
    current: pl.DataFrame,
    *,
    seed: int,
    policy: DriftPolicy,
    embeddings: Pair | None = None,
    labels: Labels | None = None,
    confidence: Pair | None = None,
) -> DriftReport:
    """Compares a batch with a reference, column by column and as a whole.

    Args:
        reference: What is known to be good: one row per item, one column per feature.
        current: What came in, with the same columns.
        seed: Of permutations and draws; the same seed gives the same report.
        policy: When a difference is drift.
        embeddings: Two matrices (rows, dimensions), reference and current.
        labels: Counts by class of reference and current, or two frames with a column `label`.
        confidence: Confidences of reference and current, (n,) and (m,); NaN is missing.

    Raises:
        DriftError: Embeddings or confidences of a shape that cannot be compared.
    """
    made = DriftReport(
        "too_few", (), (), None, None, None, reference.height, current.height, seed, policy
    )
    if min(reference.height, current.height) < policy.min_n:
        reason = (
            f"{reference.height} rows in the reference and {current.height} now: too few to say"
        )
        return replace(
            made, reasons=(f"{reason} anything, {policy.min_n} are needed on each side",)
        )
    measured: dict[Question, list[FeatureDrift]] = {}
    measured["columns"] = _measure_columns(reference, current, policy)
    if embeddings is not None:
        measured["embeddings"] = [measure_embeddings(*embeddings, seed=seed, policy=policy)]
    if labels is not None:
        measured["labels"] = [_measure_labels(labels, policy)]
    if confidence is not None:
        measured["confidence"] = [_measure_confidence(confidence, policy)]
    return _decided(made, measured)


def _decided(made: DriftReport, measured: dict[Question, list[FeatureDrift]]) -> DriftReport:
    """Fills the report in: each question's rows judged at its share of alpha, then the verdict."""
    sizes = (made.n_reference, made.n_current)
    judged = {
        question: judge(rows, made.policy, question=question, questions=len(measured), sizes=sizes)
        for question, rows in measured.items()
    }
    verdict, reasons = conclude([row for rows in judged.values() for row in rows], made.policy)
    return replace(
        made,
        verdict=verdict,
        reasons=reasons,
        features=tuple(judged.get("columns", ())),
        embedding=next(iter(judged.get("embeddings", ())), None),
        label=next(iter(judged.get("labels", ())), None),
        confidence=next(iter(judged.get("confidence", ())), None),
    )


def _measure_columns(
    reference: pl.DataFrame, current: pl.DataFrame, policy: DriftPolicy
) -> list[FeatureDrift]:
    names = dict.fromkeys([*reference.columns, *current.columns])
    # Sorting and the kernels let go of the interpreter, so that threads use all cores.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda name: _measure_column(name, reference, current, policy), names))


def _measure_column(
    name: str, reference: pl.DataFrame, current: pl.DataFrame, policy: DriftPolicy
) -> FeatureDrift:
    for frame, reason in ((reference, "is new"), (current, "is gone")):
        if name not in frame.columns:
            return FeatureDrift(name, "other", drifted=True, reason=f"the column {reason}")
    return measure_column(name, reference[name], current[name], policy)


def _measure_labels(labels: Labels, policy: DriftPolicy) -> FeatureDrift:
    one, two = (
        side if isinstance(side, Mapping) else class_counts(side["label"]) for side in labels
    )
    return measure_classes("label", one, two, policy)


def _measure_confidence(pair: Pair, policy: DriftPolicy) -> FeatureDrift:
    one, two = (np.asarray(side, dtype=np.float64) for side in pair)
    if one.ndim != 1 or two.ndim != 1:
        raise DriftError(
            f"confidences must be two columns of numbers, got shapes {one.shape} and {two.shape}",
            reference=one.shape,
            current=two.shape,
        )
    return measure_numbers("confidence", one, two, policy)
