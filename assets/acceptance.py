"""Acceptance: from which confidence on a label that no person looked at is taken as it is."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import dagster as dg
import polars as pl

from assets.evidence import Evidence
from assets.metadata import picture
from assets.recipe import canonical_json
from assets.runs import Run
from quality.lineage.buckets import to_parquet

REPORT = "reports/acceptance.json"
PAGE = "reports/acceptance.md"
JUDGED = "reports/judged_blind.parquet"
NOT_ASKED = "the dataset file asks for no precision (consensus.precision)"


@dataclass(frozen=True)
class Acceptance:
    """Which labels are accepted unseen, and how often people say the same of such.

    Attributes:
        threshold: Labels of at least this confidence are accepted.
        calibrated: Whether people's blind answers set it; else it is confidence_threshold.
        reason: Why it is what it is.
        wanted: The precision that the dataset file asks for.
        confidence_level: Chance at least that the precision beyond a calibrated threshold is as
            wanted.
        lower_bound: Of the precision, at that level; None where it is not calibrated.
        judged: Items judged blind of which the machines alone say something.
        accepted: Of these, items at or above the threshold.
        right: Of these, items of which people say the same.
        precision: Their share; None where nothing is accepted.
        low: Lower end of its exact 95 % interval.
        high: Upper end.
    """

    threshold: float
    calibrated: bool
    reason: str
    wanted: float | None
    confidence_level: float
    lower_bound: float | None
    judged: int
    accepted: int
    right: int
    precision: float | None
    low: float | None
    high: float | None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    def to_markdown(self) -> str:
        """The threshold and what people say of such labels."""
        how = "calibrated" if self.calibrated else "as the dataset file says"
        said = "no such item was judged by people who saw no prediction"
        if self.precision is not None:
            said = (
                f"people say the same of {self.right:,} of {self.accepted:,} such items judged "
                f"blind: {self.precision:.1%} ({self.low:.1%} to {self.high:.1%} at 95 %)"
            )
        return (
            f"# Acceptance\n\nAccepted unseen from confidence {self.threshold:.4g}, {how}: "
            f"{self.reason}.\n\nPrecision: {said}.\n"
        )


def acceptance(
    run: Run, evidence: Evidence, estimate: Callable[[pl.DataFrame], pl.DataFrame]
) -> tuple[Acceptance, pl.DataFrame]:
    """The threshold in force, and the items judged blind that it rests on.

    Args:
        run: The run.
        evidence: The votes.
        estimate: What votes amount to: item_id, label, confidence.
    """
    from quality.evaluation.blind import judged_blind
    from quality.evaluation.calibration import exact_interval

    settings = run.dataset.consensus
    judged = judged_blind(evidence.independent, estimate)
    threshold, bound, reason = _calibrated(run, judged)
    in_force = settings.confidence_threshold if threshold is None else threshold
    beyond = judged.filter(pl.col("confidence") >= in_force)
    right = int(beyond["right"].sum())
    low, high = exact_interval(right, beyond.height, 0.95) if beyond.height else (None, None)
    return (
        Acceptance(
            threshold=in_force,
            calibrated=threshold is not None,
            reason=reason,
            wanted=settings.precision,
            confidence_level=settings.precision_confidence,
            lower_bound=bound,
            judged=judged.height,
            accepted=beyond.height,
            right=right,
            precision=right / beyond.height if beyond.height else None,
            low=low,
            high=high,
        ),
        judged,
    )


def _calibrated(run: Run, judged: pl.DataFrame) -> tuple[float | None, float | None, str]:
    """Threshold and bound that keep the precision, None where none is shown to; and why."""
    from quality.evaluation.precision import threshold_for_precision

    settings = run.dataset.consensus
    if settings.precision is None:
        return None, None, NOT_ASKED
    found = threshold_for_precision(
        judged["confidence"], judged["right"], settings.precision, settings.precision_confidence
    )
    return found.threshold, found.lower_bound, found.reason


def acceptance_objects(found: Acceptance, judged: pl.DataFrame) -> dict[str, bytes]:
    """The threshold, its page and the items behind it."""
    return {
        REPORT: canonical_json(found.to_json()),
        PAGE: _page(found, judged).encode(),
        JUDGED: to_parquet(judged),
    }


def acceptance_metadata(found: Acceptance, judged: pl.DataFrame) -> dict[str, Any]:
    """What people see of it: figures, the page, precision against coverage."""
    known = {} if found.precision is None else {"precision_of_unseen": found.precision}
    return {
        "accepted_from": found.threshold,
        "calibrated": found.calibrated,
        "judged_blind": found.judged,
        **known,
        "acceptance": dg.MetadataValue.md(_page(found, judged)),
        "precision against coverage": picture(_drawn(found, judged)),
    }


def _page(found: Acceptance, judged: pl.DataFrame) -> str:
    """The threshold, and beyond it the precision of each class."""
    from quality.evaluation.calibration import exact_interval

    by_class = (
        judged.filter(pl.col("confidence") >= found.threshold)
        .group_by("label")
        .agg(pl.len().alias("n"), pl.col("right").sum().alias("right"))
        .sort("label")
    )
    if by_class.is_empty():
        return found.to_markdown()
    lines = ["", "| class | judged blind | right | 95 % |", "|---|---:|---:|---|"]
    for label, n, right in by_class.iter_rows():
        low, high = exact_interval(right, n, 0.95)
        lines.append(f"| {label} | {n:,} | {right / n:.1%} | {low:.1%} to {high:.1%} |")
    return found.to_markdown() + "\n".join(lines) + "\n"


def _drawn(found: Acceptance, judged: pl.DataFrame) -> bytes:
    from quality.pictures.precision import precision_against_coverage

    return precision_against_coverage(
        judged["confidence"],
        judged["right"],
        threshold=found.threshold,
        wanted=found.wanted,
        calibrated=found.calibrated,
    )
