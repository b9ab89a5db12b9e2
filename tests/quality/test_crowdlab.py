import numpy as np
import polars as pl
import pytest

from quality.consensus.crowdlab import CrowdLab
from quality.consensus.errors import PredictionsError

CLASSES = ["x", "y"]


def frame(*rows):
    return pl.DataFrame(rows, schema=["item_id", "actor", "label"], orient="row")


def predictions(**rows):
    return pl.DataFrame({"item_id": list(rows), "probabilities": list(rows.values())})


VOTES = frame(
    ("1", "a", "x"), ("1", "b", "x"), ("2", "a", "y"), ("2", "b", "y"),
    ("3", "a", "x"), ("3", "b", "y"), ("4", "b", "x"),
)  # fmt: skip
PREDICTED = pl.DataFrame(
    {"item_id": list("1234"), "probabilities": [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]]}
)


def test_the_weights_and_the_posterior_are_the_papers():
    # Consensus x, y, x (the classifier settles item 3). Over items 1 to 3: P = 5/6, the error of
    # always x is E = 1/3, each actor agrees with the other on 2 of 3: weight 1 - (1/3)/(1/3) = 0,
    # held at 1e-6. The classifier is never wrong: weight sqrt(7/4).
    fitted = CrowdLab(CLASSES).fit(VOTES, predictions=PREDICTED)
    assert fitted.classifier_weight_ == pytest.approx(np.sqrt(7 / 4))
    assert fitted.actor_quality_["weight"].to_list() == pytest.approx([1e-6, 1e-6], abs=1e-9)
    three = fitted.predict_proba()["probabilities"].to_list()[2]
    assert three == pytest.approx([0.7, 0.3], abs=1e-5)


def test_the_classifier_settles_a_tie():
    assert CrowdLab(CLASSES).fit(VOTES, predictions=PREDICTED).predict()["label"][2] == "x"


def test_an_item_without_prediction_is_left_to_its_actors():
    fitted = CrowdLab(CLASSES).fit(VOTES, predictions=PREDICTED.filter(pl.col("item_id") != "4"))
    assert fitted.n_without_prediction_ == 1
    assert fitted.predict()["label"][3] == "x"


def test_without_any_prediction_the_actors_decide_alone():
    labels = CrowdLab(CLASSES).fit(VOTES).predict()["label"].to_list()
    assert labels == ["x", "y", None, "x"]


def test_a_prediction_alone_labels_nothing():
    abstained = pl.concat([VOTES, frame(("5", "a", None)).cast(VOTES.schema)])
    more = pl.concat([PREDICTED, predictions(**{"5": [0.9, 0.1]})])
    assert CrowdLab(CLASSES).fit(abstained, predictions=more).predict()["label"][4] is None


def test_leaving_out_votes_keeps_the_predictions():
    fitted = CrowdLab(CLASSES).fit(VOTES, predictions=PREDICTED).without(actors=["b"])
    assert fitted.predict()["label"].to_list() == ["x", "y", "x", None]
    assert fitted.n_without_prediction_ == 0


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (PREDICTED.drop("probabilities"), "missing"),
        (PREDICTED.with_columns(probabilities=pl.lit(0.5)), "Float64"),
        (pl.concat([PREDICTED, PREDICTED]), "4 rows predict an item again"),
        (predictions(**{"1": [0.5, 0.2, 0.3]}), "1 items do not have 2 probabilities"),
        (predictions(**{"1": [0.5, 0.6]}), "1 rows are no probabilities"),
        (predictions(**{"1": [float("nan"), 0.6]}), "1 rows are no probabilities"),
        (predictions(**{"1": [float("inf"), 0.6]}), "1 rows are no probabilities"),
        (predictions(**{"1": [-0.5, 1.5]}), "1 rows are no probabilities"),
        (predictions(**{"1": None}, **{"2": [0.5, 0.5]}), "1 items do not have 2 probabilities"),
    ],
)
def test_what_is_no_distribution_over_the_classes_is_refused(wrong, fault):
    with pytest.raises(PredictionsError, match=fault):
        CrowdLab(CLASSES).fit(VOTES, predictions=wrong)
