"""Scores: what moves a little at every estimate, item by item."""

import polars as pl

from assets.agreement import ITEM_AGREEMENT
from assets.consensus import PROBABILITIES
from assets.label_issues import LABEL_QUALITY
from assets.runs import Run
from quality.schema import LABELS, SCORES
from quality.synthetic.labels import real


def scores_at(run: Run, at: str) -> pl.DataFrame:
    """The scores table of a run's branch: confidence, agreement and label quality."""
    scores = real(run.table(LABELS, at=at)).select("item_id")
    quality = pl.col("score").alias("label_quality")
    parts = (
        run.table(PROBABILITIES, at=at).select("item_id", "confidence"),
        _items(run, at, ITEM_AGREEMENT).select("item_id", "agreement"),
        _items(run, at, LABEL_QUALITY).select("item_id", quality),
    )
    for part in parts:
        scores = scores.join(part, on="item_id", how="left")
    return SCORES.check(scores)


def _items(run: Run, at: str, path: str) -> pl.DataFrame:
    return pl.read_parquet(run.store.fetch(at, [path])[path])
