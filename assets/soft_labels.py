"""Soft labels: what the votes left open is taught as open."""

import json

import polars as pl

from assets.consensus import PROBABILITIES
from assets.recipe import RECIPE
from assets.runs import Run

LEAST = 0.01
"""Classes less likely than this are left out of an item's rows, the others scaled up."""


def probabilities_at(run: Run, commit: str) -> pl.DataFrame:
    """item_id, label, probability of every class of every item at a release's commit."""
    recipe = json.loads(run.store.read(commit, RECIPE))
    classes = [found["name"] for found in recipe["dataset_file"]["ontology"]["classes"]]
    table = run.table(PROBABILITIES, at=commit)
    rows = table.select(
        "item_id", probability="probabilities", label=pl.lit(classes, dtype=pl.List(pl.String))
    )
    known = pl.col("label").is_in(run.dataset.classes)
    return rows.explode("probability", "label").filter(known)


def softened(taught: pl.DataFrame, probabilities: pl.DataFrame) -> pl.DataFrame:
    """Examples with a row for each class that is likely enough.

    Weighted cross-entropy on the rows of an item is the cross-entropy with its probabilities.

    Args:
        taught: item_id, label, weight, one row an item.
        probabilities: item_id, label, probability; an item without any keeps its one label.
    """
    likely = probabilities.filter(pl.col("probability") >= LEAST).with_columns(
        share=pl.col("probability") / pl.col("probability").sum().over("item_id")
    )
    soft = taught.select("item_id", "weight").join(likely, on="item_id")
    soft = soft.select("item_id", "label", weight=pl.col("weight") * pl.col("share"))
    hard = taught.join(likely, on="item_id", how="anti")
    return pl.concat([soft, hard]).sort("item_id", "label")
