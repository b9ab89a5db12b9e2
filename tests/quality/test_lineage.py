import hashlib

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.ledger import effective_votes, vote_sets, with_vote_ids
from quality.lineage.buckets import bucket_of, cut, to_parquet
from quality.lineage.labels import history_rows, label_table
from quality.lineage.splits import SharesInvalid, splits
from quality.lineage.trace import trace
from quality.ontology.mapping import ClassMapping
from quality.schema import HISTORY, LABELS, VOTES

SHARES = {"train": 0.7, "valid": 0.1, "test": 0.2}
ITEM = hashlib.sha256(b"item").hexdigest()


def votes_of(*votes):
    """Votes (actor, label) on ITEM, cast by one run."""
    rows = [
        dict.fromkeys(VOTES.columns)
        | {
            "item_id": ITEM,
            "kind": "vote",
            "actor": actor,
            "actor_kind": actor.partition(":")[0],
            "actor_version": "1",
            "label": label,
            "ontology_version": "1",
            "run_id": "r",
            "code_version": "c",
        }
        for actor, label in votes
    ]
    frame = pl.DataFrame(rows, schema=dict(VOTES.columns), orient="row").with_columns(
        imported_at=pl.datetime(2026, 1, 1, time_unit="us", time_zone="UTC")
    )
    return with_vote_ids(frame)


def labels_of(votes, label, confidence=1.0, *, previous=None, release="v0001", ontology="1"):
    items = pl.DataFrame({"item_id": [ITEM], "split": ["train"]})
    estimate = pl.DataFrame(
        {"item_id": [ITEM], "label": [label], "confidence": [confidence]},
        schema={"item_id": pl.String, "label": pl.String, "confidence": pl.Float64},
    )
    return label_table(
        items,
        estimate,
        effective_votes(votes),
        LABELS.empty() if previous is None else previous,
        confidence_threshold=0.9,
        ontology_version=ontology,
        release=release,
    )


@pytest.mark.parametrize(
    ("votes", "label", "confidence", "state"),
    [
        ([], None, None, "unlabeled"),
        ([("function:f", None)], None, None, "unlabeled"),
        ([("function:f", "x")], "x", 0.95, "auto"),
        ([("function:f", "x")], "x", 0.5, "disputed"),
        ([("human:a", "x")], "x", 0.95, "human"),
        ([("human:a", "y"), ("function:f", "x")], "x", 0.95, "disputed"),
        ([("human:a", "x"), ("human:b", "y")], None, None, "disputed"),
        ([("human:a", "x"), ("human:b", "y")], "x", 0.95, "human"),
    ],
)
def test_a_labels_state_says_who_stands_behind_it(votes, label, confidence, state):
    assert labels_of(votes_of(*votes), label, confidence)["state"].item() == state


def test_since_moves_only_when_the_label_does():
    votes = votes_of(("human:a", "x"))
    first = labels_of(votes, "x")
    same = labels_of(votes, "x", previous=first, release="v0002")
    other = labels_of(votes, "y", previous=same, release="v0003")
    assert [f["since"].item() for f in (first, same, other)] == ["v0001", "v0001", "v0003"]


def causes(previous, current, new_votes, *, recipe_changed=False):
    rows = history_rows(
        current,
        previous,
        new_votes,
        release="v0002",
        recipe_changed=recipe_changed,
        recipe_sha256="d",
    )
    return rows["cause"].to_list()


def test_a_new_items_first_votes_are_not_listed_but_digested():
    votes = votes_of(("function:f", "x"), ("human:a", "x"))
    after = labels_of(votes, "x")
    (row,) = history_rows(
        after, LABELS.empty(), votes, release="v0001", recipe_changed=False, recipe_sha256="d"
    ).to_dicts()
    assert (row["cause"], row["caused_by"]) == ("new_item", [])
    assert after["vote_set_sha256"].item() == vote_sets(votes)["vote_set_sha256"].item()


def test_every_cause_of_a_change_is_named():
    votes = votes_of(("function:f", "x"))
    none, before = VOTES.empty(), labels_of(votes, "x")
    after = labels_of(votes, "y", previous=before, release="v0002")
    retraction = votes.with_columns(kind=pl.lit("retract"), retracts=pl.col("vote_id"))
    assert causes(LABELS.empty(), after, votes) == ["new_item"]
    assert causes(before, after, retraction) == ["retraction"]
    assert causes(before, after, votes_of(("human:a", "y"))) == ["review"]
    assert causes(before, after, votes_of(("model:m", "y"))) == ["new_vote"]
    assert causes(before, after, none) == ["reweighting"]
    assert causes(before, after, none, recipe_changed=True) == ["recipe"]
    renamed = labels_of(votes, "y", previous=before, release="v0002", ontology="2")
    assert causes(before, renamed, none) == ["ontology"]


def test_an_unchanged_label_makes_no_history():
    votes = votes_of(("function:f", "x"))
    before = labels_of(votes, "x")
    assert causes(before, labels_of(votes, "x", previous=before), VOTES.empty()) == []


