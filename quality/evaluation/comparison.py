"""Is the candidate better than the champion by more than chance, on the same test items?

References:
    Efron and Tibshirani 1993, An introduction to the bootstrap (percentile intervals, paired).
    McNemar 1947, Note on the sampling error of the difference between correlated proportions.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from quality.evaluation.errors import EvaluationError
from quality.evaluation.predictions import encode, predictions
from quality.evaluation.scores import Cells, cells, resampled_means

Metric = Literal["accuracy", "macro_f1", "log_loss"]
Floats = NDArray[np.float64]
Interval = tuple[float, float]

TITLES = {"accuracy": "accuracy", "macro_f1": "macro-F1", "log_loss": "log loss"}


@dataclass(frozen=True)
class Scores:
    """One model on the test items; log loss is None where a model gave no probabilities."""

    accuracy: float
    macro_f1: float
    log_loss: float | None


@dataclass(frozen=True)
class Comparison:
    """Champion and candidate on the same items.

    Attributes:
        better: The candidate is better by more than chance in `metric`, and `reason` says why.
        reason: The decision in plain words.
        metric: What decides.
        champion: The champion's scores.
        candidate: The candidate's scores.
        intervals: Of each score's difference, candidate less champion: paired bootstrap
            percentiles. A log loss is better when lower.
        level: Confidence level of the intervals.
        mcnemar_p: Exact, two-sided: chance of so unequal a split of the items that only one of
            the two got right, were both equally good.
        only_champion_right: Items that only the champion got right.
        only_candidate_right: Items that only the candidate got right.
        n: Test items.
        replicates: Bootstrap replicates.
        seed: Of the bootstrap.
    """

    better: bool
    reason: str
    metric: Metric
    champion: Scores
    candidate: Scores
    intervals: dict[Metric, Interval | None]
    level: float
    mcnemar_p: float
    only_champion_right: int
    only_candidate_right: int
    n: int
    replicates: int
    seed: int

    def to_json(self) -> str:
        """The comparison as JSON, without NaN: what is not known is null."""
        return json.dumps(asdict(self), allow_nan=False, sort_keys=True)

    def to_markdown(self) -> str:
        """The decision and a table of the scores."""
        lines = [f"**{'Better' if self.better else 'Not better'}**: {self.reason}.", ""]
        lines += [f"| {self.n:,} items | champion | candidate | difference, {self.level:.0%} |"]
        lines += ["|---|---:|---:|---|", *(self._row(metric) for metric in self.intervals)]
        only = f"{self.only_candidate_right} items are right by the candidate only, "
        lines += ["", f"{only}{self.only_champion_right} by the champion only."]
        return "\n".join(lines) + "\n"

    def picture(self) -> bytes:
        """PNG of each score's difference with its interval; right of 0 the candidate is better."""
        from quality.pictures.change import score_differences

        names, low, high = [], [], []
        for metric, ends in self.intervals.items():
            if ends is None:
                continue
            # A log loss is better when lower: turned around, right of 0 is better in every row.
            turned = metric == "log_loss"
            names.append(f"{TITLES[metric]}, saved" if turned else TITLES[metric])
            low.append(-ends[1] if turned else ends[0])
            high.append(-ends[0] if turned else ends[1])
        return score_differences(
            names,
            low,
            high,
            title=f"Candidate against champion: {'better' if self.better else 'not better'}",
            subtitle=f"{self.n:,} test items, {self.level:.0%} intervals of the difference",
            measure="gain of the candidate",
        )

    def _row(self, metric: Metric) -> str:
        one, two = getattr(self.champion, metric), getattr(self.candidate, metric)
        interval = self.intervals[metric]
        shown = ["" if score is None else f"{score:.4f}" for score in (one, two)]
        difference = "" if interval is None else f"{interval[0]:+.4f} to {interval[1]:+.4f}"
        return f"| {TITLES[metric]} | {shown[0]} | {shown[1]} | {difference} |"


