"""Each task is for somebody who is good at it and has not said anything on it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from assets.dataset_file.models import Dataset
from assets.review.assignment import assigned
from quality.ledger import with_vote_ids
from quality.schema import VOTES

AT = datetime(2026, 1, 1, tzinfo=UTC)
SKILLS = pl.DataFrame(
    [
        *[("human", "a", 0.7), ("human", "b", 0.7)],
        *[("human:ana", "a", 0.9), ("human:ana", "b", 0.5)],
        *[("human:ben", "a", 0.5), ("human:ben", "b", 0.9)],
    ],
    schema=["actor", "class", "quality"],
    orient="row",
)
PROBABILITIES = pl.DataFrame(
    {"item_id": ["x", "y", "z"], "probabilities": [[0.9, 0.1], [0.1, 0.9], [0.8, 0.2]]}
)
QUEUE = pl.DataFrame({"item_id": ["x", "y", "z"], "priority": [1.0, 0.9, 0.8]})


def cast(*votes: tuple[str, str]) -> pl.DataFrame:
    rows = [
        {
            **dict.fromkeys(VOTES.columns),
            "item_id": item,
            "actor": f"human:{who}",
            "actor_kind": "human",
            "kind": "vote",
            "label": "a",
            "imported_at": AT,
            "cast_at": AT,
            "actor_version": "1",
            "ontology_version": "1",
            "run_id": "r",
            "code_version": "c",
        }
        for item, who in votes
    ]
    return with_vote_ids(pl.DataFrame(rows, schema=dict(VOTES.columns)))


Made = Callable[..., Dataset]


def given(made: Made, votes: pl.DataFrame | None = None, **review: Any) -> list[tuple[str, str]]:
    dataset = made("text", review=review)
    found = assigned(QUEUE, PROBABILITIES, cast() if votes is None else votes, SKILLS, dataset)
    return list(found.select("item_id", "assignee").iter_rows())


BOTH = [{"name": "ana", "capacity": 2}, {"name": "ben", "capacity": 2}]


def test_tasks_go_by_likely_class_in_the_order_of_the_queue(dataset_of: Made) -> None:
    assert given(dataset_of, reviewers=BOTH) == [("x", "ana"), ("y", "ben"), ("z", "ana")]


def test_a_task_that_nobody_has_room_for_is_for_anybody(dataset_of: Made) -> None:
    one = [{"name": "ana", "capacity": 1}]
    assert given(dataset_of, reviewers=one) == [("x", "ana"), ("y", None), ("z", None)]


def test_who_had_a_say_is_not_asked_again(dataset_of: Made) -> None:
    found = given(dataset_of, cast(("x", "ana")), reviewers=BOTH, votes_per_item=2)
    assert [who for item, who in found if item == "x"] == ["ben"]


def test_an_item_that_wants_two_votes_is_a_task_for_each_of_two(dataset_of: Made) -> None:
    found = given(dataset_of, reviewers=BOTH, votes_per_item=2)
    assert found == [("x", "ana"), ("x", "ben"), ("y", "ana"), ("y", "ben"), ("z", None)]


def test_a_reviewer_stands_once(dataset_of: Made) -> None:
    with pytest.raises(ValidationError, match="each reviewer once"):
        given(dataset_of, reviewers=[BOTH[0], BOTH[0]])
