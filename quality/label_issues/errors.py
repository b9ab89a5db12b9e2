"""What quality.label_issues raises."""

from quality.errors import QualityError


class LabelIssuesError(QualityError):
    """Labels that cannot be judged."""


class InSampleError(LabelIssuesError):
    """Probabilities of a model that learned from the very labels it would judge.

    Attributes:
        n_in_sample: How many items are concerned.
        items: The first of them, at most five.
    """

    def __init__(self, n_in_sample: int, items: tuple[str, ...], why: str) -> None:
        self.n_in_sample, self.items = n_in_sample, items
        super().__init__(
            f"{n_in_sample} probabilities are in-sample ({why}), first for {list(items)}: a model "
            "agrees with the wrong labels it learned. Give probabilities from cross-validation, "
            "each item predicted by a model that did not see it."
        )
