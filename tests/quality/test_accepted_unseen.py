"""Labels are accepted unseen only from where people's blind answers show them to be right."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.consensus.aggregators import make
from quality.evaluation.blind import judged_blind, people_say
from quality.evaluation.precision import threshold_for_precision
from quality.pictures.learning_curve import learning_curve
from quality.pictures.precision import precision_against_coverage

CLASSES = ("x", "y")


def votes_of(*rows):
    names = ("item_id", "actor", "label", "anchored")
    types = dict(zip(names, (pl.String, pl.String, pl.String, pl.Boolean), strict=True))
    frame = pl.DataFrame(rows, schema=types, orient="row")
    return frame.with_columns(actor_kind=pl.col("actor").str.split(":").list.first())


def majority(votes):
    return make("majority", CLASSES).fit(votes.select("item_id", "actor", "label")).predict()


def test_ninety_nine_answers_without_an_error_show_ninety_seven_percent():
    """0.97 ** 99 < 0.05 <= 0.97 ** 98."""
    assert threshold_for_precision(np.linspace(0.5, 1, 98), [True] * 98, 0.97).threshold is None
    found = threshold_for_precision(np.linspace(0.5, 1, 99), [True] * 99, 0.97)
    assert found.accepted == 99
    assert found.lower_bound == pytest.approx(0.05 ** (1 / 99))


def test_the_error_of_a_test_that_succeeds_is_handed_on():
    """Both candidates of 20 tied pairs: the second alone would have a quarter of the error."""
    scores = np.repeat([0.9, 0.6], [40, 10])
    found = threshold_for_precision(scores, [True] * 50, 0.9)
    assert found.threshold == 0.6
    assert found.lower_bound == pytest.approx(0.05 ** (1 / 50))


def test_an_early_error_does_not_stop_the_search():
    right = np.ones(2000, bool)
    right[0] = False
    scores = np.linspace(1, 0.5, 2000)
    assert threshold_for_precision(scores, right, 0.97).accepted == 2000


def test_the_promise_is_broken_no_more_often_than_allowed():
    """The chance to be right is s ** 0.2 at score s, so above t it averages as below."""
    rng = np.random.default_rng(0)
    broken = 0
    for _ in range(1000):
        scores = rng.random(300)
        found = threshold_for_precision(scores, rng.random(300) < scores**0.2, 0.9, 0.9)
        t = found.threshold
        broken += t is not None and (1 - t**1.2) / (1.2 * (1 - t)) < 0.9
    assert broken <= 100


@given(
    st.lists(st.tuples(st.sampled_from([0.5, 0.7, 0.9, 1.0]), st.booleans()), max_size=200),
    st.sampled_from([0.5, 0.8, 0.95]),
    st.randoms(use_true_random=False),
)
@settings(max_examples=60, deadline=None)
def test_a_threshold_is_a_score_its_figures_hold_and_order_changes_nothing(pairs, wanted, random):
    scores, right = [s for s, _ in pairs], [r for _, r in pairs]
    found = threshold_for_precision(scores, right, wanted)
    shuffled = random.sample(pairs, len(pairs))
    again = threshold_for_precision([s for s, _ in shuffled], [r for _, r in shuffled], wanted)
    assert again == found
    if found.threshold is None:
        return
    beyond = [r for s, r in pairs if s >= found.threshold]
    assert found.threshold in scores
    assert found.accepted == len(beyond)
    assert found.precision == pytest.approx(np.mean(beyond))
    assert wanted <= found.lower_bound <= found.precision


def test_only_answers_without_a_prediction_are_the_truth():
    votes = votes_of(
        ("a", "human:ana", "x", False),
        ("b", "human:ana", "x", True),
        ("c", "human:ana", "x", False),
        ("c", "human:ben", "y", False),
        ("d", "human:ana", None, False),
    )
    assert people_say(votes).rows() == [("a", "x")]


def test_an_item_without_a_machines_vote_is_not_judged():
    votes = votes_of(("a", "human:ana", "x", False), ("b", "function:f", "x", False))
    assert judged_blind(votes, majority).is_empty()


def test_no_votes_are_no_judgment():
    assert judged_blind(votes_of(), majority).is_empty()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None)
def test_what_people_say_of_an_item_never_moves_its_own_estimate(seed):
    rng = np.random.default_rng(seed)
    rows = [
        (f"i{item}", actor, str(rng.choice(CLASSES)), bool(rng.random() < 0.3))
        for item in range(12)
        for actor in ("function:f", "function:g", "model:m", "human:ana", "human:ben")
        if rng.random() < 0.8
    ]
    votes = votes_of(*rows)

    def estimate(votes):
        return make("one_coin", CLASSES).fit(votes.select("item_id", "actor", "label")).predict()

    found = judged_blind(votes, estimate)
    for item in found["item_id"].head(2):
        theirs = (pl.col("item_id") == item) & (pl.col("actor_kind") == "human")
        other = pl.when(pl.col("label") == "x").then(pl.lit("y")).otherwise(pl.lit("x"))
        turned = votes.with_columns(pl.when(theirs).then(other).otherwise("label").alias("label"))
        again = judged_blind(turned, estimate).filter(item_id=item)
        assert again["label"].to_list() == found.filter(item_id=item)["label"].to_list()
        assert again["confidence"].to_list() == found.filter(item_id=item)["confidence"].to_list()


def test_a_machine_is_judged_by_what_people_say():
    votes = votes_of(
        ("a", "human:ana", "x", False),
        ("a", "function:f", "x", False),
        ("b", "human:ana", "x", False),
        ("b", "function:f", "y", False),
    )
    assert judged_blind(votes, majority).select("item_id", "label", "right").rows() == [
        ("a", "x", True),
        ("b", "y", False),
    ]


@pytest.mark.parametrize("n", [0, 1, 40])
def test_precision_is_drawn_for_any_number_of_judged_items(n):
    drawn = precision_against_coverage([0.9] * n, [True] * n, threshold=0.8, wanted=0.95)
    assert drawn.startswith(b"\x89PNG")


@pytest.mark.parametrize("n", [0, 1, 40])
def test_a_learning_curve_is_drawn_for_any_number_of_releases(n):
    nothing = pl.Series([None] * n, dtype=pl.Float64)
    points = pl.DataFrame(
        {
            "release": [f"v{place:04d}" for place in range(n)],
            "human_labels": list(range(n)),
            "accepted": [0.5] * n,
            "precision": nothing,
            "low": nothing,
            "high": nothing,
        }
    )
    assert learning_curve(points).startswith(b"\x89PNG")
