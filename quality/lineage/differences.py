"""The difference of two versions' labels, item by item and class to class."""

import polars as pl

DIFFERENCES = {
    "item_id": pl.String(),
    "change": pl.String(),
    "from_label": pl.String(),
    "to_label": pl.String(),
}


def label_differences(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """Labels added, removed and changed from left to right.

    An item without a label counts as not there. Rows are sorted by change, then item.

    Args:
        left: item_id, label of the older version.
        right: The same of the newer one.
    """
    old = left.select("item_id", from_label="label")
    new = right.select("item_id", to_label="label")
    change = (
        pl.when(pl.col("from_label").is_null())
        .then(pl.lit("added"))
        .when(pl.col("to_label").is_null())
        .then(pl.lit("removed"))
        .otherwise(pl.lit("changed"))
    )
    return (
        old.join(new, on="item_id", how="full", coalesce=True)
        .filter(pl.col("from_label").ne_missing(pl.col("to_label")))
        .with_columns(change.alias("change"))
        .select(list(DIFFERENCES))
        .sort("change", "item_id")
    )


def label_flows(differences: pl.DataFrame) -> pl.DataFrame:
    """How many labels went from which class to which: from_label, to_label, n_items."""
    return (
        differences.group_by("from_label", "to_label")
        .len("n_items")
        .sort(pl.col("n_items"), "from_label", "to_label", descending=[True, False, False])
    )
