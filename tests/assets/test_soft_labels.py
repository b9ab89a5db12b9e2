"""Soft labels: rows of an item for each class that the votes left likely."""

import polars as pl
import pytest

from assets.soft_labels import softened

TAUGHT = pl.DataFrame(
    {"item_id": ["a", "b", "c"], "label": ["x", "y", "x"], "weight": [1.0, 2.0, 1.0]}
)
PROBABILITIES = pl.DataFrame(
    {
        "item_id": ["a", "a", "b", "b"],
        "label": ["x", "y", "x", "y"],
        "probability": [0.75, 0.25, 0.005, 0.995],
    }
)


def test_an_item_has_a_row_for_each_class_as_heavy_as_it_is_likely() -> None:
    found = softened(TAUGHT, PROBABILITIES)
    assert found.rows()[:2] == [("a", "x", 0.75), ("a", "y", 0.25)]


def test_what_is_hardly_likely_is_left_out_and_the_rest_weighs_what_the_item_did() -> None:
    found = softened(TAUGHT, PROBABILITIES).filter(item_id="b")
    assert found.rows() == [("b", "y", pytest.approx(2.0))]


def test_an_item_without_probabilities_keeps_its_one_label() -> None:
    assert softened(TAUGHT, PROBABILITIES).filter(item_id="c").rows() == [("c", "x", 1.0)]
