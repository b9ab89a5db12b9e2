"""Classifier two-sample test: if a classifier can tell two samples apart, they differ.

One half of the rows trains the classifier, the other half is judged: its answers there are
independent of the training, so that their p-value is exact. How well it does is an effect with a
meaning: at least that share of probability has moved.

Reference:
    Lopez-Paz and Oquab 2017, Revisiting classifier two-sample tests, arXiv:1610.06545.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quality.drift.random_features import fourier_features

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ClassifierTest:
    """Result of `classifier_two_sample`.

    Attributes:
        effect: Share of current rows called current less that of reference rows, 0 when negative:
            a lower estimate of the total variation between the sources.
        p_value: Fisher's exact test, one-sided, on the rows held out.
        n_held_out: Rows judged.
    """

    effect: float
    p_value: float
    n_held_out: int


def classifier_two_sample(reference: Any, current: Any, *, seed: int) -> ClassifierTest:
    """Tests two samples (n, d) and (m, d), of at least four rows each.

    The classifier is a ridge on random Fourier features: it also finds differences that no
    straight line shows.
    """
    rng = np.random.default_rng(seed)
    return classify_features(*fourier_features((reference, current), rng=rng), rng)


def classify_features(one: Floats, two: Floats, rng: np.random.Generator) -> ClassifierTest:
    """The same test on random features, (n, features) and (m, features)."""
    train_one, test_one = _halves(one, rng)
    train_two, test_two = _halves(two, rng)
    weights, offset = _ridge(train_one, train_two)
    false_hits = int((test_one @ weights > offset).sum())
    hits = int((test_two @ weights > offset).sum())
    effect = hits / len(test_two) - false_hits / len(test_one)
    p_value = _fisher(hits, false_hits, len(test_two), len(test_one))
    return ClassifierTest(max(effect, 0.0), p_value, len(test_one) + len(test_two))


def _halves(rows: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    shuffled = rows[rng.permutation(len(rows))]
    return shuffled[: len(rows) // 2], shuffled[len(rows) // 2 :]


def _ridge(one: Floats, two: Floats) -> tuple[Floats, float]:
    """Discriminant between two samples with equal say, and the value halfway between them."""
    mean_one, mean_two = one.mean(axis=0), two.mean(axis=0)
    spread = (_covariance(one, mean_one) + _covariance(two, mean_two)) / 2
    penalty = np.trace(spread) / len(spread) + 1e-12
    smooth = 10.0 * len(spread) / (len(one) + len(two))
    ridge = spread + smooth * penalty * np.eye(len(spread))
    weights = np.linalg.solve(ridge, mean_two - mean_one)
    return weights, float(weights @ (mean_one + mean_two) / 2)


def _covariance(rows: Floats, mean: Floats) -> Floats:
    centered = rows - mean
    return np.asarray(centered.T @ centered / len(rows))


def _fisher(hits: int, false_hits: int, n: int, m: int) -> float:
    from scipy.stats import hypergeom

    return float(hypergeom.sf(hits - 1, n + m, hits + false_hits, n))
