"""Agreement and gate of regions."""

from typing import TYPE_CHECKING

import polars as pl

from assets.dataset_file.models import Dataset
from assets.runs import Run
from assets.thresholds import Threshold
from quality.schema import LABELS, REGIONS

if TYPE_CHECKING:
    from quality.regions.agreement import RegionAgreement

CLAIM = "every region is of a known class, lies in an item and makes up that item's label"


def agreement_of_regions(dataset: Dataset, counting: pl.DataFrame) -> "RegionAgreement":
    """Every figure of how well actors agree on regions."""
    from quality.regions.agreement import region_agreement

    judged = counting.filter(pl.col("label").is_not_null())
    return region_agreement(
        judged.select("item_id", "actor", "actor_kind", "region", "circular"),
        dataset.classes,
        threshold=dataset.regions.iou,
        seed=dataset.splits.seed,
        replicates=dataset.agreement.replicates,
    )


def region_thresholds(run: Run, commit: str) -> list[Threshold]:
    """Whether the regions table holds what the labels say; nothing for a dataset of classes."""
    if not run.dataset.has_regions:
        return []
    faults = _faults(
        run.table(REGIONS, at=commit), run.table(LABELS, at=commit), run.dataset.classes
    )
    reason = "; ".join(faults) or f"{REGIONS.name} and {LABELS.name} are at one"
    return [Threshold(CLAIM, None, None, holds=not faults, reason=reason)]


def _faults(regions: pl.DataFrame, labels: pl.DataFrame, classes: tuple[str, ...]) -> list[str]:
    from quality.regions.consensus import set_labels

    strange = regions.filter(~pl.col("label").is_in(list(classes))).height
    unsure = regions.filter(~pl.col("confidence").is_between(0, 1)).height
    lost = regions.join(labels, on="item_id", how="anti").height
    sets = set_labels(regions).rename({"label": "drawn"})
    settled = labels.drop_nulls("label").join(sets, on="item_id", how="left")
    other = settled.filter(pl.col("label") != pl.col("drawn").fill_null("nothing")).height
    found = {
        f"{strange} regions of unknown classes": strange,
        f"{unsure} confidences that are no probabilities": unsure,
        f"{lost} regions of no item": lost,
        f"{other} labels that are not their regions'": other,
    }
    return [fault for fault, count in found.items() if count]
