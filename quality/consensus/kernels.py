"""The inner loops of the methods, written for compilation: plain loops over arrays."""

# Compiled code calls no function of ours and takes its arguments by position: long by nature.
# ruff: noqa: C901, PLR0912, PLR0917

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NEGLIGIBLE = -45.0
"""exp of less than this adds nothing to a float64 sum that holds a 1."""

LEAST, MOST = 1e-250, 1e250
"""Products of probabilities beyond these are taken again, as sums of logs."""


def confusion_pass(
    starts: NDArray[np.int64],
    cells: NDArray[np.int32],
    weight: Floats,
    log_prior: Floats,
    log_confusion: Floats,
    prior: Floats,
    confusion: Floats,
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
        prior: [n_classes], exp of log_prior.
        confusion: exp of log_confusion.
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
        total = 0.0
        if not weighted:
            for k in range(n_classes):
                share[k] = prior[k]
            for v in range(starts[i], starts[i + 1]):
                row = cells[v]
                for k in range(n_classes):
                    share[k] *= confusion[row, k]
            for k in range(n_classes):
                total += share[k]
        if not LEAST < total < MOST:
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
            log_likelihood += best
            total = 0.0
            for k in range(n_classes):
                gap = share[k] - best
                share[k] = math.exp(gap) if gap > NEGLIGIBLE else 0.0
                total += share[k]
        if hard and not wanted:
            best = share[0]
            for k in range(1, n_classes):
                best = max(best, share[k])
            log_likelihood += math.log(best)
            total = 0.0
            for k in range(n_classes):
                share[k] = 1.0 if share[k] >= best * (1 - 1e-9) else 0.0
                total += share[k]
        else:
            log_likelihood += math.log(total)
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


def hit_pass(
    starts: NDArray[np.int64],
    labels: NDArray[np.int32],
    cells: NDArray[np.int32],
    weight: Floats,
    prior: Floats,
    gain: Floats,
    odds: Floats,
    miss: Floats,
    posterior: Floats,
    first: int,
    last: int,
    hits: Floats,
    class_counts: Floats,
) -> float:
    """An expectation step where a vote speaks for its own class and evenly against the others.

    Args:
        starts: [n_items + 1] where each item's votes start.
        labels: [n_votes].
        cells: [n_votes] actor * n_classes + label.
        weight: [n_votes], or empty where every vote counts 1.
        prior: [n_classes].
        gain: [n_actors * n_classes] log P(vote | its class is true) - log P(vote | it is not).
        odds: exp of gain.
        miss: [n_actors * n_classes] log P(vote | its class is not true).
        posterior: [n_items, n_classes] to be filled, or empty where it is not wanted.
        first: the first item.
        last: the item after the last.
        hits: as gain: gathers the expected votes that are right; must come as zeros.
        class_counts: [n_classes]: gathers the expected items; must come as zeros.

    Returns:
        The log-likelihood of the items' votes.
    """
    n_classes = len(prior)
    weighted, wanted = len(weight) > 0, len(posterior) > 0
    share = np.empty(n_classes)
    log_likelihood = 0.0
    for i in range(first, last):
        if starts[i] == starts[i + 1]:
            continue
        total, base = 0.0, 0.0
        if not weighted:
            for k in range(n_classes):
                share[k] = prior[k]
            for v in range(starts[i], starts[i + 1]):
                share[labels[v]] *= odds[cells[v]]
                base += miss[cells[v]]
            for k in range(n_classes):
                total += share[k]
        if LEAST < total < MOST:
            log_likelihood += base + math.log(total)
        else:
            share[:] = 0.0
            base = 0.0
            for v in range(starts[i], starts[i + 1]):
                w = weight[v] if weighted else 1.0
                share[labels[v]] += w * gain[cells[v]]
                base += w * miss[cells[v]]
            best = share[0]
            for k in range(1, n_classes):
                best = max(best, share[k])
            total = 0.0
            for k in range(n_classes):
                share[k] = prior[k] * math.exp(share[k] - best)
                total += share[k]
            log_likelihood += base + best + math.log(total)
        for k in range(n_classes):
            share[k] /= total
            class_counts[k] += share[k]
            if wanted:
                posterior[i, k] = share[k]
        for v in range(starts[i], starts[i + 1]):
            w = weight[v] if weighted else 1.0
            hits[cells[v]] += w * share[labels[v]]
    return log_likelihood


def glad_pass(
    starts: NDArray[np.int64],
    labels: NDArray[np.int32],
    actors: NDArray[np.int32],
    weight: Floats,
    n_classes: int,
    ability: Floats,
    ease: Floats,
    posterior: Floats,
    first: int,
    last: int,
    gradient: Floats,
    curvature: Floats,
) -> float:
    """One expectation step of GLAD, a better ease for each item, and the slopes for abilities.

    Args:
        starts: [n_items + 1] where each item's votes start.
        labels: [n_votes].
        actors: [n_votes].
        weight: [n_votes], or empty where every vote counts 1.
        n_classes: how many classes, all equally likely.
        ability: [n_actors].
        ease: [n_items], the log of the inverse difficulty; overwritten unless the posterior
            is wanted.
        posterior: [n_items, n_classes] to be filled, or empty where it is not wanted.
        first: the first item.
        last: the item after the last.
        gradient: [n_actors]: gathers the slope of the expected log-likelihood; zeros at first.
        curvature: [n_actors]: gathers its expected curvature, negated; zeros at first.

    Returns:
        The log-likelihood of the items' votes and of their ease under its normal prior.
    """
    weighted, wanted = len(weight) > 0, len(posterior) > 0
    share = np.empty(n_classes)
    most = 0
    for i in range(first, last):
        most = max(most, starts[i + 1] - starts[i])
    right = np.empty(most)
    odds = math.log(n_classes - 1.0)
    log_likelihood = 0.0
    for i in range(first, last):
        if starts[i] == starts[i + 1]:
            continue
        share[:] = 0.0
        scale = math.exp(ease[i])
        for v in range(starts[i], starts[i + 1]):
            w = weight[v] if weighted else 1.0
            x = ability[actors[v]] * scale
            share[labels[v]] += w * (x + odds)
            lack = math.exp(-abs(x))
            right[v - starts[i]] = (1.0 if x > 0 else lack) / (1.0 + lack)
            log_likelihood -= w * (max(x, 0.0) + math.log1p(lack) + odds)
        best = share[0]
        for k in range(1, n_classes):
            best = max(best, share[k])
        total = 0.0
        for k in range(n_classes):
            share[k] = math.exp(share[k] - best)
            total += share[k]
        log_likelihood += best + math.log(total / n_classes) - 0.5 * (ease[i] - 1.0) ** 2
        for k in range(n_classes):
            share[k] /= total
            if wanted:
                posterior[i, k] = share[k]
        if wanted:
            continue
        slope, bend = 1.0 - ease[i], 1.0
        for v in range(starts[i], starts[i + 1]):
            w = weight[v] if weighted else 1.0
            x = ability[actors[v]] * scale
            sure = right[v - starts[i]]
            slope += w * (share[labels[v]] - sure) * x
            bend += w * sure * (1.0 - sure) * x * x
        ease[i] += max(-1.0, min(1.0, slope / bend))
        scale = math.exp(ease[i])
        for v in range(starts[i], starts[i + 1]):
            w = weight[v] if weighted else 1.0
            sure = 1.0 / (1.0 + math.exp(-ability[actors[v]] * scale))
            gradient[actors[v]] += w * (share[labels[v]] - sure) * scale
            curvature[actors[v]] += w * sure * (1.0 - sure) * scale * scale
    return log_likelihood


def majority_pass(
    shares: Floats, predicted: Floats, frequency: Floats, tie: float, consensus: Floats
) -> None:
    """The class with the most votes; of tied ones the likelier, of these the rarer.

    Args:
        shares: [n_items, n_classes] the shares of the votes.
        predicted: [n_items, n_classes] a classifier's probabilities.
        frequency: [n_classes] how often each class is voted for.
        tie: values that differ by no more are tied.
        consensus: [n_items, n_classes] to be filled: rows that sum to 1, shared evenly between
            classes that nothing tells apart.
    """
    n_classes = len(frequency)
    tied = np.empty(n_classes, np.bool_)
    for i in range(len(shares)):
        most, likeliest, rarest = 0.0, -1.0, np.inf
        for k in range(n_classes):
            most = max(most, shares[i, k])
        for k in range(n_classes):
            tied[k] = shares[i, k] >= most - tie
            if tied[k]:
                likeliest = max(likeliest, predicted[i, k])
        for k in range(n_classes):
            tied[k] = tied[k] and predicted[i, k] >= likeliest - tie
            if tied[k]:
                rarest = min(rarest, frequency[k])
        total = 0.0
        for k in range(n_classes):
            consensus[i, k] = 1.0 if tied[k] and frequency[k] <= rarest else 0.0
            total += consensus[i, k]
        for k in range(n_classes):
            consensus[i, k] /= total


def mean_pass(
    starts: NDArray[np.int64],
    labels: NDArray[np.int32],
    actors: NDArray[np.int32],
    weight: Floats,
    predicted: Floats,
    classifier: Floats,
    actor_weight: Floats,
    right: float,
    tie: float,
    posterior: Floats,
    consensus: Floats,
) -> None:
    """The mean of the classifier's and the actors' probabilities, by weight.

    Args:
        starts: [n_items + 1] where each item's votes start.
        labels: [n_votes].
        actors: [n_votes].
        weight: [n_votes], or empty where every vote counts 1.
        predicted: [n_items, n_classes] the classifier's probabilities.
        classifier: [n_items] its weight; 0 where it says nothing.
        actor_weight: [n_actors].
        right: the probability that a vote lends to its class; the others share the rest.
        tie: probabilities that differ by no more are tied.
        posterior: [n_items, n_classes] to be filled where there are votes.
        consensus: [n_items, n_classes]: set to 1 for the likeliest class, where it is one.
    """
    n_classes = predicted.shape[1]
    other = (1 - right) / (n_classes - 1)
    for i in range(len(predicted)):
        if starts[i] == starts[i + 1]:
            continue
        for k in range(n_classes):
            posterior[i, k] = classifier[i] * predicted[i, k]
        cast = 0.0
        for v in range(starts[i], starts[i + 1]):
            w = actor_weight[actors[v]] * (weight[v] if len(weight) else 1.0)
            posterior[i, labels[v]] += w * (right - other)
            cast += w
        best = 0.0
        for k in range(n_classes):
            posterior[i, k] = (posterior[i, k] + cast * other) / (cast + classifier[i])
            best = max(best, posterior[i, k])
        n_best = 0
        for k in range(n_classes):
            n_best += posterior[i, k] >= best - tie
        if n_best == 1:
            for k in range(n_classes):
                consensus[i, k] = 1.0 if posterior[i, k] >= best - tie else 0.0
