"""Batches whose items differ from each other and from what is labeled already.

k-center: greedy farthest-first traversal (Gonzalez 1985), for active learning by Sener and
Savarese, ICLR 2018. BADGE: Ash et al., ICLR 2020: k-means++ seeding on the gradients that each
item's own prediction would cause in the last layer.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from quality.probabilities import Floats, probability_matrix
from quality.selection.errors import SelectionError

Codes = npt.NDArray[np.int64]
_TABLE = 2
_CELLS_PER_BLOCK = 1_000_000


class _Cover:
    """How far each item is from the centers, as far as it had to be looked at.

    Attributes:
        apart: (n_items,) squared distance to the nearest of the first `seen` centers.
        seen: (n_items,) how many centers that counts.
    """

    def __init__(self, features: Floats) -> None:
        self._table = features - features.mean(axis=0) if len(features) else features
        self._norms = np.einsum("ij,ij->i", self._table, self._table)
        self.apart = np.full(len(features), np.inf)
        self.seen = np.zeros(len(features), np.int64)

    def leave_out(self, centers: list[int]) -> None:
        """Keeps the centers themselves from being the farthest."""
        self.apart[centers], self.seen[centers] = -1, len(centers)

    def farthest(self, centers: list[int]) -> int:
        """The item farthest from its nearest center, the first of several.

        More centers can only bring an item nearer, so one that is already no farther than an
        item known to the last center need not be looked at: most never are.
        """
        guess = int(self.apart.argmax())
        self._bring_up_to_date(np.array([guess]), centers)
        rivals = (self.apart >= self.apart[guess]) & (self.seen < len(centers))
        self._bring_up_to_date(np.flatnonzero(rivals), centers)
        return int(self.apart.argmax())

    def _bring_up_to_date(self, places: Codes, centers: list[int]) -> None:
        """Lowers the distances of some items by the centers they have not seen."""
        if not len(places):
            return
        new = centers[int(self.seen[places].min()) :]
        block = max(1, _CELLS_PER_BLOCK // len(new)) if new else len(places)
        for begin in range(0, len(places), block):
            some: slice | Codes = slice(begin, begin + block)
            if len(places) < len(self.seen):
                some = places[some]
            squared = self._table[some] @ self._table[new].T
            squared *= -2
            squared += self._norms[new]
            nearest = squared.min(axis=1, initial=np.inf) + self._norms[some]
            self.apart[some] = np.minimum(self.apart[some], np.maximum(nearest, 0))
        self.seen[places] = len(centers)


def k_center(
    features: npt.ArrayLike, n: int, *, seed: int, labeled: Sequence[int] | Codes = ()
) -> Codes:
    """Places of n items, each the farthest from all that are labeled or chosen before it.

    Args:
        features: (n_items, n_features) finite numbers; float32 stays float32.
        n: How many to choose; all unlabeled ones where there are fewer.
        seed: Of the first choice where nothing is labeled.
        labeled: Places of the items that are labeled already.

    Raises:
        SelectionError: The features are no such table, n is negative, or a place is not one.
    """
    table = _checked(features, n)
    centers = _places(labeled, len(table)).tolist()
    n_labeled, n_wanted = len(centers), min(n, len(table) - len(centers))
    cover = _Cover(table)
    for _ in range(n_wanted):
        if centers:
            cover.leave_out(centers)
            centers.append(cover.farthest(centers))
        else:
            centers.append(int(np.random.default_rng(seed).integers(len(table))))
    return np.array(centers[n_labeled:], np.int64)


def badge(features: npt.ArrayLike, probabilities: npt.ArrayLike, n: int, *, seed: int) -> Codes:
    """Places of n items that are uncertain and unlike each other.

    The gradient of item i is (p_i - e_i) x_i^T with e_i the predicted class, so an inner product
    of two gradients is (a_i . a_j) (x_i . x_j) with a = p - e: no gradient is ever written out.

    Args:
        features: (n_items, n_features) finite numbers, what the last layer sees.
        probabilities: (n_items, n_classes) predictions.
        n: How many to choose; all where there are fewer.
        seed: Of the draws; the first item is the one with the largest gradient.

    Raises:
        SelectionError: The features are no such table, or n is negative.
        ProbabilitiesError: A row is no probability distribution.
    """
    table = _checked(features, n)
    answers = np.asarray(probabilities, np.float64)
    width = answers.shape[1] if answers.ndim == _TABLE else 0
    lack = probability_matrix(answers, n_items=len(table), n_classes=width).copy()
    lack[np.arange(len(lack)), lack.argmax(axis=1)] -= 1
    sizes = np.einsum("ij,ij->i", table, table) * np.einsum("ij,ij->i", lack, lack)
    rng = np.random.default_rng(seed)
    apart = np.full(len(table), np.inf)
    free = np.ones(len(table), np.bool_)
    chosen: list[int] = []
    for _ in range(min(n, len(table))):
        place = int(sizes.argmax()) if not chosen else _draw(apart, free, rng)
        chosen.append(place)
        free[place] = False
        shared = (table @ table[place]) * (lack @ lack[place])
        np.minimum(apart, np.maximum(sizes + sizes[place] - 2 * shared, 0), out=apart)
        apart[place] = 0
    return np.array(chosen, np.int64)


def _draw(apart: Floats, free: npt.NDArray[np.bool_], rng: np.random.Generator) -> int:
    """A free place, drawn by its squared distance; any free one where all are at distance 0."""
    reach = np.cumsum(np.where(free, apart, 0.0))
    if reach[-1] <= 0:
        return int(rng.choice(np.flatnonzero(free)))
    return int(np.searchsorted(reach, rng.random() * reach[-1], side="right"))


def _checked(features: npt.ArrayLike, n: int) -> Floats:
    """Features as a table of finite floats."""
    table = np.asarray(features)
    if table.dtype != np.float32:
        table = np.asarray(table, np.float64)
    if table.ndim != _TABLE or not np.isfinite(table).all():
        raise SelectionError(
            f"features have the shape {table.shape}; expected (items, features), all finite."
        )
    if n < 0:
        raise SelectionError(f"{n} items cannot be chosen; ask for none or more.")
    return np.asarray(table)


def _places(labeled: Sequence[int] | Codes, n_items: int) -> Codes:
    """Places of labeled items, each once."""
    places = np.unique(np.asarray(labeled, np.int64))
    if len(places) and (places[0] < 0 or places[-1] >= n_items):
        raise SelectionError(
            f"labeled places reach to {places[-1]}, but there are {n_items} items."
        )
    return places
