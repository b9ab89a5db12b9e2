"""Regions as people get to see them in review tasks."""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from assets.ports import ReviewTask
from assets.runs import Run
from quality.schema import REGIONS


def proposed_regions(run: Run, at: str, queue: pl.DataFrame) -> dict[str, str]:
    """What tasks propose, by item: its consensus regions, those on which the votes tie included.

    An item of which nobody said anything has none; nor has a dataset of classes.
    """
    if not run.dataset.has_regions:
        return {}
    from quality.regions.region import to_text
    from quality.regions.table import sets_of

    asked = queue.select("item_id")
    sets = sets_of(run.table(REGIONS, at=at).join(asked, on="item_id", how="semi"))
    settled = queue.filter(pl.col("prediction").is_not_null())["item_id"]
    return {item: to_text(sets.get(item, ())) for item in {*settled, *sets}}


def with_regions(task: ReviewTask, regions: Mapping[str, str]) -> ReviewTask:
    """The task with the regions that it proposes, if any; their label is its prediction."""
    from quality.regions.region import from_text, label_of

    region = regions.get(task.item_id)
    if region is None:
        return task
    return replace(task, region=region, prediction=label_of(from_text(region)))
