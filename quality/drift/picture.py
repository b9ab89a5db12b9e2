"""A drift report as a picture: how far each column moved, against the bar it was held to."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quality.drift.report import DriftReport


def picture_of(report: "DriftReport") -> bytes:
    """PNG of the effects of everything compared, largest first."""
    from quality.pictures.bars import drift_by_feature

    rows = [*report.features, report.embedding, report.label, report.confidence]
    held = [row for row in rows if row is not None]
    return drift_by_feature(
        [row.name for row in held],
        [math.nan if row.effect is None else row.effect for row in held],
        [max(report.policy.min_effect, row.threshold or 0.0) for row in held],
        drifted=[row.drifted for row in held],
        measure="share of probability that moved",
    )
