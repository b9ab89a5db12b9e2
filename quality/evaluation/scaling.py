"""Making confidences hold: a temperature for whole distributions, an isotonic step for one score.

Both are fitted on items that did not train the model, and both keep the order of what they scale:
a temperature never changes the likeliest class.

References:
    Guo, Pleiss, Sun and Weinberger 2017, On calibration of modern neural networks.
    Zadrozny and Elkan 2002, Transforming classifier scores into accurate probabilities.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quality.evaluation.calibration import checked_scores
from quality.evaluation.errors import EvaluationError
from quality.evaluation.predictions import SMALLEST, encode, predictions

Floats = NDArray[np.float64]

BOUNDS = (-4.0, 4.0)


@dataclass(frozen=True)
class Temperature:
    """Divides logits by `value`: above 1 makes an overconfident model modest."""

    value: float

    def apply(self, probabilities: Any) -> Floats:
        """Scaled probabilities, (n, classes) to (n, classes)."""
        logs = np.log(np.clip(np.asarray(probabilities, dtype=np.float64), SMALLEST, 1.0))
        return _softmax(logs / self.value)


@dataclass(frozen=True)
class Isotonic:
    """A rising step function from scores to shares correct, given by its corners."""

    scores: tuple[float, ...]
    shares: tuple[float, ...]

    def apply(self, scores: Any) -> Floats:
        """Calibrated confidences, (n,) to (n,); beyond the corners the nearest one holds."""
        return np.interp(np.asarray(scores, dtype=np.float64), self.scores, self.shares)


def fit_temperature(
    probabilities: Any, truth: Sequence[str], classes: Sequence[str]
) -> Temperature:
    """The temperature with the least log loss, between exp(-4) and exp(4).

    Raises:
        EvaluationError: No items, unknown classes, or rows that are not probabilities.
    """
    from scipy.optimize import minimize_scalar

    known = encode(truth, classes, what="true")
    given = predictions(probabilities, classes, known.size, what="the model").probabilities
    if given is None or not known.size:
        raise EvaluationError("a temperature needs probabilities (n, classes) of at least one item")
    logs = np.log(np.clip(given, SMALLEST, 1.0))
    rows = np.arange(known.size)

    def loss(log_temperature: float) -> float:
        scaled = _softmax(logs / np.exp(log_temperature))
        return float(-np.log(np.clip(scaled[rows, known], SMALLEST, 1.0)).mean())

    found = minimize_scalar(loss, bounds=BOUNDS, method="bounded", options={"xatol": 1e-6})
    return Temperature(float(np.exp(found.x)))


def fit_isotonic(scores: Any, correct: Any) -> Isotonic:
    """The rising function nearest to correctness in squares; worth it from some hundred items on.

    Raises:
        EvaluationError: No items, or lengths that differ.
    """
    from sklearn.isotonic import IsotonicRegression

    given, right, _ = checked_scores(scores, correct)
    if not given.size:
        raise EvaluationError("isotonic calibration needs at least one item with a known truth")
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(given, right)
    return Isotonic(tuple(fitted.X_thresholds_.tolist()), tuple(fitted.y_thresholds_.tolist()))


def _softmax(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
