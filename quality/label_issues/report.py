"""The report on label issues: which given labels are probably wrong, and how many."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from quality.agreement.bootstrap import REPLICATES, interval
from quality.agreement.figure import Figure
from quality.label_issues.checks import check_listing, check_out_of_fold
from quality.label_issues.confident import Codes, ConfidentJoint, Floats, confident_joint
from quality.label_issues.errors import LabelIssuesError
from quality.label_issues.markdown import frame_table
from quality.label_issues.pruning import Rule, mislabeled
from quality.label_issues.scores import Score, label_quality
from quality.probabilities import probability_matrix

ISSUES_SCHEMA = {
    "item_id": pl.String,
    "given": pl.String,
    "suggested": pl.String,
    "score": pl.Float64,
    "is_issue": pl.Boolean,
}


@dataclass(frozen=True)
class LabelIssues:
    """Given labels that are probably wrong.

    Attributes:
        frame: item_id, given, suggested (the most probable class), score (label quality, 0 to
            1), is_issue; in the order the items came. Where no label was given score is null.
        classes: The ontology's classes.
        joint: (n_classes, n_classes) estimated share of items by given label and class.
        thresholds: (n_classes,) probability from which an item counts as confidently of a class.
        noise_rate: Estimated share of wrong labels. Its interval comes from resampling items
            with the thresholds held fixed.
        rule: How items were called mislabeled.
        score: Which label quality the scores are.
        evidence: What shows that the probabilities are out-of-fold: fold, trained_on, or
            nothing ("taken on trust").
    """

    frame: pl.DataFrame
    classes: tuple[str, ...]
    joint: Floats
    thresholds: Floats
    noise_rate: Figure
    rule: Rule
    score: Score
    evidence: str

    @property
    def n_issues(self) -> int:
        """How many given labels are called wrong."""
        return int(self.frame["is_issue"].sum())

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON values, without the frame per item."""
        return {
            "n_issues": self.n_issues,
            "n_labels": int(self.frame["given"].count()),
            "noise_rate": self.noise_rate.to_json(),
            "classes": list(self.classes),
            "joint": self.joint.tolist(),
            "thresholds": [float(t) if t <= 1 else None for t in self.thresholds],
            "rule": self.rule,
            "score": self.score,
            "evidence": self.evidence,
            "confusions": self.confusions().to_dicts(),
        }

    def confusions(self) -> pl.DataFrame:
        """Issues by given and suggested label, the most frequent first: given, suggested, n."""
        issues = self.frame.filter("is_issue").group_by("given", "suggested").len("n")
        return issues.sort("n", "given", "suggested", descending=[True, False, False])

    def to_markdown(self, *, max_rows: int = 25) -> str:
        """The report as a page for people."""
        worst = self.frame.filter("is_issue").sort("score", "item_id").head(max_rows)
        summary = (
            f"{self.n_issues:,} of {self.frame['given'].count():,} given labels are probably "
            f"wrong (rule {self.rule}). Estimated share of wrong labels: {self.noise_rate}. "
            f"Probabilities out-of-fold: {self.evidence}."
        )
        lines = [
            "# Label issues",
            summary,
            "## Confusions",
            frame_table(self.confusions().head(max_rows)),
            "## Most suspect labels",
            frame_table(worst.drop("is_issue")),
        ]
        return "\n\n".join(lines) + "\n"

    def picture(self) -> bytes:
        """PNG of the issues by given and suggested label."""
        from quality.pictures.matrices import confusion

        place = {name: code for code, name in enumerate(self.classes)}
        counts = np.zeros((len(place), len(place)), np.int64)
        for given, suggested, n in self.confusions().iter_rows():
            counts[place[given], place[suggested]] = n
        title = "Labels that are probably wrong"
        return confusion(counts, self.classes, title, rows="given label", columns="suggested label")


