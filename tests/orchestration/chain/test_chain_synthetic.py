"""Synthetic items through the whole chain: made, marked, learned from, capped, traced."""

import json
from dataclasses import dataclass

import polars as pl
import pytest

from assets.models import folder
from assets.replay import replay
from assets.retraining import released_training_set
from assets.tracing import trace_item
from orchestration.runner import Finished, RunFailed
from quality.schema import ITEMS, LABELS, VOTES
from quality.synthetic.labels import real, synthetic
from quality.synthetic.origin import is_synthetic, with_origins

SECTION = """\
synthetic:
  - {name: between, kind: interpolate, classes: [setosa], count: 6}
  - {name: nearby, kind: augment, classes: [virginica], count: 5}
"""


def added(irises, text):
    with irises.dataset_path.open("a", encoding="utf-8") as file:
        file.write(text)


def table(irises, of, at="main"):
    found = irises.store.table(irises.store.head(at), f"{of.name}/")
    return of.empty() if found is None else found.collect()


@dataclass(frozen=True)
class Told:
    """A release with synthetic items, a snapshot of nothing new, and a training on it."""

    irises: object
    made: Finished
    again: Finished
    retrained: Finished


@pytest.fixture(scope="module")
def told(copy_to, tmp_path_factory):
    copy = copy_to(tmp_path_factory.mktemp("synthetic") / "project")
    added(copy, SECTION)
    made, again = copy.run("snapshot"), copy.run("snapshot")
    return Told(copy, made, again, copy.run("retrain"))


def test_synthetic_items_are_released_with_the_class_they_were_made_as(told):
    made = synthetic(table(told.irises, LABELS, "v0002"))
    assert dict(made["label"].value_counts().iter_rows()) == {"setosa": 6, "virginica": 5}
    assert told.made.metadata["synthetic_items"]["made"] == 11


def test_a_snapshot_of_nothing_new_makes_no_more_of_them(told):
    assert told.again.metadata["synthetic_items"]["made"] == 0
    assert told.again.metadata["release"]["release"] == "v0002"
    assert told.again.metadata["release"]["changed"] is False


def test_a_synthetic_item_is_of_the_train_split_and_so_are_its_parents(told):
    labels = table(told.irises, LABELS)
    made = synthetic(labels).join(with_origins(table(told.irises, ITEMS)), on="item_id")
    splits = dict(labels.select("item_id", "split").iter_rows())
    parents = made["parents"].explode().to_list()
    assert set(made["split"]) == {"train"}
    assert {splits[parent] for parent in parents} == {"train"}


def test_a_synthetic_item_is_in_the_group_of_its_parent(told):
    items = table(told.irises, ITEMS)
    made = with_origins(items.filter(is_synthetic()))
    groups = dict(items.select("item_id", "group_id").iter_rows())
    first = made["parents"].list.first().to_list()
    assert made["group_id"].to_list() == [groups[parent] for parent in first]


def test_its_vote_says_who_made_it_and_of_which_release(told):
    votes = table(told.irises, VOTES).filter(pl.col("actor_kind") == "synthetic")
    assert set(votes["actor"]) == {"synthetic:between", "synthetic:nearby"}
    assert set(votes["trained_on"]) == {"v0001"}
    assert votes["actor_version"].str.len_chars().unique().to_list() == [64]


def test_agreement_scorecards_and_label_issues_never_hear_of_it(told):
    store, at = told.irises.store, told.irises.store.head("v0002")
    made = set(synthetic(table(told.irises, LABELS))["item_id"])
    report = json.loads(store.read(at, "reports/agreement.json"))
    consensus = json.loads(store.read(at, "reports/consensus.json"))
    actors = {row["actor"] for row in (*report["actors"], *consensus["actors"])}
    assert not [actor for actor in actors if actor.startswith("synthetic:")]
    for page in ("agreement_items", "label_issues", "scorecards"):
        path = f"reports/{page}.parquet"
        frame = pl.read_parquet(store.fetch(at, [path])[path])
        named = set(frame["item_id"]) if "item_id" in frame.columns else set()
        assert not named & made
        assert "synthetic" not in set(frame.get_column("actor_kind", default=pl.Series([])))


def test_it_is_never_sent_to_people(told):
    for asked in told.irises.project.queue("irises").glob("*.json"):
        asked.unlink()
    queued = told.irises.run("queue")
    branch = f"run-{queued.run_id}"
    path = "reviews/queue.parquet"
    store = told.irises.store
    queue = pl.read_parquet(store.fetch(store.head(branch), [path])[path])
    store.drop_branch(branch)
    made = set(synthetic(table(told.irises, LABELS))["item_id"])
    assert queue.height
    assert not set(queue["item_id"]) & made


