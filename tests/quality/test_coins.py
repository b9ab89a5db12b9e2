import numpy as np
import polars as pl
import pytest

from quality.consensus.dawid_skene import DawidSkene
from quality.consensus.fast_dawid_skene import FastDawidSkene
from quality.consensus.one_coin import OneCoin
from quality.consensus.two_coin import TwoCoin


def frame(*rows):
    return pl.DataFrame(rows, schema=["item_id", "actor", "label"], orient="row")


def skewed(n_items=400, share=0.92, seed=0):
    """Mostly class "no", five actors who say "no" too often, votes on every item."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n_items) > share
    rows = [
        (f"i{i:03}", f"a{a}", "yes" if rng.random() < (0.6 if yes else 0.15) else "no")
        for i, yes in enumerate(truth)
        for a in range(5)
    ]
    return frame(*rows), truth


def test_a_step_of_one_coin_is_what_the_equations_say():
    votes = frame(("1", "a", "x"), ("1", "b", "x"), ("2", "a", "x"), ("2", "b", "y"))
    fitted = OneCoin(["x", "y"], max_iter=1).fit(votes)
    # Shares give both c = 3/4; then item 1 is x by 9/10 and item 2 even: c = (9/10 + 1/2) / 2.
    assert fitted.confusions_["a"] == pytest.approx(np.array([[0.7, 0.3], [0.3, 0.7]]))
    assert fitted.predict()["confidence"].to_list() == pytest.approx([0.49 / 0.58, 0.5])


def test_errors_of_one_coin_fall_evenly_on_the_other_classes():
    votes = frame(("1", "a", "x"), ("1", "b", "x"), ("2", "a", "y"), ("2", "b", "z"))
    table = OneCoin(["x", "y", "z"], max_iter=1).fit(votes).confusions_["a"]
    assert table[0, 1] == table[0, 2] == table[1, 2] == (1 - table[0, 0]) / 2


def test_with_two_classes_two_coins_with_a_learned_prior_are_dawid_skene():
    votes, _ = skewed()
    coins = TwoCoin(["no", "yes"], prior="learned", smoothing=0.0, tol=1e-12, max_iter=300).fit(
        votes
    )
    tables = DawidSkene(["no", "yes"], tol=1e-12, max_iter=300).fit(votes)
    ours = np.array(coins.predict_proba()["probabilities"].to_list())
    assert ours == pytest.approx(
        np.array(tables.predict_proba()["probabilities"].to_list()), abs=1e-6
    )


def test_two_coins_tell_apart_sensitivity_and_specificity():
    rows = []
    for i in range(60):
        truth = "yes" if i % 2 else "no"
        rows += [(f"i{i:02}", f"good{g}", truth) for g in range(4)]
        rows.append((f"i{i:02}", "timid", "no" if i % 4 != 1 else truth))
    table = TwoCoin(["no", "yes"], smoothing=0.0).fit(frame(*rows)).confusions_["timid"]
    assert table == pytest.approx(np.array([[1, 0], [0.5, 0.5]]), abs=1e-6)


def test_the_class_prior_of_the_coins_is_uniform_unless_asked_for():
    votes, _ = skewed()
    for method in (OneCoin, TwoCoin):
        fitted = method(["no", "yes"]).fit(votes)
        assert fitted.params["prior"] == "uniform"
        prior = fitted.start_.array("prior", {"true_class": ["no", "yes"]})
        assert prior.tolist() == [0.5, 0.5]


def test_an_actor_that_is_always_wrong_speaks_for_the_other_class():
    rows = [(f"i{i}", f"a{a}", "xy"[i % 2]) for i in range(20) for a in range(4)]
    rows += [(f"i{i}", "liar", "yx"[i % 2]) for i in range(20)]
    rows += [("last", "liar", "x")]
    fitted = OneCoin(["x", "y"]).fit(frame(*rows))
    assert fitted.predict().filter(item_id="last")["label"].to_list() == ["y"]


def test_the_fast_variant_settles_sooner_on_nearly_the_same_labels():
    votes, _ = skewed()
    fast = FastDawidSkene(["no", "yes"]).fit(votes)
    full = DawidSkene(["no", "yes"], max_iter=500).fit(votes)
    assert fast.n_iter_ < full.n_iter_
    assert fast.converged_


def test_the_fast_variant_counts_whole_items():
    votes = frame(
        ("1", "a", "x"), ("1", "b", "x"), ("2", "a", "y"), ("2", "b", "y"), ("3", "b", "y")
    )
    tables = FastDawidSkene(["x", "y"]).fit(votes).confusions_
    assert tables["b"] == pytest.approx(np.eye(2), abs=1e-9)
