import numpy as np
import polars as pl
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logsumexp

from quality.consensus.glad import Glad
from quality.consensus.mace import Mace

CLASSES = ["x", "y", "z"]


def crowd(seed=0, n_items=60):
    """Three who know four times in five, one who always says z."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n_items)
    rows = [(f"{i:03}", "spam", "z") for i in range(n_items)]
    for i, a in np.ndindex(n_items, 3):
        label = truth[i] if rng.random() < 0.8 else rng.integers(0, 3)
        rows.append((f"{i:03}", f"good{a}", CLASSES[label]))
    return pl.DataFrame(rows, schema=["item_id", "actor", "label"], orient="row"), truth


def log_posterior(votes, ability, ease):
    """GLAD's objective, straight from its definition: likelihood times the normal priors."""
    item = votes["item_id"].cast(pl.Int64).to_numpy()
    actors = votes["actor"].unique().sort()
    actor = np.array([actors.index_of(name) for name in votes["actor"]])
    right = expit(ability[actor] * np.exp(ease[item]))
    votes_for = np.array([[label == name for name in CLASSES] for label in votes["label"]])
    factor = np.where(votes_for, np.log(right)[:, None], np.log((1 - right) / 2)[:, None])
    scores = np.zeros((len(ease), 3))
    np.add.at(scores, item, factor)
    fit = (logsumexp(scores, axis=1) - np.log(3)).sum()
    return fit - ((ability - 1) ** 2).sum() / 2 - ((ease - 1) ** 2).sum() / 2


def test_mace_trusts_those_who_know_and_not_the_spammer():
    quality = Mace(CLASSES).fit(crowd()[0]).actor_quality_
    trust = dict(quality.select("actor", "trust").iter_rows())
    assert trust["spam"] < 0.1
    assert min(trust[f"good{a}"] for a in range(3)) > 0.6


def test_mace_learns_the_spammers_habit():
    table = Mace(CLASSES, habit_prior=0.1).fit(crowd()[0]).confusions_["spam"]
    assert table[:, 2].min() > 0.95


def test_mace_is_not_led_by_a_majority_of_spammers():
    votes, truth = crowd(n_items=150)
    spam = votes.filter(actor="spam")
    crowded = pl.concat([votes, *(spam.with_columns(actor=pl.lit(f"spam{n}")) for n in range(3))])
    labels = Mace(CLASSES).fit(crowded).predict()["label"]
    assert (labels == pl.Series(CLASSES).gather(truth)).mean() > 0.85


def test_glad_ends_on_top_of_its_own_objective():
    votes, _ = crowd()
    fitted = Glad(CLASSES, tol=1e-12, max_iter=2000).fit(votes)
    ability = fitted.actor_quality_["ability"].to_numpy()
    ease = -np.log(fitted.difficulty_["difficulty"].to_numpy())
    found = np.concatenate([ability, ease])

    def loss(point):
        return -log_posterior(votes, point[:4], point[4:])

    better = minimize(loss, found, method="L-BFGS-B", options={"maxiter": 200})
    assert loss(found) - better.fun < 1e-6
    assert np.abs(better.x - found).max() < 1e-2


def test_glad_finds_the_disputed_item_difficult():
    rows = [(f"easy{i}", f"a{a}", "xyz"[i % 3]) for i in range(9) for a in range(4)]
    rows += [("hard", f"a{a}", "xyyz"[a]) for a in range(4)]
    votes = pl.DataFrame(rows, schema=["item_id", "actor", "label"], orient="row")
    difficulty = Glad(CLASSES).fit(votes).difficulty_
    assert difficulty.sort("difficulty")["item_id"].to_list()[-1] == "hard"


def test_glad_finds_the_contrary_actor_less_able():
    rows = [(f"i{i}", f"a{a}", "xy"[i % 2]) for i in range(20) for a in range(4)]
    rows += [(f"i{i}", "contrary", "yx"[i % 2]) for i in range(20)]
    votes = pl.DataFrame(rows, schema=["item_id", "actor", "label"], orient="row")
    ability = Glad(["x", "y"]).fit(votes).actor_quality_.sort("ability")
    assert ability["actor"].to_list()[0] == "contrary"
    assert ability["ability"].to_list()[0] < 0


@pytest.mark.parametrize("method", [Mace, Glad])
def test_nobody_votes_for_a_class_and_nothing_breaks(method):
    votes = pl.DataFrame([("i", "a", "x")], schema=["item_id", "actor", "label"], orient="row")
    assert method(CLASSES).fit(votes).predict()["label"].to_list() == ["x"]