def compare(
    truth: Sequence[str],
    champion: Any,
    candidate: Any,
    classes: Sequence[str],
    *,
    seed: int,
    replicates: int = 2000,
    metric: Metric = "accuracy",
    level: float = 0.95,
) -> Comparison:
    """Compares two models on the same items.

    Args:
        truth: The true class of each item, (n,).
        champion: The champion's labels (n,) or probabilities (n, classes).
        candidate: The candidate's, likewise.
        classes: All classes, in the order of the columns.
        seed: Of the bootstrap.
        replicates: Bootstrap replicates.
        metric: What decides. The interval of its difference must lie on the better side of 0,
            and for accuracy the exact McNemar test must agree.
        level: Confidence level of the intervals.

    Raises:
        EvaluationError: No items, lengths that differ, labels outside the classes, rows that are
            not probabilities, or a metric that needs probabilities which were not given.
    """
    known = encode(truth, classes, what="true")
    if not known.size:
        raise EvaluationError("no test items: two models cannot be compared on nothing")
    one = predictions(champion, classes, known.size, what="the champion")
    two = predictions(candidate, classes, known.size, what="the candidate")
    counted = cells(known, one.codes, two.codes, len(classes))
    losses = (one.log_losses(known), two.log_losses(known))
    rng = np.random.default_rng(seed)
    intervals = _intervals(counted, losses, replicates, level, rng)
    deciding = intervals[metric]
    if deciding is None:
        raise EvaluationError("log loss needs probabilities of both models, labels were given")
    only = (
        int(((one.codes == known) & (two.codes != known)).sum()),
        int(((one.codes != known) & (two.codes == known)).sum()),
    )
    mcnemar_p = mcnemar(*only)
    better, reason = _decision(metric, deciding, level, mcnemar_p, only)
    return Comparison(
        better=better,
        reason=reason,
        metric=metric,
        champion=_scores(counted, losses, 0),
        candidate=_scores(counted, losses, 1),
        intervals=intervals,
        level=level,
        mcnemar_p=mcnemar_p,
        only_champion_right=only[0],
        only_candidate_right=only[1],
        n=known.size,
        replicates=replicates,
        seed=seed,
    )


def mcnemar(only_one: int, only_two: int) -> float:
    """Exact two-sided p-value of the items that only one of two models got right."""
    from scipy.stats import binom

    tail = binom.cdf(min(only_one, only_two), only_one + only_two, 0.5)
    return float(min(1.0, 2 * tail))


def _scores(counted: Cells, losses: tuple[Floats | None, Floats | None], model: int) -> Scores:
    once = counted.counts[None, :].astype(np.float64)
    loss = losses[model]
    return Scores(
        accuracy=float(counted.accuracy(once, model)[0]),
        macro_f1=float(counted.macro_f1(once, model)[0]),
        log_loss=None if loss is None else float(loss.mean()),
    )


def _intervals(
    counted: Cells,
    losses: tuple[Floats | None, Floats | None],
    replicates: int,
    level: float,
    rng: np.random.Generator,
) -> dict[Metric, Interval | None]:
    accuracy, macro_f1 = [], []
    for weights in counted.resampled(replicates, rng):
        accuracy.append(counted.accuracy(weights, 1) - counted.accuracy(weights, 0))
        macro_f1.append(counted.macro_f1(weights, 1) - counted.macro_f1(weights, 0))
    intervals: dict[Metric, Interval | None] = {
        "accuracy": _percentiles(np.concatenate(accuracy), level),
        "macro_f1": _percentiles(np.concatenate(macro_f1), level),
        "log_loss": None,
    }
    one, two = losses
    if one is not None and two is not None:
        intervals["log_loss"] = _percentiles(resampled_means(two - one, replicates, rng), level)
    return intervals


def _percentiles(drawn: Floats, level: float) -> Interval:
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _decision(
    metric: Metric, interval: Interval, level: float, mcnemar_p: float, only: tuple[int, int]
) -> tuple[bool, str]:
    low, high = interval
    gain = -high if metric == "log_loss" else low
    shown = f"{TITLES[metric]} changes by {low:+.4f} to {high:+.4f} ({level:.0%} interval)"
    if metric != "accuracy":
        return gain > 0, shown if gain > 0 else f"{shown}, which may be chance"
    shown += f", right alone {only[1]} to {only[0]} times (exact McNemar p {mcnemar_p:.2g})"
    better = gain > 0 and mcnemar_p <= 1 - level
    if better:
        return True, shown
    worse = high < 0 and mcnemar_p <= 1 - level
    return False, f"{shown}: the candidate is worse" if worse else f"{shown}, which may be chance"
