"""MMD and the classifier two-sample test: exact under one source, and able to tell two."""

import numpy as np
import pytest

from quality.drift.classifier import classifier_two_sample
from quality.drift.errors import DriftError
from quality.drift.mmd import mmd


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_mmd_alarms_no_more_often_than_alpha_on_one_source(alpha: float) -> None:
    p_values = []
    for seed in range(200):
        one, two = np.random.default_rng(seed).normal(size=(2, 30, 3))
        p_values.append(mmd(one, two, seed=seed, permutations=99).p_value)
    assert np.mean(np.array(p_values) <= alpha) <= alpha + 3 * np.sqrt(alpha / 200)


def test_classifier_alarms_no_more_often_than_alpha_on_one_source() -> None:
    p_values = []
    for seed in range(200):
        one, two = np.random.default_rng(seed).normal(size=(2, 40, 3))
        p_values.append(classifier_two_sample(one, two, seed=seed).p_value)
    assert np.mean(np.array(p_values) <= 0.1) <= 0.1 + 3 * np.sqrt(0.09 / 200)


@pytest.mark.parametrize("scale", [1.6, 0.6])
def test_a_change_of_spread_alone_is_seen(scale: float) -> None:
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(600, 5)), rng.normal(0, scale, (600, 5))
    assert mmd(one, two, seed=0).p_value == pytest.approx(0.001)
    assert classifier_two_sample(one, two, seed=0).effect > 0.2


def test_the_classifiers_effect_is_about_the_share_that_moved() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(4000, 2)), rng.normal(size=(4000, 2))
    two[:1200] += 50
    assert classifier_two_sample(one, two, seed=0).effect == pytest.approx(0.3, abs=0.03)


def test_the_unit_of_an_embedding_does_not_matter() -> None:
    one, two = np.random.default_rng(0).normal(size=(2, 100, 4))
    first, second = mmd(one, two, seed=3), mmd(one * 1000, two * 1000, seed=3)
    assert first.statistic == pytest.approx(second.statistic)
    assert first.p_value == second.p_value


def test_constant_embeddings_are_no_drift() -> None:
    same = np.ones((60, 3))
    assert mmd(same, same, seed=0).p_value == 1
    assert classifier_two_sample(same, same, seed=0).effect == 0


def test_embeddings_of_two_widths_are_refused() -> None:
    with pytest.raises(DriftError, match="one width"):
        mmd(np.zeros((5, 2)), np.zeros((5, 3)), seed=0)
