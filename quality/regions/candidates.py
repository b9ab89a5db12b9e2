"""Candidates: what may be there in an item, and what each actor says of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from quality.regions.clusters import clusters
from quality.regions.errors import RegionInvalid
from quality.regions.region import from_text

NO_REGION = "(nothing)"
"""The class that an actor gives to a candidate which it did not draw."""

_DRAWN = {
    "item_id": pl.String(),
    "actor": pl.String(),
    "label": pl.String(),
    "sides": pl.List(pl.Float64),
    "score": pl.Float64(),
}


@dataclass(frozen=True)
class Candidates:
    """The regions of all items, clustered.

    Attributes:
        judged: item_id, actor, weight: who judged which item, those who drew nothing included.
        drawn: candidate, item_id, actor, label, sides (list of lower and upper ends), score:
            one row a region that somebody drew, by candidate and actor.
        votes: item_id (the candidate), item (the item it is in), actor, label, weight: what
            everybody who judged the item says of the candidate, as aggregators read votes.
    """

    judged: pl.DataFrame
    drawn: pl.DataFrame
    votes: pl.DataFrame

    @property
    def named(self) -> pl.DataFrame:
        """The votes of those who drew the candidate: what class it is."""
        return self.votes.filter(pl.col("label") != NO_REGION).drop("item")


def candidates(judgments: pl.DataFrame, classes: Sequence[str], *, threshold: float) -> Candidates:
    """The candidates of judgments, whatever the order of their rows.

    Args:
        judgments: item_id, actor, region (canonical text; null abstains) and weight, one row an
            item and actor.
        classes: The ontology's classes.
        threshold: Lowest IoU at which two regions can be the same thing.

    Raises:
        RegionInvalid: a text is no set of regions, or a class is called `(nothing)`.
    """
    if NO_REGION in classes:
        raise RegionInvalid(NO_REGION, "this class name stands for no region; name it otherwise")
    judged = judgments.drop_nulls("region").sort("item_id", "actor")
    drawn = _clustered(_drawn(judged), threshold)
    judged = judged.select("item_id", "actor", "weight")
    each = drawn.select("candidate", "item_id").unique().join(judged, on="item_id")
    own = drawn.select("candidate", "actor", "label")
    votes = (
        each.join(own, on=["candidate", "actor"], how="left")
        .with_columns(pl.col("label").fill_null(NO_REGION))
        .select(pl.col("candidate").alias("item_id"), "actor", "label", "weight", item="item_id")
        .sort("item_id", "actor")
    )
    return Candidates(judged, drawn, votes)


def _drawn(judged: pl.DataFrame) -> pl.DataFrame:
    """One row a region, in an order that only depends on what was drawn."""
    rows = [
        (item, actor, region.label, list(region.sides), region.score)
        for item, actor, text in judged.select("item_id", "actor", "region").iter_rows()
        for region in from_text(text)
    ]
    return pl.DataFrame(rows, schema=_DRAWN, orient="row").sort(
        "item_id", "sides", "label", "actor"
    )


def _clustered(drawn: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """The regions with their candidate, `ITEM/00007`."""
    if drawn.is_empty():
        return drawn.select(pl.lit("").alias("candidate"), pl.all()).clear()
    sides = np.array(drawn["sides"].to_list(), dtype=np.float64)
    codes = [
        drawn[name].rank("dense").to_numpy().astype(np.int64)
        for name in ("item_id", "actor", "label")
    ]
    number = clusters(codes[0], codes[1], codes[2], sides, threshold=threshold)
    return (
        drawn.with_columns(pl.Series("number", number))
        .with_columns(pl.col("number") - pl.col("number").min().over("item_id"))
        .with_columns(
            pl.format("{}/{}", "item_id", pl.col("number").cast(pl.String).str.zfill(5)).alias(
                "candidate"
            )
        )
        .select("candidate", "item_id", "actor", "label", "sides", "score")
        .sort("candidate", "actor")
    )
