"""Label quality: how well a given label fits its probabilities, 0 to 1, low is suspect.

Self-confidence and normalized margin: Northcutt, Jiang and Chuang 2021. Confidence-weighted
entropy: Kuan and Mueller, Model-agnostic label quality scoring to detect real-world label errors,
2022.
"""

from typing import Literal

import numpy as np
from scipy.special import xlogy

from quality.label_issues.confident import Codes, Floats
from quality.label_issues.errors import LabelIssuesError

Score = Literal["self_confidence", "normalized_margin", "confidence_weighted_entropy"]
_LOWEST = 1e-6


def label_quality(score: Score, given: Codes, probabilities: Floats) -> Floats:
    """(n_items,) quality of the given labels.

    Args:
        score: self_confidence is the probability of the label; normalized_margin compares it
            with the most probable other class; confidence_weighted_entropy divides the
            uncertainty of the prediction by it.
        given: (n_items,) class codes.
        probabilities: (n_items, n_classes).

    Raises:
        LabelIssuesError: No score is called so, or it needs two classes and there is one.
    """
    own: Floats = probabilities[np.arange(len(given)), given]
    if score == "self_confidence":
        return own
    n_classes = probabilities.shape[1]
    if n_classes <= 1:
        raise LabelIssuesError(f"{score} compares classes, but there is {n_classes}.")
    if score == "normalized_margin":
        return (own - _highest_other(given, probabilities) + 1) / 2
    if score == "confidence_weighted_entropy":
        entropy = -xlogy(probabilities, probabilities).sum(axis=1) / np.log(n_classes)
        weighted = entropy / np.maximum(own, _LOWEST)
        return np.asarray(np.log1p(weighted) / np.maximum(weighted, _LOWEST))
    raise LabelIssuesError(
        f"no score is called {score!r}; expected self_confidence, normalized_margin or "
        "confidence_weighted_entropy."
    )


def _highest_other(given: Codes, probabilities: Floats) -> Floats:
    """(n_items,) highest probability of a class that is not the given one."""
    others = probabilities.copy()
    others[np.arange(len(given)), given] = -1.0
    return np.asarray(others.max(axis=1))
