"""A dataset that asks for a precision accepts labels from where people's answers show it."""

import json

import polars as pl
import pytest

from assets.consensus import accepted_unseen
from assets.evidence import gather
from assets.replay import as_released, replay
from assets.runs import Run
from orchestration import frames


def acceptance_of(loop, release):
    store = loop.told.store
    return json.loads(store.read(store.head(release), "reports/acceptance.json"))


def asking(loop, **changes):
    """The evidence of v0002 and its run, with other settings of the consensus."""
    run, folded_at = as_released(loop.told.store, "v0002")
    consensus = run.dataset.consensus.model_copy(update=changes)
    dataset = run.dataset.model_copy(update={"consensus": consensus})
    other = Run(dataset=dataset, store=run.store, id=run.id, branch=run.branch)
    return accepted_unseen(other, gather(other, folded_at))


def test_too_few_blind_answers_leave_the_threshold_of_the_file_in_force(loop):
    found, judged = asking(loop, precision=0.99)
    assert 0 < judged.height < 299
    assert not found.calibrated
    assert found.threshold == 0.55
    assert "even without one error 299 accepted items would be needed" in found.reason


def test_an_aggregator_that_hears_models_is_judged_by_the_same_answers(loop):
    heard, voted = asking(loop, aggregator="crowdlab")[1], asking(loop)[1]
    assert set(heard["item_id"]) >= set(voted["item_id"])
    assert heard["confidence"].is_between(0, 1).all()


def test_a_dataset_that_asks_for_no_precision_still_says_what_it_has(loop):
    first = acceptance_of(loop, "v0001")
    assert (first["threshold"], first["calibrated"]) == (0.55, False)
    assert "asks for no precision" in first["reason"]


def test_blind_answers_set_the_threshold(loop):
    second = acceptance_of(loop, "v0002")
    assert second["calibrated"]
    assert second["lower_bound"] >= 0.8
    assert second["precision"] == second["right"] / second["accepted"]
    assert loop.second.metadata["consensus"]["judged_blind"] == second["judged"]
    assert "calibrated" in loop.second.metadata["consensus"]["acceptance"]


def test_the_precision_of_each_class_stands_beside(loop):
    store = loop.told.store
    page = store.read(store.head("v0002"), "reports/acceptance.md").decode()
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ")][1:]
    assert sum(int(row[1]) for row in rows) == acceptance_of(loop, "v0002")["accepted"]
    assert {row[0].strip("| ") for row in rows} <= set(loop.told.dataset.classes)


def test_labels_that_nobody_looked_at_are_accepted_from_the_threshold_on(loop):
    threshold = acceptance_of(loop, "v0002")["threshold"]
    found = frames.query(
        loop.told.store,
        "SELECT state, min(confidence) AS least, max(confidence) AS most FROM labels "
        "JOIN scores USING (item_id) WHERE n_human = 0 AND label IS NOT NULL GROUP BY state",
        "v0002",
    )
    by_state = {row["state"]: row for row in found.to_dicts()}
    assert by_state["auto"]["least"] >= threshold
    assert all(row["most"] < threshold for name, row in by_state.items() if name == "disputed")


def test_the_threshold_rests_on_machine_estimates_of_blind_answers_alone(loop):
    run, folded_at = as_released(loop.told.store, "v0002")
    evidence = gather(run, folded_at)
    found, judged = accepted_unseen(run, evidence)
    people = evidence.counting.filter(pl.col("actor_kind") == "human")
    blind = people.filter(~pl.col("anchored"))
    assert 0 < blind.height < people.height
    assert set(judged["item_id"]) <= set(blind["item_id"])
    assert found.to_json() == acceptance_of(loop, "v0002")


def test_a_release_with_a_calibrated_threshold_is_made_again_bit_for_bit(loop):
    for release in ("v0001", "v0002"):
        again = replay(loop.told.store, release)
        assert again.matches
        assert again.n_items


def test_one_champion_is_no_ensemble_and_says_so(loop):
    shown = loop.second.metadata["agreement"]
    assert "model:linear alone votes" in shown["diversity"]
    assert "models_differ" not in shown


def test_every_release_is_a_point_of_the_learning_curve(loop):
    store = loop.told.store
    points = json.loads(store.read(store.head("v0002"), "reports/learning_curve.json"))
    assert [point["release"] for point in points] == ["v0001", "v0002"]
    first, second = points
    assert first["human_labels"] < second["human_labels"]
    assert second["precision"] == acceptance_of(loop, "v0002")["precision"]
    counted = "SELECT count(*), sum(n_human > 0), avg((state = 'auto')::INT) FROM labels"
    items, human, auto = frames.query(store, counted, "v0002").row(0)
    assert (second["items"], second["human_labels"]) == (items, human)
    assert second["auto"] == pytest.approx(auto)


def test_the_learning_curve_is_drawn_and_its_figures_are_numbers(loop):
    shown = loop.second.metadata["snapshot"]
    assert shown["quality against human labels"].startswith("![picture](data:image/png;base64,")
    assert shown["human_labels"] > 0
    assert 0 < shown["precision_of_unseen"] <= 1
    assert 0 < shown["share_auto"] < shown["share_accepted"] <= 1
