"""Votes on regions: which classes they name, and what they say of each candidate."""

import polars as pl

from assets.dataset_file.models import Dataset
from assets.ports import DatasetStore
from quality.schema import REGIONS

_ROWS = pl.List(pl.Struct({"label": pl.String, "box": pl.List(pl.Float64)}))


def _region_labels() -> pl.Expr:
    rows = pl.col("region").str.json_decode(_ROWS)
    return rows.list.eval(pl.element().struct.field("label"))


def unknown_name(dataset: Dataset, said: str) -> str | None:
    """The first class of a label, or of a set of regions, that the ontology does not have."""
    from quality.regions.region import from_text

    names = [r.label for r in from_text(said)] if dataset.has_regions else [said]
    return next((name for name in names if name not in dataset.classes), None)


def candidate_classes(dataset: Dataset) -> tuple[str, ...]:
    """What a vote on an item, or on a candidate region, can say."""
    from quality.regions.candidates import NO_REGION

    return (*dataset.classes, NO_REGION) if dataset.has_regions else dataset.classes


def by_candidate(dataset: Dataset, counting: pl.DataFrame) -> pl.DataFrame:
    """The votes that count; sets of regions as one vote on each candidate of the item."""
    from quality.regions.candidates import candidates

    if not dataset.has_regions:
        return counting
    judged = counting.filter(pl.col("label").is_not_null())
    found = candidates(judged, dataset.classes, threshold=dataset.regions.iou)
    marks = judged.select("actor", "actor_kind", "circular", item="item_id")
    return found.votes.join(marks, on=["item", "actor"]).drop("item").sort("item_id", "actor")


def votes_by_class(dataset: Dataset, votes: pl.DataFrame) -> dict[str, int]:
    """How many votes name each class, or how many regions of it were drawn."""
    named = votes["label"].drop_nulls()
    if dataset.has_regions:
        named = votes.select(_region_labels().alias("label")).explode("label")["label"].drop_nulls()
    return dict(named.value_counts().iter_rows())


def classes_of_labels(
    dataset: Dataset, store: DatasetStore, at: str, labels: pl.DataFrame
) -> pl.DataFrame:
    """item_id and label: the class of each item, or of each of its consensus regions."""
    if not dataset.has_regions:
        return labels
    regions = store.table(at, f"{REGIONS.name}/")
    table = REGIONS.empty() if regions is None else regions.collect()
    return table.join(labels.select("item_id"), on="item_id", how="semi").select("item_id", "label")
