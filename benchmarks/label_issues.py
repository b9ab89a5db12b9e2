"""Confident learning against cleanlab.

Run with an interpreter that has the peer: pip install cleanlab, then
PYTHONPATH=. python -m benchmarks.label_issues
"""

import multiprocessing

import numpy as np
import numpy.typing as npt

from benchmarks.measure import Task, contest

RULES = {
    "noise_rate": "prune_by_noise_rate",
    "class": "prune_by_class",
    "both": "both",
    "off_diagonal": "confident_learning",
}


def judged(n_items: int, n_classes: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Given labels, one in five drawn anew, and probabilities that know the class."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, n_classes, n_items)
    label = np.where(rng.random(n_items) < 0.2, rng.integers(0, n_classes, n_items), truth)
    odds = np.exp(rng.normal(0, 1, (n_items, n_classes)) + 2 * np.eye(n_classes)[truth])
    return label, odds / odds.sum(axis=1, keepdims=True)


def ours(n_items: int, n_classes: int, rule: str) -> Task:
    from quality.label_issues.confident import confident_joint
    from quality.label_issues.pruning import mislabeled

    label, table = judged(n_items, n_classes)
    return lambda: mislabeled(rule, label, table, confident_joint(label, table))


def theirs(n_items: int, n_classes: int, rule: str) -> Task:
    from cleanlab.filter import find_label_issues

    # It hands its arrays to workers by forking; a benchmark's process would spawn them.
    multiprocessing.set_start_method("fork", force=True)
    label, table = judged(n_items, n_classes)
    return lambda: find_label_issues(label, table, filter_by=RULES[rule])


def our_scores(n_items: int, n_classes: int, score: str) -> Task:
    from quality.label_issues.scores import label_quality

    label, table = judged(n_items, n_classes)
    return lambda: label_quality(score, label, table)


def their_scores(n_items: int, n_classes: int, score: str) -> Task:
    from cleanlab.rank import get_label_quality_scores

    label, table = judged(n_items, n_classes)
    return lambda: get_label_quality_scores(label, table, method=score)


def main() -> None:
    """Prints one line per comparison."""
    here = "benchmarks.label_issues"
    for n_items in (10_000, 100_000, 1_000_000):
        size = {"n_items": n_items, "n_classes": 10, "rule": "noise_rate"}
        contest(f"by noise rate, {n_items:,} items", f"{here}:ours", f"{here}:theirs", **size)
    for rule in ("class", "both", "off_diagonal"):
        size = {"n_items": 100_000, "n_classes": 10, "rule": rule}
        contest(f"by {rule}, 100,000 items", f"{here}:ours", f"{here}:theirs", **size)
    for score in ("normalized_margin", "confidence_weighted_entropy"):
        size = {"n_items": 1_000_000, "n_classes": 10, "score": score}
        title = f"{score}, 1,000,000 items"
        contest(title, f"{here}:our_scores", f"{here}:their_scores", **size)


if __name__ == "__main__":
    main()
