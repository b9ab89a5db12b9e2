"""Krippendorff's alpha: 1 - D_o / D_e, for any number of actors, any scale and missing votes.

Over items with m_u >= 2 votes, coincidences o_kl = sum_u n_uk (n_ul - [k = l]) / (m_u - 1), their
margins n_k and n = sum n_k; D_o = sum o_kl d_kl / n and D_e = sum n_k n_l d_kl / (n (n - 1)) (minus
the pairs of a vote with itself, for which d is 0). Krippendorff, Computing Krippendorff's
Alpha-Reliability, 2011.
"""

import numpy as np
from scipy import sparse

from quality.agreement.bootstrap import REPLICATES, resampled_sums
from quality.agreement.coefficients import assemble, ratio, why_not
from quality.agreement.counts import CountRows, Floats, pair_sums
from quality.agreement.distances import Distance, Scale, distances, ordinal_distances
from quality.agreement.figure import Figure, defined

_MOST_ORDERED = 100


def krippendorff_alpha(
    rows: CountRows, *, scale: Scale | Distance = "nominal", values: Floats | None = None
) -> float | None:
    """Krippendorff's alpha, or None where it is not defined.

    Args:
        rows: Votes per class.
        scale: nominal, ordinal, interval, ratio, or a (n_classes, n_classes) matrix of
            distances: 0 on the diagonal, symmetric, summed as they are.
        values: (n_classes,) the classes' numbers; their places by default. Only the interval
            and the ratio scale read them.
    """
    fixed = _at_margins(rows) if _is_ordinal(scale) else scale
    moments = _moments(rows, fixed, values)
    sums = np.asarray(moments.T @ rows.times.astype(np.float64))
    return defined(float(_evaluate(sums, rows.n_classes, fixed, values)))


def alpha_figure(
    rows: CountRows,
    *,
    n_actors: int,
    seed: int,
    replicates: int = REPLICATES,
    scale: Scale | Distance = "nominal",
    values: Floats | None = None,
) -> Figure:
    """Krippendorff's alpha with its interval from resampling items.

    Above 100 ordered classes the distances between them are held fixed while items are drawn.
    """
    missing = why_not(rows, n_actors)
    value = None if missing else krippendorff_alpha(rows, scale=scale, values=values)
    spread = None
    if value is not None and rows.n_pairable > 1 and replicates:
        if _is_ordinal(scale) and rows.n_classes > _MOST_ORDERED:
            scale = _at_margins(rows)
        moments = _moments(rows, scale, values)
        sums = resampled_sums(moments, rows.times, replicates=replicates, seed=seed)
        spread = _evaluate(sums, rows.n_classes, scale, values)
    return assemble(
        "krippendorff_alpha", value, spread, rows=rows, n_actors=n_actors, missing=missing
    )


def _is_ordinal(scale: Scale | Distance) -> bool:
    """Whether distances depend on how often the classes are used."""
    return isinstance(scale, str) and scale == "ordinal"


def _at_margins(rows: CountRows) -> Distance:
    """(n_classes, n_classes) ordinal distances as the votes use the classes."""
    pairable = rows.times * (rows.sizes > 1)
    return ordinal_distances(np.asarray(rows.counts.T @ pairable, np.float64))


def _moments(rows: CountRows, scale: Scale | Distance, values: Floats | None) -> sparse.csr_array:
    """(n_rows, n_classes + ...): votes per class, then disagreement or coincidences.

    The ordinal distance depends on the margins, which differ in every replicate, so that scale
    carries all coincidences; the others carry one sum.
    """
    sizes = rows.sizes
    pairable = sizes > 1
    per_vote = np.divide(1, sizes - 1, out=np.zeros(len(sizes)), where=pairable)
    votes = rows.counts.multiply(pairable[:, None].astype(np.float64))
    if _is_ordinal(scale):
        disagreement = _coincidences(rows.counts).multiply(per_vote[:, None])
    elif isinstance(scale, str) and scale == "nominal":
        total = sizes**2 - pair_sums(rows.counts, None)
        disagreement = sparse.csr_array((total * per_vote)[:, None])
    else:
        total = pair_sums(rows.counts, distances(scale, rows.n_classes, values))
        disagreement = sparse.csr_array((total * per_vote)[:, None])
    return sparse.hstack([votes, disagreement]).tocsr()


def _coincidences(counts: sparse.csr_array) -> sparse.csr_array:
    """(n_rows, n_classes^2) products n_k n_l; the diagonal is never read, for d_kk is 0."""
    n_classes = counts.shape[1]
    columns = [counts.multiply(counts[:, [place]].toarray()) for place in range(n_classes)]
    return sparse.hstack(columns).tocsr()


def _evaluate(
    sums: Floats, n_classes: int, scale: Scale | Distance, values: Floats | None
) -> Floats:
    """Alpha of each set of sums, NaN where no disagreement could be expected."""
    votes, disagreement = sums[..., :n_classes], sums[..., n_classes:]
    n_votes = votes.sum(axis=-1)
    if isinstance(scale, str) and scale == "nominal":
        observed, expected = disagreement[..., 0], n_votes**2 - (votes**2).sum(axis=-1)
    elif _is_ordinal(scale):
        apart = ordinal_distances(votes)
        observed = (disagreement * apart.reshape(disagreement.shape)).sum(axis=-1)
        expected = np.einsum("...k,...kl,...l->...", votes, apart, votes)
    else:
        apart = distances(scale, n_classes, values)
        observed, expected = disagreement[..., 0], ((votes @ apart) * votes).sum(axis=-1)
    return np.asarray(1 - ratio(observed * (n_votes - 1), expected))
