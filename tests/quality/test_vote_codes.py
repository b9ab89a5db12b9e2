import json

import numpy as np
import polars as pl
import pytest

from quality.consensus.aggregators import AGGREGATORS, make
from quality.consensus.errors import (
    NotFittedError,
    ParameterError,
    StartError,
)
from quality.errors import ClassesError, QualityError, UnknownLabelError, VotesFrameError
from quality.votes import VoteCodes

CLASSES = ("cat", "dog", "owl")
SCHEMA = {"item_id": pl.String, "actor": pl.String, "label": pl.String}


def votes(*rows, **more):
    return pl.DataFrame(rows, schema=SCHEMA | more, orient="row")


TWO_ITEMS = votes(
    ("i2", "ben", "dog"), ("i1", "ben", "cat"), ("i1", "ana", "cat"), ("i2", "ana", None)
)


def test_votes_are_coded_by_item_and_then_actor_in_the_order_of_their_names():
    codes = VoteCodes.of(TWO_ITEMS, CLASSES)
    assert codes.items.to_list() == ["i1", "i2"]
    assert codes.actors.to_list() == ["ana", "ben"]
    assert (codes.item.tolist(), codes.actor.tolist()) == ([0, 0, 1], [0, 1, 1])
    assert codes.label.tolist() == [0, 0, 1]


def test_abstentions_are_counted_and_left_out():
    codes = VoteCodes.of(TWO_ITEMS, CLASSES)
    assert (codes.n_votes, codes.n_abstained.tolist()) == (3, [1, 0])


def test_the_last_vote_of_an_actor_on_an_item_wins_and_the_others_are_counted():
    repeated = votes(("i", "ana", "cat"), ("i", "ana", "dog"), ("i", "ana", "owl"))
    codes = VoteCodes.of(repeated, CLASSES)
    assert (codes.label.tolist(), codes.n_duplicates) == ([2], 2)


def test_a_last_word_of_abstaining_takes_the_vote_back():
    codes = VoteCodes.of(votes(("i", "ana", "cat"), ("i", "ana", None)), CLASSES)
    assert (codes.n_votes, codes.n_duplicates, codes.n_abstained.tolist()) == (0, 1, [1])


def test_independent_readings_of_one_actor_can_all_count():
    repeated = votes(("i", "ana", "dog"), ("i", "ana", "cat"))
    codes = VoteCodes.of(repeated, CLASSES, repeats="all")
    assert (codes.label.tolist(), codes.n_duplicates) == ([0, 1], 0)


def test_a_vote_of_weight_zero_does_not_count():
    weighted = votes(("i", "ana", "cat", 0.0), ("i", "ben", "dog", 2.5), weight=pl.Float64)
    codes = VoteCodes.of(weighted, CLASSES)
    assert (codes.weight.tolist(), codes.n_weightless) == ([2.5], 1)


def test_categorical_columns_are_read_as_strings():
    codes = VoteCodes.of(TWO_ITEMS.cast(pl.Categorical), CLASSES)
    assert codes.items.to_list() == ["i1", "i2"]


@pytest.mark.parametrize("name", AGGREGATORS)
def test_codes_made_once_serve_every_aggregator(name):
    codes = VoteCodes.of(TWO_ITEMS, CLASSES)
    shared, own = make(name, CLASSES).fit(codes), make(name, CLASSES).fit(TWO_ITEMS)
    assert shared.predict().equals(own.predict())


def test_labels_outside_the_classes_are_named_with_their_counts():
    wrong = votes(("i", "ana", "cow"), ("j", "ana", "cow"), ("j", "ben", "ant"), ("k", "b", "cat"))
    with pytest.raises(UnknownLabelError, match="'cow' \\(2 votes\\)") as caught:
        VoteCodes.of(wrong, CLASSES)
    assert caught.value.counts == {"cow": 2, "ant": 1}


@pytest.mark.parametrize(
    ("frame", "column", "n_rows"),
    [
        (TWO_ITEMS.drop("actor"), "actor", 0),
        (votes((None, "ana", "cat")), "item_id", 1),
        (votes(("i", None, "cat"), ("j", None, "cat")), "actor", 2),
        (TWO_ITEMS.with_columns(item_id=pl.lit(3.5)), "item_id", 4),
        (votes(("i", "a", "cat", -1.0), weight=pl.Float64), "weight", 1),
        (votes(("i", "a", "cat", float("nan")), weight=pl.Float64), "weight", 1),
        (votes(("i", "a", "cat", float("inf")), weight=pl.Float64), "weight", 1),
        (votes(("i", "a", "cat", None), weight=pl.Float64), "weight", 1),
    ],
)
def test_a_frame_that_is_not_one_of_votes_is_refused_by_column(frame, column, n_rows):
    with pytest.raises(VotesFrameError, match=column) as caught:
        VoteCodes.of(frame, CLASSES)
    assert (caught.value.column, caught.value.n_rows) == (column, n_rows)
    assert isinstance(caught.value, QualityError)


