"""What people see next: hand-computed scores, seeded queues, budgets that hold."""

import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from quality.probabilities import Floats, ProbabilitiesError
from quality.selection.diversity import badge, k_center
from quality.selection.errors import SelectionError
from quality.selection.gain import vote_gain
from quality.selection.plan import plan_votes
from quality.selection.queue import EXPLORED, Signal, review_queue
from quality.selection.uncertainty import (
    bald,
    entropy,
    least_confidence,
    margin,
    vote_disagreement,
    vote_entropy,
)

SURE, TORN, LOST = [1.0, 0, 0], [0.5, 0.5, 0], [1 / 3] * 3
distributions = st.tuples(st.integers(1, 6), st.integers(2, 5)).flatmap(
    lambda shape: arrays(float, shape, elements=st.floats(0.01, 1)).map(
        lambda odds: odds / odds.sum(axis=1, keepdims=True)
    )
)


def scores(n: int = 40, seed: int = 1) -> pl.DataFrame:
    odds = np.random.default_rng(seed).exponential(1, (n, 3))
    table = odds / odds.sum(axis=1, keepdims=True)
    return pl.DataFrame(
        {
            "item_id": [f"i{place:03d}" for place in range(n)],
            "probabilities": table.tolist(),
            "n_votes": [place % 3 for place in range(n)],
            "disagreement": [place % 5 / 4 for place in range(n)],
        }
    )


def test_scores_match_hand_computation() -> None:
    table = np.array([SURE, TORN, LOST])
    assert entropy(table) == pytest.approx([0, np.log(2) / np.log(3), 1])
    assert margin(table) == pytest.approx([0, 1, 1])
    assert least_confidence(table) == pytest.approx([0, 0.75, 1])
    assert vote_entropy([[4, 0], [2, 2], [0, 0]]) == pytest.approx([0, 1, 0])


def test_models_that_contradict_each_other_score_high_and_models_that_doubt_alike_low() -> None:
    contradicting = [[[1.0, 0.0]], [[0.0, 1.0]]]
    doubting = [[[0.5, 0.5]], [[0.5, 0.5]]]
    assert bald(contradicting) == pytest.approx([1.0])
    assert bald(doubting) == pytest.approx([0.0])


@settings(deadline=None)
@given(distributions)
def test_every_score_lies_between_0_and_1(table: Floats) -> None:
    for score in (entropy, margin, least_confidence):
        assert ((score(table) >= 0) & (score(table) <= 1 + 1e-12)).all()


def test_disagreement_comes_from_the_votes_that_count() -> None:
    rows = [("a", "x", "cat"), ("a", "y", "dog"), ("b", "x", "cat"), ("c", "x", None)]
    votes = pl.DataFrame(rows, schema=["item_id", "actor", "label"], orient="row")
    found = vote_disagreement(votes, ["cat", "dog"])
    assert found.rows() == [("a", 2, 1.0), ("b", 1, 0.0), ("c", 0, 0.0)]


@settings(deadline=None)
@given(distributions, st.floats(0, 1))
def test_the_gain_of_a_vote_is_what_the_sum_over_votes_and_classes_says(
    table: Floats, accuracy: float
) -> None:
    n_classes = table.shape[1]
    said = np.full((n_classes, n_classes), (1 - accuracy) / (n_classes - 1))
    np.fill_diagonal(said, accuracy)
    expected = [(p[:, None] * said).max(axis=0).sum() - p.max() for p in table]
    assert vote_gain(table, accuracy) == pytest.approx(np.maximum(expected, 0), abs=1e-12)


def test_a_vote_by_guesswork_is_worth_nothing_and_a_sure_one_all_that_is_missing() -> None:
    table = np.array([TORN, LOST])
    assert vote_gain(table, 1 / 3) == pytest.approx([0, 0])
    assert vote_gain(table, 1.0) == pytest.approx([0.5, 2 / 3])


def test_k_center_takes_the_farthest_each_time() -> None:
    points = [[0.0], [1.0], [10.0], [4.0]]
    assert k_center(points, 3, seed=1, labeled=[0]).tolist() == [2, 3, 1]