def find_label_issues(
    item_ids: pl.Series | Sequence[str],
    given: pl.Series | Sequence[str | None],
    probabilities: Any,
    classes: Sequence[str],
    *,
    seed: int,
    rule: Rule = "noise_rate",
    score: Score = "self_confidence",
    fold: pl.Series | Sequence[int | None] | None = None,
    trained_on: Collection[str] | pl.Series | None = None,
    replicates: int = REPLICATES,
) -> LabelIssues:
    """Which given labels are probably wrong, by confident learning.

    Args:
        item_ids: (n_items,) ids, each once.
        given: (n_items,) labels to judge; null where there is none.
        probabilities: (n_items, n_classes) out-of-fold, columns in the order of the classes.
        classes: The ontology's classes.
        seed: Of the interval of the noise rate.
        rule: noise_rate (few false alarms among rare confusions), class, both (the fewest
            issues) or off_diagonal (no calibration).
        score: Label quality to give each label.
        fold: (n_items,) which held-out fold each probability comes from; null where the model
            had seen the item.
        trained_on: Ids of the items that the model learned from.
        replicates: Of the interval; 0 leaves it out.

    Raises:
        InSampleError: A probability comes from a model that had seen the item.
        ProbabilitiesError: A row is no probability distribution over the classes.
        LabelIssuesError: Lengths differ, an id is repeated, or a label is not among the classes.
    """
    ids = pl.Series("item_id", item_ids, dtype=pl.String)
    labels = pl.Series("given", given, dtype=pl.String)
    code = _codes(ids, labels, classes)
    table = probability_matrix(probabilities, n_items=len(ids), n_classes=len(classes))
    evidence = check_out_of_fold(ids, fold=fold, trained_on=trained_on)
    labeled = np.flatnonzero(code >= 0)
    known = table if len(labeled) == len(table) else table[labeled]
    joint = confident_joint(code[labeled], known)
    is_issue = np.zeros(len(ids), np.bool_)
    is_issue[labeled] = mislabeled(rule, code[labeled], known, joint)
    quality = np.full(len(ids), np.nan)
    quality[labeled] = label_quality(score, code[labeled], known)
    best = table.argmax(axis=1) if len(classes) else np.empty(0, np.int64)
    frame = pl.DataFrame(
        {
            "item_id": ids,
            "given": labels,
            "suggested": pl.Series(classes, dtype=pl.String).gather(best),
            "score": pl.Series(quality, nan_to_null=True),
            "is_issue": is_issue,
        },
        schema=ISSUES_SCHEMA,
    )
    noise = _noise_rate(code[labeled], joint, seed=seed, replicates=replicates)
    return LabelIssues(
        frame, tuple(classes), joint.joint, joint.thresholds, noise, rule, score, evidence
    )


def _codes(ids: pl.Series, labels: pl.Series, classes: Sequence[str]) -> Codes:
    """Class codes of the labels, -1 where there is none."""
    check_listing(ids, labels, classes)
    coded = labels.cast(pl.Enum(list(classes)), strict=False)
    if coded.null_count() > labels.null_count():
        unknown = labels.filter(coded.is_null() & labels.is_not_null()).unique().sort().to_list()
        raise LabelIssuesError(
            f"{len(unknown)} labels are outside the classes, the first of them {unknown[:5]}; "
            f"expected one of {list(classes[:20])}."
        )
    return coded.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()


def _noise_rate(given: Codes, joint: ConfidentJoint, *, seed: int, replicates: int) -> Figure:
    """Estimated share of wrong labels, and its interval from resampling the confident counts."""
    name, n_items = "noise_rate", len(given)
    if not n_items:
        return Figure(name, None, None, None, 0, 0, "no item has a label")
    value = float(1 - np.trace(joint.joint))
    if n_items == 1 or not replicates:
        return Figure(name, value, None, None, n_items, 1, "no interval: one label, or none asked")
    cells, times = np.unique(np.stack([given, joint.guess]), axis=1, return_counts=True)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n_items, times / n_items, replicates)
    spread = _rates(cells, drawn, len(joint.counts))
    low, high = interval(spread) or (None, None)
    return Figure(name, value, low, high, n_items, 1, None)


def _rates(cells: Codes, drawn: Codes, n_classes: int) -> Floats:
    """(replicates,) share off the diagonal, each given label scaled to its number of items."""
    by_label = (cells[0][:, None] == np.arange(n_classes)).astype(np.float64)
    sure, right = cells[1] >= 0, cells[0] == cells[1]
    n_given = drawn @ by_label
    n_sure = (drawn * sure) @ by_label
    n_right = np.maximum((drawn * right) @ by_label, n_given > 0)
    share = np.divide(n_right, n_sure, out=np.ones_like(n_right), where=n_sure > 0)
    return np.asarray((n_given * np.clip(1 - share, 0, 1)).sum(axis=1) / drawn.sum(axis=1))
