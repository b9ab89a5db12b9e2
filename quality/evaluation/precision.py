"""From which score on may labels be accepted unseen, if a stated share of them must be right?

The threshold is picked after looking, so its bound has to hold for whichever is picked. Candidates
are tested from the strictest to the laxest, as far apart as the number of items decides and not
the answers: does an exact binomial test show the precision wanted? The strictest is the first at
which it could be shown at all. It gets half of the error allowed, the others share the rest, and
a test that succeeds hands its error on to the next: the fallback procedure, which keeps the chance
that any threshold is called good and is not below the error allowed.

References:
    Clopper and Pearson 1934, The use of confidence or fiducial limits.
    Wiens 2003, A fixed sequence Bonferroni procedure for testing multiple endpoints.
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

CANDIDATES = 32
HEAD_START = 0.5


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
    """Picks the lowest score at and above which the precision is shown.

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
    error = 1 - confidence_level
    thresholds, accepted, hits = _candidates(given, right, precision, error)
    bounds = _lower_bounds(hits, accepted, precision, error)
    passing = np.flatnonzero(bounds >= precision)
    if not passing.size:
        reason = _why_none(given.size, bounds, precision, confidence_level)
        return PrecisionThreshold(
            None, None, None, 0, 0.0, given.size, precision, confidence_level, reason
        )
    chosen = passing[-1]
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


def _candidates(
    scores: Floats, right: Floats, precision: float, error: float
) -> tuple[Floats, Floats, Floats]:
    """Thresholds descending, items at or above each, and how many of these are right."""
    first, least = (_errorless(precision, e) for e in (error * HEAD_START, error))
    n = scores.size
    if n < least:
        counts = np.zeros(0, np.int64)
    elif n <= first:
        counts = np.array([least])
    else:
        counts = np.ceil(np.geomspace(first, n, CANDIDATES) - 1e-9).astype(np.int64)
    ascending = np.sort(scores)
    thresholds = np.unique(ascending[n - np.minimum(counts, n)])[::-1]
    starts = np.searchsorted(ascending, thresholds)
    hits = np.concatenate([[0.0], np.cumsum(right[np.argsort(-scores, kind="stable")])])
    return thresholds, (n - starts).astype(np.float64), hits[n - starts]


def _errorless(precision: float, error: float) -> int:
    """How many items, all right, show the precision."""
    return int(np.ceil(np.log(error) / np.log(precision) - 1e-9))


def _lower_bounds(hits: Floats, n: Floats, precision: float, error: float) -> Floats:
    """Exact one-sided bounds, each at the error that the tests before it left it."""
    from scipy.special import betaincinv

    bounds = np.zeros(len(hits))
    head = HEAD_START if len(hits) > 1 else 1.0
    shares = [head, *([(1 - head) / max(len(hits) - 1, 1)] * (len(hits) - 1))]
    handed_on = 0.0
    for place, share in enumerate(shares[: len(hits)]):
        allowed = error * share + handed_on
        if hits[place]:
            wrong = n[place] - hits[place]
            bounds[place] = betaincinv(hits[place], wrong + 1, allowed)
        handed_on = allowed if bounds[place] >= precision else 0.0
    return bounds


def _why_none(n: int, bounds: Floats, precision: float, level: float) -> str:
    if not n:
        return "no item has both a score and a known truth: nothing can be accepted unseen"
    needed = _errorless(precision, 1 - level)
    shown = f"no threshold shows a precision of {precision:.1%} at {level:.0%} confidence"
    best = f"the best bound is {bounds.max():.2%} from" if len(bounds) else "there are"
    return (
        f"{shown}: {best} {n:,} items; even without one error {needed:,} accepted items would be "
        "needed"
    )
