"""Dawid and Skene's observers, each with a confusion table of its own."""

from collections.abc import Sequence

import numpy as np

from quality.consensus.aggregator import TIE, Aggregator, Estimate
from quality.consensus.expectation import (
    Expected,
    Floats,
    climb,
    expected,
    majority_counts,
    normalized,
)
from quality.consensus.majority import vote_shares
from quality.consensus.params import Prior, Ties
from quality.consensus.start import Start, table
from quality.votes import VoteCodes

Tables = tuple[Floats, Floats]
"""The class prior [n_classes] and the confusion tables [n_actors, n_classes, n_classes]."""

NEWCOMER = 0.7
"""How often an actor that a warm start does not know is taken to be right, at first."""


class DawidSkene(Aggregator):
    """Every actor errs in its own way: P(voted l | true k) = pi[a, k, l].

    With class prior p, expectation gives each item T[i, k] proportional to
    p[k] * prod over its votes (a, l) of pi[a, k, l]; maximization gives pi[a, k, l]
    proportional to the sum of T[i, k] over a's votes l, and p[k] to the sum of T[i, k]. A
    vote's weight is the power that its factor is raised to. Starts from vote shares.

    A. P. Dawid and A. M. Skene, Maximum likelihood estimation of observer error-rates using
    the EM algorithm, Applied Statistics 28 (1979), https://doi.org/10.2307/2346806.
    """

    name = "dawid_skene"
    hard = False

    def __init__(
        self,
        classes: Sequence[str],
        *,
        prior: Prior = "learned",
        smoothing: float = 0.0,
        tol: float = 1e-6,
        max_iter: int = 100,
        ties: Ties = "abstain",
    ) -> None:
        """Set the method up.

        Args:
            classes: the classes, in ontology order.
            prior: "learned" from the votes, or "uniform" over the classes.
            smoothing: votes added to every cell of every table before shares are taken.
            tol: the gain in log-likelihood per vote at which to stop.
            max_iter: the most passes over the votes.
            ties: what a tied item gets: "abstain" (no label) or "first" (in ontology order).
        """
        super().__init__(
            classes, prior=prior, smoothing=smoothing, tol=tol, max_iter=max_iter, ties=ties
        )

    def _infer(self, votes: VoteCodes, start: Start | None) -> Estimate:
        even = even_prior(votes) if self.params["prior"] == "uniform" else None

        def maximized(found: Expected) -> Tables:
            prior = normalized(found.class_counts) if even is None else even
            return prior, self._confusions(found)

        def step(tables: Tables) -> tuple[Tables, float]:
            found = expected(votes, *map(np.log, tables), hard=self.hard)
            return maximized(found), found.log_likelihood

        first = maximized(majority_counts(votes)) if start is None else _warm(votes, start)
        tol = float(self.params["tol"]) * votes.n_votes
        (prior, confusions), converged, n_iter = climb(
            step, first, tol=tol, max_iter=int(self.params["max_iter"])
        )
        posterior = np.zeros((votes.n_items, votes.n_classes))
        expected(votes, np.log(prior), np.log(confusions), posterior=posterior)
        return Estimate(
            posterior=posterior,
            start=started(self.name, votes, prior, confusions),
            converged=converged,
            n_iter=n_iter,
            confusions=confusions,
        )

    def _confusions(self, found: Expected) -> Floats:
        return normalized(found.counts, float(self.params["smoothing"]))


def even_prior(votes: VoteCodes) -> Floats:
    """[n_classes]: the same for every class that leads the votes on some item.

    A class that never does is left out: its tables would be free to explain all disagreement,
    and it would be given the disputed items.
    """
    shares = vote_shares(votes, votes.weight)
    leads = (shares > 0) & (shares >= shares.max(axis=1, keepdims=True, initial=0) - TIE)
    return normalized(np.where(leads.any(axis=0), 1.0, 0.0))


def started(method: str, votes: VoteCodes, prior: Floats, confusions: Floats) -> Start:
    """Prior and tables by the names of actors and classes."""
    classes, actors = votes.classes, votes.actors
    return Start.of(
        method,
        prior=table(prior, true_class=classes),
        confusion=table(confusions, name=actors, true_class=classes, voted_class=classes),
    )


def _warm(votes: VoteCodes, start: Start) -> Tables:
    """Tables from an earlier fit; a newcomer errs like the others, a new class evenly."""
    classes = votes.classes
    known = start.array(
        "confusion", {"name": votes.actors, "true_class": classes, "voted_class": classes}
    )
    even = np.full((len(classes), len(classes)), (1 - NEWCOMER) / (len(classes) - 1))
    np.fill_diagonal(even, NEWCOMER)
    seen = ~np.isnan(known)
    mean = np.where(seen, known, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    usual = np.where(seen.any(axis=0), mean, even)
    prior = start.array("prior", {"true_class": classes})
    prior = np.where(np.isnan(prior), 1 / len(classes), prior)
    return normalized(prior), normalized(np.where(seen, known, usual))
