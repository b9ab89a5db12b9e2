import polars as pl
import pytest

from quality.consensus.wawa import Wawa


def frame(*rows):
    return pl.DataFrame(rows, schema=["item_id", "actor", "label"], orient="row")


# Majorities: 1 is x (two to one), 2 is y (two to one), 3 is tied between x and y.
VOTES = frame(
    ("1", "a", "x"), ("1", "b", "x"), ("1", "c", "y"),
    ("2", "a", "y"), ("2", "b", "y"), ("2", "c", "x"),
    ("3", "a", "x"), ("3", "c", "y"),
)  # fmt: skip


def test_skill_is_agreement_with_the_majority_and_half_of_a_tie_between_two():
    skill = Wawa(["x", "y"]).fit(VOTES).actor_quality_["agreement"].to_list()
    assert skill == pytest.approx([2.5 / 3, 1, 0.5 / 3])


def test_votes_weigh_by_skill():
    labels = Wawa(["x", "y"]).fit(VOTES).predict()
    assert labels["label"].to_list() == ["x", "y", "x"]
    assert labels["confidence"].to_list() == pytest.approx([11 / 12, 11 / 12, 5 / 6])


def test_an_item_of_actors_without_any_skill_is_settled_by_count():
    votes = frame(*VOTES.rows()[:6], ("3", "c", "y"))
    three = frame(*votes.rows()[:6], *((f"{i}", "d", "z") for i in (1, 2)), ("4", "d", "z"))
    assert Wawa(["x", "y", "z"]).fit(three).predict().filter(item_id="4")["label"].to_list() == [
        "z"
    ]
