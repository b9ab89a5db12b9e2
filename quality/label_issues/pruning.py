"""Which items to call mislabeled, given how many there should be of each kind.

Three rules of Northcutt, Jiang and Chuang 2021, section 3.2: prune by class takes, of each given
label, the items least confident of it; prune by noise rate takes, of each pair of given label and
other class, the items with the largest margin; both takes what the two have in common. Items whose
most probable class is the given one are never called mislabeled.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt

from quality.label_issues.confident import Codes, ConfidentJoint, Floats

Rule = Literal["noise_rate", "class", "both", "off_diagonal"]
Mask = npt.NDArray[np.bool_]
_SLACK = 1e-6


def mislabeled(rule: Rule, given: Codes, probabilities: Floats, joint: ConfidentJoint) -> Mask:
    """(n_items,) whether the rule calls an item mislabeled.

    Args:
        rule: noise_rate, class, both, or off_diagonal: every item that the confident joint
            counts off its diagonal.
        given: (n_items,) class codes of the given labels.
        probabilities: (n_items, n_classes).
        joint: Their confident joint.
    """
    if rule == "off_diagonal":
        found = (joint.guess >= 0) & (joint.guess != given)
    elif rule == "class":
        found = _by_class(given, probabilities, joint)
    elif rule == "noise_rate":
        found = _by_noise_rate(given, probabilities, joint)
    else:
        found = _by_class(given, probabilities, joint)
        found &= _by_noise_rate(given, probabilities, joint)
    places = np.flatnonzero(found)
    found[places] = ~_predicted_as_given(given[places], probabilities[places])
    return np.asarray(found)


def _by_class(given: Codes, probabilities: Floats, joint: ConfidentJoint) -> Mask:
    """Of each given label as many as lie off the diagonal, the least confident first."""
    found = np.zeros(len(given), np.bool_)
    keep = np.diagonal(_expected(joint))
    for label, items in _by_label(given, len(keep)):
        found[items[smallest(probabilities[items, label], len(items) - int(keep[label]))]] = True
    return found


def _by_noise_rate(given: Codes, probabilities: Floats, joint: ConfidentJoint) -> Mask:
    """Of each cell off the diagonal as many as it counts, the largest margin first."""
    found = np.zeros(len(given), np.bool_)
    expected = _expected(joint)
    for label, items in _by_label(given, len(expected)):
        mine = probabilities.take(items, axis=0)
        for other in np.flatnonzero(expected[label]):
            if other != label:
                margin = mine[:, label] - mine[:, other]
                found[items[smallest(margin, int(expected[label, other]))]] = True
    return found


def smallest(values: Floats, n: int) -> Codes:
    """Places of the n smallest values; of equal ones the first."""
    if n <= 0:
        return np.empty(0, np.int64)
    if n >= len(values):
        return np.arange(len(values))
    limit = np.partition(values, n - 1)[n - 1]
    below = np.flatnonzero(values < limit)
    level = np.flatnonzero(values == limit)
    return np.concatenate([below, level[: n - len(below)]])


def _by_label(given: Codes, n_classes: int) -> Iterator[tuple[int, Codes]]:
    """Each label given to more than one item, with its items in order."""
    narrow = np.int16 if n_classes <= np.iinfo(np.int16).max else np.int64
    order = np.argsort(given.astype(narrow), kind="stable")  # a radix sort for the narrow ones
    ends = np.cumsum(np.bincount(given, minlength=n_classes))
    for label in range(n_classes):
        items = order[(ends[label - 1] if label else 0) : ends[label]]
        if len(items) > 1:
            yield label, items


def _expected(joint: ConfidentJoint) -> Codes:
    """Items expected in each cell, at least one correct label per class left standing.

    What the diagonal lacks is taken in equal parts from the cells beside it in its row.
    """
    counts = joint.calibrated.astype(np.float64)
    diagonal = np.diagonal(joint.calibrated)
    lacking = np.maximum(1 - diagonal, 0)
    beside = np.maximum(np.count_nonzero(joint.calibrated, axis=1) - 1, 1)
    counts = np.maximum(counts - (lacking / beside)[:, None], 0)
    np.fill_diagonal(counts, np.maximum(diagonal, 1))
    return np.asarray(counts, np.int64)


def _predicted_as_given(given: Codes, probabilities: Floats) -> Mask:
    """Whether no other class is more probable than the given one, up to rounding."""
    own = probabilities[np.arange(len(given)), given] + _SLACK
    highest = probabilities.max(axis=1)
    first = probabilities.argmax(axis=1)
    return np.asarray((own > highest) | ((own == highest) & (given <= first)))
