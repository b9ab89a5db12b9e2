"""An ensemble's diversity, against figures worked out by hand."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.agreement.diversity import MEASURES, diversity
from quality.errors import VotesFrameError


def votes_of(**answers):
    """Answers by actor, one letter an item; a dot abstains."""
    rows = [
        (f"i{place:02d}", f"model:{actor}", None if label == "." else label)
        for actor, said in answers.items()
        for place, label in enumerate(said)
    ]
    schema = {"item_id": pl.String, "actor": pl.String, "label": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def truth_of(classes):
    return votes_of(people=classes).drop("actor").drop_nulls("label")


def test_the_measures_are_those_of_kuncheva_and_whitaker():
    """N11 = 3, N00 = 2, N10 = 1, N01 = 2: Q is (6 - 2) / (6 + 2)."""
    found = diversity(votes_of(a="xxxyyxyy", b="xxxyyyxx"), truth_of("xxxxxxxx"))
    pair = found.pairs.row(0, named=True)
    assert (pair["n_items"], pair["n_judged"]) == (8, 8)
    assert pair["disagreement"] == 3 / 8
    assert pair["q"] == 0.5
    assert pair["double_fault"] == 2 / 8
    assert pair["differ"] == 3 / 8
    assert found.best == 5 / 8
    assert found.any_right == 6 / 8


def test_two_wrong_classes_differ_and_are_both_a_fault():
    pair = diversity(votes_of(a="xy", b="xz"), truth_of("xx")).pairs.row(0, named=True)
    assert (pair["differ"], pair["disagreement"], pair["double_fault"]) == (0.5, 0.0, 0.5)


def test_independent_errors_have_a_q_of_zero():
    found = diversity(votes_of(a="xxyy" * 5, b="xyxy" * 5), truth_of("x" * 20))
    assert found.means["q"] == 0.0


def test_abstentions_are_not_compared():
    pair = diversity(votes_of(a="xx.y", b="x.xx"), truth_of("xxxx")).pairs.row(0, named=True)
    assert (pair["n_items"], pair["n_judged"], pair["disagreement"]) == (2, 2, 0.5)


def test_without_settled_items_only_differences_are_known_and_the_reason_is_given():
    found = diversity(votes_of(a="xy", b="xx"), truth_of(".."))
    assert found.means == {"differ": 0.5, "disagreement": None, "q": None, "double_fault": None}
    assert "share no item that people settled" in found.pairs["reason"][0]
    assert "no item that all of them voted on" in found.to_markdown()


def test_members_without_an_error_have_no_q():
    found = diversity(votes_of(a="xx", b="xx"), truth_of("xx"))
    assert found.means["q"] is None
    assert "is not defined" in found.pairs["reason"][0]


@pytest.mark.parametrize(("said", "why"), [({}, "no model votes"), ({"a": "xx"}, "model:a alone")])
def test_one_model_is_no_ensemble(said, why):
    found = diversity(votes_of(**said), truth_of("xx"))
    assert found.pairs.is_empty()
    assert why in found.reason
    assert why in found.to_markdown()


def test_a_missing_column_is_named():
    with pytest.raises(VotesFrameError, match="label"):
        diversity(votes_of(a="x").drop("label"), truth_of("x"))


@given(st.lists(st.text("xyz.", min_size=9, max_size=9), min_size=2, max_size=4), st.randoms())
@settings(max_examples=40, deadline=None)
def test_measures_keep_their_ranges_and_the_order_of_rows_changes_nothing(said, random):
    votes = votes_of(**dict(zip("abcd", said, strict=False)))
    truth = truth_of("xyzxyzxyz")
    found = diversity(votes, truth)
    order = random.sample(range(votes.height), votes.height)
    assert diversity(votes[order], truth).to_json() == found.to_json()
    for name in MEASURES:
        low = -1.0 if name == "q" else 0.0
        values = found.pairs[name].drop_nulls().to_numpy()
        assert ((values >= low) & (values <= 1.0)).all()
    both = found.pairs.drop_nulls(["double_fault"])
    wrong_or_one = both["disagreement"].to_numpy() + both["double_fault"].to_numpy()
    assert (wrong_or_one <= 1 + 1e-12).all()
    if found.best is not None:
        assert found.best <= found.any_right
        assert math.isfinite(found.best)


def test_differences_are_drawn():
    found = diversity(votes_of(a="xy", b="xx"), truth_of("xx"))
    assert found.picture().startswith(b"\x89PNG")
    assert np.isfinite(found.means["differ"])
