"""Expectation over votes where what counts is whether a vote is right, not which error it is."""

from dataclasses import dataclass

import numpy as np

from quality.compiled import compiled
from quality.consensus.expectation import EMPTY, NO_POSTERIOR, Floats
from quality.consensus.kernels import hit_pass
from quality.consensus.passes import over_chunks
from quality.votes import VoteCodes


@dataclass(frozen=True)
class Hits:
    """What the votes amount to.

    Attributes:
        right: [n_actors, n_classes] expected right votes by voted class.
        class_counts: [n_classes] expected items of each class.
        log_likelihood: of the votes.
    """

    right: Floats
    class_counts: Floats
    log_likelihood: float


def expected_hits(
    votes: VoteCodes,
    prior: Floats,
    log_right: Floats,
    log_wrong: Floats,
    *,
    posterior: Floats = NO_POSTERIOR,
) -> Hits:
    """The expectation step.

    Args:
        votes: the votes.
        prior: [n_classes].
        log_right: [n_actors, n_classes] log P(vote | its class is the true one).
        log_wrong: [n_actors, n_classes] log P(vote | another class is the true one).
        posterior: [n_items, n_classes] to be filled with P(true | votes), if wanted.
    """
    gain, miss = (log_right - log_wrong).ravel(), log_wrong.ravel()
    odds = np.exp(gain)
    weight = EMPTY if votes.weight is None else votes.weight
    kernel = compiled(hit_pass)

    def run(first: int, last: int) -> Hits:
        right, class_counts = np.zeros_like(gain), np.zeros(votes.n_classes)
        height = kernel(
            votes.starts, votes.label, votes.cells, weight, prior, gain, odds, miss, posterior,
            first, last, right, class_counts,
        )  # fmt: skip
        return Hits(right, class_counts, height)

    parts = over_chunks(run, n_items=votes.n_items, n_votes=votes.n_votes, n_floats=gain.size)
    return Hits(
        sum((part.right for part in parts), np.zeros_like(gain)).reshape(log_right.shape),
        sum((part.class_counts for part in parts), np.zeros(votes.n_classes)),
        sum(part.log_likelihood for part in parts),
    )


def majority_hits(votes: VoteCodes, shares: Floats) -> Floats:
    """[n_actors, n_classes] right votes by voted class, where shares are probabilities."""
    right = shares[votes.item, votes.label] * votes.weights
    counts = np.bincount(votes.cells, right, votes.n_actors * votes.n_classes)
    return counts.astype(np.float64).reshape(-1, votes.n_classes)


def cast(votes: VoteCodes) -> Floats:
    """[n_actors, n_classes] the (weighted) votes of each actor for each class."""
    counts = np.bincount(votes.cells, votes.weight, votes.n_actors * votes.n_classes)
    return counts.astype(np.float64).reshape(-1, votes.n_classes)
