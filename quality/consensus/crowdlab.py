"""CROWDLAB: the actors and any classifier in one weighted mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quality.compiled import compiled
from quality.consensus.aggregator import TIE, Aggregator, Estimate
from quality.consensus.expectation import EMPTY, Floats
from quality.consensus.kernels import majority_pass, mean_pass
from quality.consensus.majority import vote_shares
from quality.consensus.params import Ties
from quality.consensus.predictions import class_probabilities
from quality.consensus.start import Start
from quality.votes import VoteCodes

LEAST = 1e-6
"""The least weight of an actor or the classifier, and the least error of the commonest class."""

UNKNOWN_AGREEMENT = 0.7
"""How often a vote is taken to be right where no item has two votes to compare."""


@dataclass(frozen=True)
class Weights:
    """How much each voice counts.

    Attributes:
        actor: [n_actors].
        classifier: one number.
        agreement: how often a vote is the consensus, over items with two votes or more.
    """

    actor: Floats
    classifier: float
    agreement: float


@dataclass(frozen=True)
class Voices:
    """What the votes and the classifier say, before anybody is weighed.

    Attributes:
        shares: [n_items, n_classes] the shares of the votes.
        agreement: [n_actors] how often another vote on the same item is the same.
        predicted: [n_items, n_classes] the classifier's probabilities; 0 where it has none.
        known: bool [n_items] whether the classifier predicted the item.
        guess: int64 [n_items] the classifier's likeliest class.
    """

    shares: Floats
    agreement: Floats
    predicted: Floats
    known: NDArray[np.bool_]
    guess: NDArray[np.int64]

    @classmethod
    def of(cls, votes: VoteCodes, predicted: Floats) -> Self:
        """Take stock of votes and predictions (rows of NaN for items not predicted)."""
        shares, known = vote_shares(votes, votes.weight), ~np.isnan(predicted[:, 0])
        if not known.all():
            predicted = np.where(known[:, None], predicted, 0.0)
        guess = predicted.argmax(axis=1)
        return cls(shares, _agreement(votes, shares), predicted, known, guess)


class CrowdLab(Aggregator):
    """The posterior is a mean of the classifier's and the actors' probabilities, by weight.

    A vote l of actor a stands for P on class l and (1 - P) / (K - 1) on the others, P the mean
    agreement of votes with the consensus. Actor a weighs 1 - (1 - s[a]) / E, s[a] its agreement
    with the other actors on common items and E the error of always naming the commonest class;
    the classifier weighs (1 - its error / E) times the root of the mean votes per item. The
    consensus behind P, E and the errors is the majority (ties to the likelier class by the
    classifier, then to the rarer), in a second round the first round's likeliest class. An item
    without a prediction is left to its actors.

    H. W. Goh, U. Tkachenko and J. Mueller, CROWDLAB: supervised learning to infer consensus
    labels and quality scores for data with multiple annotators (2022),
    https://arxiv.org/abs/2210.06812.
    """

    name = "crowdlab"

    def __init__(self, classes: Sequence[str], *, ties: Ties = "abstain") -> None:
        super().__init__(classes, ties=ties)
        self._predictions: pl.DataFrame | None = None
        self._classifier_weight = 0.0
        self._predicted = np.empty(0, dtype=np.bool_)

    def fit(
        self,
        votes: pl.DataFrame | VoteCodes,
        *,
        predictions: pl.DataFrame | None = None,
        start: Start | None = None,
    ) -> Self:
        """Infer labels from votes and a classifier's predictions.

        Args:
            votes: as in Aggregator.fit.
            predictions: item_id String and probabilities List(Float64) in the order of classes,
                from a classifier that did not learn from the item (out of fold). Without any,
                the actors decide alone.
            start: taken for the sake of one interface; there is nothing to iterate.

        Raises:
            VotesFrameError: the frame is not one of votes.
            UnknownLabelError: labels outside the classes.
            PredictionsError: the predictions are not probabilities of the classes.
        """
        self._predictions = predictions
        return super().fit(votes, start=start)

    def without(self, votes: pl.DataFrame | None = None, *, actors: Sequence[str] = ()) -> Self:
        """What if these votes did not exist: a new aggregator with the same predictions."""
        other = type(self)(self.classes, **self.params)  # type: ignore[arg-type]
        return other.fit(self.votes_.without(votes, actors=actors), predictions=self._predictions)

    @property
    def classifier_weight_(self) -> float:
        """How much the classifier counts; an actor's weight is in actor_quality_."""
        return self._classifier_weight

    @property
    def n_without_prediction_(self) -> int:
        """Items that were voted on and that the classifier did not predict."""
        return int(((self._n_votes > 0) & ~self._predicted).sum())

    def _infer(self, votes: VoteCodes, start: Start | None) -> Estimate:  # noqa: ARG002
        predicted = class_probabilities(self._predictions, votes.items, self.classes)
        voices = Voices.of(votes, predicted)
        consensus = _majority(votes, voices)
        for _ in range(2):
            weights = _weights(votes, consensus, voices)
            posterior = _posterior(votes, weights, voices, consensus)
        self._classifier_weight, self._predicted = weights.classifier, voices.known
        return Estimate(
            posterior=posterior,
            start=Start.of(self.name),
            actor_columns={"weight": weights.actor},
        )


