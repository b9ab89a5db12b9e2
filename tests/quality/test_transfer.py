"""The advisor's decisions on hand-made cases, and the probe that its evidence comes from."""

import numpy as np
import pytest

from quality.transfer.advisor import Evidence, Thresholds, advise, embedding_shift, measured
from quality.transfer.probe import cross_validated, fit_probe


def evidence(per_class: int, accuracy: float, *, shift: float = 0.3, classes: int = 2) -> Evidence:
    return Evidence(per_class * classes, classes, accuracy, 1 / classes, shift)


def blobs(n: int, classes: int = 3, d: int = 8) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    codes = np.arange(n) % classes
    return rng.normal(0, 1, (n, d)) + 3 * np.eye(classes, d)[codes], codes


@pytest.mark.parametrize(
    ("found", "strategy", "because"),
    [
        (evidence(5, 0.7), "probe", "5 labels a class are too few"),
        (evidence(2000, 0.99), "probe", "little left to gain"),
        (evidence(30, 0.7), "partial", "30 labels a class carry the last layers"),
        (evidence(400, 0.7), "full", "400 labels a class carry the whole encoder"),
        (evidence(400, 0.7, shift=0.97), "scratch", "all items look alike to the encoder"),
        (evidence(99, 0.7, shift=0.97), "full", "carry the whole encoder"),
        (evidence(400, 0.995, shift=0.97), "probe", "little left to gain"),
        (evidence(5000, 0.52, shift=0.3), "full", "carry the whole encoder"),
        (evidence(5, 0.52, shift=0.97), "probe", "too few"),
    ],
)
def test_amount_and_similarity_decide(found: Evidence, strategy: str, because: str) -> None:
    advice = advise(found)
    assert advice.strategy == strategy
    assert because in advice.reason


def test_the_thresholds_can_be_set() -> None:
    assert advise(evidence(30, 0.7), Thresholds(some=60)).strategy == "probe"


def test_skill_is_what_the_probe_gets_right_of_what_chance_gets_wrong() -> None:
    assert evidence(10, 0.75).skill == pytest.approx(0.5)
    assert evidence(10, 0.4).skill == 0
    assert Evidence(10, 1, 1.0, 1.0, 0.0).skill == 0


def test_advice_is_plain_json_values() -> None:
    told = advise(evidence(50, 0.7)).to_dict()
    assert told["evidence"]["n_labels"] == 100
    assert told["skill"] == pytest.approx(0.4)


def test_embeddings_in_one_corner_are_shifted_and_opposite_ones_are_not() -> None:
    assert embedding_shift(np.array([[2.0, 0], [5, 0]])) == pytest.approx(1)
    assert embedding_shift(np.array([[2.0, 0], [-5, 0]])) == pytest.approx(0)
    assert embedding_shift(np.array([[2.0, 0], [0, 1]])) == pytest.approx(0.5**0.5)
    assert embedding_shift(np.zeros((3, 2))) == 0


def test_a_probe_of_separated_classes_is_right_on_rows_that_it_did_not_see() -> None:
    rows, codes = blobs(300)
    found = measured(rows, codes, seed=0)
    assert found.accuracy > 0.9
    assert (found.n_labels, found.n_classes) == (300, 3)
    assert found.chance == pytest.approx(1 / 3)


def test_a_probe_of_noise_has_no_skill() -> None:
    rng = np.random.default_rng(1)
    found = measured(rng.normal(0, 1, (400, 5)), rng.integers(0, 2, 400), seed=0)
    assert found.skill < 0.15


@pytest.mark.parametrize("classes", [2, 3])
def test_a_probe_gives_probabilities_of_embeddings_as_they_are(classes: int) -> None:
    rows, codes = blobs(120, classes)
    found = fit_probe(rows * 7 + 3, codes, seed=0).predict_proba(rows * 7 + 3)
    assert found.sum(axis=1) == pytest.approx(1)
    assert (found.argmax(axis=1) == codes).mean() > 0.9


def test_a_two_class_probe_is_scikit_learns() -> None:
    from sklearn.linear_model import LogisticRegression

    rows, codes = blobs(80, 2)
    scaled = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    theirs = LogisticRegression(C=0.03, max_iter=500).fit(scaled, codes).predict_proba(scaled)
    ours = fit_probe(rows, codes, seed=0, strength=0.03).predict_proba(rows)
    assert ours == pytest.approx(theirs, abs=1e-6)


def test_a_constant_column_does_no_harm() -> None:
    rows, codes = blobs(60)
    rows[:, 7] = 4.0
    assert np.isfinite(fit_probe(rows, codes, seed=0).weight).all()


def test_a_class_of_one_row_has_probability_zero_where_nobody_learned_it() -> None:
    rows, codes = blobs(20, 2)
    codes[3] = 2
    found = cross_validated(rows, codes, folds=5, seed=0)
    assert found.shape == (20, 3)
    assert found[3, 2] == 0
    assert found.sum(axis=1) == pytest.approx(1)


def test_out_of_fold_probabilities_do_not_know_the_row() -> None:
    rng = np.random.default_rng(2)
    rows, codes = rng.normal(0, 1, (60, 200)), np.arange(60) % 2
    known = fit_probe(rows, codes, seed=0, strength=0.3).predict_proba(rows)
    found = cross_validated(rows, codes, folds=5, seed=0, strength=0.3)
    assert (known.argmax(axis=1) == codes).mean() == 1
    assert (found.argmax(axis=1) == codes).mean() < 0.75
