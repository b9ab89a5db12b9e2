"""Labels that spread over a graph of nearest neighbors, and votes on items outside of it.

Weights are exp(-d^2 / (s_i s_j)) with s the distance to the last neighbor kept: L. Zelnik-Manor,
P. Perona, Self-tuning spectral clustering, NIPS 2004.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

MOST_ROUNDS = 2000
TOLERANCE = 1e-6
TINY = 1e-12


@dataclass(frozen=True)
class LabelGraph:
    """Items, what each was found to be, and how far its neighborhood reaches.

    Attributes:
        nodes: Features [n, d], dense or CSR.
        shares: Class probabilities of each node [n, K].
        reach: Distance of each node to its last neighbor [n].
    """

    nodes: Any
    shares: Floats
    reach: Floats

    def predict_proba(self, matrix: Any, neighbors: int) -> Floats:
        """The weighed mean [m, K] of what the nearest nodes are.

        Y. Bengio, O. Delalleau, N. Le Roux, Label propagation and quadratic criterion, 2006: the
        same rule that the nodes follow, for an item that is none of them.
        """
        if not matrix.shape[0]:
            return np.zeros((0, self.shares.shape[1]))
        distance, place = nearest(self.nodes, matrix, min(neighbors, self.nodes.shape[0]))
        weight = _weights(distance, distance[:, -1:], self.reach[place])
        found = np.einsum("nk,nkc->nc", weight, self.shares[place])
        shares: Floats = found / found.sum(axis=1, keepdims=True)
        return shares


def spread(
    matrix: Any,
    given: Floats,
    *,
    neighbors: int,
    alpha: float,
    method: Literal["spreading", "propagation"],
) -> tuple[LabelGraph, int]:
    """The graph with every node labeled, and in how many rounds.

    Args:
        matrix: Features [n, d], dense or CSR.
        given: What is known of each node [n, K], in weight by class; 0 where nothing is.
        neighbors: To how many others a node is tied; those to which it is the nearest tie it too.
        alpha: Share that spreading takes from the neighbors, the rest from what is given.
        method: "propagation" (X. Zhu, Z. Ghahramani 2002) holds labeled nodes to what is given;
            "spreading" (D. Zhou et al., Learning with local and global consistency, NIPS 2003)
            lets the neighbors correct it.
    """
    distance, place = nearest(matrix, None, min(neighbors, matrix.shape[0] - 1))
    reach = distance[:, -1]
    ties = _ties(_weights(distance, reach[:, None], reach[place]), place)
    if method == "propagation":
        found, rounds = _propagated(ties, given)
    else:
        found, rounds = _spread(ties, given, alpha)
    return LabelGraph(matrix, _shares(found, given), reach), rounds


def nearest(nodes: Any, matrix: Any | None, neighbors: int) -> tuple[Floats, Places]:
    """Distances and places [m, k] of the nearest nodes; None: of the nodes, without themselves."""
    from sklearn.neighbors import NearestNeighbors
    from threadpoolctl import threadpool_limits

    # Several threads would add up distances, and settle equal ones, in no fixed order.
    with threadpool_limits(limits=1):
        index = NearestNeighbors(n_neighbors=neighbors, algorithm="brute").fit(nodes)
        distance, place = index.kneighbors(matrix)
    return distance.astype(np.float64), place


def _weights(distance: Floats, one: Floats, other: Floats) -> Floats:
    weights: Floats = np.exp(-(distance**2) / np.maximum(one * other, TINY))
    return np.maximum(weights, TINY)


def _ties(weights: Floats, place: Places) -> Any:
    n, k = place.shape
    rows = np.repeat(np.arange(n), k)
    ties = csr_array((weights.ravel(), (rows, place.ravel())), shape=(n, n))
    return ties.maximum(ties.T)


def _spread(ties: Any, given: Floats, alpha: float) -> tuple[Floats, int]:
    root = diags_array(1 / np.sqrt(ties.sum(axis=1)))
    step, found = root @ ties @ root, given
    for done in range(1, MOST_ROUNDS + 1):
        before, found = found, alpha * (step @ found) + (1 - alpha) * given
        if np.abs(found - before).max() < TOLERANCE * (1 - alpha):
            return found, done
    return found, MOST_ROUNDS


def _propagated(ties: Any, given: Floats) -> tuple[Floats, int]:
    step = diags_array(1 / ties.sum(axis=1)) @ ties
    known = given.any(axis=1)
    held = _shares(given, given)[known]
    found = np.zeros_like(given)
    found[known] = held
    for done in range(1, MOST_ROUNDS + 1):
        before, found = found, step @ found
        found[known] = held
        if np.abs(found - before).max() < TOLERANCE:
            return found, done
    return found, MOST_ROUNDS


def _shares(found: Floats, given: Floats) -> Floats:
    """Rows that sum to 1; where no label arrives, all that is known is how common classes are."""
    total = found.sum(axis=1, keepdims=True)
    common = given.sum(axis=0) / given.sum()
    shares: Floats = np.where(total > TINY, found / np.maximum(total, TINY), common)
    return shares
