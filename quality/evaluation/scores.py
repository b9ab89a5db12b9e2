"""Accuracy, macro-F1 and log loss, also for many bootstrap replicates at once.

Items enter accuracy and F1 only through the cell (truth, champion, candidate) they fall into, so
that a replicate is one multinomial draw over the cells that occur, not one over items.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]

GROUPS = 2000
CELLS_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class Cells:
    """Distinct (truth, champion, candidate) triples and how many items fall into each."""

    truth: Codes
    answers: tuple[Codes, Codes]
    counts: Codes
    n_classes: int

    def accuracy(self, weights: Floats, model: int) -> Floats:
        """Accuracy of model 0 or 1 in each replicate: (replicates, cells) to (replicates,)."""
        right = self.answers[model] == self.truth
        return np.asarray(weights[:, right].sum(axis=1) / weights.sum(axis=1))

    def macro_f1(self, weights: Floats, model: int) -> Floats:
        """F1 averaged over the classes that occur in truth or answers, per replicate."""
        answer = self.answers[model]
        hits = self._by_class(weights * (answer == self.truth), self.truth)
        occurring = self._by_class(weights, self.truth) + self._by_class(weights, answer)
        f1 = np.divide(2 * hits, occurring, out=np.zeros_like(hits), where=occurring > 0)
        return np.asarray(f1.sum(axis=1) / (occurring > 0).sum(axis=1))

    def resampled(self, replicates: int, rng: np.random.Generator) -> Iterator[Floats]:
        """Bootstrap weights of the cells, in blocks (replicates, cells) that fit memory."""
        block = max(1, CELLS_AT_ONCE // len(self.counts))
        n = int(self.counts.sum())
        for done in range(0, replicates, block):
            drawn = rng.multinomial(n, self.counts / n, min(block, replicates - done))
            yield drawn.astype(np.float64)

    def _by_class(self, weights: Floats, codes: Codes) -> Floats:
        from scipy.sparse import csr_array

        cells = np.arange(len(codes))
        member = csr_array((np.ones(len(codes)), (cells, codes)), (len(codes), self.n_classes))
        return np.asarray(weights @ member)


def cells(truth: Codes, champion: Codes, candidate: Codes, n_classes: int) -> Cells:
    """Items (n,) counted by what is true and what both models say."""
    joint = (truth * n_classes + champion) * n_classes + candidate
    found, counts = np.unique(joint, return_counts=True)
    rest, candidate_of = np.divmod(found, n_classes)
    truth_of, champion_of = np.divmod(rest, n_classes)
    return Cells(truth_of, (champion_of, candidate_of), counts.astype(np.int64), n_classes)


def resampled_means(values: Floats, replicates: int, rng: np.random.Generator) -> Floats:
    """Bootstrap means of (n,) values; of more than 2,000, whole random groups are redrawn."""
    groups = np.array_split(rng.permutation(values), min(GROUPS, len(values)))
    sums = np.array([group.sum() for group in groups])
    sizes = np.array([group.size for group in groups], dtype=np.float64)
    drawn: Any = rng.integers(0, len(groups), size=(replicates, len(groups)))
    return np.asarray(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))
