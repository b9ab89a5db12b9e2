"""The linear probe: multinomial logistic regression on frozen embeddings.

How well it does says how much of the task the encoder knows already (G. Alain and Y. Bengio 2016,
Understanding intermediate layers using linear classifier probes, arXiv:1610.01644).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

STRENGTHS = (0.0003, 0.003, 0.03, 0.3, 3.0)
"""Inverse regularization strengths tried, on standardized embeddings."""
CHOSEN_ON = 2_000
CHOOSING_FOLDS = 3
ITERATIONS = 500
LEAST_SPREAD = 0.1
"""Of the usual spread: a column that hardly moves must not become the loudest."""


@dataclass(frozen=True, eq=False)
class Probe:
    """A linear model on embeddings as they are.

    Attributes:
        weight: [K, d].
        bias: [K].
        strength: The inverse regularization strength that was chosen.
    """

    weight: Floats
    bias: Floats
    strength: float

    def predict_proba(self, embeddings: NDArray[np.floating]) -> Floats:
        """Probabilities [n, K] of embeddings [n, d]."""
        scores = embeddings.astype(np.float64) @ self.weight.T + self.bias
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        found: Floats = odds / odds.sum(axis=1, keepdims=True)
        return found


def fit_probe(
    embeddings: NDArray[np.floating],
    codes: Codes,
    *,
    seed: int,
    weights: Floats | None = None,
    strength: float | None = None,
) -> Probe:
    """The probe of embeddings [n, d] for classes [n], each of 0 to K - 1 at least once.

    Args:
        embeddings: A row an item.
        codes: The class of each.
        seed: Deals the folds that the strength is chosen on.
        weights: Weight of each row; None for all alike.
        strength: Inverse regularization; None takes that of the least cross-validated loss.
    """
    if strength is None:
        strength = _chosen(embeddings, codes, weights, seed)
    return _fitted(embeddings, codes, weights, strength, int(codes.max()) + 1)


def cross_validated(
    embeddings: NDArray[np.floating],
    codes: Codes,
    *,
    folds: int,
    seed: int,
    strength: float | None = None,
    weights: Floats | None = None,
) -> Floats:
    """Probabilities [n, K] of probes that did not learn from the row."""
    fold = _deal(codes, folds, seed)
    found = np.zeros((len(codes), int(codes.max()) + 1))
    for k in range(folds):
        inside = fold == k
        rest = None if weights is None else weights[~inside]
        present, dense = np.unique(codes[~inside], return_inverse=True)
        if len(present) == 1:
            found[np.ix_(inside, present)] = 1.0
            continue
        probe = fit_probe(embeddings[~inside], dense, seed=seed, weights=rest, strength=strength)
        found[np.ix_(inside, present)] = probe.predict_proba(embeddings[inside])
    return found


def _fitted(
    embeddings: NDArray[np.floating],
    codes: Codes,
    weights: Floats | None,
    strength: float,
    n_classes: int,
) -> Probe:
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    rows = embeddings.astype(np.float64)
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    usual = float(np.sqrt(np.square(spread).mean())) or 1.0
    scale = np.maximum(spread, LEAST_SPREAD * usual)
    model = LogisticRegression(C=strength, max_iter=ITERATIONS)
    with threadpool_limits(limits=1, user_api="blas"):
        model.fit((rows - mean) / scale, codes, sample_weight=weights)
    weight, bias = model.coef_, model.intercept_
    if n_classes == 2:  # noqa: PLR2004 - of two classes scikit-learn gives one row
        weight, bias = np.vstack([-weight, weight]) / 2, np.hstack([-bias, bias]) / 2
    return Probe(weight / scale, bias - (weight / scale) @ mean, strength)


def _chosen(
    embeddings: NDArray[np.floating], codes: Codes, weights: Floats | None, seed: int
) -> float:
    if len(codes) > CHOSEN_ON:
        some = np.random.default_rng(seed).choice(len(codes), CHOSEN_ON, replace=False)
        embeddings, codes = embeddings[some], np.unique(codes[some], return_inverse=True)[1]
        weights = None if weights is None else weights[some]
    folds = min(CHOOSING_FOLDS, len(codes))
    losses = []
    for strength in STRENGTHS:
        found = cross_validated(
            embeddings, codes, folds=folds, seed=seed, strength=strength, weights=weights
        )
        loss = -np.log(np.maximum(found[np.arange(len(codes)), codes], 1e-6))
        losses.append(float(np.average(loss, weights=weights)))
    return STRENGTHS[int(np.argmin(losses))]


def _deal(codes: Codes, folds: int, seed: int) -> Codes:
    """Fold of each row [n]; every fold gets its share of each class."""
    chance = np.random.default_rng(seed).permutation(len(codes))
    fold = np.empty(len(codes), dtype=np.int64)
    fold[np.lexsort((chance, codes))] = np.arange(len(codes)) % folds
    return fold
