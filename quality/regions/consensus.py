"""Consensus regions: what is there, what it is and where, and how sure that is."""

import hashlib
from dataclasses import dataclass

import numpy as np
import polars as pl

from quality.consensus.aggregator import Aggregator
from quality.evaluation.calibration import exact_interval
from quality.regions.candidates import NO_REGION, Candidates
from quality.regions.detection import Detection, detection
from quality.regions.matching import Floats
from quality.regions.region import from_sides, label_of
from quality.regions.table import sets_of
from quality.schema import REGIONS

_DIGITS = 16
_HALF = 0.5
_SPAN = 2


@dataclass(frozen=True)
class RegionEstimate:
    """What the judgments amount to.

    Attributes:
        regions: The REGIONS table: those that are there, and those whose class ties.
        items: item_id, label (the set's; null where a region's class ties), confidence, n_votes
            (who judged it), probabilities ([confidence, the rest]).
        actors: actor, quality (expected share of its judgments of candidates that are right) with
            its 95 % interval, n_votes, n_abstained, recall, precision, false_alarms.
        detection: What is there, and who sees it.
    """

    regions: pl.DataFrame
    items: pl.DataFrame
    actors: pl.DataFrame
    detection: Detection


def region_consensus(
    found: Candidates, aggregator: Aggregator, *, expected_recall: float
) -> RegionEstimate:
    """The consensus over candidates.

    A candidate is kept where it is more likely there than not; its class is the aggregator's; its
    sides are the weighted medians of those drawn. An item is as sure as its least sure candidate,
    dropped ones included, and no surer than that nothing was missed by all.

    Args:
        found: The candidates.
        aggregator: Fitted to `found.named`.
        expected_recall: Share of the objects that an actor is taken to find as long as nothing
            is known of it.
    """
    seen = detection(found, expected_recall=expected_recall)
    settled = _settled(found, aggregator, seen)
    regions = _regions(settled, _placed(found, settled))
    items = _items(found, settled, regions, seen)
    return RegionEstimate(regions, items, _actors(found, aggregator, seen), seen)


def _settled(found: Candidates, aggregator: Aggregator, seen: Detection) -> pl.DataFrame:
    """By candidate: item_id, label, confidence, kept, tied, n_votes, n_seen, actors."""
    drew = pl.col("label") != NO_REGION
    counted = found.votes.group_by(candidate="item_id").agg(
        pl.col("item").first().alias("item_id"),
        drew.sum().cast(pl.UInt32).alias("n_votes"),
        pl.len().cast(pl.UInt32).alias("n_seen"),
        pl.col("actor").filter(drew).sort().alias("actors"),
    )
    kept = pl.col("there") >= _HALF
    sure = pl.when(kept).then(pl.col("there") * pl.col("named")).otherwise(1 - pl.col("there"))
    return (
        counted.join(_classes(aggregator), on="candidate")
        .join(seen.there, on="candidate")
        .with_columns(kept=kept, tied=kept & pl.col("tied"), confidence=sure.clip(0.0, 1.0))
        .sort("candidate")
    )


def _classes(aggregator: Aggregator) -> pl.DataFrame:
    """By candidate: the likeliest class, its probability, and whether another is as likely."""
    posterior = aggregator.predict_proba().drop_nulls("probabilities")
    shares = posterior["probabilities"].to_list()
    table = np.array(shares, dtype=np.float64).reshape(len(shares), len(aggregator.classes))
    best = pl.Series(aggregator.classes, dtype=pl.String).gather(table.argmax(axis=1))
    named = pl.Series(table.max(axis=1, initial=0.0)).clip(0.0, 1.0)
    likeliest = posterior.select(candidate="item_id", label=best, named=named)
    return likeliest.join(aggregator.predict().select("tied", candidate="item_id"), on="candidate")


def _placed(found: Candidates, settled: pl.DataFrame) -> pl.DataFrame:
    """By kept candidate: sides, each the weighted median of those drawn."""
    kept = settled.filter("kept").select("candidate")
    drawn = (
        found.drawn.join(kept, on="candidate", how="semi")
        .join(found.judged, on=["item_id", "actor"])
        .with_columns(pl.col("weight").clip(1e-9))
        .sort("candidate", "actor")
    )
    if drawn.is_empty():
        return pl.DataFrame(schema={"candidate": pl.String, "sides": pl.List(pl.Float64)})
    group = drawn["candidate"].rank("dense").to_numpy().astype(np.int64) - 1
    sides = np.array(drawn["sides"].to_list(), dtype=np.float64)
    weight, whole = drawn["weight"].to_numpy(), sides.shape[1] == _SPAN
    columns = [weighted_medians(group, column, weight, lower=whole) for column in sides.T]
    return kept.sort("candidate").with_columns(
        sides=pl.Series(np.stack(columns, axis=1).tolist(), dtype=pl.List(pl.Float64))
    )


