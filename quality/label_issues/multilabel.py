"""Label issues where an item may have any number of labels: one yes-or-no question per class.

Each class is judged by confident learning on its own, with 1 - p beside its probability p; an item
is an issue where any of its classes is. Its score folds the quality of all classes, worst last, by
an exponential moving average, so that the worst class counts most (Thyagarajan et al., Identifying
incorrect annotations in multi-label classification data, 2022).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.label_issues.checks import check_listing, check_out_of_fold
from quality.label_issues.confident import Floats, confident_joint
from quality.label_issues.errors import LabelIssuesError
from quality.label_issues.markdown import frame_table
from quality.label_issues.pruning import Mask, Rule, mislabeled
from quality.label_issues.scores import Score, label_quality
from quality.probabilities import probability_matrix

WORST_WEIGHT = 0.8
MULTILABEL_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "item_id": pl.String,
    "given": pl.List(pl.String),
    "suggested": pl.List(pl.String),
    "score": pl.Float64,
    "is_issue": pl.Boolean,
}


@dataclass(frozen=True)
class MultilabelIssues:
    """Given sets of labels that are probably wrong.

    Attributes:
        frame: item_id, given, suggested (the given set with the doubted classes turned
            around), score (0 to 1, low is suspect), is_issue; in the order the items came.
        doubted: (n_items, n_classes) which yes-or-no answers are probably wrong.
        quality: (n_items, n_classes) quality of each answer.
        classes: The ontology's classes.
        evidence: What shows that the probabilities are out-of-fold.
    """

    frame: pl.DataFrame
    doubted: Mask
    quality: Floats
    classes: tuple[str, ...]
    evidence: str

    @property
    def n_issues(self) -> int:
        """How many items have an answer that is probably wrong."""
        return int(self.frame["is_issue"].sum())

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON values, without the frame per item."""
        doubted = self.doubted.sum(axis=0).tolist()
        return {
            "n_issues": self.n_issues,
            "n_items": self.frame.height,
            "doubted_per_class": dict(zip(self.classes, doubted, strict=True)),
            "evidence": self.evidence,
        }

    def to_markdown(self, *, max_rows: int = 25) -> str:
        """The report as a page for people."""
        worst = self.frame.filter("is_issue").sort("score", "item_id").head(max_rows)
        summary = (
            f"{self.n_issues:,} of {self.frame.height:,} items probably have a label too many or "
            f"too few. Probabilities out-of-fold: {self.evidence}."
        )
        doubted = pl.DataFrame({"class": self.classes, "answers": self.doubted.sum(axis=0)})
        lines = [
            "# Label issues",
            summary,
            "## Doubted answers by class",
            frame_table(doubted.sort("answers", "class", descending=[True, False]).head(max_rows)),
            "## Most suspect items",
            frame_table(worst.drop("is_issue")),
        ]
        return "\n\n".join(lines) + "\n"

    def picture(self) -> bytes:
        """PNG of how many answers are doubted by class."""
        from quality.pictures.bars import label_distribution

        doubted = dict(zip(self.classes, self.doubted.sum(axis=0).tolist(), strict=True))
        title = "Answers that are probably wrong"
        return label_distribution(doubted, title=title, what="doubted answers")


def find_multilabel_issues(
    item_ids: pl.Series | Sequence[str],
    given: pl.Series | Sequence[Collection[str]],
    probabilities: Any,
    classes: Sequence[str],
    *,
    rule: Rule = "noise_rate",
    score: Score = "self_confidence",
    fold: pl.Series | Sequence[int | None] | None = None,
    trained_on: Collection[str] | pl.Series | None = None,
) -> MultilabelIssues:
    """Which given sets of labels are probably wrong.

    Args:
        item_ids: (n_items,) ids, each once.
        given: (n_items,) labels of each item, none, one or several.
        probabilities: (n_items, n_classes) out-of-fold, each number for itself.
        classes: The ontology's classes.
        rule: As for single labels.
        score: As for single labels.
        fold: As for single labels.
        trained_on: As for single labels.

    Raises:
        InSampleError: A probability comes from a model that had seen the item.
        ProbabilitiesError: A number does not lie between 0 and 1.
        LabelIssuesError: Lengths differ, an id is repeated, or a label is not among the classes.
    """
    ids = pl.Series("item_id", item_ids, dtype=pl.String)
    labels = pl.Series("given", [list(each) for each in given], dtype=pl.List(pl.String))
    answers = _answers(ids, labels, classes)
    table = probability_matrix(
        probabilities, n_items=len(ids), n_classes=len(classes), exclusive=False
    )
    evidence = check_out_of_fold(ids, fold=fold, trained_on=trained_on)
    doubted, quality = np.zeros(answers.shape, np.bool_), np.ones(answers.shape)
    for place in range(len(classes)):
        said = answers[:, place].astype(np.int64)
        both = np.column_stack([1 - table[:, place], table[:, place]])
        doubted[:, place] = mislabeled(rule, said, both, confident_joint(said, both))
        quality[:, place] = label_quality(score, said, both)
    frame = pl.DataFrame(
        {
            "item_id": ids,
            "given": labels,
            "suggested": _names(answers ^ doubted, classes),
            "score": worst_last(quality),
            "is_issue": doubted.any(axis=1),
        },
        schema=MULTILABEL_SCHEMA,
    )
    return MultilabelIssues(frame, doubted, quality, tuple(classes), evidence)


def worst_last(quality: Floats) -> Floats:
    """(n_items,) moving average over the classes from best to worst, the latest weighing 0.8."""
    ordered = -np.sort(-quality, axis=1)
    mean = ordered[:, 0]
    for column in ordered.T[1:]:
        mean = WORST_WEIGHT * column + (1 - WORST_WEIGHT) * mean
    return np.asarray(mean, np.float64)


def _answers(ids: pl.Series, labels: pl.Series, classes: Sequence[str]) -> Mask:
    """(n_items, n_classes) whether the item was given the class."""
    check_listing(ids, labels, classes)
    place = {name: code for code, name in enumerate(classes)}
    answers = np.zeros((len(ids), len(classes)), np.bool_)
    for row, names in enumerate(labels.to_list()):
        unknown = [name for name in names if name not in place]
        if unknown:
            raise LabelIssuesError(
                f"item {ids[row]!r} has the labels {unknown}, which are not among the classes "
                f"{list(classes[:20])}."
            )
        answers[row, [place[name] for name in names]] = True
    return answers


def _names(answers: npt.NDArray[np.bool_], classes: Sequence[str]) -> list[list[str]]:
    """Names of the classes answered with yes."""
    return [[classes[int(code)] for code in np.flatnonzero(row)] for row in answers]
