import polars as pl

from quality.consensus.majority import MajorityVote

CLASSES = ("cat", "dog", "owl")
SCHEMA = {"item_id": pl.String, "actor": pl.String, "label": pl.String}

VOTES = pl.DataFrame(
    [
        ("clear", "ana", "cat"),
        ("clear", "ben", "cat"),
        ("clear", "cem", "dog"),
        ("tied", "ana", "owl"),
        ("tied", "ben", "dog"),
    ],
    schema=SCHEMA,
    orient="row",
)


def test_the_class_with_most_votes_wins_and_its_share_is_the_confidence():
    assert MajorityVote(CLASSES).fit(VOTES).predict().rows()[0] == ("clear", "cat", 2 / 3, 3, False)


def test_a_tied_item_stays_unlabeled_so_that_people_see_it():
    assert MajorityVote(CLASSES).fit(VOTES).predict().rows()[1] == ("tied", None, 0.5, 2, True)


def test_a_tie_can_go_to_the_first_class_of_the_ontology():
    labels = MajorityVote(CLASSES, ties="first").fit(VOTES).predict()
    assert labels.rows()[1] == ("tied", "dog", 0.5, 2, True)


def test_probabilities_are_vote_shares_in_the_order_of_the_classes():
    shares = MajorityVote(CLASSES).fit(VOTES).predict_proba()["probabilities"].to_list()
    assert shares == [[2 / 3, 1 / 3, 0.0], [0.0, 0.5, 0.5]]


def test_weights_count():
    weighted = VOTES.with_columns(weight=pl.Series([1.0, 1.0, 3.0, 1.0, 2.0]))
    labels = MajorityVote(CLASSES).fit(weighted).predict()
    assert labels["label"].to_list() == ["dog", "dog"]
    assert labels["confidence"].to_list() == [3 / 5, 2 / 3]


def test_an_actor_is_as_good_as_the_share_of_the_votes_that_its_labels_have():
    quality = MajorityVote(CLASSES).fit(VOTES).actor_quality_
    assert quality["actor"].to_list() == ["ana", "ben", "cem"]
    expected = [(2 / 3 + 1 / 2) / 2, (2 / 3 + 1 / 2) / 2, 1 / 3]
    assert max(abs(a - b) for a, b in zip(quality["quality"], expected, strict=True)) < 1e-12


def test_without_an_actor_the_others_decide():
    without = MajorityVote(CLASSES).fit(VOTES).without(actors=["ben"])
    assert without.predict()["label"].to_list() == [None, "owl"]
