"""What the chain shows of its releases beside the labels, and what else it can fold."""

import json

import numpy as np
import polars as pl
import pytest

from assets.consensus import fold
from assets.drift_thresholds import calibrated_policy
from assets.evidence import gather
from assets.label_change import label_change_objects
from assets.predictions import heard_once, independent_predictions, one_classifier
from assets.replay import as_released
from assets.runs import Run
from orchestration import frames

COLUMNS = ("sepal_length", "sepal_width", "petal_length", "petal_width")


def measures(start, end):
    from sklearn.datasets import load_iris

    order = np.random.default_rng(5).permutation(150)
    return load_iris().data[order[start:end]].tolist()


def change_of(story, release):
    store = story.told.store
    return json.loads(store.read(store.head(release), "reports/label_change.json"))


def test_the_parts_of_a_label_change_add_up_to_the_released_labels(story):
    found = change_of(story, "v0002")
    counted = "SELECT label, count(*) / 129 FROM labels GROUP BY label"
    assert found["after"] == dict(frames.query(story.told.store, counted, "v0002").iter_rows())
    for name, share in found["after"].items():
        parts = sum(part[name] for part in found["parts"].values())
        assert found["before"][name] + parts == pytest.approx(share, abs=1e-12)
    assert any(found["parts"]["new_items"].values())
    assert not any(found["parts"]["aggregator"].values())


def test_a_single_persons_votes_taken_back_are_a_change_of_the_actor_mix(story):
    """Only zoe's vote goes from v0002 to v0003: one setosa of the items comes back."""
    parts = change_of(story, "v0003")["parts"]
    items = change_of(story, "v0003")["n_after"]
    assert parts["actor_mix"]["setosa"] == pytest.approx(1 / items)
    assert parts["actor_mix"]["virginica"] == pytest.approx(-1 / items)
    assert not any(
        share for cause in parts if cause != "actor_mix" for share in parts[cause].values()
    )


def test_the_first_release_says_why_its_labels_changed_from_nothing(story):
    assert change_of(story, "v0001") == {"reason": "there is no earlier release"}


def test_a_large_snapshot_says_why_its_change_was_not_split(story, monkeypatch):
    monkeypatch.setattr("assets.label_change.MOST_ITEMS", 10)
    run, folded_at = as_released(story.told.store, "v0003")
    found = json.loads(label_change_objects(run, folded_at, folded_at)["reports/label_change.json"])
    assert "more than 10 items" in found["reason"]


def test_a_release_shows_why_its_labels_changed(story):
    shown = story.third.metadata["release"]
    assert "| actor mix |" in shown["why the labels changed"]
    assert "image/png" in shown["labels by cause of change"]


def test_scorecards_show_every_function_against_what_people_say(story):
    shown = story.second.metadata["scorecards"]["functions"]
    rows = [line for line in shown.splitlines() if line.startswith("| function:")]
    assert [row.split("|")[1].strip() for row in rows] == [
        "function:by_petal_area",
        "function:by_petal_length",
        "function:by_petal_width",
    ]
    assert all("100.0%" in row for row in rows)


def test_a_scorecards_quality_lies_within_its_interval(story):
    store = story.told.store
    path = "reports/scorecards.parquet"
    cards = pl.read_parquet(store.fetch(store.head(), [path])[path]).drop_nulls("quality")
    assert cards.height >= 5
    within = pl.col("quality").is_between("quality_low", "quality_high")
    assert cards.select(within.all()).item()


def test_label_issues_show_the_confident_joint(story):
    shown = story.second.metadata["label_issues"]
    assert shown["confident joint"].startswith("![picture](data:image/png;base64,")
    assert " to " in shown["share of wrong labels"]


def test_the_review_queue_shows_why_people_are_asked(irises):
    shown = irises.run("queue").metadata["review_queue"]
    assert shown["dagster/row_count"] > 0
    assert shown["why they are asked"].startswith("![picture](data:image/png;base64,")


