"""Expectation and maximization over votes, given a confusion table per actor."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from quality.compiled import compiled
from quality.consensus.kernels import confusion_pass, count_pass
from quality.consensus.majority import vote_shares
from quality.consensus.passes import over_chunks
from quality.votes import VoteCodes

Floats = NDArray[np.float64]
T = TypeVar("T")

FLOOR = 1e-10
"""The least count that a class or a cell of a confusion table holds: no vote vetoes a class."""

EMPTY = np.empty(0)
NO_POSTERIOR = np.empty((0, 0))


@dataclass(frozen=True)
class Expected:
    """What the votes amount to under given tables.

    Attributes:
        counts: [n_actors, n_classes, n_classes] expected votes by true and voted class, or, by
            cell, [n_cells, n_classes] expected votes by true class.
        class_counts: [n_classes] expected items of each class.
        log_likelihood: of the votes under the tables.
    """

    counts: Floats
    class_counts: Floats
    log_likelihood: float


def climb(
    step: Callable[[T], tuple[T, float]], theta: T, *, tol: float, max_iter: int
) -> tuple[T, bool, int]:
    """Repeat a step until what it climbs gains no more than tol.

    Args:
        step: from parameters to better ones, and how good the given ones were.
        theta: the first parameters.
        tol: the gain at which to stop.
        max_iter: the most steps.

    Returns:
        The last parameters, whether the gain fell to tol, and the number of steps.
    """
    reached = -np.inf
    for n_iter in range(1, max_iter + 1):
        theta, height = step(theta)
        if abs(height - reached) <= tol:
            return theta, True, n_iter
        reached = height
    return theta, False, max_iter


def expected(
    votes: VoteCodes,
    log_prior: Floats,
    log_confusion: Floats,
    *,
    hard: bool = False,
    posterior: Floats = NO_POSTERIOR,
) -> Expected:
    """The expectation step with a confusion table per actor.

    Args:
        votes: the votes.
        log_prior: [n_classes].
        log_confusion: [n_actors, n_classes, n_classes], log P(voted | true), rows true.
        hard: count each item for its likeliest class alone.
        posterior: [n_items, n_classes] to be filled with P(true | votes), if wanted.
    """
    rows = np.ascontiguousarray(log_confusion.transpose(0, 2, 1)).reshape(-1, votes.n_classes)
    found = expected_cells(votes, votes.cells, log_prior, rows, hard=hard, posterior=posterior)
    return replace(found, counts=_by_true_class(found.counts, votes))


def expected_cells(
    votes: VoteCodes,
    cells: NDArray[np.int32],
    log_prior: Floats,
    log_rows: Floats,
    *,
    hard: bool = False,
    posterior: Floats = NO_POSTERIOR,
) -> Expected:
    """The expectation step with a row of log-probabilities per vote.

    Args:
        votes: the votes.
        cells: int32 [n_votes]: the row that each vote speaks with.
        log_prior: [n_classes].
        log_rows: [n_cells, n_classes], log P(vote | true class).
        hard: count each item for its likeliest class alone.
        posterior: [n_items, n_classes] to be filled with P(true | votes), if wanted.
    """
    kernel = compiled(confusion_pass)
    prior, rows = np.exp(log_prior), np.exp(log_rows)

    def run(first: int, last: int) -> Expected:
        counts, class_counts = np.zeros_like(log_rows), np.zeros(votes.n_classes)
        height = kernel(
            votes.starts, cells, _weight(votes), log_prior, log_rows, prior, rows,
            posterior, first, last, counts, class_counts, hard,
        )  # fmt: skip
        return Expected(counts, class_counts, height)

    size = log_rows.size
    parts = over_chunks(run, n_items=votes.n_items, n_votes=votes.n_votes, n_floats=size)
    return Expected(
        sum((part.counts for part in parts), np.zeros_like(log_rows)),
        sum((part.class_counts for part in parts), np.zeros(votes.n_classes)),
        sum(part.log_likelihood for part in parts),
    )


def majority_counts(votes: VoteCodes) -> Expected:
    """The counts that the shares of the votes amount to: where a cold start begins."""
    shares = vote_shares(votes, votes.weight)
    found = counted_cells(votes, votes.cells, votes.n_actors * votes.n_classes, shares)
    return replace(found, counts=_by_true_class(found.counts, votes))


def counted_cells(
    votes: VoteCodes, cells: NDArray[np.int32], n_cells: int, posterior: Floats
) -> Expected:
    """The counts that a posterior [n_items, n_classes] amounts to, by cell."""
    counts = np.zeros((n_cells, votes.n_classes))
    compiled(count_pass)(votes.starts, cells, _weight(votes), posterior, counts)
    return Expected(counts, posterior.sum(axis=0), -np.inf)


def normalized(counts: Floats, smoothing: float = 0.0) -> Floats:
    """Shares along the last axis, after adding the smoothing; even where there is nothing."""
    filled = np.maximum(counts + smoothing, FLOOR)
    shares: Floats = filled / filled.sum(axis=-1, keepdims=True)
    return shares


def _weight(votes: VoteCodes) -> Floats:
    return EMPTY if votes.weight is None else votes.weight


def _by_true_class(counts: Floats, votes: VoteCodes) -> Floats:
    cube = counts.reshape(votes.n_actors, votes.n_classes, votes.n_classes)
    return cube.transpose(0, 2, 1)