def weighted_medians(group: np.ndarray, value: Floats, weight: Floats, *, lower: bool) -> Floats:
    """The weighted median of each group.

    Args:
        group: (n,) groups from 0, each with a value.
        value: (n,) values.
        weight: (n,) weights above 0.
        lower: Where half of the weight lies on either side, the lower of the two values rather
            than their mean.
    """
    order = np.lexsort((value, group))
    group, value, weight = group[order], value[order], weight[order]
    total = np.bincount(group, weight)
    ends = np.cumsum(np.bincount(group))
    before = np.concatenate([[0.0], np.cumsum(weight)[ends[:-1] - 1]])
    share = (np.cumsum(weight) - before[group]) / total[group]
    below = np.bincount(group, share < _HALF - 1e-9).astype(np.int64)
    upto = np.bincount(group, share <= _HALF + 1e-9).astype(np.int64)
    first = ends - np.bincount(group)
    low = value[np.minimum(first + below, ends - 1)]
    high = value[np.minimum(first + upto, ends - 1)]
    return low if lower else np.asarray((low + high) / 2)


def _regions(settled: pl.DataFrame, placed: pl.DataFrame) -> pl.DataFrame:
    """The REGIONS table."""
    kept = settled.filter("kept").join(placed, on="candidate").sort("candidate")
    made = [from_sides(label, sides) for label, sides in kept.select("label", "sides").iter_rows()]
    names = [
        hashlib.sha256(f"{candidate} {region.label} {region.geometry}".encode()).hexdigest()
        for candidate, region in zip(kept["candidate"], made, strict=True)
    ]
    geometry = [[float(side) for side in region.geometry] for region in made]
    return REGIONS.check(
        kept.with_columns(
            region_id=pl.Series([name[:_DIGITS] for name in names], dtype=pl.String),
            geometry=pl.Series(geometry, dtype=pl.List(pl.Float64)),
        )
        .select(list(REGIONS.columns))
        .sort("item_id", "geometry", "label", "region_id")
    )


def _items(
    found: Candidates, settled: pl.DataFrame, regions: pl.DataFrame, seen: Detection
) -> pl.DataFrame:
    """One row an item that anybody judged."""
    judged = found.judged.group_by("item_id").agg(pl.len().alias("n_votes"))
    least = settled.group_by("item_id").agg(
        pl.col("confidence").min().alias("least"), pl.col("tied").any()
    )
    settles = ~pl.col("tied").fill_null(value=False)
    return (
        judged.join(least, on="item_id", how="left")
        .join(seen.complete, on="item_id")
        .join(set_labels(regions), on="item_id", how="left")
        .with_columns(
            confidence=pl.min_horizontal("least", "complete"),
            label=pl.when(settles).then(pl.col("label").fill_null(label_of(()))),
        )
        .with_columns(probabilities=pl.concat_list("confidence", 1 - pl.col("confidence")))
        .select("item_id", "label", "confidence", "n_votes", "probabilities")
        .sort("item_id")
    )


def set_labels(regions: pl.DataFrame) -> pl.DataFrame:
    """item_id and label: the label of each item's set of rows of the REGIONS table."""
    labels = {item: label_of(drawn) for item, drawn in sets_of(regions).items()}
    return pl.DataFrame(
        list(labels.items()), schema={"item_id": pl.String, "label": pl.String}, orient="row"
    )


def _actors(found: Candidates, aggregator: Aggregator, seen: Detection) -> pl.DataFrame:
    """One row an actor, by name."""
    shares = aggregator.predict_proba().drop_nulls("probabilities")
    classes = [list(aggregator.classes)] * shares.height
    by_class = (
        shares.with_columns(pl.Series("label", classes, dtype=pl.List(pl.String)))
        .explode("probabilities", "label")
        .rename({"probabilities": "named"})
    )
    right = (
        pl.when(pl.col("label") == NO_REGION)
        .then(1 - pl.col("there"))
        .otherwise(pl.col("there") * pl.col("named"))
    )
    said = (
        found.votes.join(seen.there, left_on="item_id", right_on="candidate")
        .join(by_class, on=["item_id", "label"], how="left")
        .sort("actor", "item_id")
        .group_by("actor", maintain_order=True)
        .agg(right.mean().clip(0.0, 1.0).alias("quality"), pl.len().alias("n_votes"))
    )
    ends = [
        exact_interval(min(round(quality * n), n), n, 0.95)
        for quality, n in said.select("quality", "n_votes").iter_rows()
    ]
    known = said.with_columns(
        quality_low=pl.Series([low for low, _ in ends], dtype=pl.Float64),
        quality_high=pl.Series([high for _, high in ends], dtype=pl.Float64),
        n_abstained=pl.lit(0, pl.Int64),
    )
    columns = ["quality", "quality_low", "quality_high", "n_votes", "n_abstained"]
    whole = seen.actors.join(known, on="actor", how="left").sort("actor")
    return whole.with_columns(pl.col("n_votes", "n_abstained").fill_null(0)).select(
        "actor", *columns, "recall", "precision", "false_alarms"
    )
