"""Do confidences hold: of what is said with 90 %, are 90 % right?

References:
    Naeini, Cooper and Hauskrecht 2015, Obtaining well calibrated probabilities using Bayesian
    binning (expected calibration error).
    Clopper and Pearson 1934, The use of confidence or fiducial limits (exact intervals).
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quality.evaluation.errors import EvaluationError

Floats = NDArray[np.float64]

LEVEL = 0.95


@dataclass(frozen=True)
class Level:
    """The labels whose confidence lies in one bin; figures of an empty bin are None.

    Attributes:
        low: Lower edge, included.
        high: Upper edge, excluded but for 1.
        n: Labels in the bin.
        confidence: Their mean confidence.
        share_correct: How many of them are right.
        interval: Exact 95 % interval of that share.
    """

    low: float
    high: float
    n: int
    confidence: float | None
    share_correct: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Calibration:
    """How far confidences are from the shares that are right.

    Attributes:
        ece: Expected calibration error: the gap between both, averaged over labels. It grows with
            the number of bins and shrinks with the labels in each: compare at equal bins and n.
        mce: The largest gap of any bin.
        brier: Mean squared difference of confidence and correctness; also rewards sharpness.
        accuracy: Share of labels that are right.
        confidence: Mean confidence; above the accuracy, the source is overconfident.
        levels: The reliability table.
        n: Labels judged.
        n_left_out: Labels left out for want of a confidence (NaN).
        reason: Why the figures are None, where they are.
    """

    ece: float | None
    mce: float | None
    brier: float | None
    accuracy: float | None
    confidence: float | None
    levels: tuple[Level, ...]
    n: int
    n_left_out: int
    reason: str | None

    def to_json(self) -> str:
        """The calibration as JSON, without NaN: what is not known is null."""
        return json.dumps(asdict(self), allow_nan=False, sort_keys=True)

    def to_markdown(self) -> str:
        """The error and the reliability table."""
        if self.ece is None or self.accuracy is None or self.confidence is None:
            return f"Calibration is not known: {self.reason}.\n"
        error = f"Expected calibration error {self.ece:.3f} over {self.n:,} labels"
        means = f"mean confidence {self.confidence:.3f}, share correct {self.accuracy:.3f}"
        lines = [f"{error}: {means}."]
        lines += ["", "| confidence | labels | mean confidence | share correct | 95 % |"]
        lines += ["|---|---:|---:|---:|---|"]
        lines += [_row(level) for level in self.levels if level.n]
        return "\n".join(lines) + "\n"

    def picture(self) -> bytes:
        """PNG of the reliability diagram."""
        from quality.pictures.canvas import nothing
        from quality.pictures.reliability import reliability_of_levels

        rows = [
            (level.confidence, level.share_correct, level.n, *level.interval)
            for level in self.levels
            if level.interval is not None
        ]
        if not rows:
            return nothing("Reliability", f"Calibration is not known: {self.reason}.")
        mean, share, n, low, high = np.array(rows, np.float64).T
        return reliability_of_levels(mean, share, n, low, high, bins=len(self.levels))


def calibration(confidence: Any, correct: Any, bins: int = 10) -> Calibration:
    """Judges confidences (n,) against whether each label was right (n,), in bins of equal width.

    Raises:
        EvaluationError: Lengths differ, a confidence lies outside 0 to 1, or bins are below 1.
    """
    sure, right, left_out = checked_scores(confidence, correct)
    if bins < 1:
        raise EvaluationError(f"bins={bins}: at least one is needed", bins=bins)
    if bool(((sure < 0) | (sure > 1)).any()):
        raise EvaluationError(
            f"confidences must lie between 0 and 1, got {sure.min():g} to {sure.max():g}",
            low=float(sure.min()),
            high=float(sure.max()),
        )
    levels = _levels(sure, right, bins)
    if not sure.size:
        reason = "no label has both a confidence and a known truth"
        return Calibration(None, None, None, None, None, levels, 0, left_out, reason)
    counts = np.array([level.n for level in levels])
    gaps = _gaps(levels)
    return Calibration(
        ece=float((counts * gaps).sum() / sure.size),
        mce=float(gaps.max()),
        brier=float(((sure - right) ** 2).mean()),
        accuracy=float(right.mean()),
        confidence=float(sure.mean()),
        levels=levels,
        n=sure.size,
        n_left_out=left_out,
        reason=None,
    )


def checked_scores(scores: Any, correct: Any) -> tuple[Floats, Floats, int]:
    """Scores and correctness as numbers, (n,) each, without NaN scores, and how many those were.

    Raises:
        EvaluationError: The two are not columns of one length, or correctness is not yes or no.
    """
    given, right = np.asarray(scores, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    if given.ndim != 1 or given.shape != right.shape:
        raise EvaluationError(
            f"scores and correctness must be two columns of one length, got shapes {given.shape} "
            f"and {right.shape}",
            scores=given.shape,
            correct=right.shape,
        )
    strange = int((~np.isin(right, (0.0, 1.0))).sum())
    if strange:
        raise EvaluationError(
            f"{strange} of {right.size} values of correctness are neither true nor false; leave "
            "items out whose truth is not known",
            rows=strange,
        )
    known = ~np.isnan(given)
    return given[known], right[known], int((~known).sum())


def exact_interval(right: int, n: int, level: float) -> tuple[float, float]:
    """Clopper-Pearson interval of a share of `right` in n, two-sided at `level`."""
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = float(betaincinv(right, n - right + 1, tail)) if right else 0.0
    high = float(betaincinv(right + 1, n - right, 1 - tail)) if right < n else 1.0
    return low, high


def _levels(sure: Floats, right: Floats, bins: int) -> tuple[Level, ...]:
    edges = np.linspace(0, 1, bins + 1)
    bin_of = np.clip((sure * bins).astype(np.int64), 0, bins - 1)
    counts = np.bincount(bin_of, minlength=bins)
    sums = np.bincount(bin_of, sure, bins)
    rights = np.bincount(bin_of, right, bins)
    return tuple(
        _level(float(edges[b]), float(edges[b + 1]), int(counts[b]), sums[b], int(rights[b]))
        for b in range(bins)
    )


def _level(low: float, high: float, n: int, total: float, right: int) -> Level:
    if n == 0:
        return Level(low, high, 0, None, None, None)
    interval = exact_interval(right, n, LEVEL)
    return Level(low, high, n, float(total / n), right / n, interval)


def _gaps(levels: tuple[Level, ...]) -> Floats:
    return np.array(
        [
            abs(level.confidence - level.share_correct)
            if level.confidence is not None and level.share_correct is not None
            else 0.0
            for level in levels
        ]
    )


def _row(level: Level) -> str:
    low, high = level.interval or (0.0, 1.0)
    return (
        f"| {level.low:.2f} to {level.high:.2f} | {level.n:,} | {level.confidence:.3f} "
        f"| {level.share_correct:.3f} | {low:.3f} to {high:.3f} |"
    )
