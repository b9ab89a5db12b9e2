"""Outliers: what lies apart is found, what lies in a crowd is not, and why is said."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.outliers.errors import OutlierError
from quality.outliers.report import find_outliers


def ids(count):
    return pl.Series("item_id", [f"i{n:05}" for n in range(count)])


def crowd(count=300, far=None):
    values = np.random.default_rng(0).normal(0, 1, (count, 3))
    frame = pl.DataFrame(values, schema=["length", "brightness", "edges"])
    return (
        frame
        if far is None
        else frame.vstack(pl.DataFrame([far], schema=frame.schema, orient="row"))
    )


def test_the_one_item_that_lies_apart_is_found_with_the_column_it_is_off_in():
    found = find_outliers(ids(301), crowd(far=(0.0, 30.0, 1.0)))
    first = found.frame.row(0, named=True)
    assert (first["item_id"], first["is_outlier"], first["because"]) == (
        "i00300",
        True,
        "brightness",
    )
    assert first["score"] > 5


def test_few_of_a_normal_crowd_are_outliers():
    assert find_outliers(ids(300), crowd()).share < 0.03


def test_the_distance_is_the_mean_to_the_nearest_others():
    line = pl.DataFrame({"x": [0.0, 1.0, 2.0, 3.0, 100.0]})
    found = find_outliers(ids(5), line, neighbours=2, scale=False)
    distance = dict(
        found.frame.with_columns(pl.col("score") * found.limit).select("item_id", "score").rows()
    )
    assert distance == pytest.approx(
        {"i00000": 1.5, "i00001": 1, "i00002": 1, "i00003": 1.5, "i00004": 97.5}
    )
    # Quartiles 1 and 1.5: the fence is 1.5 + 3 * 0.5.
    assert found.limit == pytest.approx(3)


def test_equal_items_are_no_outliers_among_each_other():
    same = pl.DataFrame({"x": [5.0] * 50})
    found = find_outliers(ids(50), same)
    assert found.share == 0


def test_a_missing_value_is_taken_for_the_usual_one():
    column = pl.DataFrame(
        {"x": [*np.linspace(0, 1, 60), None], "y": [None] * 61},
        schema={"x": pl.Float64, "y": pl.Float64},
    )
    assert not find_outliers(ids(61), column).frame.filter(item_id="i00060")["is_outlier"].item()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_items_are_no_outliers(count):
    found = find_outliers(ids(count), pl.DataFrame({"x": np.arange(count, dtype=float)}))
    assert found.frame.height == count
    assert found.share == 0


def test_items_and_rows_must_be_as_many():
    with pytest.raises(OutlierError, match="2 rows and 3 items"):
        find_outliers(ids(3), pl.DataFrame({"x": [1.0, 2.0]}))


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1000), st.floats(-1e4, 1e4))
def test_neither_unit_nor_origin_of_a_column_matters(seed, unit, origin):
    values = np.random.default_rng(seed).normal(0, 1, (40, 2))
    one = find_outliers(ids(40), pl.DataFrame(values, schema=["a", "b"]))
    two = find_outliers(ids(40), pl.DataFrame(values * [unit, 1] + [origin, 0], schema=["a", "b"]))
    first, second = (f.frame.sort("item_id")["score"].to_numpy() for f in (one, two))
    assert np.allclose(first, second, rtol=1e-5, atol=1e-7)


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_the_items_does_not_matter(seed):
    values, order = crowd(40), np.random.default_rng(seed).permutation(40)
    one = find_outliers(ids(40), values)
    two = find_outliers(ids(40).gather(order), values[order])
    assert one.frame["item_id"].to_list() == two.frame["item_id"].to_list()
