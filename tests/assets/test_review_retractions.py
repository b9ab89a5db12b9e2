"""Votes are taken back by votes, named one by one."""

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from assets.dataset_file.models import Dataset
from assets.review.imports import import_review_file
from assets.review.retractions import Retraction
from orchestration.label_studio import LabelStudio
from quality.ledger import effective_votes
from quality.schema import VOTES

DATASET = Dataset.model_validate(
    {"name": "films", "modality": "text", "ontology": {"classes": ["good", "bad"]}}
)
ITEMS = pl.DataFrame({"item_id": ["i1", "i2", "i3"], "source_uri": ["f#1", "f#2", "f#3"]})


def bring(content: bytes, votes: pl.DataFrame):
    return import_review_file(
        content,
        "retraction.jsonl",
        DATASET,
        tool=LabelStudio(),
        items=ITEMS,
        votes=votes,
        imported_at=datetime(2026, 3, 1, tzinfo=UTC),
        run_id="run-2",
        code_version="test",
    )


def vote(item, actor, day):
    return {
        "vote_id": f"{item}-{actor}",
        "item_id": item,
        "kind": "vote",
        "actor": actor,
        "actor_kind": "human",
        "actor_version": "1",
        "label": "good",
        "ontology_version": "1",
        "cast_at": datetime(2026, 1, day, tzinfo=UTC),
        "imported_at": datetime(2026, 2, 1, tzinfo=UTC),
        "run_id": "run-1",
        "code_version": "test",
    }


LEDGER = VOTES.frame(
    [
        vote("i1", "human:careless", 1),
        vote("i2", "human:careless", 5),
        vote("i3", "human:careless", 9),
        vote("i1", "human:ana", 2),
    ]
)


def decision(**fields) -> bytes:
    stated = {
        "actor": "human:careless",
        "by": "human:lead",
        "decided_at": "2026-02-10T00:00:00Z",
        "reason": "answered at random",
    }
    return json.dumps({"retract": {**stated, **fields}}).encode()


def taken_back(done):
    return sorted(done.votes["retracts"].to_list())


def test_all_votes_of_an_actor_are_taken_back_by_whoever_decided():
    done = bring(decision(), LEDGER)
    assert done.balance.accepted == 3
    assert set(done.votes["actor"]) == {"human:lead"}
    left = effective_votes(pl.concat([LEDGER, done.votes]))
    assert left["actor"].to_list() == ["human:ana"]


def test_the_reason_and_the_file_stand_with_each_retraction():
    origin = bring(decision(), LEDGER).votes["origin"][0]
    assert origin["annotation"] == "answered at random"
    assert len(origin["file_sha256"]) == 64


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"items": ["i1"]}, ["i1-human:careless"]),
        ({"since": "2026-01-06T00:00:00Z"}, ["i3-human:careless"]),
        ({"until": "2026-01-02T00:00:00Z"}, ["i1-human:careless"]),
        ({"decided_at": "2026-01-06T00:00:00Z"}, ["i1-human:careless", "i2-human:careless"]),
        ({"actor": None, "votes": ["i1-human:ana"]}, ["i1-human:ana"]),
    ],
)
def test_a_decision_names_which_votes(fields, expected):
    assert taken_back(bring(decision(**fields), LEDGER)) == expected


def test_the_same_retraction_again_adds_nothing():
    first = bring(decision(), LEDGER)
    again = bring(decision(), pl.concat([LEDGER, first.votes]))
    assert (again.balance.accepted, again.balance.duplicate) == (0, 3)


def test_a_retraction_can_itself_be_taken_back():
    first = bring(decision(items=["i1"]), LEDGER)
    ledger = pl.concat([LEDGER, first.votes])
    undo = decision(actor=None, votes=first.votes["vote_id"].to_list(), reason="it was not him")
    ledger = pl.concat([ledger, bring(undo, ledger).votes])
    assert effective_votes(ledger).height == 4


def test_a_decision_written_by_the_program_reads_back():
    stated = Retraction(
        by="human:lead",
        decided_at=datetime(2026, 2, 10, tzinfo=UTC),
        reason="answered at random",
        actor="human:careless",
    )
    assert (
        bring(stated.to_json(), LEDGER)
        .votes.drop("origin")
        .equals(bring(decision(), LEDGER).votes.drop("origin"))
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"actor": "human:carless"}, "did you mean 'human:careless'"),
        ({"actor": "careless"}, "actor: String should match"),
        ({"reason": ""}, "reason: String should have at least 1"),
        ({"by": None}, "by: Input should be a valid string"),
        ({"decided_at": "2026-02-10"}, "decided_at: "),
        ({"actor": None}, "names neither an actor nor votes"),
        ({"votes": ["nowhere"]}, "no vote 'nowhere' on record"),
        ({"items": ["i9"]}, "no vote of human:careless fits"),
        ({"whose": "x"}, "whose: Extra inputs"),
    ],
)
def test_a_faulty_decision_is_rejected_with_its_reason(fields, reason):
    done = bring(decision(**fields), LEDGER)
    assert (done.votes.height, done.balance.rejected) == (0, 1)
    assert reason in done.rejects["reason"][0]


@pytest.mark.parametrize("broken_line", [1, 2, 3])
def test_a_broken_line_costs_that_line_alone(broken_line):
    lines = [decision(items=["i1"]), decision(items=["i2"])]
    lines.insert(broken_line - 1, b'{"retract": {"actor"')
    done = bring(b"\n".join(lines), LEDGER)
    assert (done.balance.accepted, done.balance.rejected) == (2, 1)
    assert f"line {broken_line} " in done.rejects["reason"][0]


def test_the_example_in_the_documentation_is_a_valid_decision():
    page = (Path(__file__).parents[2] / "docs/review.md").read_text()
    example = page.split("```json\n")[1].split("```")[0]
    done = bring(example.encode(), LEDGER)
    assert taken_back(done) == ["i2-human:careless", "i3-human:careless"]
