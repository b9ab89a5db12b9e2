"""Where a decision lies: factors that move class probabilities before the best is taken."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

STEPS = np.exp(np.linspace(-3, 3, 61))
SWEEPS = 3


def prior_factors(learned: Floats, wanted: Floats) -> Floats:
    """Factors [K] from the class shares that a model learned from to those that are wanted.

    M. Saerens et al. 2002, Adjusting the outputs of a classifier to new a priori probabilities,
    https://doi.org/10.1162/089976602753284446. A class that was not learned keeps factor 1.
    """
    seen = learned > 0
    return np.where(seen, wanted / np.where(seen, learned, 1.0), 1.0)


def moved(probabilities: Floats, factors: Floats) -> Floats:
    """Probabilities [n, K] by the factors, rows summing to 1 again."""
    found = probabilities * factors
    total = found.sum(axis=1, keepdims=True)
    rows: Floats = np.where(total > 0, found / np.where(total > 0, total, 1.0), probabilities)
    return rows


def tuned_factors(probabilities: Floats, truth: Codes) -> Floats:
    """Factors [K] with the best macro-F1 on labeled items, class by class in three sweeps.

    Of equals the factor nearest to 1 is taken; classes without an item keep theirs at 1.
    """
    factors = np.ones(probabilities.shape[1])
    by_nearness = STEPS[np.argsort(np.abs(np.log(STEPS)), kind="stable")]
    for _ in range(SWEEPS):
        before = factors.copy()
        for code in np.unique(truth):
            tries = [
                np.where(np.arange(len(factors)) == code, step, factors) for step in by_nearness
            ]
            scores = [macro_f1((probabilities * each).argmax(axis=1), truth) for each in tries]
            factors = tries[int(np.argmax(scores))]
        if np.array_equal(before, factors):
            break
    return factors


def macro_f1(found: Codes, truth: Codes) -> float:
    """Mean F1 over the classes that occur in truth."""
    scores = []
    for code in np.unique(truth):
        right = np.count_nonzero((found == code) & (truth == code))
        scores.append(
            2 * right / (np.count_nonzero(found == code) + np.count_nonzero(truth == code))
        )
    return float(np.mean(scores))