@given(st.lists(st.text(), min_size=1, max_size=50), st.lists(st.text(), max_size=50))
def test_a_groups_split_does_not_depend_on_what_else_there_is(groups, others):
    alone = splits(pl.Series(groups, dtype=pl.String), SHARES, seed=0).to_list()
    among = splits(pl.Series(groups + others, dtype=pl.String), SHARES, seed=0).to_list()
    assert among[: len(groups)] == alone


def test_splits_come_out_in_their_shares():
    found = splits(pl.Series([str(i) for i in range(20_000)]), SHARES, seed=3)
    shares = dict(found.value_counts(normalize=True).iter_rows())
    assert shares == pytest.approx(SHARES, abs=0.01)


def test_shares_that_do_not_add_up_are_refused():
    with pytest.raises(SharesInvalid):
        splits(pl.Series(["a"]), {"train": 0.5, "test": 0.4}, seed=0)


def test_an_unchanged_bucket_is_the_same_bytes():
    ids = sorted(hashlib.sha256(str(i).encode()).hexdigest() for i in range(200))
    frame = pl.DataFrame({"item_id": ids, "label": ["x"] * 200})
    changed = frame.with_columns(
        label=pl.when(pl.col("item_id") == ids[7]).then(pl.lit("y")).otherwise("label")
    )
    before, after = dict(cut(frame, "labels", 16)), dict(cut(changed.reverse(), "labels", 16))
    different = [path for path in before if before[path] != after[path]]
    assert different == [f"labels/bucket={bucket_of(ids[7], 16):02x}/part.parquet"]


@given(st.sampled_from([1, 2, 16, 256]), st.binary(max_size=4))
def test_buckets_hold_every_row_once(buckets, seed):
    ids = [hashlib.sha256(seed + bytes([i])).hexdigest() for i in range(40)]
    frame = pl.DataFrame({"item_id": ids})
    parts = [pl.read_parquet(data) for _, data in cut(frame, "t", buckets)]
    assert pl.concat(parts).sort("item_id").equals(frame.sort("item_id"))


def test_equal_frames_are_equal_bytes():
    frame = pl.DataFrame({"item_id": ["a"], "values": [[0.5, None]]})
    assert to_parquet(frame) == to_parquet(frame.clone())


def test_a_label_that_is_only_called_otherwise_changed_by_the_ontology_whatever_was_voted():
    mapping = ClassMapping("2", ("y", "z"), {"1": {"x": ("y",), "w": ("y", "z"), "v": ()}})

    def cause(old, new, *new_votes):
        before = labels_of(votes_of(("function:f", old)), old)
        after = labels_of(votes_of(("function:f", old)), new, previous=before, ontology="2")
        rows = history_rows(
            after,
            before,
            votes_of(*new_votes) if new_votes else VOTES.empty(),
            release="v0002",
            recipe_changed=True,
            recipe_sha256="d",
            mapping=mapping,
        )
        return rows.select("from_label", "to_label", "cause").rows()

    assert cause("x", "y") == [("x", "y", "ontology")]
    assert cause("x", "y", ("human:a", "y")) == [("x", "y", "ontology")]
    assert cause("x", "z", ("human:a", "z")) == [("x", "z", "review")]
    assert cause("w", None) == [("w", None, "ontology")]
    assert cause("w", "z", ("human:a", "z")) == [("w", "z", "review")]
    assert cause("v", None) == [("v", None, "ontology")]
    assert cause("y", "y") == []


def test_a_trace_says_what_votes_of_older_ontologies_count_as():
    votes = votes_of(("human:a", "x"), ("human:b", "y"), ("human:c", "gone"), ("human:d", None))
    mapping = ClassMapping("2", ("y",), {"1": {"x": ("y",)}})
    found = trace(
        ITEM,
        item=None,
        label=None,
        score=None,
        votes=votes,
        history=HISTORY.empty(),
        mapping=mapping,
    )
    assert {v.actor: (v.fate, v.counts) for v in found.votes} == {
        "human:a": ("counts as y", True),
        "human:b": ("counts", True),
        "human:c": ("set aside: class is not in the ontology", False),
        "human:d": ("counts", True),
    }


def test_a_trace_names_every_vote_and_its_fate():
    votes = votes_of(("human:a", "x"), ("function:f", "y"))
    taken = votes.filter(pl.col("actor") == "human:a")
    retraction = with_vote_ids(
        taken.with_columns(kind=pl.lit("retract"), retracts=pl.col("vote_id"), label=None).cast(
            dict(VOTES.columns)
        )
    )
    found = trace(
        ITEM,
        item=None,
        label={"label": "y", "state": "auto"},
        score=None,
        votes=pl.concat([votes, retraction]),
        history=HISTORY.empty(),
    )
    assert {(v.actor, v.fate) for v in found.votes} == {
        ("human:a", "retracted"),
        ("function:f", "counts"),
        ("human:a", "is a retraction"),
    }
