"""Agreement between two groups of actors, such as people and machines.

An item counts where both groups voted. Its agreement is the share of pairs, one vote from each
group, that agree; chance agreement is sum_k p_k q_k of the groups' mean shares; kappa is
(p_o - p_e) / (1 - p_e). With one actor in each group this is Cohen's kappa. Vanbelle and Albert,
Agreement between two independent groups of raters, Psychometrika 74, 2009.
"""

from dataclasses import replace

import numpy as np
from scipy import sparse

from quality.agreement.bootstrap import REPLICATES, interval, resampled_sums
from quality.agreement.coefficients import ONE_CLASS, beyond_chance, ratio
from quality.agreement.counts import Codes, Floats, count_votes
from quality.agreement.figure import Figure, defined
from quality.votes import Mask, VoteCodes


def between_groups(
    coded: VoteCodes, one: Mask, other: Mask, *, seed: int, replicates: int = REPLICATES
) -> dict[str, Figure]:
    """Percent agreement and kappa between two groups of votes, with intervals.

    Args:
        coded: The votes.
        one: (n_votes,) which votes are the first group's.
        other: (n_votes,) which are the other's; no vote may be in both.
        seed: Of the bootstrap.
        replicates: Of the bootstrap; 0 leaves the intervals out.
    """
    moments, times = _moments(coded, one, other)
    n_items, n_classes = int(times.sum()), len(coded.classes)
    n_actors = coded.where(one | other).n_voters
    names = ("percent", "kappa")
    if not n_items:
        reason = "no item has votes of both groups"
        return {name: Figure(name, None, None, None, 0, n_actors, reason) for name in names}
    values = _evaluate(np.asarray(moments.T @ times.astype(np.float64)), n_classes)
    spreads: tuple[Floats | None, Floats | None] = (None, None)
    if n_items > 1 and replicates:
        sums = resampled_sums(moments, times, replicates=replicates, seed=seed)
        spreads = _evaluate(sums, n_classes)
    return {
        name: _figure(name, float(value), spread, n_items, n_actors)
        for name, value, spread in zip(names, values, spreads, strict=True)
    }


def _moments(coded: VoteCodes, one: Mask, other: Mask) -> tuple[sparse.csr_array, Codes]:
    """Per distinct pair of count rows: 1, agreement, shares of both groups; and how often.

    Both groups are counted at once, the other one's classes set beside the first one's.
    """
    n_classes = len(coded.classes)
    both = coded.where(one | other)
    label = both.label + n_classes * other[one | other]
    rows = count_votes(replace(both, classes=both.classes * 2, label=label))
    counts = rows.counts.tocsc()
    first, second = counts[:, :n_classes].tocsr(), counts[:, n_classes:].tocsr()
    shared = np.flatnonzero((first.sum(axis=1) > 0) & (second.sum(axis=1) > 0))
    p, q = (_shares(group[shared]) for group in (first, second))
    agreeing = np.asarray(p.multiply(q).sum(axis=1))
    scalars = sparse.csr_array(np.column_stack([np.ones(len(shared)), agreeing]))
    return sparse.hstack([scalars, p, q]).tocsr(), rows.times[shared]


def _shares(counts: sparse.csr_array) -> sparse.csr_array:
    """Counts divided by their row's sum."""
    return counts.multiply((1 / np.asarray(counts.sum(axis=1), np.float64))[:, None]).tocsr()


def _evaluate(sums: Floats, n_classes: int) -> tuple[Floats, Floats]:
    """Percent and kappa of each set of sums."""
    n_items = sums[..., 0]
    observed = ratio(sums[..., 1], n_items)
    p, q = sums[..., 2 : 2 + n_classes], sums[..., 2 + n_classes :]
    chance = ratio((p * q).sum(axis=-1), n_items**2)
    return observed, beyond_chance(observed, chance)


def _figure(name: str, value: float, spread: Floats | None, n_items: int, n_actors: int) -> Figure:
    """A figure, or the reason why it is missing."""
    if (number := defined(value)) is None:
        return Figure(name, None, None, None, n_items, n_actors, ONE_CLASS)
    ends = interval(spread) if spread is not None else None
    if ends is None:
        reason = "no interval: too few items were voted on by both groups"
        return Figure(name, number, None, None, n_items, n_actors, reason)
    return Figure(name, number, *ends, n_items, n_actors, None)