def _majority(votes: VoteCodes, voices: Voices) -> Floats:
    """[n_items, n_classes]: 1 for the majority; of tied classes the likelier, then the rarer.

    Where that does not settle it, the classes share the 1.
    """
    consensus = np.zeros_like(voices.shares)
    frequency = np.bincount(votes.label, votes.weight, votes.n_classes).astype(np.float64)
    compiled(majority_pass)(voices.shares, voices.predicted, frequency, TIE, consensus)
    return consensus


def _weights(votes: VoteCodes, consensus: Floats, voices: Voices) -> Weights:
    n_votes = np.diff(votes.starts)
    several = n_votes > 1
    if not several.any():
        return Weights(np.ones(votes.n_actors), 1.0, UNKNOWN_AGREEMENT)
    agreed = np.einsum("ik,ik->i", voices.shares, consensus)
    agreement = float(agreed[several].sum() / several.sum())
    error = max(LEAST, 1 - float((several.astype(np.float64) @ consensus).max() / several.sum()))
    actor = np.maximum(LEAST, 1 - (1 - voices.agreement) / error)
    judged = several & voices.known
    if not judged.any():
        return Weights(actor, 1.0, agreement)
    wrong = 1 - float(consensus[judged, voices.guess[judged]].mean())
    classifier = max(LEAST, 1 - wrong / error) * float(np.sqrt(n_votes[n_votes > 0].mean()))
    return Weights(actor, classifier, agreement)


def _agreement(votes: VoteCodes, shares: Floats) -> Floats:
    """[n_actors]: how often another vote on the same item is the same, over all of an actor's.

    Actors without a common item get the mean of the others.
    """
    weight = votes.weights
    total = np.bincount(votes.item, weight, votes.n_items)[votes.item]
    same = shares[votes.item, votes.label] * total
    pairs = np.bincount(votes.actor, weight * (total - weight), votes.n_actors)
    agreed = np.bincount(votes.actor, weight * (same - weight), votes.n_actors)
    compared = pairs > 0
    usual = (agreed[compared] / pairs[compared]).mean() if compared.any() else UNKNOWN_AGREEMENT
    agreement: Floats = np.where(compared, agreed / np.where(compared, pairs, 1.0), usual)
    return agreement


def _posterior(votes: VoteCodes, weights: Weights, voices: Voices, consensus: Floats) -> Floats:
    """The weighted means; settles the consensus to the likeliest class where there is one."""
    posterior = np.zeros_like(consensus)
    weight = EMPTY if votes.weight is None else votes.weight
    classifier = voices.known * np.float64(weights.classifier)
    compiled(mean_pass)(
        votes.starts, votes.label, votes.actor, weight, voices.predicted, classifier,
        weights.actor, weights.agreement, TIE, posterior, consensus,
    )  # fmt: skip
    return posterior
