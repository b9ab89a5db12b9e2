"""The inner loops of the methods, written for compilation: plain loops over arrays."""

# Compiled code calls no function of ours and takes its arguments by position: long by nature.
# ruff: noqa: C901, PLR0912, PLR0917

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NEGLIGIBLE = -45.0
"""exp of less than this adds nothing to a float64 sum that holds a 1."""


def confusion_pass(
    starts: NDArray[np.int64],
    cells: NDArray[np.int32],
    weight: Floats,
    log_prior: Floats,
    log_confusion: Floats,
    posterior: Floats,
    first: int,
    last: int,
    counts: Floats,
    class_counts: Floats,
    hard: bool,
) -> float:
    """One expectation step, and the counts that the maximization needs, in one reading.

    Args:
        starts: [n_items + 1] where each item's votes start.
        cells: [n_votes] actor * n_classes + label.
        weight: [n_votes], or empty where every vote counts 1.
        log_prior: [n_classes].
        log_confusion: [n_actors * n_classes, n_classes], log P(voted | true): a row per cell,
            a column per true class.
        posterior: [n_items, n_classes] to be filled, or empty where it is not wanted.
        first: the first item.
        last: the item after the last.
        counts: as log_confusion: gathers the expected votes; must come as zeros.
        class_counts: [n_classes]: gathers the expected items; must come as zeros.
        hard: count each item for its likeliest class alone (shared evenly between tied ones).

    Returns:
        The log-likelihood of the items' votes; of the likeliest classes where hard.
    """
    n_classes = len(log_prior)
    weighted, wanted = len(weight) > 0, len(posterior) > 0
    share = np.empty(n_classes)
    log_likelihood = 0.0
    for i in range(first, last):
        if starts[i] == starts[i + 1]:
            continue
        for k in range(n_classes):
            share[k] = log_prior[k]
        for v in range(starts[i], starts[i + 1]):
            row = cells[v]
            w = weight[v] if weighted else 1.0
            for k in range(n_classes):
                share[k] += w * log_confusion[row, k]
        best = share[0]
        for k in range(1, n_classes):
            best = max(best, share[k])
        if hard and not wanted:
            total = 0.0
            for k in range(n_classes):
                share[k] = 1.0 if share[k] >= best - 1e-9 else 0.0
                total += share[k]
            log_likelihood += best
        else:
            total = 0.0
            for k in range(n_classes):
                gap = share[k] - best
                share[k] = math.exp(gap) if gap > NEGLIGIBLE else 0.0
                total += share[k]
            log_likelihood += best + math.log(total)
        for k in range(n_classes):
            share[k] /= total
            class_counts[k] += share[k]
            if wanted:
                posterior[i, k] = share[k]
        for v in range(starts[i], starts[i + 1]):
            row = cells[v]
            w = weight[v] if weighted else 1.0
            for k in range(n_classes):
                counts[row, k] += w * share[k]
    return log_likelihood


def count_pass(
    starts: NDArray[np.int64],
    cells: NDArray[np.int32],
    weight: Floats,
    posterior: Floats,
    counts: Floats,
) -> None:
    """Gather the expected votes per cell and true class from a posterior that is given.

    Args:
        starts: [n_items + 1] where each item's votes start.
        cells: [n_votes] actor * n_classes + label.
        weight: [n_votes], or empty where every vote counts 1.
        posterior: [n_items, n_classes].
        counts: [n_actors * n_classes, n_classes]; must come as zeros.
    """
    weighted = len(weight) > 0
    for i in range(len(starts) - 1):
        for v in range(starts[i], starts[i + 1]):
            w = weight[v] if weighted else 1.0
            for k in range(posterior.shape[1]):
                counts[cells[v], k] += w * posterior[i, k]
