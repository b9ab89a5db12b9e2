"""From which score on may labels be accepted unseen, if a stated share of them must be right?

The threshold is picked after looking, so its bound has to hold for all thresholds looked at:
the exact binomial bounds share the error among them (Bonferroni).

References:
    Clopper and Pearson 1934, The use of confidence or fiducial limits.
    Angelopoulos et al. 2021, Learn then test, arXiv:2110.01052.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quality.evaluation.calibration import checked_scores
from quality.evaluation.errors import EvaluationError

Floats = NDArray[np.float64]

CANDIDATES = 50


@dataclass(frozen=True)
class PrecisionThreshold:
    """Accept what scores at least `threshold`; None where no threshold keeps the promise.

    Attributes:
        threshold: Lowest score whose precision is shown, None if there is none.
        precision: Share right among the accepted.
        lower_bound: The precision is above it at the confidence level.
        accepted: Items at or above the threshold.
        coverage: Their share of all items.
        n: Items with a score and a known truth.
        wanted: The precision asked for.
        confidence_level: Chance at least that the precision beyond the threshold is as wanted.
        reason: The result in plain words.
    """

    threshold: float | None
    precision: float | None
    lower_bound: float | None
    accepted: int
    coverage: float
    n: int
    wanted: float
    confidence_level: float
    reason: str

    def to_json(self) -> str:
        """The choice as JSON, without NaN: what is not known is null."""
        return json.dumps(asdict(self), allow_nan=False, sort_keys=True)

    def to_markdown(self) -> str:
        """The choice as one sentence."""
        return f"{self.reason}.\n"


def threshold_for_precision(
    scores: Any, correct: Any, precision: float, confidence_level: float = 0.95
) -> PrecisionThreshold:
    """Picks the lowest of 50 score quantiles above which precision is shown.

    Args:
        scores: (n,), higher is surer; NaN is left out. From items that did not train the scorer.
        correct: (n,) whether the label was right.
        precision: Share right that is wanted, below 1.
        confidence_level: Of the one-sided bound, for all thresholds looked at together.

    Raises:
        EvaluationError: Lengths differ, or a rate is not strictly between 0 and 1.
    """
    for name, rate in (("precision", precision), ("confidence_level", confidence_level)):
        if not 0 < rate < 1:
            raise EvaluationError(f"{name}={rate}: expected strictly between 0 and 1", name=name)
    given, right, _ = checked_scores(scores, correct)
    thresholds, accepted, hits = _candidates(given, right)
    bounds = _lower_bounds(hits, accepted, (1 - confidence_level) / max(len(thresholds), 1))
    passing = np.flatnonzero(bounds >= precision)
    if not passing.size:
        reason = _why_none(given.size, bounds, precision, confidence_level)
        return PrecisionThreshold(
            None, None, None, 0, 0.0, given.size, precision, confidence_level, reason
        )
    chosen = passing[0]
    share = float(hits[chosen] / accepted[chosen])
    coverage = float(accepted[chosen] / given.size)
    reason = (
        f"accepting scores from {thresholds[chosen]:.4g} takes {coverage:.1%} of {given.size:,} "
        f"items, {share:.2%} of them right: at {confidence_level:.0%} confidence at least "
        f"{bounds[chosen]:.2%}"
    )
    return PrecisionThreshold(
        threshold=float(thresholds[chosen]),
        precision=share,
        lower_bound=float(bounds[chosen]),
        accepted=int(accepted[chosen]),
        coverage=coverage,
        n=given.size,
        wanted=precision,
        confidence_level=confidence_level,
        reason=reason,
    )


def _candidates(scores: Floats, right: Floats) -> tuple[Floats, Floats, Floats]:
    """Thresholds ascending, items at or above each, and how many of these are right."""
    if not scores.size:
        return scores, scores, scores
    order = np.argsort(scores)
    ascending = scores[order]
    ranks = np.arange(CANDIDATES) * scores.size // CANDIDATES
    thresholds = np.unique(ascending[ranks])
    starts = np.searchsorted(ascending, thresholds)
    hits_from = np.cumsum(right[order][::-1])[::-1]
    return thresholds, (scores.size - starts).astype(np.float64), hits_from[starts]


def _lower_bounds(hits: Floats, n: Floats, error: float) -> Floats:
    from scipy.special import betaincinv

    bounds = betaincinv(np.maximum(hits, 1), n - hits + 1, error)
    return np.where(hits > 0, bounds, 0.0)


def _why_none(n: int, bounds: Floats, precision: float, level: float) -> str:
    if not n:
        return "no item has both a score and a known truth: nothing can be accepted unseen"
    error = (1 - level) / len(bounds)
    needed = int(np.ceil(np.log(error) / np.log(precision)))
    shown = f"no threshold shows a precision of {precision:.1%} at {level:.0%} confidence"
    return (
        f"{shown}: the best bound is {bounds.max():.2%} from {n:,} items; even without one error "
        f"{needed:,} accepted items would be needed"
    )
