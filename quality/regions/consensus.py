"""Consensus regions: what is there, what it is and where, and how sure that is.

Any aggregator of classes settles the candidates; coordinates are weighted medians. Whether all saw
everything is estimated as wildlife is counted, by what one found of what others found (capture and
recapture; Seber, The Estimation of Animal Abundance, 1982, chapter 3).
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import polars as pl

from quality.consensus.aggregator import Aggregator
from quality.regions.candidates import NO_REGION, Candidates
from quality.regions.matching import Floats
from quality.regions.region import from_sides, label_of
from quality.regions.table import sets_of
from quality.schema import REGIONS

_DIGITS = 16
_PRIOR_OBJECTS = 2.0


@dataclass(frozen=True)
class RegionEstimate:
    """What the judgments amount to.

    Attributes:
        regions: The REGIONS table: those that are there, and those on which the votes tie.
        items: item_id, label (the set's; null where a candidate ties), confidence, n_votes (who
            judged it), probabilities ([confidence, the rest]).
        actors: The aggregator's `actor_quality_` with recall (share of what others found that
            it found, too) and precision (share of its regions that are there).
    """

    regions: pl.DataFrame
    items: pl.DataFrame
    actors: pl.DataFrame


def region_consensus(
    found: Candidates, aggregator: Aggregator, *, expected_recall: float
) -> RegionEstimate:
    """The consensus over candidates.

    Args:
        found: The candidates.
        aggregator: Fitted to `found.votes`, its classes the ontology's and `(nothing)` as the last.
        expected_recall: Share of the objects that an actor is taken to find as long as nobody
            else has looked, worth as much as two objects.
    """
    settled = _settled(found, aggregator)
    quality = aggregator.actor_quality_
    placed = _placed(found, settled)
    actors = quality.join(_detection(found, settled, expected_recall), on="actor", how="left")
    regions = _regions(settled, placed)
    return RegionEstimate(regions, _items(found, settled, regions, actors, expected_recall), actors)


def _settled(found: Candidates, aggregator: Aggregator) -> pl.DataFrame:
    """By candidate: item_id, label, confidence, there (probability), tied, n_votes, n_seen."""
    classes = aggregator.classes[:-1]
    posterior = aggregator.predict_proba().drop_nulls("probabilities")
    shares = posterior["probabilities"].to_list()
    table = np.array(shares, dtype=np.float64).reshape(len(shares), len(classes) + 1)
    best = pl.Series(classes, dtype=pl.String).gather(table[:, :-1].argmax(axis=1))
    likeliest = posterior.select(
        candidate="item_id", likeliest=best, there=pl.Series(1 - table[:, -1]).clip(0.0, 1.0)
    )
    drew = pl.col("label") != NO_REGION
    counted = found.votes.group_by(candidate="item_id").agg(
        pl.col("item").first().alias("item_id"),
        drew.sum().cast(pl.UInt32).alias("n_votes"),
        pl.len().cast(pl.UInt32).alias("n_seen"),
        pl.col("actor").filter(drew).sort().alias("actors"),
    )
    said = aggregator.predict().select("label", "confidence", "tied", candidate="item_id")
    return (
        counted.join(said, on="candidate")
        .join(likeliest, on="candidate")
        .with_columns(
            kept=pl.col("tied") | (pl.col("label") != NO_REGION),
            label=pl.when("tied").then("likeliest").otherwise("label"),
        )
        .sort("candidate")
    )


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
    weight = drawn["weight"].to_numpy()
    whole = sides.shape[1] == 2  # noqa: PLR2004 - a span's ends
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
    below = np.bincount(group, share < 0.5 - 1e-9).astype(np.int64)
    upto = np.bincount(group, share <= 0.5 + 1e-9).astype(np.int64)
    first = ends - np.bincount(group)
    low = value[np.minimum(first + below, ends - 1)]
    high = value[np.minimum(first + upto, ends - 1)]
    return low if lower else np.asarray((low + high) / 2)


def _detection(found: Candidates, settled: pl.DataFrame, expected: float) -> pl.DataFrame:
    """By actor: recall, with `expected` worth two objects, and precision."""
    said = found.votes.join(settled.select("there", "n_votes", item_id="candidate"), on="item_id")
    drew = pl.col("label") != NO_REGION
    # What nobody else found says nothing about who would have missed it.
    others = pl.col("n_votes") > drew.cast(pl.UInt32)
    there = pl.col("there")
    hits = there.filter(others & drew).sum() + _PRIOR_OBJECTS * expected
    return (
        said.sort("actor", "item_id")
        .group_by("actor", maintain_order=True)
        .agg(
            (hits / (there.filter(others).sum() + _PRIOR_OBJECTS)).alias("recall"),
            there.filter(drew).mean().alias("precision"),
        )
    )


def _regions(settled: pl.DataFrame, placed: pl.DataFrame) -> pl.DataFrame:
    """The REGIONS table."""
    kept = settled.filter("kept").join(placed, on="candidate").sort("candidate")
    made = [from_sides(label, sides) for label, sides in kept.select("label", "sides").iter_rows()]
    names = [
        hashlib.sha256(f"{candidate} {region.label} {region.geometry}".encode()).hexdigest()
        for candidate, region in zip(kept["candidate"], made, strict=True)
    ]
    return REGIONS.check(
        kept.with_columns(
            region_id=pl.Series([name[:_DIGITS] for name in names], dtype=pl.String),
            geometry=pl.Series(
                [[float(v) for v in region.geometry] for region in made],
                dtype=pl.List(pl.Float64),
            ),
        )
        .select(list(REGIONS.columns))
        .sort("item_id", "geometry", "label", "region_id")
    )


def _items(
    found: Candidates,
    settled: pl.DataFrame,
    regions: pl.DataFrame,
    actors: pl.DataFrame,
    expected: float,
) -> pl.DataFrame:
    """One row an item that anybody judged."""
    seen = found.judged.join(actors.select("actor", "recall"), on="actor", how="left").sort(
        "item_id", "actor"
    )
    missed = (1 - pl.col("recall").fill_null(expected)).product()
    viewed = seen.group_by("item_id", maintain_order=True).agg(
        missed.alias("missed"), pl.len().alias("n_votes")
    )
    objects = float(settled["there"].sum())
    rate = objects / max(float((1 - viewed["missed"]).sum()), 1e-9)
    least = settled.group_by("item_id").agg(
        pl.col("confidence").min().alias("least"), pl.col("tied").any()
    )
    confidence = pl.min_horizontal(pl.col("least"), (-rate * pl.col("missed")).exp())
    return (
        viewed.join(least, on="item_id", how="left")
        .join(set_labels(regions), on="item_id", how="left")
        .with_columns(
            confidence=confidence,
            label=pl.when(pl.col("tied").fill_null(value=False))
            .then(None)
            .otherwise(pl.col("label").fill_null(label_of(()))),
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
