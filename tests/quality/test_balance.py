"""What rare classes weigh, which rows are learned from, and where decisions lie."""

import numpy as np
import pytest

from quality.balance.decision import macro_f1, moved, prior_factors, tuned_factors
from quality.balance.measures import balance
from quality.balance.training import class_weights, sampled


def test_even_classes_are_as_many_as_there_are_and_their_imbalance_is_one():
    found = balance({"a": 5, "b": 5, "c": 5, "d": 5})
    assert found is not None
    assert (found.imbalance, found.rarest_share, found.missing) == (1.0, 0.25, ())
    assert found.effective_classes == pytest.approx(4)


def test_a_class_without_labels_is_missing_and_has_no_share():
    found = balance({"a": 30, "b": 10, "c": 0})
    assert found is not None
    assert (found.imbalance, found.rarest_share, found.missing) == (3.0, 0.0, ("c",))
    # exp of the entropy of 3/4 and 1/4: 4 / 3^(3/4)
    assert found.effective_classes == pytest.approx(4 / 3**0.75)


def test_no_labels_have_no_balance():
    assert balance({"a": 0, "b": 0}) is None


def test_balanced_classes_weigh_the_same_in_total_and_items_one_on_average():
    mass = np.array([90.0, 10.0, 0.0])
    weights = class_weights(mass, "balanced")
    assert weights == pytest.approx([100 / 180, 5.0, 1.0])
    assert (weights * mass).sum() == pytest.approx(100)


def test_the_effective_number_lifts_a_rare_class_less_than_balance_does():
    mass = np.array([1000.0, 10.0])
    balanced, effective = (class_weights(mass, how) for how in ("balanced", "effective_number"))
    assert 1 < effective[1] / effective[0] < balanced[1] / balanced[0]
    # (1 - 0.999^1000) / (1 - 0.999^10): 63.5 times less overlap, not 100 times fewer items
    assert effective[1] / effective[0] == pytest.approx(63.50, abs=0.02)


def test_no_weighting_weighs_nothing():
    assert class_weights(np.array([7.0, 1.0]), "none").tolist() == [1.0, 1.0]


def test_over_sampling_keeps_every_row_and_evens_the_classes():
    codes = np.array([0] * 7 + [1] * 3)
    rows = sampled(codes, "over", seed=0)
    assert set(rows.tolist()) == set(range(10))
    assert np.bincount(codes[rows]).tolist() == [7, 7]
    assert sorted(np.bincount(rows)[7:].tolist()) == [2, 2, 3]


def test_under_sampling_repeats_no_row_and_follows_the_seed():
    codes = np.array([0] * 50 + [1] * 5 + [3] * 9)
    rows = sampled(codes, "under", seed=0)
    assert len(set(rows.tolist())) == len(rows) == 15
    assert np.bincount(codes[rows]).tolist() == [5, 5, 0, 5]
    assert rows.tolist() == sampled(codes, "under", seed=0).tolist()
    assert rows.tolist() != sampled(codes, "under", seed=1).tolist()


def test_prior_correction_undoes_what_weights_did_to_the_shares():
    learned, real = np.array([0.5, 0.5]), np.array([0.9, 0.1])
    found = moved(np.array([[0.5, 0.5], [0.1, 0.9]]), prior_factors(learned, real))
    assert found[0] == pytest.approx([0.9, 0.1])
    assert found[1] == pytest.approx([0.5, 0.5])


def test_a_class_that_was_not_learned_keeps_its_place():
    factors = prior_factors(np.array([0.6, 0.4, 0.0]), np.array([0.5, 0.5, 0.0]))
    assert np.isfinite(factors).all()
    assert factors[2] == 1.0


def test_probabilities_of_zero_stay_as_they_are():
    assert moved(np.zeros((1, 2)), np.array([2.0, 1.0])).tolist() == [[0.0, 0.0]]


def test_tuning_finds_the_rare_class_that_argmax_never_names():
    rng = np.random.default_rng(0)
    truth = (np.arange(200) % 10 == 0).astype(np.int64)
    rare = np.clip(0.1 + 0.25 * truth + rng.normal(0, 0.04, 200), 0.01, 0.49)
    probabilities = np.stack([1 - rare, rare], axis=1)
    factors = tuned_factors(probabilities, truth)
    before = macro_f1(probabilities.argmax(axis=1), truth)
    assert before < 0.5
    assert macro_f1(moved(probabilities, factors).argmax(axis=1), truth) > 0.95


def test_tuning_leaves_what_cannot_be_better():
    truth = np.array([0, 1, 0, 1])
    assert tuned_factors(np.eye(2)[truth], truth).tolist() == [1.0, 1.0]