@pytest.fixture
def crowdlab(irises):
    """The project with a champion that voted on every item, to be folded by CROWDLAB."""
    irises.run("retrain")
    (batch,) = {o.path.split("/")[1] for o in irises.store.listing(irises.store.head(), "items/")}
    irises.run("relabel", batch.removeprefix("batch="))
    consensus = irises.dataset.consensus.model_copy(update={"aggregator": "crowdlab"})
    dataset = irises.dataset.model_copy(update={"consensus": consensus})
    store = irises.store
    branch = store.branch("crowdlab")
    yield Run(dataset=dataset, store=store, id="crowdlab", branch=branch)
    store.drop_branch(branch.name)


def test_crowdlab_hears_the_champion_on_items_that_it_was_not_trained_on(crowdlab):
    evidence = gather(crowdlab, crowdlab.head())
    circular = set(evidence.counting.filter("circular")["item_id"])
    predictions = independent_predictions(crowdlab, evidence)
    assert circular
    assert set(predictions["item_id"]) == set(evidence.items["item_id"]) - circular
    aggregator, estimate = fold(crowdlab, evidence)
    voted_on = aggregator.predict().filter(pl.col("n_votes") > 0).height
    assert voted_on - aggregator.n_without_prediction_ == predictions.height
    assert estimate["label"].null_count() == 0
    assert estimate.equals(fold(crowdlab, gather(crowdlab, crowdlab.head()))[1])


def test_crowdlab_without_a_model_leaves_the_items_to_their_actors(story):
    run, folded_at = as_released(story.told.store, "v0003")
    consensus = run.dataset.consensus.model_copy(update={"aggregator": "crowdlab"})
    dataset = run.dataset.model_copy(update={"consensus": consensus})
    alone = Run(dataset=dataset, store=run.store, id=run.id, branch=run.branch)
    aggregator, estimate = fold(alone, gather(alone, folded_at))
    assert aggregator.n_without_prediction_ == estimate.height == 129


VOTES = pl.DataFrame(
    {
        "item_id": ["a", "a", "b", "c", "c"],
        "actor": ["human:ana", "model:m", "model:m", "human:ana", "model:m"],
        "label": ["x", "x", "y", None, "y"],
    }
)


def test_a_model_is_not_heard_twice_where_somebody_else_votes():
    predictions = VOTES.filter(actor="model:m").select("item_id", "actor")
    kept = heard_once(VOTES, predictions)
    assert kept.select("item_id", "actor").rows() == [
        ("a", "human:ana"),
        ("b", "model:m"),
        ("c", "human:ana"),
        ("c", "model:m"),
    ]


def test_several_models_speak_as_their_mean():
    predictions = pl.DataFrame(
        {
            "item_id": ["a", "a", "b"],
            "actor": ["model:m", "model:n", "model:m"],
            "probabilities": [[1.0, 0.0], [0.5, 0.5], [0.25, 0.75]],
        }
    )
    mean = one_classifier(predictions).with_columns(pl.col("probabilities").arr.to_list())
    assert mean.rows() == [("a", [0.75, 0.25]), ("b", [0.25, 0.75])]


def test_with_one_released_batch_drift_says_why_its_thresholds_are_not_calibrated(story):
    found = json.loads(story.told.store.read(story.told.store.head("v0002"), "reports/drift.json"))
    assert found["not_calibrated"] == "1 released batches of 20 items or more, 3 are needed"
    (batch,) = found["batches"].values()
    assert batch["policy"]["thresholds"] is None


def test_three_accepted_batches_set_the_thresholds_of_drift(irises, monkeypatch):
    monkeypatch.setattr("assets.drift_thresholds.PERMUTATIONS", 120)
    for day, start in (("tuesday", 90), ("wednesday", 110)):
        rows = [",".join(COLUMNS), *(",".join(map(str, m)) for m in measures(start, start + 20))]
        (irises.inbox / f"{day}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        (batch,) = irises.batches()
        irises.run("ingest", batch)
    store = irises.store
    run = Run(dataset=irises.dataset, store=store, id="drift", branch=store.branch("drift"))
    policy, reason = calibrated_policy(run, store.head())
    assert reason is None
    assert policy.thresholds.n_batches == 3
    assert set(policy.thresholds.effects) == set(COLUMNS)
    assert calibrated_policy(run, store.head())[0] == policy
