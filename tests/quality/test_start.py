import numpy as np
import polars as pl
import pytest

from quality.consensus.errors import StartError
from quality.consensus.start import SCHEMA, Start, table

SKILL = Start.of("method", skill=table(np.array([0.5, 0.75]), name=["ana", "ben"]))


def test_an_array_comes_back_by_name_with_gaps_for_the_unknown():
    found = SKILL.array("skill", {"name": ["new", "ben", "ana"]})
    assert np.array_equal(found, [np.nan, 0.75, 0.5], equal_nan=True)


def test_a_table_of_two_axes_comes_back_in_any_order():
    values = np.array([[0.9, 0.1], [0.2, 0.8]])
    start = Start.of("m", t=table(values, true_class=["x", "y"], voted_class=["x", "y"]))
    found = start.array("t", {"voted_class": ["y", "x"], "true_class": ["x", "y"]})
    assert found.tolist() == [[0.1, 0.8], [0.9, 0.2]]


def test_a_start_can_be_stored_and_read_back(tmp_path):
    SKILL.frame.write_parquet(tmp_path / "start.parquet")
    again = Start.from_frame(pl.read_parquet(tmp_path / "start.parquet"), "method")
    assert again.frame.equals(SKILL.frame)


@pytest.mark.parametrize(
    ("damaged", "fault"),
    [
        (SKILL.frame.drop("value"), "value"),
        (SKILL.frame.with_columns(value=pl.lit(float("nan"))), "not finite"),
        (SKILL.frame.with_columns(value=pl.lit(None, pl.Float64)), "not finite"),
        (SKILL.frame.with_columns(method=pl.lit("other")), "saved by"),
    ],
)
def test_a_damaged_start_is_refused(damaged, fault):
    with pytest.raises(StartError, match=fault):
        Start.from_frame(damaged, "method")


def test_a_method_without_parameters_has_an_empty_start():
    assert Start.of("majority").frame.schema == SCHEMA
