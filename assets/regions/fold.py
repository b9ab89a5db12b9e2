"""The fold of regions: all sets that count, as one set an item."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from assets.dataset_file.models import Dataset
from assets.evidence import Evidence
from assets.runs import Run
from quality.lineage.buckets import bucket_expression, bucket_path, cut, to_parquet
from quality.schema import REGIONS

if TYPE_CHECKING:
    from quality.consensus.aggregator import Aggregator
    from quality.regions.consensus import RegionEstimate


@dataclass(frozen=True)
class RegionFold:
    """What stands for the aggregator: fitted to candidates, with what came of them.

    Attributes:
        aggregator: The dataset's, fitted to the candidates.
        estimate: Regions, items and actors.
    """

    aggregator: "Aggregator"
    estimate: "RegionEstimate"

    @property
    def params(self) -> Any:
        """The aggregator's parameters."""
        return self.aggregator.params

    @property
    def converged_(self) -> bool:
        """Whether both fits settled before their iteration limit."""
        return self.aggregator.converged_ and self.estimate.detection.converged

    @property
    def n_iter_(self) -> int:
        """Passes over the votes, those that settle what is there and what it is."""
        return self.aggregator.n_iter_ + self.estimate.detection.n_iter

    @property
    def actor_quality_(self) -> pl.DataFrame:
        """The actors with quality, recall and precision."""
        return self.estimate.actors


def fold_regions(run: Run, evidence: Evidence) -> tuple[RegionFold, pl.DataFrame]:
    """The dataset's aggregator over the candidates of the independent votes, and the estimate."""
    return _estimated(run, evidence.independent)


def _estimated(run: Run, votes: pl.DataFrame) -> tuple[RegionFold, pl.DataFrame]:
    """The dataset's aggregator over candidates, and the estimate by item.

    The estimate has a column more than that of classes: `region`, the item's set as text.
    """
    from quality.regions.region import to_text
    from quality.regions.table import sets_of

    settings = run.dataset.consensus
    folded = _folded(run.dataset, votes, settings.aggregator, settings.parameters)
    texts = {item: to_text(drawn) for item, drawn in sets_of(folded.estimate.regions).items()}
    sets = pl.col("item_id").replace_strict(texts, default="[]", return_dtype=pl.String)
    return folded, folded.estimate.items.with_columns(sets.alias("region"))


def _folded(
    dataset: Dataset, votes: pl.DataFrame, aggregator: str, parameters: dict[str, Any]
) -> RegionFold:
    from quality.consensus.aggregators import make
    from quality.regions.candidates import candidates
    from quality.regions.consensus import region_consensus

    counted = votes.filter(pl.col("label").is_not_null())
    found = candidates(counted, dataset.classes, threshold=dataset.regions.iou)
    fitted = make(aggregator, dataset.classes, **parameters).fit(found.named)
    expected = dataset.regions.expected_recall
    return RegionFold(fitted, region_consensus(found, fitted, expected_recall=expected))


def beside_majority(run: Run, evidence: Evidence, estimate: pl.DataFrame) -> float | None:
    """Share of items, where both have a label, whose set is the same by a plain majority."""
    majority = _folded(run.dataset, evidence.independent, "majority", {}).estimate.items
    both = majority.select("item_id", majority="label").join(estimate, on="item_id")
    both = both.drop_nulls(["majority", "label"])
    same = both.filter(pl.col("majority") == pl.col("label"))
    return same.height / both.height if both.height else None


def judged_regions(
    run: Run, evidence: Evidence
) -> tuple[Evidence, Callable[[pl.DataFrame], pl.DataFrame]]:
    """Evidence and estimator by which blind answers can be held against the machines' sets.

    Sets that match the first blind answer on an item, region for region, are given its label: for
    people and machines say the same where they draw the same, not only where no pixel differs.
    """
    blind = (pl.col("actor_kind") == "human") & ~pl.col("anchored") & pl.col("label").is_not_null()
    said = evidence.independent.filter(blind).sort("item_id", "actor")
    first = said.unique("item_id", keep="first", maintain_order=True)

    def estimate(votes: pl.DataFrame) -> pl.DataFrame:
        return as_heard(run.dataset, _estimated(run, votes)[1], first)

    return replace(evidence, counting=as_heard(run.dataset, evidence.counting, first)), estimate


def as_heard(dataset: Dataset, counting: pl.DataFrame, estimate: pl.DataFrame) -> pl.DataFrame:
    """The votes that count, those whose set matches the consensus with the consensus's label.

    A person who drew the same regions a few pixels apart says what the consensus says. Votes on
    classes are given back as they are.
    """
    if not dataset.has_regions:
        return counting
    agreed = estimate.select("item_id", agreed="label", agreed_region="region")
    joined = counting.join(agreed, on="item_id", how="left", maintain_order="left")
    sides = joined.select("region", "agreed_region", "label").iter_rows()
    same = [label is not None and _match(dataset, one, other) for one, other, label in sides]
    heard = pl.when(pl.Series(same, dtype=pl.Boolean)).then("agreed").otherwise("label")
    return joined.with_columns(label=heard).drop("agreed", "agreed_region")


def _match(dataset: Dataset, one: str | None, other: str | None) -> bool:
    from quality.regions.matching import matched
    from quality.regions.region import from_text

    if one is None or other is None:
        return False
    found = matched(from_text(one), from_text(other), threshold=dataset.regions.iou)
    return len(found.pairs) == found.n_one == found.n_other


def region_objects(run: Run, folded: Any, labels: pl.DataFrame) -> dict[str, bytes]:
    """The regions table, a file for each bucket that has labels; none of a dataset of classes.

    A bucket without regions is written, too: it may have had some in the last release.
    """
    if not isinstance(folded, RegionFold):
        return {}
    buckets = run.dataset.storage.buckets
    numbers = labels.select(bucket_expression(buckets)).to_series().unique().sort()
    none = to_parquet(REGIONS.empty())
    empty = {bucket_path(REGIONS.name, int(number)): none for number in numbers}
    return empty | dict(cut(folded.estimate.regions, REGIONS.name, buckets))
