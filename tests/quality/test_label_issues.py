"""Confident learning against hand-computed cases, and what it refuses."""

import json

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.label_issues.confident import confident_joint, round_rows
from quality.label_issues.errors import InSampleError, LabelIssuesError
from quality.label_issues.multilabel import find_multilabel_issues, worst_last
from quality.label_issues.pruning import Rule, mislabeled, smallest
from quality.label_issues.report import LabelIssues, find_label_issues
from quality.label_issues.scores import label_quality
from quality.probabilities import ProbabilitiesError, probability_matrix

RULES: tuple[Rule, ...] = ("noise_rate", "class", "both", "off_diagonal")
CLASSES = ["cat", "dog"]
# Items 0 to 4 are labeled cat, 5 to 9 dog; item 4 looks like a dog.
CAT = np.array([0.9, 0.9, 0.8, 0.9, 0.1, 0.2, 0.1, 0.2, 0.1, 0.3])
TABLE = np.column_stack([CAT, 1 - CAT])
GIVEN = ["cat"] * 5 + ["dog"] * 5


def ids(n: int) -> list[str]:
    return [f"i{place}" for place in range(n)]


def found(labels: list[str | None] = GIVEN, rule: Rule = "noise_rate") -> LabelIssues:
    return find_label_issues(ids(len(labels)), labels, TABLE, CLASSES, seed=1, rule=rule)


