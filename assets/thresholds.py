"""The thresholds of a dataset file, each with what was observed."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from assets.dataset_file.models import Dataset
from assets.evidence import ACCEPTED
from quality.synthetic.labels import SPLIT, synthetic


@dataclass(frozen=True)
class Threshold:
    """One claim that the gate asks for.

    Attributes:
        claim: True when it holds.
        limit: The figure in the dataset file; None asks nothing.
        observed: What was found; None where it cannot be computed, with `reason`.
        holds: Whether the claim is true; a figure that cannot be computed does not fail.
    """

    claim: str
    limit: float | None
    observed: float | None
    holds: bool
    reason: str | None = None

    @property
    def observed_text(self) -> str:
        """The observed figure in words."""
        return f"{self.observed:.4f}" if self.observed is not None else f"none: {self.reason}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def at_least(
    claim: str, limit: float | None, observed: float | None, reason: str | None = None
) -> Threshold:
    """Holds where nothing is asked, nothing can be computed, or observed >= limit."""
    holds = limit is None or observed is None or observed >= limit
    return Threshold(claim, limit, observed, holds=holds, reason=reason)


def at_most(claim: str, limit: float, observed: float | None) -> Threshold:
    """Holds where observed <= limit."""
    return Threshold(claim, limit, observed, holds=observed is None or observed <= limit)


def agreement_thresholds(
    dataset: Dataset, report: Mapping[str, Any]
) -> tuple[Threshold, Threshold]:
    """What the dataset file asks of an agreement report (its JSON form)."""
    people = report["figures"]["human-human"]["krippendorff_alpha"]
    between = report["figures"]["human-model"]
    measure = "F1 of regions" if dataset.has_regions else "Cohen's kappa"
    across = between["f1" if dataset.has_regions else "kappa"]
    return (
        at_least(
            "Krippendorff's alpha between people is at or above min_alpha",
            dataset.agreement.min_alpha,
            people["value"],
            people["reason"],
        ),
        at_least(
            f"{measure} between people and models is at or above min_human_model",
            dataset.agreement.min_human_model,
            across["value"],
            across["reason"],
        ),
    )


def careful_people(dataset: Dataset, scorecards: pl.DataFrame) -> Threshold:
    """Whether every person with enough votes is as good as min_actor_quality asks.

    The quality is the aggregator's own estimate.
    """
    judged = scorecards.filter(
        (pl.col("actor_kind") == "human") & (pl.col("n_votes") >= dataset.agreement.min_actor_votes)
    ).sort("quality", "actor", nulls_last=True)
    worst = judged.row(0, named=True) if judged.height else None
    name = f" (lowest: {worst['actor']})" if worst else ""
    return at_least(
        f"every person's quality is at or above min_actor_quality{name}",
        dataset.agreement.min_actor_quality,
        worst["quality"] if worst else None,
        f"nobody has {dataset.agreement.min_actor_votes} votes yet",
    )


def label_thresholds(
    dataset: Dataset, labels: pl.DataFrame, n_label_issues: int
) -> Iterator[Threshold]:
    """What the dataset file asks of the labels as a whole."""
    accepted = labels.filter(pl.col("state").is_in(ACCEPTED)).height
    disputed = labels.filter(pl.col("state") == "disputed").height
    total = max(labels.height, 1)
    gate = dataset.gate
    yield at_least("the share of labeled items is high enough", gate.min_labeled, accepted / total)
    yield at_most("few labels are disputed", gate.max_disputed, disputed / total)
    yield at_most("few labels look wrong", gate.max_label_issues, n_label_issues / max(accepted, 1))


def synthetic_thresholds(dataset: Dataset, labels: pl.DataFrame) -> Iterator[Threshold]:
    """What is asked of the synthetic items: few of what models learn from, all of it in train."""
    made = synthetic(labels)
    taught = labels.filter(pl.col("state").is_in(ACCEPTED) & (pl.col("split") == SPLIT)).height
    share = made.height / max(taught + made.height, 1)
    yield at_most("few training labels are synthetic", dataset.gate.max_synthetic, share)
    outside = made.filter(pl.col("split") != SPLIT).height
    yield at_most("no synthetic item is outside the train split", 0, outside)


def drift_threshold(dataset: Dataset, drift: bytes) -> Threshold:
    """Whether drift may be released."""
    verdict = json.loads(drift)["verdict"]
    holds = verdict != "drift" or not dataset.drift.blocks_release
    return Threshold(
        "no batch has drifted, where drift blocks a release", None, None, holds, verdict
    )
