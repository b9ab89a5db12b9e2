"""What is judged: true classes and predictions as integer codes, checked once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quality.evaluation.errors import EvaluationError
from quality.probabilities import ProbabilitiesError, probability_matrix

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]

SMALLEST = 1e-15


@dataclass(frozen=True)
class Predictions:
    """One model's answers for items: class codes (n,), and probabilities (n, classes) if known."""

    codes: Codes
    probabilities: Floats | None

    def log_losses(self, truth: Codes) -> Floats | None:
        """Minus the log of the probability given to the truth, (n,); None without probabilities."""
        if self.probabilities is None:
            return None
        given = self.probabilities[np.arange(len(truth)), truth]
        return -np.log(np.clip(given, SMALLEST, 1.0))


def encode(labels: Sequence[Any], classes: Sequence[str], *, what: str) -> Codes:
    """Labels as positions in `classes`, (n,).

    Raises:
        EvaluationError: A label is not among the classes; says which and how often.
    """
    position = {name: code for code, name in enumerate(classes)}
    codes = np.array([position.get(label, -1) for label in labels], dtype=np.int64)
    unknown = sorted({str(label) for label in labels if label not in position})
    if unknown:
        raise EvaluationError(
            f"{int((codes < 0).sum())} {what} labels are not among the classes "
            f"{list(classes)}: {unknown[:5]}; leave these items out or add the classes",
            what=what,
            unknown=unknown,
        )
    return codes


def predictions(given: Any, classes: Sequence[str], n: int, *, what: str) -> Predictions:
    """A model's answers for n items, from labels (n,) or probabilities (n, classes).

    A row of probabilities with a tie goes to the first of the tied classes.

    Raises:
        EvaluationError: Shapes do not fit, labels are unknown, or rows are not probabilities.
    """
    probabilities = _probabilities(given, what)
    rows = len(given) if probabilities is None else len(probabilities)
    if rows != n:
        raise EvaluationError(
            f"{what} answers {rows} items and {n} are known; both must list the same items in the "
            "same order",
            what=what,
            rows=rows,
            expected=n,
        )
    if probabilities is None:
        return Predictions(encode(list(given), classes, what=what), None)
    try:
        probability_matrix(probabilities, n_items=n, n_classes=len(classes))
    except ProbabilitiesError as fault:
        raise EvaluationError(f"{what}: {fault}", what=what, rows=fault.n_faulty) from fault
    return Predictions(probabilities.argmax(axis=1).astype(np.int64), probabilities)


def _probabilities(given: Any, what: str) -> Floats | None:
    array = np.asarray(given)
    if array.ndim == 1:
        return None
    if array.ndim != 2 or array.dtype.kind not in "fiu":  # noqa: PLR2004
        raise EvaluationError(
            f"{what} must be labels (n,) or probabilities (n, classes), got {array.dtype} of shape "
            f"{array.shape}",
            what=what,
            shape=array.shape,
        )
    return array.astype(np.float64)
