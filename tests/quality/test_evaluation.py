"""Comparing models and calibrating confidences: against scikit-learn, scipy and hand counts."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score, log_loss

from quality.evaluation.calibration import calibration, exact_interval
from quality.evaluation.comparison import Comparison, compare, mcnemar
from quality.evaluation.errors import EvaluationError
from quality.evaluation.precision import threshold_for_precision
from quality.evaluation.scaling import Isotonic, Temperature, fit_isotonic, fit_temperature

CLASSES = ["a", "b", "c"]


def answers(rng: np.random.Generator, truth: np.ndarray, accuracy: float) -> list[str]:
    right = rng.random(len(truth)) < accuracy
    return [CLASSES[t if ok else (t + 1) % 3] for t, ok in zip(truth, right, strict=True)]


def probabilities(rng: np.random.Generator, truth: np.ndarray, sharpness: float) -> np.ndarray:
    logits = rng.normal(size=(len(truth), 3))
    logits[np.arange(len(truth)), truth] += sharpness
    raised = np.exp(logits)
    return raised / raised.sum(axis=1, keepdims=True)


def judged(accuracies: tuple[float, float], n: int, seed: int = 0) -> Comparison:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    names = [CLASSES[t] for t in truth]
    one, two = (answers(rng, truth, accuracy) for accuracy in accuracies)
    return compare(names, one, two, CLASSES, seed=seed, replicates=500)


def test_scores_equal_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 400)
    names = [CLASSES[t] for t in truth]
    one, two = probabilities(rng, truth, 1.0), probabilities(rng, truth, 1.5)
    result = compare(names, one, two, CLASSES, seed=0, replicates=100)
    said = two.argmax(axis=1)
    assert result.candidate.accuracy == pytest.approx(accuracy_score(truth, said))
    assert result.candidate.macro_f1 == pytest.approx(f1_score(truth, said, average="macro"))
    assert result.champion.log_loss == pytest.approx(log_loss(truth, one))


def test_macro_f1_leaves_out_classes_that_occur_nowhere() -> None:
    result = compare(["a", "b"], ["a", "b"], ["a", "b"], CLASSES, seed=0, replicates=10)
    assert result.champion.macro_f1 == 1


def test_a_clearly_better_candidate_is_better() -> None:
    result = judged((0.7, 0.8), 1000)
    assert result.better
    low, high = result.intervals["accuracy"] or (0, 0)
    assert 0 < low < result.candidate.accuracy - result.champion.accuracy < high


def test_a_worse_candidate_is_said_to_be_worse() -> None:
    result = judged((0.8, 0.7), 1000)
    assert not result.better
    assert "worse" in result.reason


def test_an_equal_candidate_is_seldom_called_better() -> None:
    called = [judged((0.75, 0.75), 200, seed).better for seed in range(100)]
    assert sum(called) <= 7


def test_a_model_is_not_better_than_itself() -> None:
    result = compare(["a", "b"] * 20, ["a"] * 40, ["a"] * 40, CLASSES, seed=0)
    assert (result.better, result.mcnemar_p) == (False, 1.0)
    assert result.intervals["accuracy"] == (0.0, 0.0)


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_equals_scipys_binomial_test(one: int, two: int) -> None:
    expected = stats.binomtest(one, one + two).pvalue if one + two else 1.0
    assert mcnemar(one, two) == pytest.approx(expected, abs=1e-9)


def test_the_bootstrap_interval_is_that_of_the_normal_limit() -> None:
    result = judged((0.7, 0.72), 5000)
    only = np.array([result.only_champion_right, result.only_candidate_right])
    difference = (only[1] - only[0]) / 5000
    half = 1.96 * math.sqrt(only.sum() / 5000 - difference**2) / math.sqrt(5000)
    assert result.intervals["accuracy"] == pytest.approx(
        (difference - half, difference + half), abs=0.002
    )


def test_log_loss_may_decide() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 3000)
    names = [CLASSES[t] for t in truth]
    good = probabilities(rng, truth, 1.5)
    bad = Temperature(0.3).apply(good)
    assert compare(names, bad, good, CLASSES, seed=0, metric="log_loss").better
    assert not compare(names, good, bad, CLASSES, seed=0, metric="log_loss").better


def test_a_comparison_is_the_same_for_the_same_seed() -> None:
    assert judged((0.7, 0.8), 100).to_json() == judged((0.7, 0.8), 100).to_json()


def test_a_comparison_as_markdown_names_every_score() -> None:
    text = judged((0.7, 0.8), 500).to_markdown()
    assert all(name in text for name in ("**Better**", "accuracy", "macro-F1", "log loss"))


@pytest.mark.parametrize(
    ("truth", "one", "two", "words"),
    [
        ([], [], [], "no test items"),
        (["x"], ["a"], ["a"], "true labels are not among the classes"),
        (["a"], ["a", "b"], ["a"], "the champion answers 2 items and 1 are known"),
        (["a"], ["a"], [[0.5, 0.6, 0.1]], "the candidate: 1 rows are no probabilities"),
        (["a"], ["a"], [[math.nan] * 3], "no probabilities"),
        (["a"], ["a"], [[0.5, 0.5]], "1 items by 3 classes"),
    ],
)
def test_what_cannot_be_compared_is_refused(truth, one, two, words) -> None:
    with pytest.raises(EvaluationError, match=words):
        compare(truth, one, two, CLASSES, seed=0)


def test_calibration_by_hand() -> None:
    result = calibration([0.95, 0.95, 0.55, 0.55], [True, True, True, False], bins=10)
    assert result.ece == pytest.approx((0.05 + 0.05) / 2)
    assert result.brier == pytest.approx((2 * 0.05**2 + 0.45**2 + 0.55**2) / 4)
    assert [level.n for level in result.levels] == [0, 0, 0, 0, 0, 2, 0, 0, 0, 2]


def test_confidences_that_hold_have_next_to_no_error() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(100_000)
    result = calibration(confidence, rng.random(100_000) < confidence)
    assert result.ece is not None
    assert result.ece < 0.01


def test_missing_confidences_are_counted() -> None:
    assert calibration([0.5, math.nan], [True, True]).n_left_out == 1


def test_calibration_of_nothing_is_none_with_its_reason() -> None:
    result = calibration([], [])
    assert (result.ece, result.n) == (None, 0)
    assert "no label" in result.to_markdown()
    assert json.loads(result.to_json())["ece"] is None


@pytest.mark.parametrize(
    ("confidence", "correct"), [([1.2], [True]), ([0.5], [True, False]), ([0.5], [2])]
)
def test_confidences_that_cannot_be_judged_are_refused(confidence, correct) -> None:
    with pytest.raises(EvaluationError):
        calibration(confidence, correct)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_exact_interval_equals_scipys(case: tuple[int, int]) -> None:
    expected = stats.binomtest(*case).proportion_ci(0.95, method="exact")
    assert exact_interval(*case, 0.95) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_a_temperature_undoes_a_known_sharpening() -> None:
    rng = np.random.default_rng(0)
    honest = rng.dirichlet([1, 1, 1], 20_000)
    truth = [CLASSES[rng.choice(3, p=row)] for row in honest]
    found = fit_temperature(Temperature(0.5).apply(honest), truth, CLASSES)
    assert found.value == pytest.approx(2.0, rel=0.03)


@given(st.floats(0.1, 10))
def test_a_temperature_keeps_the_likeliest_class(value: float) -> None:
    given_rows = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    scaled = Temperature(value).apply(given_rows)
    assert scaled.argmax(axis=1).tolist() == [0, 2]
    assert scaled.sum(axis=1) == pytest.approx(1)


def test_isotonic_calibration_lowers_the_error_of_skewed_scores() -> None:
    rng = np.random.default_rng(0)
    chance = rng.random((2, 5000))
    correct = rng.random((2, 5000)) < chance
    fitted = fit_isotonic(chance[0] ** 3, correct[0])
    before, after = (
        calibration(scores, correct[1]).ece or 0
        for scores in (chance[1] ** 3, fitted.apply(chance[1] ** 3))
    )
    assert after < before / 4


def test_isotonic_holds_its_ends_beyond_what_it_saw() -> None:
    assert Isotonic((0.2, 0.8), (0.1, 0.9)).apply([0.0, 0.5, 1.0]).tolist() == pytest.approx(
        [0.1, 0.5, 0.9]
    )


def test_the_threshold_keeps_its_promise_as_often_as_stated() -> None:
    broken = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        scores = rng.random(1000)
        found = threshold_for_precision(scores, rng.random(1000) < scores, 0.8, 0.9)
        if found.threshold is not None:
            # The chance to be right at a score s is s: above t it is (1 + t) / 2 on average.
            broken += (1 + found.threshold) / 2 < 0.8
    assert broken <= 20


def test_a_threshold_is_found_where_the_scores_tell() -> None:
    rng = np.random.default_rng(0)
    scores = rng.random(20_000)
    found = threshold_for_precision(scores, rng.random(20_000) < scores, 0.9)
    assert found.threshold == pytest.approx(0.82, abs=0.03)
    assert (found.lower_bound or 0) >= 0.9


def test_where_no_threshold_will_do_the_items_needed_are_named() -> None:
    found = threshold_for_precision([0.9] * 10, [True] * 10, 0.99)
    assert found.threshold is None
    # One candidate: 0.99 ** 299 < 0.05 <= 0.99 ** 298.
    assert "299 accepted items" in found.reason


def test_no_items_give_no_threshold() -> None:
    assert threshold_for_precision([], [], 0.9).threshold is None


def test_precision_of_one_cannot_be_promised() -> None:
    with pytest.raises(EvaluationError, match="precision"):
        threshold_for_precision([0.5], [True], 1.0)
