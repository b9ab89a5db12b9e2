"""Majority vote: every vote counts the same, or its given weight."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from quality.consensus.aggregator import Aggregator, Estimate
from quality.consensus.params import Ties
from quality.consensus.start import Start
from quality.votes import VoteCodes


class MajorityVote(Aggregator):
    """The class that most votes name; its share of the votes is the confidence.

    Knows nothing of how good the actors are, and needs nothing to be estimated: the method to
    show beside every other.
    """

    name = "majority"

    def __init__(self, classes: Sequence[str], *, ties: Ties = "abstain") -> None:
        super().__init__(classes, ties=ties)

    def _infer(self, votes: VoteCodes, start: Start | None) -> Estimate:  # noqa: ARG002
        return Estimate(posterior=vote_shares(votes, votes.weight), start=Start.of(self.name))


def vote_shares(votes: VoteCodes, weight: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """float64 [n_items, n_classes]: the share of each class in the weight of an item's votes.

    Args:
        votes: the votes.
        weight: float64 [n_votes], or None to count every vote once.
    """
    cell = votes.item.astype(np.int64) * votes.n_classes + votes.label
    counts = np.bincount(cell, weight, votes.n_items * votes.n_classes)
    shares = counts.astype(np.float64).reshape(votes.n_items, votes.n_classes)
    total = shares.sum(axis=1, keepdims=True)
    shares /= np.where(total > 0, total, 1.0)
    return shares