@given(arrays(float, (12, 2), elements=st.integers(-5, 5)), st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_k_center_covers_within_twice_the_best_radius(points: Floats, seed: int) -> None:
    def radius(places: tuple[int, ...]) -> float:
        apart = np.linalg.norm(points[:, None] - points[list(places)][None], axis=2)
        return float(apart.min(axis=1).max())

    chosen = tuple(k_center(points, 3, seed=seed).tolist())
    assert len(set(chosen)) == 3
    best = min(radius(places) for places in itertools.combinations(range(12), 3))
    assert radius(chosen) <= 2 * best + 1e-6


def test_badge_starts_with_the_largest_gradient_and_repeats_nothing() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(0, 1, (50, 4))
    odds = rng.exponential(1, (50, 3))
    table = odds / odds.sum(axis=1, keepdims=True)
    lack = table - np.eye(3)[table.argmax(axis=1)]
    sizes = [np.linalg.norm(np.outer(a, x)) for a, x in zip(lack, features, strict=True)]
    chosen = badge(features, table, 20, seed=1)
    assert chosen[0] == np.argmax(sizes)
    assert len(set(chosen.tolist())) == 20
    assert chosen.tolist() == badge(features, table, 20, seed=1).tolist()


def test_badge_never_draws_an_item_like_one_it_has_while_another_is_left() -> None:
    features = np.array([[1.0, 0], [1.0, 0], [1.0, 0], [0, 1.0]])
    chosen = badge(features, np.tile([0.6, 0.4], (4, 1)), 2, seed=1)
    assert {int(place) // 3 for place in chosen} == {0, 1}


@pytest.mark.parametrize(
    "strategy",
    ["entropy", "margin", "least_confidence", "disagreement", "gain", "random"],
)
def test_a_queue_keeps_its_budget_and_its_order(strategy: Signal) -> None:
    queue = review_queue(scores(), budget=7, seed=1, strategy=strategy)
    assert queue.height == 7
    assert queue["item_id"].n_unique() == 7
    assert queue["priority"].is_sorted(descending=True)
    assert queue["reason"].str.len_chars().min() > 0


def test_the_order_of_rows_leaves_no_trace_in_the_queue() -> None:
    frame = scores().with_columns(disagreement=pl.lit(0.5))
    weights: dict[Signal, float] = {"disagreement": 1.0}
    queue = review_queue(frame, budget=9, seed=4, weights=weights, explore=0.3)
    again = review_queue(frame.reverse(), budget=9, seed=4, weights=weights, explore=0.3)
    other = review_queue(frame, budget=9, seed=5, weights=weights, explore=0.3)
    assert queue.equals(again)
    assert not queue.equals(other)


def test_a_queue_says_what_moved_each_item_up() -> None:
    frame = pl.DataFrame(
        {
            "item_id": ["sure", "torn", "new"],
            "probabilities": [SURE, TORN, None],
            "n_votes": [2, 1, 0],
            "disagreement": [1.0, 0.0, None],
        }
    )
    queue = review_queue(frame, budget=3, seed=1)
    assert dict(zip(queue["item_id"], queue["reason"], strict=True)) == {
        "sure": "the votes disagree; 2 votes so far",
        "torn": "two classes are nearly as probable; one vote so far",
        "new": "nothing predicted it; nobody voted on it yet",
    }


def test_a_part_of_the_queue_is_drawn_at_random_where_asked() -> None:
    queue = review_queue(scores(), budget=10, seed=1, strategy="entropy", explore=0.2)
    assert (queue["reason"] == EXPLORED).sum() == 2


def test_with_features_a_queue_spreads_over_unlike_items() -> None:
    frame = scores().with_columns(disagreement=pl.lit(1.0))
    features = np.zeros((40, 2))
    features[20:] = 1.0
    queue = review_queue(frame, budget=2, seed=1, strategy="disagreement", features=features)
    sides = {int(name[1:]) >= 20 for name in queue["item_id"]}
    assert sides == {True, False}


@pytest.mark.parametrize("strategy", [None, "gain", "entropy", "disagreement"])
def test_an_empty_frame_gives_an_empty_queue(strategy: Signal | None) -> None:
    queue = review_queue(scores().head(0), budget=5, seed=1, strategy=strategy, explore=0.5)
    assert queue.height == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"budget": -1}, "budget"),
        ({"explore": 1.5}, "explore"),
        ({"explore": float("nan")}, "explore"),
        ({"strategy": "wishes"}, "wishes"),
        ({"strategy": "margin", "weights": {"margin": 1.0}}, "one of them"),
        ({"weights": {"margin": -1.0}}, "negative"),
        ({"weights": {"margin": float("nan")}}, "negative or missing"),
        ({"weights": {}}, "weights"),
        ({"weights": {"margin": 0.0}}, "sum to 0"),
    ],
)
def test_a_queue_that_makes_no_sense_is_refused(change: dict[str, object], said: str) -> None:
    options: dict[str, object] = {"budget": 3, "seed": 1} | change
    with pytest.raises(SelectionError, match=said):
        review_queue(scores(), **options)


