"""What counts as drift: one frozen policy, its defaults stated and their reasons given."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from quality.drift.errors import DriftError

Correction = Literal["holm", "benjamini_hochberg"]

Question = Literal["columns", "embeddings", "labels", "confidence"]

QUESTIONS: tuple[Question, ...] = ("columns", "embeddings", "labels", "confidence")


@dataclass(frozen=True)
class Thresholds:
    """Effects that past accepted batches seldom exceed, see `quality.drift.thresholds`.

    Attributes:
        effects: Per column, the effect beyond which it has drifted.
        false_alarm_rate: Chance that rows of the same source exceed any of them.
        batch_rate: The rate that whole batches can vouch for: no less than 1 / (batches + 1).
        n_reference: Rows of the reference that the thresholds were made for.
        n_current: Rows of a batch that the thresholds were made for.
        n_batches: Past accepted batches that they were made from.
    """

    effects: Mapping[str, float]
    false_alarm_rate: float
    batch_rate: float
    n_reference: int
    n_current: int
    n_batches: int

    def effect_for(self, name: str, n_reference: int, n_current: int) -> float | None:
        """The threshold of a column at these sample sizes, None where it was not calibrated.

        The noise of an effect goes with the root of 1/n + 1/m, so smaller samples get a higher
        threshold. Larger ones keep theirs: what accepted batches differ by does not shrink.
        """
        if name not in self.effects:
            return None
        made_for = 1 / self.n_reference + 1 / self.n_current
        growth = (1 / n_reference + 1 / n_current) / made_for
        return self.effects[name] * float(max(1.0, growth) ** 0.5)


@dataclass(frozen=True)
class DriftPolicy:
    """When a difference is called drift: it must be more than chance, and large enough to matter.

    All effects are shares of probability that moved, from 0 (same) to 1 (nothing in common).

    Attributes:
        alpha: Chance of any false alarm in one whole report of batches from the same source
            (with `benjamini_hochberg`, among columns: the expected share of false ones).
        min_n: Rows that each side needs; below it the verdict is `too_few`.
        min_effect: Effect from which a significant difference is drift. Keeps huge samples, in
            which everything is significant, silent.
        watch_effect: Effect from which a significant difference is worth a look.
        correction: How the p-values of many columns are corrected.
        permutations: Of the embedding test; its smallest p-value is 1 / (permutations + 1).
        bins: Of numeric columns, for PSI and Jensen-Shannon, at quantiles of the reference.
        max_classes: Distinct values above which a text column is an identifier or free text.
        max_rows: Rows of embeddings looked at per side, drawn with the seed.
        thresholds: Calibrated effects, which then decide instead of p-values, column by column.
    """

    alpha: float = 0.01
    min_n: int = 50
    min_effect: float = 0.1
    watch_effect: float = 0.05
    correction: Correction = "holm"
    permutations: int = 999
    bins: int = 10
    max_classes: int = 1000
    max_rows: int = 4000
    thresholds: Thresholds | None = None

    def __post_init__(self) -> None:
        for name, fits, expected in self._rules():
            if not fits:
                value = getattr(self, name)
                message = f"{name}={value!r} in the drift policy: expected {expected}"
                raise DriftError(message, name=name, value=value)

    def _rules(self) -> list[tuple[str, bool, str]]:
        needed = len(QUESTIONS) / self.alpha if self.alpha > 0 else 0.0
        return [
            ("alpha", 0 < self.alpha < 1, "a rate between 0 and 1"),
            ("min_n", self.min_n >= 2, "at least 2 rows"),  # noqa: PLR2004
            ("min_effect", 0 <= self.min_effect <= 1, "a share between 0 and 1"),
            ("watch_effect", 0 <= self.watch_effect <= self.min_effect, "0 to min_effect"),
            (
                "correction",
                self.correction in {"holm", "benjamini_hochberg"},
                "holm or benjamini_hochberg",
            ),
            (
                "permutations",
                self.permutations + 1 >= needed,
                f"at least {needed:.0f} - 1, or no p-value could fall below alpha",
            ),
            ("bins", self.bins >= 2, "at least 2 bins"),  # noqa: PLR2004
            ("max_classes", self.max_classes >= 2, "at least 2 classes"),  # noqa: PLR2004
            ("max_rows", self.max_rows >= self.min_n, "at least min_n rows"),
        ]

    def threshold_for(
        self, question: Question, name: str, n_reference: int, n_current: int
    ) -> float | None:
        """The calibrated effect that decides; None where there is none: columns alone have one."""
        if self.thresholds is None or question != "columns":
            return None
        return self.thresholds.effect_for(name, n_reference, n_current)

    def as_dict(self) -> dict[str, object]:
        """The policy as plain values, for the recipe and the report."""
        return asdict(self)
