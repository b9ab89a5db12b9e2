"""Confident learning: how often a label i was given where the class is j.

Northcutt, Jiang and Chuang, Confident Learning, JAIR 70, 2021. The threshold of class j is the mean
probability of j over the items labeled j; an item labeled i that reaches the threshold of j is
counted as (i, j). An item that reaches several counts for its most probable class of all, as in
cleanlab; the paper takes the most probable of those it reached.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_SLACK = 1e-6
_LOWEST_THRESHOLD = 2e-6
_OUT_OF_REACH = 2.0
_TIE_DECIMALS = 9


@dataclass(frozen=True)
class ConfidentJoint:
    """Counts of given labels against confident classes.

    Attributes:
        thresholds: (n_classes,) mean self-confidence; 2 for a class that no label names.
        guess: (n_items,) the confident class of each item, -1 where there is none.
        counts: (n_classes, n_classes) items by given label and confident class, at least 1 on
            the diagonal.
        calibrated: The same scaled to the number of items with each given label, whole numbers.
    """

    thresholds: Floats
    guess: Codes
    counts: Codes
    calibrated: Codes

    @property
    def joint(self) -> Floats:
        """(n_classes, n_classes) share of items by given label and class; sums to 1."""
        total = self.calibrated.sum()
        return self.calibrated / total if total else self.calibrated.astype(np.float64)


def confident_joint(given: Codes, probabilities: Floats) -> ConfidentJoint:
    """The confident joint of given labels (n_items,) and probabilities (n_items, n_classes)."""
    n_classes = probabilities.shape[1]
    thresholds = class_thresholds(given, probabilities)
    guess = confident_classes(probabilities, thresholds)
    sure = guess >= 0
    cells = given[sure] * n_classes + guess[sure]
    counts = np.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes)
    places = np.arange(n_classes)
    counts[places, places] = np.maximum(counts[places, places], 1)
    return ConfidentJoint(thresholds, guess, counts, calibrated(counts, given))


def class_thresholds(given: Codes, probabilities: Floats) -> Floats:
    """(n_classes,) mean probability of a class over the items that are labeled so."""
    n_classes = probabilities.shape[1]
    own: Floats = probabilities[np.arange(len(given)), given]
    n_given = np.bincount(given, minlength=n_classes)
    total = np.bincount(given, own, n_classes)
    mean = np.full(n_classes, _OUT_OF_REACH)
    np.divide(total, n_given, out=mean, where=n_given > 0)
    return np.asarray(np.maximum(mean, _LOWEST_THRESHOLD))


def confident_classes(probabilities: Floats, thresholds: Floats) -> Codes:
    """(n_items,) class whose threshold an item reaches, the most probable of several, else -1."""
    reached = probabilities >= thresholds - _SLACK
    n_reached = np.count_nonzero(reached, axis=1)
    guess: Codes = reached.argmax(axis=1)
    several = np.flatnonzero(n_reached > 1)
    guess[several] = probabilities[several].argmax(axis=1)
    guess[n_reached == 0] = -1
    return guess


def calibrated(counts: npt.NDArray[np.int64], given: Codes) -> Codes:
    """Counts scaled so that each row sums to the number of items with that given label."""
    n_given = np.bincount(given, minlength=len(counts)).astype(np.float64)
    return round_rows(counts / counts.sum(axis=1, keepdims=True) * n_given[:, None])


def round_rows(rows: Floats) -> Codes:
    """Rows of whole numbers with the same sums, rounded where the error is least.

    Of equal errors the last class is raised and the first one lowered; cleanlab leaves that to
    the last bit of a sum.
    """
    whole = np.rint(rows)
    missing = np.rint(rows.sum(axis=1)) - whole.sum(axis=1)
    for row in np.flatnonzero(missing):
        error = np.round(rows[row] - whole[row], _TIE_DECIMALS)
        step = 1 if missing[row] > 0 else -1
        order = np.argsort(error, kind="stable")[::-step]
        changed = order[: int(abs(missing[row]))]
        whole[row, changed] += step
    return whole.astype(np.int64)