def test_models_learn_from_it_and_are_judged_without_it(told):
    found = released_training_set(told.irises.store, told.irises.dataset)
    card = told.retrained.metadata["linear_candidate"]
    train, test = found.split("train"), found.split("test")
    at = told.irises.store.head()
    model = json.loads(
        told.irises.store.read(at, folder("linear", card["version"]) + "/model.json")
    )
    assert found.made.height == 11
    assert model["n_items"] == train.height + 11
    assert card["test_items"] == test.height


def test_its_trace_names_its_parents(told):
    made = synthetic(table(told.irises, LABELS)).filter(label="setosa")["item_id"][0]
    traced = trace_item(told.irises.store, made, at="main")
    assert (traced.state, traced.label) == ("synthetic", "setosa")
    assert len(traced.parents) == 2
    assert all(
        trace_item(told.irises.store, p, at="main").label == "setosa" for p in traced.parents
    )


def test_a_release_with_synthetic_items_replays_bit_for_bit(told):
    assert replay(told.irises.store, "v0002").matches


def test_a_release_from_before_synthetic_items_reads_as_it_did(told):
    before = table(told.irises, LABELS, "v0001")
    assert real(before).equals(before)
    assert replay(told.irises.store, "v0001").matches


def test_too_large_a_share_of_them_is_refused_by_the_gate(irises):
    added(irises, "synthetic: [{name: many, kind: augment, classes: [setosa], count: 60}]\n")
    before = irises.store.head()
    with pytest.raises(RunFailed, match=r"few training labels are synthetic: 0\.\d+"):
        irises.run("snapshot")
    assert irises.store.head() == before


def test_a_parent_that_changes_its_class_takes_its_children_with_it(irises):
    added(irises, "synthetic: [{name: nearby, kind: augment, classes: [setosa], count: 40}]\n")
    added(irises, "gate: {max_synthetic: 0.9}\n")
    irises.run("snapshot")
    made = with_origins(table(irises, ITEMS).filter(is_synthetic()))
    parent = made["parents"].list.first().to_list()[0]
    for person in ("zoe", "yan", "xia"):
        irises.vote(person, parent, "virginica")
    irises.run("import_reviews")
    irises.run("snapshot")
    labels = dict(table(irises, LABELS).select("item_id", "label").iter_rows())
    children = made.filter(pl.col("parents").list.contains(parent))["item_id"]
    assert children.len()
    assert {labels[child] for child in children} == {None}


def test_another_version_of_a_source_votes_anew_and_no_vote_is_lost(irises):
    source = "synthetic: [{name: nearby, kind: augment, classes: [setosa], count: 3"
    added(irises, f"{source}}}]\n")
    irises.run("snapshot")
    first = synthetic(table(irises, LABELS))
    text = irises.dataset_path.read_text(encoding="utf-8")
    irises.dataset_path.write_text(text.replace(source, f"{source}, up_to: 0.4"), encoding="utf-8")
    irises.run("snapshot")
    votes = table(irises, VOTES).filter(pl.col("actor_kind") == "synthetic")
    assert (
        synthetic(table(irises, LABELS))
        .drop("vote_set_sha256")
        .equals(first.drop("vote_set_sha256"))
    )
    assert (votes.height, votes["actor_version"].n_unique()) == (6, 2)


def test_a_class_without_examples_is_skipped_with_its_reason(irises):
    text = irises.dataset_path.read_text(encoding="utf-8")
    wider = text.replace("versicolor, virginica]", "versicolor, virginica, iris_of_the_alps]")
    irises.dataset_path.write_text(wider, encoding="utf-8")
    added(irises, "synthetic: [{name: rare, kind: interpolate, up_to: 0.2}]\n")
    found = irises.run("snapshot")
    assert "synthetic_items.every_class_got_its_items" in found.failed_checks
    assert found.metadata["synthetic_items"]["made"] == 0
    assert found.metadata["release"]["release"] == "v0002"


def test_a_real_item_with_the_content_of_a_synthetic_one_is_taken_in_as_real(irises):
    added(irises, "synthetic: [{name: nearby, kind: augment, classes: [setosa], count: 2}]\n")
    irises.run("snapshot")
    made = table(irises, ITEMS).filter(is_synthetic()).sort("item_id").row(0, named=True)
    values = json.loads(made["content"])
    taken = irises.ingest(late_csv=f"{','.join(values)}\n{','.join(map(str, values.values()))}\n")
    again = irises.run("snapshot")
    state = dict(table(irises, LABELS).select("item_id", "state").iter_rows())[made["item_id"]]
    assert taken.metadata["items"]["taken"] == 1
    assert state in {"auto", "human", "disputed"}
    assert again.metadata["synthetic_items"]["made"] == 1
    assert trace_item(irises.store, made["item_id"], at="main").parents == ()
