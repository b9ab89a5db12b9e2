import numpy as np
import polars as pl
import pytest

from quality.consensus.dawid_skene import DawidSkene
from quality.consensus.start import Start
from quality.votes import VoteCodes

# Dawid and Skene 1979, table 1: 45 patients, the first observer's three readings, then one of
# each of the four others.
READINGS = """
111 1 1 1 1/333 4 3 3 4/112 2 1 2 2/222 3 1 2 1/222 3 2 2 2/222 3 3 2 2/122 2 1 1 1/333 3 4 3 3
222 2 2 2 3/232 2 2 2 3/444 4 4 4 4/222 3 3 4 3/111 1 1 1 1/222 3 2 1 2/121 1 1 1 1/111 2 1 1 1
111 1 1 1 1/111 1 1 1 1/222 2 2 2 1/222 1 3 2 2/222 2 2 2 2/222 2 2 2 1/222 3 2 2 2/221 2 2 2 2
111 1 1 1 1/111 1 1 1 1/232 2 2 2 2/111 1 1 1 1/111 1 1 1 1/112 1 1 2 1/111 1 1 1 1/333 3 2 3 3
111 1 1 1 1/222 2 2 2 2/222 3 2 3 2/433 4 3 4 3/221 2 2 3 2/232 3 2 3 3/333 3 4 3 2/111 1 1 1 1
111 1 1 1 1/121 2 1 1 1/232 2 2 2 2/121 1 1 1 1/222 2 2 2 2
"""
PATIENTS = [patient.split() for patient in READINGS.strip().replace("\n", "/").split("/")]
GRADES = ("1", "2", "3", "4")

