from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.ledger import effective_votes, retracted_ids, retractions, vote_sets, with_vote_ids
from quality.schema import VOTES, SchemaMismatch

START = datetime(2026, 1, 1, tzinfo=UTC)


def vote(item, actor, label, *, kind="vote", minute=0, **more):
    row = dict.fromkeys(VOTES.columns) | {
        "item_id": item,
        "kind": kind,
        "actor": actor,
        "actor_kind": actor.partition(":")[0],
        "actor_version": "1",
        "label": label,
        "ontology_version": "1",
        "cast_at": START + timedelta(minutes=minute),
        "imported_at": START,
        "origin": {"file_sha256": "f", "task": "t", "annotation": "a"},
        "run_id": "r",
        "code_version": "c",
    }
    return row | more


def ledger(*rows):
    frame = pl.DataFrame(list(rows), schema=dict(VOTES.columns), orient="row")
    return VOTES.check(with_vote_ids(frame))


def take_back(votes, ids, *, minute=9):
    at = pl.lit(START + timedelta(minutes=minute)).dt.cast_time_unit("us")
    return retractions(
        votes, ids, by="human:lead", reason="careless", at=at, run_id="r", code_version="c"
    )


def test_the_same_judgment_imported_twice_has_one_id():
    later = {"imported_at": START + timedelta(days=1), "run_id": "other"}
    first, second = ledger(vote("i", "human:a", "x")), ledger(vote("i", "human:a", "x", **later))
    assert first["vote_id"].item() == second["vote_id"].item()


@pytest.mark.parametrize("change", [{"label": "y"}, {"actor_version": "2"}, {"minute": 1}])
def test_another_judgment_has_another_id(change):
    base = {"item": "i", "actor": "human:a", "label": "x"}
    assert ledger(vote(**base), vote(**base | change))["vote_id"].n_unique() == 2


def test_an_actors_last_vote_on_an_item_counts():
    votes = ledger(vote("i", "human:a", "y", minute=5), vote("i", "human:a", "x", minute=1))
    assert effective_votes(votes)["label"].to_list() == ["y"]


def test_skips_and_rejected_predictions_are_abstentions():
    votes = ledger(
        vote("i", "human:a", None, kind="skip"), vote("i", "human:b", "x", kind="reject")
    )
    assert effective_votes(votes)["label"].to_list() == [None, None]


def test_a_retracted_vote_does_not_count_and_stays_in_the_ledger():
    votes = ledger(vote("i", "human:a", "x"), vote("i", "human:b", "y"))
    first = votes.filter(pl.col("actor") == "human:a")["vote_id"].to_list()
    after = pl.concat([votes, take_back(votes, first)])
    assert effective_votes(after)["actor"].to_list() == ["human:b"]
    assert after.height == 3


def test_a_retraction_uncovers_the_vote_before_it():
    votes = ledger(vote("i", "human:a", "x", minute=1), vote("i", "human:a", "y", minute=2))
    last = votes.filter(pl.col("label") == "y")["vote_id"].to_list()
    after = pl.concat([votes, take_back(votes, last)])
    assert effective_votes(after)["label"].to_list() == ["x"]


@given(st.integers(0, 6))
def test_of_a_chain_of_retractions_the_last_word_counts(depth):
    votes = ledger(vote("i", "human:a", "x"))
    ids = votes["vote_id"].to_list()
    for minute in range(depth):
        retraction = take_back(votes, ids, minute=10 + minute)
        votes = pl.concat([votes, retraction])
        ids = retraction["vote_id"].to_list()
    assert effective_votes(votes).height == (1 if depth % 2 == 0 else 0)


def test_vote_sets_count_named_votes_and_change_with_every_vote():
    votes = ledger(vote("i", "human:a", "x"), vote("i", "function:f", None))
    before = vote_sets(effective_votes(votes))
    more = ledger(*votes.drop("vote_id").to_dicts(), vote("i", "model:m", "x"))
    after = vote_sets(effective_votes(more))
    assert before.select("n_votes", "n_human").row(0) == (1, 1)
    assert after["actor_kinds"].to_list() == [["human", "model"]]
    assert before["vote_set_sha256"].item() != after["vote_set_sha256"].item()


def test_a_ledger_without_retractions_takes_nothing_back():
    assert retracted_ids(ledger(vote("i", "human:a", "x"))).len() == 0


def test_a_frame_of_another_shape_is_refused_with_every_fault():
    votes = ledger(vote("i", "human:a", "x"))
    bad = votes.drop("label").with_columns(pl.lit(1).alias("actor"), pl.lit(0).alias("extra"))
    with pytest.raises(SchemaMismatch) as caught:
        VOTES.check(bad)
    assert len(caught.value.faults) == 3
