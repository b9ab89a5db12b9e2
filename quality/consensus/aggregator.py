"""What every aggregator has in common: fit, predict, actor quality, warm start."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quality.consensus.errors import NotFittedError, StartError
from quality.consensus.params import Params, checked_classes, checked_params
from quality.consensus.start import Start
from quality.votes import VoteCodes

TIE = 1e-9
"""Classes whose probabilities differ by no more than this are tied."""


@dataclass(frozen=True)
class Estimate:
    """What a method makes of the votes.

    Attributes:
        posterior: float64 [n_items, n_classes]; a row of zeros for an item without votes.
        start: where the fit ended.
        converged: False where the iteration limit came first.
        n_iter: passes over the votes.
        confusions: float64 [n_actors, n_classes, n_classes], P(voted class | true class);
            None where the method has none.
        actor_columns: further figures per actor, by column name.
    """

    posterior: NDArray[np.float64]
    start: Start
    converged: bool = True
    n_iter: int = 1
    confusions: NDArray[np.float64] | None = None
    actor_columns: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


class Aggregator(ABC):
    """From votes to labels by a stated method.

    Attributes:
        name: the method's name in a recipe.
        classes: the classes, in ontology order.
        params: the method's parameters, ready for JSON; classes and params make the recipe.
    """

    name: ClassVar[str]

    def __init__(self, classes: Sequence[str], **params: str | float) -> None:
        """Keep classes and parameters once they are checked.

        Raises:
            ParameterError: a class or a parameter that cannot be.
        """
        self.classes = checked_classes(classes)
        self.params: Params = checked_params(params)
        self._votes: VoteCodes | None = None
        self._estimate: Estimate | None = None

    @abstractmethod
    def _infer(self, votes: VoteCodes, start: Start | None) -> Estimate:
        """Estimate labels and actors from votes, from a warm start or (None) a cold one."""

    def fit(self, votes: pl.DataFrame | VoteCodes, *, start: Start | None = None) -> Self:
        """Infer labels and actor quality from votes.

        Args:
            votes: item_id, actor, label (null abstains) and, optionally, weight; or codes made
                once with VoteCodes.of and shared between aggregators.
            start: the start_ of an earlier fit, from which this one takes a few iterations.

        Raises:
            VotesFrameError: the frame is not one of votes.
            UnknownLabelError: labels outside the classes.
            StartError: the start is another method's.
        """
        if start is not None and start.method != self.name:
            raise StartError(self.name, f"it was saved by {start.method}")
        codes = VoteCodes.of(votes, self.classes)
        self._estimate = self._infer(codes, start)
        self._votes = codes
        return self

    def without(self, votes: pl.DataFrame | None = None, *, actors: Sequence[str] = ()) -> Self:
        """What if these votes did not exist: a new aggregator, refitted from where this one ended.

        Args:
            votes: the votes to leave out (columns item_id, actor).
            actors: actors all of whose votes are left out.

        Raises:
            NotFittedError: there is nothing yet to leave votes out of.
        """
        other = type(self)(self.classes, **self.params)
        return other.fit(self.votes_.without(votes, actors=actors), start=self.start_)

    def predict(self) -> pl.DataFrame:
        """The label of each item.

        Returns:
            item_id, label (null: no vote, or tied under ties="abstain"), confidence (the
            probability of the likeliest class; null without votes), n_votes, tied.
        """
        posterior, voted = self._fitted.posterior, self._n_votes > 0
        best = posterior.max(axis=1)
        winners = posterior >= best[:, None] - TIE
        tied = voted & (winners.sum(axis=1) > 1)
        labeled = voted & ~tied if self.params["ties"] == "abstain" else voted
        place = pl.Series(winners.argmax(axis=1)).set(pl.Series(~labeled), None)
        return pl.DataFrame(
            {
                "item_id": self.votes_.items,
                "label": pl.Series(self.classes, dtype=pl.String).gather(place),
                "confidence": pl.Series(best).set(pl.Series(~voted), None),
                "n_votes": self._n_votes,
                "tied": tied,
            }
        )

    def predict_proba(self) -> pl.DataFrame:
        """item_id, probabilities: List(Float64) in the order of classes; null without votes."""
        flat = pl.Series(self._fitted.posterior.ravel())
        rows = flat.reshape((self.votes_.n_items, len(self.classes))).arr.to_list()
        voted = pl.Series(self._n_votes > 0)
        columns = {"item_id": self.votes_.items, "probabilities": rows, "voted": voted}
        known = pl.when("voted").then("probabilities").alias("probabilities")
        return pl.DataFrame(columns).select("item_id", known)

    @property
    def actor_quality_(self) -> pl.DataFrame:
        """The actors, by name.

        Returns:
            actor, quality (the expected share of its votes that are right: the mean probability
            of the label it gave; null without votes), quality_low and quality_high (Wilson's
            95 % interval of that share, the labels' probabilities taken as they are), n_votes,
            n_abstained, and what else the method knows.
        """
        votes = self.votes_
        cast = np.bincount(votes.actor, minlength=votes.n_actors)
        right = self._fitted.posterior[votes.item, votes.label]
        total = np.bincount(votes.actor, votes.weights, votes.n_actors)
        correct = np.bincount(votes.actor, right * votes.weights, votes.n_actors)
        quality = correct / np.where(cast > 0, total, 1.0)
        low, high = _wilson(quality, np.maximum(cast, 1))
        silent = pl.Series(cast == 0)
        return pl.DataFrame(
            {
                "actor": votes.actors,
                "quality": pl.Series(quality).set(silent, None),
                "quality_low": pl.Series(low).set(silent, None),
                "quality_high": pl.Series(high).set(silent, None),
                "n_votes": cast,
                "n_abstained": votes.n_abstained,
                **self._fitted.actor_columns,
            }
        )

    @property
    def confusions_(self) -> dict[str, NDArray[np.float64]] | None:
        """Actor -> float64 [n_classes, n_classes], P(voted class | true class), rows true.

        None where the method has no such tables.
        """
        confusions = self._fitted.confusions
        return (
            None if confusions is None else dict(zip(self.votes_.actors, confusions, strict=True))
        )

    @property
    def converged_(self) -> bool:
        """Whether the fit settled before its iteration limit."""
        return self._fitted.converged

    @property
    def n_iter_(self) -> int:
        """How many passes over the votes the fit took."""
        return self._fitted.n_iter

    @property
    def start_(self) -> Start:
        """Where the fit ended: give it to a later fit."""
        return self._fitted.start

    @property
    def n_duplicates_(self) -> int:
        """Earlier votes that the same actor's last vote on the item replaced."""
        return self.votes_.n_duplicates

    @property
    def votes_(self) -> VoteCodes:
        """The votes as they were counted."""
        if self._votes is None:
            raise NotFittedError(self.name)
        return self._votes

    @property
    def _fitted(self) -> Estimate:
        if self._estimate is None:
            raise NotFittedError(self.name)
        return self._estimate

    @property
    def _n_votes(self) -> NDArray[np.int64]:
        return np.diff(self.votes_.starts)


def _wilson(
    share: NDArray[np.float64], n: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends of Wilson's 95 % interval of a share of n (https://doi.org/10.2307/2276774)."""
    z2 = 1.959963984540054**2
    middle = share + z2 / (2 * n)
    reach = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n**2)))
    scale = 1 + z2 / n
    return np.maximum((middle - reach) / scale, 0.0), np.minimum((middle + reach) / scale, 1.0)