def noisy(n: int, n_classes: int, seed: int) -> tuple[npt.NDArray[np.int64], ...]:
    """True classes, given labels (one in five drawn anew), probabilities."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, n_classes, n)
    label = np.where(rng.random(n) < 0.2, rng.integers(0, n_classes, n), truth)
    strength = rng.normal(0, 1, (n, n_classes)) + 3 * np.eye(n_classes)[truth]
    odds = np.exp(strength)
    return truth, label, odds / odds.sum(axis=1, keepdims=True)


def test_thresholds_and_counts_match_hand_computation() -> None:
    # cat: (0.9 + 0.9 + 0.8 + 0.9 + 0.1) / 5 = 0.72; dog: (0.8 + 0.9 + 0.8 + 0.9 + 0.7) / 5 = 0.82.
    joint = confident_joint(np.repeat([0, 1], 5), TABLE)
    assert joint.thresholds == pytest.approx([0.72, 0.82])
    assert joint.guess.tolist() == [0, 0, 0, 0, 1, -1, 1, -1, 1, -1]
    assert joint.counts.tolist() == [[4, 1], [0, 2]]
    assert joint.calibrated.tolist() == [[4, 1], [0, 5]]
    assert joint.joint == pytest.approx(np.array([[0.4, 0.1], [0, 0.5]]))


@pytest.mark.parametrize("rule", RULES)
def test_the_one_wrong_label_is_found_by_every_rule(rule: Rule) -> None:
    report = found(rule=rule)
    assert report.frame.filter("is_issue").rows() == [("i4", "cat", "dog", 0.1, True)]
    assert report.noise_rate.value == pytest.approx(0.1)


def test_scores_match_hand_computation() -> None:
    table, label = np.array([[0.7, 0.2, 0.1]]), np.array([1])
    assert label_quality("self_confidence", label, table) == pytest.approx([0.2])
    assert label_quality("normalized_margin", label, table) == pytest.approx([(0.2 - 0.7 + 1) / 2])
    entropy = -sum(p * np.log(p) for p in (0.7, 0.2, 0.1)) / np.log(3) / 0.2
    expected = np.log(entropy + 1) / entropy
    assert label_quality("confidence_weighted_entropy", label, table) == pytest.approx([expected])


def test_items_without_a_label_are_not_judged() -> None:
    report = found([None, *GIVEN[1:]])
    row = report.frame.row(0, named=True)
    assert (row["given"], row["suggested"], row["score"], row["is_issue"]) == (
        *(None, "cat", None),
        False,
    )


def test_most_wrong_labels_are_found_and_few_right_ones_are_accused() -> None:
    truth, label, table = noisy(3_000, 5, seed=1)
    for rule in RULES:
        accused = mislabeled(rule, label, table, confident_joint(label, table))
        wrong = truth != label
        assert (accused & wrong).sum() / wrong.sum() > 0.7
        assert (accused & wrong).sum() / accused.sum() > 0.8


def test_the_noise_rate_has_an_interval_around_it() -> None:
    _, label, table = noisy(2_000, 4, seed=2)
    names = [f"c{code}" for code in range(4)]
    report = find_label_issues(ids(2_000), [names[code] for code in label], table, names, seed=3)
    rate = report.noise_rate
    assert rate.value is not None
    assert rate.low is not None
    assert rate.high is not None
    assert rate.low < rate.value < rate.high
    assert rate.high - rate.low < 0.06


@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_no_rule_accuses_a_label_that_is_the_most_probable(seed: int, k: int, n: int) -> None:
    _, label, table = noisy(n, k, seed)
    joint = confident_joint(label, table)
    assert (joint.calibrated.sum(axis=1) == np.bincount(label, minlength=k)).all()
    for rule in RULES:
        accused = mislabeled(rule, label, table, joint)
        assert not accused[table.argmax(axis=1) == label].any()


@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(2, 60), st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_order_of_items_changes_nothing(seed: int, k: int, n: int, random: object) -> None:
    _, label, table = noisy(n, k, seed)
    order = np.random.default_rng(seed).permutation(n)
    shuffled = confident_joint(label[order], table[order])
    joint = confident_joint(label, table)
    for rule in RULES:
        here = mislabeled(rule, label, table, joint)
        there = mislabeled(rule, label[order], table[order], shuffled)
        assert (here[order] == there).all()


@settings(deadline=None)
@given(st.lists(st.lists(st.floats(0, 50), min_size=3, max_size=3), min_size=1, max_size=5))
def test_rounding_keeps_the_sum_of_every_row(rows: list[list[float]]) -> None:
    table = np.array(rows)
    assert (round_rows(table).sum(axis=1) == np.rint(table.sum(axis=1))).all()


def test_of_equal_values_the_first_are_the_smallest() -> None:
    assert sorted(smallest(np.array([2.0, 1, 1, 1, 0]), 3).tolist()) == [1, 2, 4]
    assert smallest(np.array([1.0, 2]), 0).tolist() == []
    assert smallest(np.array([1.0, 2]), 9).tolist() == [0, 1]


def test_probabilities_of_a_model_that_saw_the_items_are_refused() -> None:
    with pytest.raises(InSampleError, match="trained on") as caught:
        find_label_issues(ids(10), GIVEN, TABLE, CLASSES, seed=1, trained_on={"i3", "elsewhere"})
    assert (caught.value.n_in_sample, caught.value.items) == (1, ("i3",))
    with pytest.raises(InSampleError, match="no fold"):
        find_label_issues(ids(10), GIVEN, TABLE, CLASSES, seed=1, fold=[None] + [1] * 9)


def test_what_shows_that_probabilities_are_out_of_fold_is_said() -> None:
    assert found().evidence == "taken on trust"
    folds = [0, 1] * 5
    report = find_label_issues(ids(10), GIVEN, TABLE, CLASSES, seed=1, fold=folds, trained_on=[])
    assert report.evidence == "fold and trained_on"


@pytest.mark.parametrize(
    ("labels", "said"),
    [(["cat"], "1 labels"), ([*GIVEN[:9], "fish"], "fish")],
)
def test_labels_that_cannot_be_judged_are_refused(labels: list[str], said: str) -> None:
    with pytest.raises(LabelIssuesError, match=said):
        find_label_issues(ids(10), labels, TABLE, CLASSES, seed=1)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ([[0.5, 0.6]], "sum to 1"),
        ([[np.nan, 1.0]], "between 0 and 1"),
        ([[-0.5, 1.5]], "between 0 and 1"),
        ([[np.inf, 0.0]], "between 0 and 1"),
        ([[1.0]], "shape"),
        ([["a", "b"]], "no table"),
        (pl.Series([[0.5, 0.5], [1.0]]), "2 probabilities"),
        (pl.Series([[0.5, None]]), "between 0 and 1"),
        (pl.Series([None], dtype=pl.List(pl.Float64)), "2 probabilities"),
    ],
)
def test_rows_that_are_no_probabilities_are_refused(table: object, said: str) -> None:
    with pytest.raises(ProbabilitiesError, match=said):
        probability_matrix(table, n_items=1, n_classes=2)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("labels", [[], [None], ["cat"], ["cat", "cat"]])
def test_a_report_renders_whatever_it_holds(labels: list[str | None]) -> None:
    table = np.tile([0.2, 0.8], (len(labels), 1))
    report = find_label_issues(ids(len(labels)), labels, table, CLASSES, seed=1)
    json.dumps(report.to_json(), allow_nan=False)
    assert report.frame.height == len(labels)
    assert report.to_markdown().startswith("# Label issues")
    assert report.picture().startswith(b"\x89PNG")


def test_a_wrong_label_among_several_is_turned_around() -> None:
    # Item 0 is said to show no dog, which no other such item resembles.
    rng = np.random.default_rng(4)
    answers = rng.random((60, 2)) < 0.5
    table = np.where(answers, 0.9, 0.1)
    answers[0, 1], table[0, 1] = False, 0.95
    labels = [[name for name, yes in zip(CLASSES, row, strict=True) if yes] for row in answers]
    report = find_multilabel_issues(ids(60), labels, table, CLASSES)
    issue = report.frame.filter("is_issue")
    assert issue["item_id"].to_list() == ["i0"]
    assert set(issue["suggested"][0]) == {*labels[0], "dog"}
    assert report.to_json()["doubted_per_class"] == {"cat": 0, "dog": 1}
    assert "| dog | 1 |" in report.to_markdown()
    assert report.picture().startswith(b"\x89PNG")


def test_the_worst_class_weighs_most_in_the_score_of_a_set() -> None:
    assert worst_last(np.array([[0.9, 0.1, 0.5]])) == pytest.approx(
        [0.8 * 0.1 + 0.2 * (0.8 * 0.5 + 0.2 * 0.9)]
    )


def test_a_set_with_an_unknown_label_is_refused() -> None:
    with pytest.raises(LabelIssuesError, match="fish"):
        find_multilabel_issues(["i0"], [["fish"]], [[0.5, 0.5]], CLASSES)