def test_scores_that_make_no_sense_are_refused() -> None:
    with pytest.raises(SelectionError, match="lack the column probabilities"):
        review_queue(scores().drop("probabilities"), budget=1, seed=1)
    with pytest.raises(SelectionError, match="repeated"):
        review_queue(pl.concat([scores(), scores()]), budget=1, seed=1)
    with pytest.raises(SelectionError, match="between 0 and 1"):
        review_queue(scores().with_columns(disagreement=pl.lit(float("nan"))), budget=1, seed=1)
    with pytest.raises(ProbabilitiesError):
        review_queue(scores().with_columns(probabilities=pl.lit([0.5, 0.2, 0.2])), budget=1, seed=1)


ACTORS = pl.DataFrame({"actor": ["expert", "crowd"], "accuracy": [0.95, 0.7], "cost": [5.0, 1.0]})


def test_a_plan_stays_within_its_money_and_asks_nobody_twice() -> None:
    voted = pl.DataFrame({"item_id": ["i000", "i001"], "actor": ["crowd", "crowd"]})
    plan = plan_votes(scores(), ACTORS, budget=20, seed=1, voted=voted)
    assert plan["cost"].sum() <= 20
    assert plan["item_id"].n_unique() == plan.height > 0
    assert plan.join(voted, on=["item_id", "actor"]).height == 0
    assert (plan["gain"] / plan["cost"]).is_sorted(descending=True)


def test_a_plan_turns_to_the_expert_when_the_crowd_is_busy() -> None:
    actors = ACTORS.with_columns(capacity=pl.Series([None, 3]))
    plan = plan_votes(scores(), actors, budget=20, seed=1)
    assert (plan["actor"] == "crowd").sum() == 3
    assert (plan["actor"] == "expert").sum() == 3


@pytest.mark.parametrize(
    ("actors", "budget", "said"),
    [
        (ACTORS.drop("cost"), 1.0, "cost"),
        (ACTORS.head(0), 1.0, "no actors"),
        (ACTORS.with_columns(cost=pl.lit(0.0)), 1.0, "above 0"),
        (ACTORS.with_columns(accuracy=pl.lit(1.5)), 1.0, "accuracy"),
        (ACTORS, float("nan"), "budget"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(
    actors: pl.DataFrame, budget: float, said: str
) -> None:
    with pytest.raises(SelectionError, match=said):
        plan_votes(scores(), actors, budget=budget, seed=1)


@pytest.mark.parametrize(
    ("features", "n", "labeled", "said"),
    [
        ([1.0, 2.0], 1, [], "shape"),
        ([[np.nan]], 1, [], "finite"),
        ([[1.0]], -1, [], "none or more"),
        ([[1.0]], 1, [7], "labeled places"),
    ],
)
def test_features_that_make_no_sense_are_refused(
    features: list[object], n: int, labeled: list[int], said: str
) -> None:
    with pytest.raises(SelectionError, match=said):
        k_center(features, n, seed=1, labeled=labeled)
