"""The change of a label distribution, split among its causes without remainder."""

import json
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.drift.errors import DriftError
from quality.drift.label_change import CAUSES, UNLABELED, LabelSource, label_change

VOTE = st.tuples(
    st.sampled_from(["i1", "i2", "i3", "i4"]),
    st.sampled_from(["ana", "ben", "eva"]),
    st.sampled_from(["cat", "dog", "cow"]),
)


def first_vote(votes: pl.DataFrame) -> pl.DataFrame:
    return votes.sort("actor").unique("item_id", keep="first", maintain_order=True)


def last_vote(votes: pl.DataFrame) -> pl.DataFrame:
    return votes.sort("actor").unique("item_id", keep="last", maintain_order=True)


def release(votes: list[tuple[str, str, str]], **more: Any) -> LabelSource:
    frame = pl.DataFrame(votes, schema=["item_id", "actor", "label"], orient="row")
    given = {"item_ids": sorted(set(frame["item_id"])), "aggregator": "first"} | more
    aggregate = first_vote if given["aggregator"] == "first" else last_vote
    return LabelSource(votes=frame, aggregate=aggregate, **given)


def at_work(before: LabelSource, after: LabelSource) -> dict[str, dict[str, Fraction]]:
    parts = label_change(before, after).parts
    moved = {
        cause: {name: part for name, part in shares.items() if part}
        for cause, shares in parts.items()
    }
    return {cause: shares for cause, shares in moved.items() if shares}


BASE = [("i1", "ana", "cat"), ("i2", "ana", "cat"), ("i3", "ana", "dog"), ("i4", "ana", "dog")]


def test_nothing_changed_is_nobodys_doing() -> None:
    assert at_work(release(BASE), release(BASE)) == {}


def test_new_items_alone() -> None:
    after = release([*BASE, ("i5", "ana", "cow")])
    assert at_work(release(BASE), after) == {
        "new_items": {
            "cat": Fraction(2, 5) - Fraction(1, 2),
            "dog": Fraction(2, 5) - Fraction(1, 2),
            "cow": Fraction(1, 5),
        }
    }


def test_a_changed_vote_alone() -> None:
    after = release([("i1", "ana", "dog"), *BASE[1:]])
    quarter = Fraction(1, 4)
    assert at_work(release(BASE), after) == {"changed_votes": {"cat": -quarter, "dog": quarter}}


def test_an_actor_who_leaves_alone() -> None:
    before = release([*BASE, ("i1", "a first one", "cow")])
    quarter = Fraction(1, 4)
    assert at_work(before, release(BASE)) == {"actor_mix": {"cow": -quarter, "cat": quarter}}


def test_another_aggregator_alone() -> None:
    votes = [*BASE, ("i1", "ben", "cow")]
    quarter = Fraction(1, 4)
    found = at_work(release(votes), release(votes, aggregator="last"))
    assert found == {"aggregator": {"cat": -quarter, "cow": quarter}}


def test_a_renamed_class_alone() -> None:
    half = Fraction(1, 2)
    found = at_work(release(BASE), release(BASE, classes={"cat": "feline"}))
    assert found == {"ontology": {"cat": -half, "feline": half}}


def test_two_causes_of_one_change_share_it_evenly() -> None:
    # The new actor's vote only counts with the new aggregator: neither does anything alone.
    before = release(BASE)
    after = release([*BASE, ("i1", "ben", "cow")], aggregator="last")
    eighth = Fraction(1, 8)
    moved = {"cat": -eighth, "cow": eighth}
    assert at_work(before, after) == {"actor_mix": moved, "aggregator": moved}


@settings(max_examples=40, deadline=None)
@given(st.lists(VOTE, min_size=1), st.lists(VOTE, min_size=1), st.booleans(), st.booleans())
def test_the_parts_add_up_to_the_change_exactly(one, two, other, renamed) -> None:
    before = release(one)
    after = release(
        two, aggregator="last" if other else "first", classes={"cat": "dog"} if renamed else {}
    )
    found = label_change(before, after)
    for name in found.before:
        total = sum(found.parts[cause][name] for cause in CAUSES)
        assert found.before[name] + total == found.after[name]


def test_before_and_after_are_the_releases_own_labels() -> None:
    # The later release still knows votes on an item that it dropped; the earlier one must not.
    before = release([("i1", "ben", "cat"), ("i2", "ana", "dog")])
    after = release([("i1", "ana", "cow"), ("i2", "ana", "dog")], item_ids=["i2"])
    found = label_change(before, after)
    assert (found.before["cat"], found.before["dog"]) == (Fraction(1, 2), Fraction(1, 2))
    assert found.after["dog"] == 1


def test_items_without_a_vote_are_a_share_of_their_own() -> None:
    after = release(BASE, item_ids=["i1", "i2", "i3", "i4", "i5"])
    assert label_change(release(BASE), after).after[UNLABELED] == Fraction(1, 5)


def test_from_nothing_to_a_first_release() -> None:
    nothing = LabelSource([], release(BASE).votes.clear(), "first", first_vote)
    assert label_change(nothing, release(BASE)).after["cat"] == Fraction(1, 2)


def test_a_change_is_shown_in_points_per_cause() -> None:
    found = label_change(release(BASE), release([("i1", "ana", "dog"), *BASE[1:]]))
    assert "| cat | 50.0% | 25.0% | +0.00 | -25.00 |" in found.to_markdown()
    assert json.loads(found.to_json())["parts"]["changed_votes"]["cat"] == -0.25


def test_votes_without_an_actor_are_refused() -> None:
    broken = LabelSource(["i1"], pl.DataFrame({"item_id": ["i1"]}), "first", first_vote)
    with pytest.raises(DriftError, match="lack the columns"):
        label_change(broken, release(BASE))
