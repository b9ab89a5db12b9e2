"""Labels of synthetic items: they stand as long as what they were made of does."""

from collections.abc import Collection, Mapping

import polars as pl

from quality.ledger import vote_sets
from quality.schema import LABELS
from quality.synthetic.origin import with_origins

STATE = "synthetic"
SPLIT = "train"


def real(labels: pl.DataFrame) -> pl.DataFrame:
    """The labels of real items."""
    return labels.filter(pl.col("state") != STATE)


def synthetic(labels: pl.DataFrame) -> pl.DataFrame:
    """The labels of synthetic items that stand."""
    return labels.filter((pl.col("state") == STATE) & pl.col("label").is_not_null())


def synthetic_labels(
    items: pl.DataFrame,
    votes: pl.DataFrame,
    labels: pl.DataFrame,
    previous: pl.DataFrame,
    *,
    versions: Mapping[str, str],
    classes: Collection[str],
    ontology_version: str,
    release: str,
) -> pl.DataFrame:
    """One row a synthetic item, always of the train split.

    Its label is null, and it does not stand, where its vote was taken back, is by another
    version of its source, or where one of its parents is not, or no longer, an accepted item of
    the train split with that same label.

    Args:
        items: The synthetic items: item_id, source_uri.
        votes: The synthetic votes that count.
        labels: The labels of the real items.
        previous: The labels of the last release; empty where there is none.
        versions: Version of each synthetic actor that there is now.
        classes: The ontology's classes.
        ontology_version: Version that the labels are given in.
        release: Name of the release that these labels are for.

    Returns:
        Rows of the labels table, sorted by item.
    """
    by_source = with_origins(items).join(
        votes.drop_nulls("label").select("item_id", "actor", "actor_version", "label"),
        on="item_id",
        how="left",
    )
    now = pl.col("actor").replace_strict(versions, default=None, return_dtype=pl.String)
    sound = (pl.col("actor_version") == now) & pl.col("label").is_in(list(classes))
    standing = (
        by_source.filter(sound)
        .join(_orphans(by_source, labels), on=["item_id", "label"], how="anti")
        .sort("item_id", "actor")
        .unique("item_id", keep="first", maintain_order=True)
    )
    before = previous.select("item_id", old_label="label", old_since="since")
    same = pl.col("label").eq_missing(pl.col("old_label")) & pl.col("old_since").is_not_null()
    table = (
        items.select("item_id")
        .join(standing.select("item_id", "label"), on="item_id", how="left")
        .join(vote_sets(votes), on="item_id", how="left")
        .join(before, on="item_id", how="left")
        .with_columns(
            pl.col("n_votes", "n_human").fill_null(0),
            pl.col("actor_kinds").fill_null(pl.lit([], dtype=pl.List(pl.String))),
            pl.col("vote_set_sha256").fill_null(""),
            pl.lit(STATE).alias("state"),
            pl.lit(SPLIT).alias("split"),
            pl.lit(ontology_version).alias("ontology_version"),
            pl.when(same).then("old_since").otherwise(pl.lit(release)).alias("since"),
        )
        .sort("item_id")
    )
    return LABELS.check(table.select(list(LABELS.columns)))


def _orphans(made: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """Items of which a parent has not the item's label, accepted and in train."""
    taught = labels.filter(
        pl.col("state").is_in(["auto", "human"]) & (pl.col("split") == SPLIT)
    ).select(parents="item_id", taught="label")
    families = made.select("item_id", "label", "parents").explode("parents").drop_nulls("parents")
    met = families.join(taught, on="parents", how="left")
    return met.filter(pl.col("label").ne_missing(pl.col("taught"))).select("item_id", "label")
