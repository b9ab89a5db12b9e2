import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.consensus.aggregators import AGGREGATORS, make

NAMES = sorted(AGGREGATORS)
CLASSES = ["w", "x", "y", "z"]


def crowd(seed, *, n_items=30, n_actors=6, n_classes=3, worst=0.2):
    """Votes of actors of unlike skill on most of the items."""
    rng = np.random.default_rng(seed)
    truth, skill = rng.integers(0, n_classes, n_items), rng.uniform(worst, 1, n_actors)
    rows = [
        (f"i{i:02}", f"a{a}", CLASSES[t if rng.random() < skill[a] else rng.integers(0, n_classes)])
        for i, t in enumerate(truth)
        for a in range(n_actors)
        if rng.random() < 0.8
    ]
    return pl.DataFrame(rows, schema=["item_id", "actor", "label"], orient="row")


def fitted(name, votes, classes=CLASSES):
    return make(name, classes).fit(votes)


def matrix(aggregator):
    return np.array(aggregator.predict_proba()["probabilities"].to_list())


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_probabilities_are_probabilities_and_the_confidence_is_the_largest(name, seed):
    aggregator = fitted(name, crowd(seed))
    probabilities = matrix(aggregator)
    assert probabilities.min() >= 0
    assert np.abs(probabilities.sum(axis=1) - 1).max() < 1e-9
    assert aggregator.predict()["confidence"].to_list() == probabilities.max(axis=1).tolist()


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 10_000), order=st.permutations(range(4)))
@settings(max_examples=10, deadline=None)
def test_the_order_of_the_classes_changes_nothing(name, seed, order):
    votes, turned = crowd(seed), [CLASSES[place] for place in order]
    straight, mixed = matrix(fitted(name, votes)), matrix(fitted(name, votes, turned))
    assert mixed == pytest.approx(straight[:, order], abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_the_names_of_items_and_actors_change_nothing(name, seed):
    votes = crowd(seed)
    backwards = pl.col("item_id", "actor").str.reverse()
    renamed = fitted(name, votes.with_columns(backwards)).predict_proba()
    renamed = renamed.with_columns(pl.col("item_id").str.reverse()).sort("item_id")
    straight = matrix(fitted(name, votes))
    assert np.array(renamed["probabilities"].to_list()) == pytest.approx(straight, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_a_duplicated_actor_cannot_lower_its_own_quality(name, seed):
    # Of people who mostly know: one who is mostly wrong is told apart all the better by a double.
    votes = crowd(seed, n_items=60, worst=0.5)
    twin = votes.filter(pl.col("actor") == "a0").with_columns(actor=pl.lit("twin"))
    alone, doubled = (
        dict(fitted(name, frame).actor_quality_.select("actor", "quality").iter_rows())
        for frame in (votes, pl.concat([votes, twin]))
    )
    assert doubled["a0"] >= alone["a0"] - 1e-6
    assert doubled["twin"] == pytest.approx(doubled["a0"])


@pytest.mark.parametrize("name", NAMES)
def test_perfect_agreement_gives_the_labels_and_good_actors(name):
    rows = [(f"i{i:02}", f"a{a}", CLASSES[i % 3]) for i in range(60) for a in range(5)]
    votes = pl.DataFrame(rows, schema=["item_id", "actor", "label"], orient="row")
    aggregator = fitted(name, votes, CLASSES[:3])
    assert aggregator.predict()["label"].to_list() == [CLASSES[i % 3] for i in range(60)]
    assert aggregator.actor_quality_["quality"].min() > 0.99


@pytest.mark.parametrize("name", NAMES)
def test_a_class_that_nobody_voted_for_gets_no_label(name):
    labels = fitted(name, crowd(1)).predict()["label"]
    assert "z" not in labels.to_list()


@pytest.mark.parametrize("name", NAMES)
def test_weights_of_one_are_no_weights(name):
    votes = crowd(2)
    weighted = fitted(name, votes.with_columns(weight=pl.lit(1.0)))
    assert matrix(weighted) == pytest.approx(matrix(fitted(name, votes)), abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_warm_start_ends_where_the_cold_one_did(name):
    votes = crowd(3, n_items=200)
    cold = fitted(name, votes)
    warm = make(name, CLASSES).fit(votes, start=cold.start_)
    assert warm.n_iter_ <= max(2, cold.n_iter_)
    assert warm.predict()["label"].equals(cold.predict()["label"])


@pytest.mark.parametrize("name", NAMES)
def test_without_an_actor_is_like_never_having_had_it(name):
    votes = crowd(4, n_items=300, worst=0.6)
    without = fitted(name, votes).without(actors=["a1"])
    never = fitted(name, votes.filter(pl.col("actor") != "a1"))
    assert (without.predict()["label"] == never.predict()["label"]).mean() > 0.99
    assert without.actor_quality_.filter(actor="a1")["quality"].to_list() == [None]


@pytest.mark.parametrize("name", NAMES)
def test_an_actor_with_one_vote_is_no_harm(name):
    votes = crowd(5, n_items=100)
    once = pl.DataFrame([("i00", "once", "z")], schema=votes.schema, orient="row")
    more = fitted(name, pl.concat([votes, once])).predict()
    assert (more["label"] == fitted(name, votes).predict()["label"])[1:].mean() > 0.99


@pytest.mark.parametrize("name", ["one_coin", "two_coin", "dawid_skene", "glad", "mace"])
def test_an_iteration_limit_says_when_it_was_hit(name):
    limited = make(name, CLASSES, max_iter=2, tol=0.0).fit(crowd(6))
    assert (limited.converged_, limited.n_iter_) == (False, 2)


@pytest.mark.parametrize("name", NAMES)
def test_one_actor_alone_is_taken_at_its_word(name):
    rows = [(f"i{i:02}", "only", CLASSES[i % 3]) for i in range(12)]
    votes = pl.DataFrame(rows, schema=["item_id", "actor", "label"], orient="row")
    assert fitted(name, votes).predict()["label"].to_list() == [row[2] for row in rows]


@pytest.mark.parametrize("name", NAMES)
def test_votes_at_random_are_no_hang_and_no_warning(name):
    rng = np.random.default_rng(0)
    n = 20_000
    votes = pl.DataFrame(
        {
            "item_id": pl.Series(rng.integers(0, 5_000, n)).cast(pl.String),
            "actor": pl.Series(rng.integers(0, 3_000, n)).cast(pl.String),
            "label": pl.Series(CLASSES).gather(rng.integers(0, 4, n)),
            "weight": rng.exponential(size=n) * 10.0 ** rng.integers(-9, 9, n),
        }
    )
    aggregator = fitted(name, votes)
    assert np.isfinite(matrix(aggregator)).all()
    assert aggregator.n_iter_ <= 200
