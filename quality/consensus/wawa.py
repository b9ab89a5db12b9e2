"""Wawa: majority vote, weighted by each actor's agreement with the majority."""

from collections.abc import Sequence

import numpy as np

from quality.consensus.aggregator import TIE, Aggregator, Estimate
from quality.consensus.expectation import Floats
from quality.consensus.majority import vote_shares
from quality.consensus.params import Ties
from quality.consensus.start import Start
from quality.votes import VoteCodes


class Wawa(Aggregator):
    """Worker agreement with aggregate: actors that go with the majority count more.

    skill[a] = share of a's votes that are the majority's label; then a majority vote in which
    each vote has its actor's skill for weight. On an item tied between m classes a vote for one
    of them agrees by 1/m, what a fair draw would give. Where every actor on an item has skill
    0, its votes count evenly.

    As published by Appen (formerly Figure Eight) for its crowd work.
    """

    name = "wawa"

    def __init__(self, classes: Sequence[str], *, ties: Ties = "abstain") -> None:
        super().__init__(classes, ties=ties)

    def _infer(self, votes: VoteCodes, start: Start | None) -> Estimate:  # noqa: ARG002
        shares = vote_shares(votes, votes.weight)
        skill = _agreement(votes, shares)
        weight = skill[votes.actor] * votes.weights
        weighted = vote_shares(votes, weight)
        unskilled = weighted.sum(axis=1) == 0
        weighted[unskilled] = shares[unskilled]
        return Estimate(
            posterior=weighted, start=Start.of(self.name), actor_columns={"agreement": skill}
        )


def _agreement(votes: VoteCodes, shares: Floats) -> Floats:
    """float64 [n_actors]: the share of an actor's votes that go with the majority."""
    winners = shares >= shares.max(axis=1, keepdims=True, initial=0) - TIE
    agreed = winners[votes.item, votes.label] / winners.sum(axis=1)[votes.item]
    total = np.bincount(votes.actor, votes.weights, votes.n_actors)
    agreement = np.bincount(votes.actor, agreed * votes.weights, votes.n_actors)
    return agreement / np.where(total > 0, total, 1.0)
