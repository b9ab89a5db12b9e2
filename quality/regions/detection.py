"""Which candidates are there, told from who drew them and who looked and did not.

What is there is found by each actor with a probability of its own; what is not there is drawn by an
actor at a rate of its own, and seldom by two at the same place. Both are estimated by EM from all
candidates, and with them how much was missed by everybody, as wildlife is counted that was caught
by several traps (capture and recapture; Otis et al., Statistical Inference from Capture Data on
Closed Animal Populations, 1978; EM: Dempster, Laird and Rubin 1977).

Aggregators of classes do not know that candidates exist only where somebody drew one: they take
what all actors pass over for agreement, and go astray.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.regions.candidates import NO_REGION, Candidates
from quality.regions.matching import Floats

_PRIOR_OBJECTS = 2.0
_PRIOR_FALSE_ALARMS = 0.1
_COINCIDENCE = 0.02
_ITERATIONS = 500
_TOLERANCE = 1e-9
_DIGITS = 9


@dataclass(frozen=True)
class Detection:
    """What is there, and who sees it.

    Attributes:
        there: candidate, there: the probability that it is.
        actors: actor, recall (share of what is there that it finds), precision (share of its
            regions that are there; null without any), false_alarms (per item).
        complete: item_id, complete: the probability that nothing was missed by all who looked.
        n_iter: Passes until the estimate settled.
        converged: Whether it did.
    """

    there: pl.DataFrame
    actors: pl.DataFrame
    complete: pl.DataFrame
    n_iter: int
    converged: bool


def detection(found: Candidates, *, expected_recall: float) -> Detection:
    """The estimate from all candidates.

    Args:
        found: The candidates.
        expected_recall: The recall that an actor is taken to have before anything is known of it,
            worth as much as two objects.
    """
    names = found.judged["actor"].unique().sort()
    items = found.judged["item_id"].unique().sort()
    candidate = found.votes["item_id"].unique().sort()
    drew = (found.votes["label"] != NO_REGION).to_numpy()
    rows = (_codes(found.votes["item_id"], candidate), _codes(found.votes["actor"], names))
    seen, drawn = (np.zeros((len(candidate), len(names))) for _ in range(2))
    seen[rows] = found.votes["weight"].to_numpy()
    drawn[rows] = np.where(drew, seen[rows], 0.0)
    viewed = np.zeros((len(items), len(names)))
    viewed[_codes(found.judged["item_id"], items), _codes(found.judged["actor"], names)] = 1.0
    model = _Model(seen, drawn, viewed, expected_recall)
    there, n_iter, converged = model.fitted()
    return Detection(
        there=pl.DataFrame({"candidate": candidate, "there": there.round(_DIGITS)}),
        actors=pl.DataFrame(
            {
                "actor": names,
                "recall": model.recall,
                "precision": model.precision(there),
                "false_alarms": model.false_alarms,
            }
        ).with_columns(pl.col("precision").fill_nan(None)),
        complete=pl.DataFrame({"item_id": items, "complete": model.complete().round(_DIGITS)}),
        n_iter=n_iter,
        converged=converged,
    )


def _codes(names: pl.Series, known: pl.Series) -> npt.NDArray[np.int64]:
    """The place of each name among the known ones."""
    return known.search_sorted(names).to_numpy().astype(np.int64)


class _Model:
    """The estimate as it moves: recall and false alarms of actors, objects an item."""

    def __init__(self, seen: Floats, drawn: Floats, viewed: Floats, expected: float) -> None:
        self._seen, self._drawn, self._viewed = seen, drawn, viewed
        self._found = drawn > 0
        self._n_found = self._found.sum(axis=1)
        self._expected = expected
        self.recall = np.full(seen.shape[1], expected)
        self.false_alarms = np.full(seen.shape[1], _PRIOR_FALSE_ALARMS)
        self._objects = 0.0

    def fitted(self) -> tuple[Floats, int, bool]:
        """(n_candidates,) probability that each is there, passes, and whether it settled."""
        share = self._drawn.sum(axis=1) / np.maximum(self._seen.sum(axis=1), 1e-300)
        there = np.clip(share, 0.05, 0.95)
        for n_iter in range(1, _ITERATIONS + 1):
            self._learn(there)
            again = self._expect()
            moved = float(np.abs(again - there).max(initial=0.0))
            there = again
            if moved < _TOLERANCE:
                return there, n_iter, True
        return there, _ITERATIONS, False

    def precision(self, there: Floats) -> Floats:
        """(n_actors,) share of each actor's regions that are there; NaN without any."""
        cast = self._found.sum(axis=0).astype(np.float64)
        right = (there[:, None] * self._found).sum(axis=0)
        return np.where(cast > 0, right / np.maximum(cast, 1.0), np.nan)

    def complete(self) -> Floats:
        """(n_items,) chance that no object was missed by all who looked, objects being Poisson."""
        return np.asarray(np.exp(-self._objects * self._missed()))

    def _missed(self) -> Floats:
        """(n_items,) chance that an object is missed by all who look at the item."""
        return np.asarray(np.where(self._viewed > 0, 1 - self.recall, 1.0).prod(axis=1))

    def _learn(self, there: Floats) -> None:
        """Recall, false alarms and objects an item, given what is there."""
        missed = self._missed()
        self._objects = there.sum() / max(float((1 - missed).sum()), 1e-9)
        unseen = self._objects * (self._viewed * missed[:, None]).sum(axis=0)
        hits = (there[:, None] * self._found).sum(axis=0)
        chances = (there[:, None] * (self._seen > 0)).sum(axis=0) + unseen
        prior = _PRIOR_OBJECTS
        self.recall = (hits + prior * self._expected) / (chances + prior)
        alone = self._found / np.maximum(self._n_found, 1)[:, None]
        wrong = ((1 - there)[:, None] * alone).sum(axis=0)
        self.false_alarms = (wrong + _PRIOR_FALSE_ALARMS) / (self._viewed.sum(axis=0) + 1)

    def _expect(self) -> Floats:
        """What is there, given all that was learned; a vote of weight w counts as w votes."""
        passed = self._seen - self._drawn
        real = np.log(max(self._objects, 1e-9)) + self._drawn @ np.log(self.recall)
        real = real + passed @ np.log1p(-np.minimum(self.recall, 1 - 1e-9))
        false = self._drawn @ np.log(self.false_alarms)
        false = false + (self._n_found - 1) * np.log(_COINCIDENCE)
        return np.asarray(1 / (1 + np.exp(np.clip(false - real, -700.0, 700.0))))
