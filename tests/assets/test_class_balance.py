"""Balance of the classes: warned of beside the consensus, held to a share by the gate."""

import polars as pl
import pytest

from assets.class_balance import balance_check, balance_threshold


def labels(**counts: int) -> pl.DataFrame:
    rows = [(label, "auto") for label, n in counts.items() for _ in range(n)]
    rows += [("a", "disputed")] * 50
    return pl.DataFrame(rows, schema=["label", "state"], orient="row")


@pytest.mark.parametrize(
    ("counts", "holds"), [({"a": 90, "b": 10}, True), ({"a": 95, "b": 5}, False), ({"a": 9}, False)]
)
def test_the_gate_holds_the_rarest_class_to_its_share(dataset_of, counts, holds) -> None:
    dataset = dataset_of("text", gate={"min_class_share": 0.1})
    assert balance_threshold(dataset, labels(**counts)).holds is holds


def test_a_class_without_an_accepted_label_is_warned_of_by_name(dataset_of) -> None:
    result = balance_check(dataset_of("text"), labels(a=8))
    assert not result.passed
    assert result.metadata["without_labels"].value == "b"


def test_an_imbalance_is_shown_and_stops_nothing_where_nothing_is_asked(dataset_of) -> None:
    result = balance_check(dataset_of("text"), labels(a=30, b=10))
    assert result.passed
    assert result.metadata["imbalance"].value == 3.0
    assert result.metadata["rarest_share"].value == 0.25


def test_without_accepted_labels_nothing_is_judged(dataset_of) -> None:
    dataset = dataset_of("text", gate={"min_class_share": 0.1})
    assert balance_threshold(dataset, labels()).holds
    assert balance_check(dataset, labels()).passed