@pytest.mark.parametrize("classes", [(), ("cat",), ("cat", "cat"), ("cat", ""), "catdog"])
def test_classes_must_be_two_different_names_at_least(classes):
    with pytest.raises(ParameterError, match="classes"):
        make("majority", classes)


def test_codes_for_other_classes_are_refused():
    with pytest.raises(ClassesError, match="coded with"):
        make("majority", ["cat", "dog"]).fit(VoteCodes.of(TWO_ITEMS, CLASSES))


def test_leaving_out_votes_and_actors_keeps_items_listed():
    codes = VoteCodes.of(TWO_ITEMS, CLASSES)
    fewer = codes.without(TWO_ITEMS.filter(pl.col("item_id") == "i1"), actors=["ben", "nobody"])
    assert (fewer.n_votes, fewer.items.to_list()) == (0, ["i1", "i2"])


@pytest.mark.parametrize("name", AGGREGATORS)
def test_nothing_can_be_asked_before_fitting(name):
    with pytest.raises(NotFittedError, match=name):
        make(name, CLASSES).predict()


@pytest.mark.parametrize("name", AGGREGATORS)
def test_an_empty_frame_gives_empty_results(name):
    fitted = make(name, CLASSES).fit(votes())
    assert (fitted.predict().height, fitted.predict_proba().height) == (0, 0)
    assert fitted.actor_quality_.height == 0
    assert fitted.converged_


@pytest.mark.parametrize("name", AGGREGATORS)
def test_an_item_that_everybody_abstains_on_is_unlabeled(name):
    fitted = make(name, CLASSES).fit(votes(("i", "ana", None), ("j", "ben", None)))
    assert fitted.predict().rows() == [("i", None, None, 0, False), ("j", None, None, 0, False)]
    assert fitted.predict_proba()["probabilities"].to_list() == [None, None]
    assert fitted.actor_quality_["quality"].to_list() == [None, None]


@pytest.mark.parametrize("name", AGGREGATORS)
def test_one_vote_gives_its_label(name):
    fitted = make(name, CLASSES).fit(votes(("i", "ana", "dog")))
    assert fitted.predict().select("label", "n_votes", "tied").rows() == [("dog", 1, False)]


@pytest.mark.parametrize("name", AGGREGATORS)
def test_a_recipe_makes_the_same_aggregator_again(name):
    first = make(name, CLASSES, ties="first")
    again = make(name, CLASSES, **json.loads(json.dumps(first.params)))
    assert again.params == first.params


@pytest.mark.parametrize("name", AGGREGATORS)
def test_an_unknown_parameter_or_value_is_refused_by_name(name):
    with pytest.raises(ParameterError, match="ties is 'perhaps'"):
        make(name, CLASSES, ties="perhaps")
    with pytest.raises(ParameterError, match="no_such"):
        make(name, CLASSES, no_such=1)


def test_an_unknown_aggregator_is_refused_with_the_known_ones():
    with pytest.raises(ParameterError, match="dawid_skene"):
        make("oracle", CLASSES)


def test_the_start_of_another_method_is_refused():
    start = make("majority", CLASSES).fit(TWO_ITEMS).start_
    with pytest.raises(StartError, match="saved by majority"):
        make("dawid_skene", CLASSES).fit(TWO_ITEMS, start=start)


@pytest.mark.parametrize("name", AGGREGATORS)
def test_the_order_of_the_rows_changes_not_one_bit(name):
    rng = np.random.default_rng(5)
    rows = [
        (f"i{i}", f"a{a}", CLASSES[k])
        for (i, a), k in zip(np.ndindex(40, 6), rng.integers(0, 3, 240), strict=True)
    ]
    frame = votes(*rows)
    shuffled = frame.sample(fraction=1, shuffle=True, seed=3)
    one, other = make(name, CLASSES).fit(frame), make(name, CLASSES).fit(shuffled)
    assert one.predict_proba().equals(other.predict_proba())
    assert one.actor_quality_.equals(other.actor_quality_)
