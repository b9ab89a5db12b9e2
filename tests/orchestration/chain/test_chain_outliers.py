"""Outliers through the chain: listed with each snapshot, and nothing else is done to them."""

import polars as pl

from quality.schema import LABELS

ODD = """\
sepal_length,sepal_width,petal_length,petal_width
5.05,3.45,1.45,0.25
5.0,3.0,99.0,1.0
"""


def test_an_item_unlike_all_others_is_listed_and_kept(irises):
    with irises.dataset_path.open("a", encoding="utf-8") as file:
        file.write("outliers: {max_share: 0.001}\n")
    irises.ingest(odd_csv=ODD)
    found = irises.run("snapshot")
    at = irises.store.head()
    path = "reports/outliers.parquet"
    worst = pl.read_parquet(irises.store.fetch(at, [path])[path]).row(0, named=True)
    labels = irises.store.table(at, f"{LABELS.name}/").collect()
    assert found.metadata["outliers"]["outliers"] >= 1
    assert "outliers.few_items_are_outliers" in found.failed_checks
    assert (worst["is_outlier"], worst["because"]) == (True, "petal_length")
    assert labels.filter(item_id=worst["item_id"]).height == 1