# The same paper's estimates, to two decimals: rows are true grades.
PUBLISHED_PRIOR = [0.40, 0.42, 0.11, 0.07]
PUBLISHED_RATES = [
    [[0.89, 0.11, 0, 0], [0.07, 0.88, 0.05, 0], [0, 0.34, 0.66, 0], [0, 0, 0.56, 0.44]],
    [[0.83, 0.17, 0, 0], [0.05, 0.63, 0.31, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
    [[1, 0, 0, 0], [0.11, 0.79, 0.11, 0], [0, 0.40, 0.20, 0.40], [0, 0, 0.67, 0.33]],
    [[0.94, 0.06, 0, 0], [0.05, 0.84, 0.10, 0], [0, 0, 0.80, 0.20], [0, 0, 0.33, 0.67]],
    [[1, 0, 0, 0], [0.16, 0.73, 0.11, 0], [0, 0.21, 0.79, 0], [0, 0, 0.33, 0.67]],
]


def anaesthesia():
    rows = [
        (f"patient{p:02}", f"observer{o}", grade)
        for p, patient in enumerate(PATIENTS, 1)
        for o, readings in enumerate(patient, 1)
        for grade in readings
    ]
    frame = pl.DataFrame(rows, schema=["item_id", "actor", "label"], orient="row")
    return VoteCodes.of(frame, GRADES, repeats="all")


def prior(fitted):
    return fitted.start_.array("prior", {"true_class": fitted.classes})


def crowd(n_items=200, n_actors=8, seed=0):
    rng = np.random.default_rng(seed)
    truth, skill = rng.integers(0, 3, n_items), rng.uniform(0.5, 0.95, n_actors)
    rows = []
    for i, a in np.ndindex(n_items, n_actors):
        wrong = rng.random() > skill[a]
        rows.append((f"i{i:03}", f"a{a}", "xyz"[rng.integers(0, 3) if wrong else truth[i]]))
    return pl.DataFrame(rows, schema=["item_id", "actor", "label"], orient="row")


def test_the_published_error_rates_of_the_anaesthetists_come_out():
    fitted = DawidSkene(GRADES, tol=1e-9).fit(anaesthesia())
    rates = np.stack(list(fitted.confusions_.values()))
    assert np.abs(rates - PUBLISHED_RATES).max() < 0.0061
    assert np.abs(prior(fitted) - PUBLISHED_PRIOR).max() < 0.005


def test_the_anaesthetists_patients_get_their_published_grades():
    labels = DawidSkene(GRADES).fit(anaesthesia()).predict()["label"].to_list()
    assert labels[:12] == ["1", "4", "2", "2", "2", "2", "1", "3", "2", "2", "4", "3"]


def test_a_step_from_vote_shares_is_what_the_equations_say():
    # Two items: a and b say x on the first, a says x and b says y on the second.
    rows = [("1", "a", "x"), ("1", "b", "x"), ("2", "a", "x"), ("2", "b", "y")]
    votes = pl.DataFrame(rows, schema=["item_id", "actor", "label"], orient="row")
    fitted = DawidSkene(["x", "y"], max_iter=1).fit(votes)
    # Shares: item 1 (1, 0), item 2 (1/2, 1/2). Then pi[a] = [1, 0; 1, 0], pi[b] = [2/3, 1/3;
    # 0, 1], p = (3/4, 1/4). One expectation: item 1 stays; item 2 is 3/4*1/3 : 1/4*1, even.
    assert fitted.confusions_["b"] == pytest.approx(np.array([[2 / 3, 1 / 3], [0, 1]]), abs=1e-9)
    assert prior(fitted) == pytest.approx(np.array([3 / 4, 1 / 4]))
    assert fitted.predict()["tied"].to_list() == [False, True]
    assert (fitted.converged_, fitted.n_iter_) == (False, 1)


def test_perfect_agreement_makes_every_actor_perfect():
    rows = [(f"i{i}", f"a{a}", "xyz"[i % 3]) for i in range(9) for a in range(4)]
    votes = pl.DataFrame(rows, schema=["item_id", "actor", "label"], orient="row")
    quality = DawidSkene(["x", "y", "z"]).fit(votes).actor_quality_["quality"]
    assert quality.to_list() == pytest.approx([1.0] * 4, abs=1e-9)


def test_a_warm_start_is_a_few_iterations_to_the_same_answer():
    votes = crowd()
    cold = DawidSkene(["x", "y", "z"], tol=1e-9).fit(votes)
    warm = DawidSkene(["x", "y", "z"], tol=1e-9).fit(votes, start=cold.start_)
    assert (cold.n_iter_ > 5, warm.n_iter_ <= 3) == (True, True)
    assert warm.predict()["label"].equals(cold.predict()["label"])


def test_a_start_survives_storage_and_new_actors_and_classes():
    votes = crowd()
    stored = DawidSkene(["x", "y", "z"]).fit(votes).start_.frame
    start = Start.from_frame(stored, "dawid_skene")
    more = pl.concat([votes, votes.filter(pl.col("actor") == "a0").with_columns(actor=pl.lit("n"))])
    fitted = DawidSkene(["new", "z", "y", "x"]).fit(more, start=start)
    old = DawidSkene(["x", "y", "z"]).fit(more).predict()
    assert (fitted.predict()["label"] == old["label"]).mean() > 0.99
    assert "n" in fitted.confusions_


def test_a_warm_refit_without_votes_agrees_with_a_cold_one():
    votes = crowd()
    without = DawidSkene(["x", "y", "z"], tol=1e-10, max_iter=500).fit(votes).without(actors=["a3"])
    cold = DawidSkene(["x", "y", "z"], tol=1e-10, max_iter=500).fit(
        votes.filter(pl.col("actor") != "a3")
    )
    ours = np.array(without.predict_proba()["probabilities"].to_list())
    assert ours == pytest.approx(
        np.array(cold.predict_proba()["probabilities"].to_list()), abs=1e-4
    )


def test_the_result_does_not_depend_on_the_number_of_threads(monkeypatch):
    votes = crowd(n_items=60)
    monkeypatch.setattr("quality.consensus.passes.VOTES_PER_CHUNK", 50)
    results = []
    for cores in (1, 7):
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        results.append(DawidSkene(["x", "y", "z"]).fit(votes).predict_proba())
    assert results[0].equals(results[1])
