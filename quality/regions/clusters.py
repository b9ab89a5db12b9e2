"""Which regions of several actors are one and the same thing."""

import numpy as np
import numpy.typing as npt
from scipy import sparse

from quality.regions.matching import Floats, iou

Codes = npt.NDArray[np.int64]
_TINY = 1e-12


def clusters(item: Codes, actor: Codes, label: Codes, sides: Floats, *, threshold: float) -> Codes:
    """A cluster for each region, no two of one actor in one cluster.

    Within an item the two clusters that overlap most are merged again and again, as long as their
    mean IoU reaches the threshold and no actor is in both (average linkage). Those of the same
    class go first.

    Args:
        item: (n,) items, never decreasing.
        actor: (n,) who drew it.
        label: (n,) the class.
        sides: (n, 2 d) lower and upper ends.
        threshold: Lowest mean IoU of a cluster's halves, above 0.

    Returns:
        (n,) cluster numbers from 0, in the order of their first regions.
    """
    one, other = _overlapping(item, actor, sides, threshold)
    n = len(item)
    linked = sparse.coo_array((np.ones(len(one)), (one, other)), shape=(n, n))
    part = sparse.csgraph.connected_components(linked, directed=False)[1].astype(np.int64)
    found = part * n
    for region in _tangled(part, actor, one):
        places = np.flatnonzero(part == region)
        own = _linkage(actor[places], label[places], sides[places], threshold)
        found[places] = region * n + own
    return _in_order(found)


def _overlapping(item: Codes, actor: Codes, sides: Floats, threshold: float) -> tuple[Codes, Codes]:
    """Pairs of regions of one item and two actors that overlap enough.

    Regions are compared with the next one, the one after it and so on, as long as any item is
    that long.
    """
    longest = int(np.bincount(item - item.min()).max()) if len(item) else 0
    pairs = []
    for step in range(1, longest):
        here = np.flatnonzero((item[step:] == item[:-step]) & (actor[step:] != actor[:-step]))
        near = here[iou(sides[here], sides[here + step]) >= threshold]
        pairs.append(np.stack([near, near + step]))
    both = np.concatenate(pairs, axis=1) if pairs else np.zeros((2, 0), np.int64)
    return both[0], both[1]


def _tangled(part: Codes, actor: Codes, one: Codes) -> Codes:
    """Components that are not one cluster at sight: not all overlap, or an actor is in it twice."""
    size = np.bincount(part)
    links = np.bincount(part[one], minlength=len(size))
    own = np.unique(np.stack([part, actor]), axis=1)[0]
    whole = (links == size * (size - 1) // 2) & (np.bincount(own, minlength=len(size)) == size)
    return np.flatnonzero(~whole)


def _linkage(actor: Codes, label: Codes, sides: Floats, threshold: float) -> Codes:
    """(m,) clusters of the regions of one tangle, by average linkage."""
    near = iou(sides[:, None], sides[None])
    same = (label[:, None] == label[None]).astype(np.float64)
    apart = actor[:, None] != actor[None]
    np.fill_diagonal(apart, val=False)
    sizes = np.ones(len(actor))
    cluster = np.arange(len(actor))
    while True:
        allowed = apart & (near >= threshold - _TINY)
        if not allowed.any():
            return cluster
        # Rounded, so that the order of sums leaves no trace in which of two is nearer.
        merit = np.where(allowed, np.round(near + same, 9), -1.0)
        kept, gone = np.unravel_index(int(merit.argmax()), merit.shape)
        share = sizes[kept] / (sizes[kept] + sizes[gone])
        for table in (near, same):
            mixed = share * table[kept] + (1 - share) * table[gone]
            table[kept], table[:, kept] = mixed, mixed
        both = apart[kept] & apart[gone]
        apart[kept], apart[:, kept] = both, both
        apart[gone], apart[:, gone] = False, False
        sizes[kept] += sizes[gone]
        cluster[cluster == gone] = kept


def _in_order(found: Codes) -> Codes:
    """Numbers from 0 in the order of first appearance."""
    names, first, inverse = np.unique(found, return_index=True, return_inverse=True)
    rank = np.empty(len(names), np.int64)
    rank[np.argsort(first)] = np.arange(len(names))
    return np.asarray(rank[inverse])
