"""Columns as codes: by name or as they come, sorted or not, the same values get the same code."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.coding import in_order, names_and_codes

COLUMNS = [
    pl.Series("item_id", ["b", "b", "a", "c", "a"]),
    pl.Series("item_id", ["a", "a", "a", "b", "b", "c"]),
    pl.Series("item_id", ["c", "c", "c", "a", "a", "a", "b", "b", "b"]),
    pl.Series("item_id", ["b", "a", "b"], dtype=pl.Categorical),
    pl.Series("item_id", [7, 7, 3, 9]),
    pl.Series("item_id", [7, 7, 3, 10**15]),
    pl.Series("item_id", [], dtype=pl.String),
]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("by_name", [True, False])
def test_names_at_their_codes_are_the_column(column: pl.Series, by_name: bool) -> None:
    names, codes = names_and_codes(column, by_name=by_name)
    assert names.gather(codes).to_list() == column.to_list()
    assert names.n_unique() == len(names)
    if by_name:
        assert names.is_sorted()


def test_groups_that_do_not_come_back_keep_their_order_where_names_do_not_matter() -> None:
    names, codes = names_and_codes(COLUMNS[2], by_name=False)
    assert (names.to_list(), codes.tolist()) == (["c", "a", "b"], [0, 0, 0, 1, 1, 1, 2, 2, 2])


@given(st.lists(st.integers(0, 2**63 - 1)), st.integers(0, 62))
def test_keys_are_ordered_as_by_a_stable_sort(keys: list[int], shift: int) -> None:
    given_keys = np.array(keys, dtype=np.int64) >> shift
    ascending, order = in_order(given_keys)
    assert order.tolist() == np.argsort(given_keys, kind="stable").tolist()
    assert ascending.tolist() == np.sort(given_keys).tolist()
