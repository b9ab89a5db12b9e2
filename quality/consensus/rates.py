"""How often a labeling function votes for each class or abstains, by the true class."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from quality.consensus.dependencies import Forest
from quality.consensus.expectation import FLOOR, Expected, Floats
from quality.votes import VoteCodes


@dataclass(frozen=True)
class Rates:
    """P(what a function says | what its parent says, the true class).

    A function without a parent has its rates where the parent abstains (the last of the
    parent's values; the only one where no function has a parent).

    Attributes:
        votes: [n_actors, n_parent_values, n_classes, n_classes]: parent's value, vote, true class.
        abstains: [n_actors, n_parent_values, n_classes].
    """

    votes: Floats
    abstains: Floats

    @classmethod
    def fitted(cls, found: Expected, forest: Forest, smoothing: float) -> Self:
        """The rates that expected counts amount to.

        A function's rates by class are drawn to its overall rates, those by class and parent's
        value to those by class, each with `smoothing` items.

        Args:
            found: counts by cell, as in `cells`.
            forest: who depends on whom.
            smoothing: items, from 0 upwards.
        """
        k, given = len(found.class_counts), max(smoothing, FLOOR)
        n_values = 1 if forest.is_bare else k + 1
        votes = found.counts.reshape(len(forest.parent), n_values, k, k)
        by_class = votes.sum(axis=1)
        overall = by_class.sum(axis=2, keepdims=True) / max(found.class_counts.sum(), FLOOR)
        by_class = (by_class + given * overall) / (found.class_counts + given)
        items = _items_by_parent(votes, forest, found.class_counts)[:, :, None, :]
        rates = (votes + given * by_class[:, None]) / (items + given)
        return cls(rates, np.clip(1 - rates.sum(axis=2), FLOOR, 1.0))

    def log_rows(self) -> Floats:
        """[n_cells, n_classes]: the log-probability of a vote, abstentions passed over."""
        return np.log(np.maximum(self.votes, FLOOR)).reshape(-1, self.votes.shape[-1])

    def log_rows_with_abstentions(self, forest: Forest) -> tuple[Floats, Floats]:
        """What all say if all abstain [n_classes], and what each vote adds [n_cells, n_classes].

        A vote adds its own log-ratio to an abstention, and what it changes about its children's
        abstaining.
        """
        silent = np.log(self.abstains)
        rows = np.log(np.maximum(self.votes, FLOOR)) - silent[:, :, None, :]
        for child in np.flatnonzero(forest.parent >= 0):
            rows[forest.parent[child]] += silent[child, :-1] - silent[child, -1]
        return silent[:, -1].sum(axis=0), rows.reshape(-1, rows.shape[-1])


def cells(votes: VoteCodes, forest: Forest) -> tuple[NDArray[np.int32], int]:
    """The row of each vote, (function, parent's value, vote), and how many rows there are."""
    n_values = 1 if forest.is_bare else votes.n_classes + 1
    said = np.zeros(votes.n_votes, dtype=np.int32)
    if not forest.is_bare:
        said = _parents_said(votes, forest)
    rows = (votes.actor * np.int32(n_values) + said) * np.int32(votes.n_classes) + votes.label
    return rows.astype(np.int32), votes.n_actors * n_values * votes.n_classes


def _parents_said(votes: VoteCodes, forest: Forest) -> NDArray[np.int32]:
    """int32 [n_votes]: the parent's vote on the same item; n_classes where there is none."""
    keys = votes.item.astype(np.int64) * votes.n_actors + votes.actor
    parent = forest.parent[votes.actor]
    wanted = votes.item.astype(np.int64) * votes.n_actors + parent
    place = np.minimum(np.searchsorted(keys, wanted), max(0, votes.n_votes - 1))
    found = (parent >= 0) & (keys[place] == wanted)
    return np.where(found, votes.label[place], votes.n_classes).astype(np.int32)


def _items_by_parent(votes: Floats, forest: Forest, class_counts: Floats) -> Floats:
    """[n_actors, n_parent_values, n_classes]: the expected items on which the parent says so."""
    n_actors, n_values = votes.shape[:2]
    items = np.zeros((n_actors, n_values, len(class_counts)))
    items[:, -1] = class_counts
    for child in np.flatnonzero(forest.parent >= 0):
        said = votes[forest.parent[child]].sum(axis=0)
        items[child, :-1] = said
        items[child, -1] = np.maximum(class_counts - said.sum(axis=0), 0.0)
    return items
