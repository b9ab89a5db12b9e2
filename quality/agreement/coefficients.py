"""Percent agreement, Fleiss' kappa and Gwet's AC1 and AC2, with missing votes.

Every figure is a function of sums over items, so the same lines compute the figure and all of its
bootstrap replicates.

Percent: mean over items with two or more votes of the share of agreeing pairs.
Fleiss (1971): (p_a - p_e) / (1 - p_e), p_e = sum_kl w_kl pi_k pi_l, pi the mean share of a class
    over voted items; with two raters this is Scott's pi (1955).
AC1 and AC2 (Gwet 2008): the same with p_e = (sum w) / (q (q - 1)) * sum_k pi_k (1 - pi_k), q the
    number of classes in the ontology, used or not.
Missing votes as in Gwet, Handbook of Inter-Rater Reliability, 2014, chapters 2 to 4.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

from quality.agreement.bootstrap import REPLICATES, interval, resampled_sums
from quality.agreement.counts import CountRows, Floats, pair_sums
from quality.agreement.figure import Figure, defined
from quality.agreement.weights import Weights, agreement_weights, weighted

Name = Literal["percent", "fleiss_kappa", "gwet_ac1", "gwet_ac2"]
_ROUNDING = 1e-12
ONE_CLASS = "only one class was used, so agreement by chance is certain"


@dataclass(frozen=True)
class Sums:
    """Sums over items, with any leading axes (one replicate each)."""

    pairable: Floats
    agreeing: Floats
    voted: Floats
    shares: Floats

    @property
    def observed(self) -> Floats:
        """Observed agreement p_a."""
        return ratio(self.agreeing, self.pairable)

    @property
    def prevalence(self) -> Floats:
        """Mean share of each class pi_k, last axis classes."""
        return ratio(self.shares, self.voted[..., None])


def percent(rows: CountRows, *, weights: Weights = "identity") -> float | None:
    """Share of agreeing pairs of votes, the mean over items; None without pairs."""
    return coefficient("percent", rows, weights=weights)


def fleiss_kappa(rows: CountRows, *, weights: Weights = "identity") -> float | None:
    """Fleiss' kappa (Scott's pi with two raters); None where chance agreement is certain."""
    return coefficient("fleiss_kappa", rows, weights=weights)


def gwet_ac1(rows: CountRows) -> float | None:
    """Gwet's AC1; None without pairs or with fewer than two classes in the ontology."""
    return coefficient("gwet_ac1", rows)


def gwet_ac2(rows: CountRows, *, weights: Weights = "quadratic") -> float | None:
    """Gwet's AC2: AC1 for ordered classes."""
    return coefficient("gwet_ac2", rows, weights=weights)


def coefficient(name: Name, rows: CountRows, *, weights: Weights = "identity") -> float | None:
    """The named figure alone, without its interval."""
    near = agreement_weights(weights, rows.n_classes)
    return defined(float(evaluate(name, _totals(rows, near), near)))


def coefficient_figures(
    names: tuple[Name, ...],
    rows: CountRows,
    *,
    n_actors: int,
    seed: int,
    replicates: int = REPLICATES,
    weights: Weights = "identity",
) -> dict[str, Figure]:
    """The named figures with intervals; all of them share one set of draws."""
    near = agreement_weights(weights, rows.n_classes)
    missing = why_not(rows, n_actors)
    totals = _totals(rows, near)
    drawn: Sums | None = None
    if missing is None and rows.n_pairable > 1 and replicates:
        moments = _moments(rows, near)
        drawn = _split(resampled_sums(moments, rows.times, replicates=replicates, seed=seed))
    figures: dict[str, Figure] = {}
    for name in names:
        value = None if missing else defined(float(evaluate(name, totals, near)))
        spread = None if drawn is None else evaluate(name, drawn, near)
        figures[name] = assemble(name, value, spread, rows=rows, n_actors=n_actors, missing=missing)
    return figures


def assemble(
    name: str,
    value: float | None,
    spread: Floats | None,
    *,
    rows: CountRows,
    n_actors: int,
    missing: str | None,
) -> Figure:
    """A figure from its value and replicates, with the reason for whatever is missing."""
    n_items = rows.n_pairable
    if value is None:
        reason = missing or (ONE_CLASS if rows.n_classes > 1 else "the ontology has one class")
        return Figure(name, None, None, None, n_items, n_actors, reason)
    ends = interval(spread) if spread is not None else None
    if ends is None:
        reason = "no interval: fewer than two items have two votes"
        reason = reason if n_items <= 1 else "no interval: too few replicates have a value"
        return Figure(name, value, None, None, n_items, n_actors, reason)
    return Figure(name, value, *ends, n_items, n_actors, None)


def why_not(rows: CountRows, n_actors: int) -> str | None:
    """Why there is nothing to compare, or None where there is."""
    if not len(rows.times):
        return "there are no votes"
    if n_actors == 1:
        return "only one actor voted"
    if not rows.n_pairable:
        return "no item has votes of two actors"
    return None


def evaluate(name: Name, sums: Sums, near: Floats | None) -> Floats:
    """The figure of each set of sums, NaN where it is not defined."""
    if name == "percent":
        return sums.observed
    prevalence = sums.prevalence
    if name == "fleiss_kappa":
        chance = (weighted(prevalence, near) * prevalence).sum(axis=-1)
    else:
        n_classes = prevalence.shape[-1]
        total = n_classes if near is None else near.sum()
        per_pair = total / (n_classes * (n_classes - 1)) if n_classes > 1 else np.nan
        chance = per_pair * (prevalence * (1 - prevalence)).sum(axis=-1)
    return beyond_chance(sums.observed, chance)


def beyond_chance(observed: Floats, chance: Floats) -> Floats:
    """(observed - chance) / (1 - chance), NaN where chance agreement is certain."""
    certain = chance > 1 - _ROUNDING
    return ratio(observed - chance, np.where(certain, 0.0, 1 - chance))


def ratio(above: npt.ArrayLike, below: npt.ArrayLike) -> Floats:
    """Division that gives NaN, and no warning, where the divisor is 0."""
    above, below = np.broadcast_arrays(above, below)
    quotient = np.full(above.shape, np.nan)
    np.divide(above, below, out=quotient, where=below != 0)
    return quotient


def _totals(rows: CountRows, near: Floats | None) -> Sums:
    """Sums over all items as they are."""
    return _split(np.asarray(_moments(rows, near).T @ rows.times.astype(np.float64)))


def _moments(rows: CountRows, near: Floats | None) -> sparse.csr_array:
    """(n_rows, 3 + n_classes): pairable, agreement of its pairs, voted, share of each class."""
    sizes = rows.sizes
    pairable = sizes > 1
    agreeing = pair_sums(rows.counts, near) - sizes
    share = np.divide(agreeing, sizes * (sizes - 1), out=np.zeros(len(sizes)), where=pairable)
    scalars = np.column_stack([pairable, share, np.ones(len(sizes))])
    shares = rows.counts.multiply((1 / sizes)[:, None])
    return sparse.hstack([sparse.csr_array(scalars), shares]).tocsr()


def _split(sums: Floats) -> Sums:
    """Named sums from the columns that `_moments` lays out."""
    return Sums(sums[..., 0], sums[..., 1], sums[..., 2], sums[..., 3:])
