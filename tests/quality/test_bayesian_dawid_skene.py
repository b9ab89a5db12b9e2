import numpy as np
import polars as pl
import pytest

from quality.consensus.bayesian_dawid_skene import BayesianDawidSkene
from quality.consensus.dawid_skene import DawidSkene
from quality.consensus.dirichlet import divergence, mean_log


def frame(*rows):
    return pl.DataFrame(rows, schema=["item_id", "actor", "label"], orient="row")


CROWD = frame(
    *((f"i{i:02}", f"a{a}", "xy"[(i % 2) ^ (a == i % 5)]) for i in range(40) for a in range(5)),
    ("i00", "once", "x"),
)


def test_the_mean_log_of_a_flat_dirichlet_is_known():
    # E[log p] under Beta(1, 1) is psi(1) - psi(2) = -1.
    assert mean_log(np.array([1.0, 1.0])).tolist() == pytest.approx([-1, -1])


def test_a_divergence_is_zero_from_itself_and_known_from_another():
    assert divergence(np.array([2.0, 3.0]), np.array([2.0, 3.0])) == pytest.approx(0)
    # KL(Beta(2, 1) || Beta(1, 1)) = log 2 + psi(2) - psi(3) = log 2 - 1/2.
    assert divergence(np.array([2.0, 1.0]), np.ones(2)) == pytest.approx(np.log(2) - 0.5)


def test_an_actor_with_one_vote_stays_near_the_prior():
    tables = BayesianDawidSkene(["x", "y"]).fit(CROWD).confusions_
    # Prior votes of row x are (1.4, 0.6); one more vote for x gives 2.4 of 3.
    assert tables["once"][0] == pytest.approx([0.8, 0.2], abs=2e-3)
    assert tables["once"][1] == pytest.approx([0.3, 0.7], abs=2e-3)
    assert DawidSkene(["x", "y"]).fit(CROWD).confusions_["once"][0, 0] == pytest.approx(1)


def test_intervals_hold_the_accuracy_and_shrink_with_votes():
    quality = BayesianDawidSkene(["x", "y"]).fit(CROWD).actor_quality_
    width = dict(quality.select("actor", pl.col("accuracy_high") - pl.col("accuracy_low")).rows())
    assert (quality["accuracy_low"] < quality["accuracy"]).all()
    assert (quality["accuracy_high"] > quality["accuracy"]).all()
    assert width["once"] > 2 * width["a0"]


def test_a_prior_of_next_to_nothing_is_close_to_dawid_skene():
    bayesian = BayesianDawidSkene(["x", "y"], prior_votes=0.01, tol=1e-10).fit(CROWD)
    plain = DawidSkene(["x", "y"], tol=1e-10).fit(CROWD)
    assert bayesian.predict()["label"].equals(plain.predict()["label"])
    assert bayesian.confusions_["a1"] == pytest.approx(plain.confusions_["a1"], abs=0.01)
