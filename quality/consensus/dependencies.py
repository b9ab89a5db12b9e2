"""Which labeling functions depend on each other, beyond what the true class explains."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

from quality.consensus.errors import ParameterError
from quality.consensus.expectation import Floats
from quality.votes import VoteCodes

MOST_VALUES = 5_000
"""Functions times values: the pair counts are a dense matrix of this size, squared."""


@dataclass(frozen=True)
class Forest:
    """At most one other function that each function depends on, without circles.

    Attributes:
        parent: int64 [n_actors]; -1 where a function depends on none.
        information: [n_actors]: the conditional mutual information with the parent, in nats.
    """

    parent: NDArray[np.int64]
    information: Floats

    @classmethod
    def bare(cls, n_actors: int) -> Self:
        """No dependencies."""
        return cls(np.full(n_actors, -1, dtype=np.int64), np.zeros(n_actors))

    @property
    def is_bare(self) -> bool:
        """Whether no function depends on another."""
        return bool((self.parent < 0).all())


def learned_forest(votes: VoteCodes, posterior: Floats) -> Forest:
    """The forest of strongest dependencies that the votes bear out.

    Vote shares make the better posterior here: a fitted model has already taken the agreement
    of doubles for the true class, given which they no longer look dependent.

    The information between two functions given the class is taken with abstaining as a value.
    A pair counts where 2 n I exceeds log n per free parameter (the Bayesian information
    criterion); of the pairs that count, a maximum spanning forest stays: C. K. Chow and C. N.
    Liu, Approximating discrete probability distributions with dependence trees (1968),
    https://doi.org/10.1109/TIT.1968.1054142.

    Raises:
        ParameterError: more functions and classes than can be compared pairwise.
    """
    size = votes.n_actors * (votes.n_classes + 1)
    if size > MOST_VALUES:
        expected = f"'none' with {votes.n_actors} functions and {votes.n_classes} classes"
        raise ParameterError("dependencies", "learned", expected)
    information, n_values = _information(votes, posterior)
    n_items = max(2.0, posterior.sum())
    free = (n_values[:, None] - 1) * (n_values[None, :] - 1) * votes.n_classes
    kept = np.where(2 * n_items * information > free * np.log(n_items), information, 0.0)
    return _spanning(np.triu(kept, 1))


def _spanning(information: Floats) -> Forest:
    tree = minimum_spanning_tree(csr_array(-information))
    linked = -(tree + tree.T).toarray()
    forest = Forest.bare(len(linked))
    _, component = connected_components(csr_array(linked), directed=False)
    for root in np.unique(component, return_index=True)[1]:
        order, before = breadth_first_order(csr_array(linked), root, directed=False)
        forest.parent[order[1:]] = before[order[1:]]
    children = forest.parent >= 0
    forest.information[children] = linked[children, forest.parent[children]]
    return forest


def _information(votes: VoteCodes, posterior: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Mutual information [n_actors, n_actors] given the class, and the values of each function."""
    n, k = votes.n_actors, votes.n_classes
    shape = (votes.n_items, n * k)
    said = csr_array((np.ones(votes.n_votes), (votes.item, votes.cells)), shape=shape)
    total = np.zeros((n, n))
    for share in posterior.T:
        weighted = csr_array((share[votes.item], (votes.item, votes.cells)), shape=shape)
        pairs = (said.T @ weighted).toarray().reshape(n, k, n, k)
        total += _class_information(pairs, share.sum())
    cast = np.bincount(votes.cells, minlength=n * k).reshape(n, k)
    n_values = (cast > 0).sum(axis=1) + (cast.sum(axis=1) < votes.n_items)
    return total / max(posterior.sum(), 1.0), n_values


def _class_information(pairs: Floats, n_items: float) -> Floats:
    """[n_actors, n_actors]: n times the mutual information within one class.

    Args:
        pairs: [n_actors, n_classes, n_actors, n_classes] expected joint votes.
        n_items: the expected items of the class.
    """
    n, k = pairs.shape[:2]
    joint = np.zeros((n, k + 1, n, k + 1))
    joint[:, :k, :, :k] = pairs
    single = np.einsum("auau->au", pairs)
    joint[:, :k, :, k] = single[:, :, None] - pairs.sum(axis=3)
    joint[:, k, :, :k] = single[None, :, :] - pairs.sum(axis=1)
    rest = n_items - single.sum(axis=1)
    joint[:, k, :, k] = rest[:, None] - joint[:, k, :, :k].sum(axis=2)
    joint = np.maximum(joint, 0.0)
    alone = np.maximum(np.concatenate([single, rest[:, None]], axis=1), 0.0)
    independent = alone[:, :, None, None] * alone[None, None, :, :]
    found = (joint > 0) & (independent > 0)
    ratio = np.where(found, joint * n_items, 1.0) / np.where(found, independent, 1.0)
    information: Floats = (joint * np.log(ratio)).sum(axis=(1, 3))
    return information
