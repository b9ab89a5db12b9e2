"""Actors that are right with one probability, whatever the class."""

from collections.abc import Sequence

import numpy as np

from quality.consensus.aggregator import Aggregator, Estimate
from quality.consensus.dawid_skene import even_prior
from quality.consensus.expectation import FLOOR, Floats, climb, normalized
from quality.consensus.hits import Hits, cast, expected_hits, majority_hits
from quality.consensus.majority import vote_shares
from quality.consensus.params import Prior, Ties
from quality.consensus.start import Start, table
from quality.consensus.two_coin import spread
from quality.votes import VoteCodes

Coins = tuple[Floats, Floats]
"""The class prior [n_classes] and the accuracies [n_actors]."""

NEWCOMER = 0.7
"""How often an actor is taken to be right, at first, where a warm start knows nobody."""


class OneCoin(Aggregator):
    """One accuracy per actor: P(voted l | true k) = c[a] if l = k, else (1 - c[a]) / (K - 1).

    Expectation gives T[i, k] proportional to p[k] times the product of its votes' factors;
    maximization sets c[a] to the mean of T[i, l] over a's votes l. Also known as the
    homogeneous Dawid-Skene model: Y. Zhang, X. Chen, D. Zhou and M. I. Jordan, Spectral methods
    meet EM, JMLR 17 (2016), https://www.jmlr.org/papers/v17/14-511.html. The class prior is
    uniform by default: a learned one can run away with a skewed crowd.
    """

    name = "one_coin"

    def __init__(
        self,
        classes: Sequence[str],
        *,
        prior: Prior = "uniform",
        smoothing: float = 0.0,
        tol: float = 1e-6,
        max_iter: int = 100,
        ties: Ties = "abstain",
    ) -> None:
        """Set the method up.

        Args:
            classes: the classes, in ontology order.
            prior: "uniform" over the classes, or "learned" from the votes.
            smoothing: votes added to the right and to the wrong ones before a share is taken.
            tol: the gain in log-likelihood per vote at which to stop.
            max_iter: the most passes over the votes.
            ties: what a tied item gets: "abstain" (no label) or "first" (in ontology order).
        """
        super().__init__(
            classes, prior=prior, smoothing=smoothing, tol=tol, max_iter=max_iter, ties=ties
        )

    def _infer(self, votes: VoteCodes, start: Start | None) -> Estimate:
        given = cast(votes).sum(axis=1)
        even = even_prior(votes) if self.params["prior"] == "uniform" else None

        def maximized(found: Hits) -> Coins:
            prior = normalized(found.class_counts) if even is None else even
            return prior, self._accuracy(found, given)

        def step(coins: Coins) -> tuple[Coins, float]:
            found = expected_hits(votes, coins[0], *_logs(coins[1], votes.n_classes))
            return maximized(found), found.log_likelihood

        shares = vote_shares(votes, votes.weight)
        cold = Hits(majority_hits(votes, shares), shares.sum(axis=0), -np.inf)
        first = maximized(cold) if start is None else _warm(votes, start)
        (prior, accuracy), converged, n_iter = climb(
            step,
            first,
            tol=float(self.params["tol"]) * votes.n_votes,
            max_iter=int(self.params["max_iter"]),
        )
        posterior = np.zeros((votes.n_items, votes.n_classes))
        expected_hits(votes, prior, *_logs(accuracy, votes.n_classes), posterior=posterior)
        return Estimate(
            posterior=posterior,
            start=Start.of(
                self.name,
                prior=table(prior, true_class=votes.classes),
                accuracy=table(accuracy, name=votes.actors),
            ),
            converged=converged,
            n_iter=n_iter,
            confusions=spread(np.repeat(accuracy[:, None], votes.n_classes, axis=1)),
        )

    def _accuracy(self, found: Hits, given: Floats) -> Floats:
        smoothing = float(self.params["smoothing"])
        right = found.right.sum(axis=1) + smoothing
        accuracy: Floats = right / np.maximum(given + 2 * smoothing, FLOOR)
        return accuracy


def _logs(accuracy: Floats, n_classes: int) -> tuple[Floats, Floats]:
    """Log P(vote | right) and log P(vote | wrong), [n_actors, n_classes] each."""
    within = np.clip(accuracy, FLOOR, 1 - FLOOR)[:, None]
    shape = (len(accuracy), n_classes)
    right = np.broadcast_to(np.log(within), shape)
    return right, np.broadcast_to(np.log((1 - within) / (n_classes - 1)), shape)


def _warm(votes: VoteCodes, start: Start) -> Coins:
    """Coins from an earlier fit; a newcomer is as good as the others on average."""
    accuracy = start.array("accuracy", {"name": votes.actors})
    known = ~np.isnan(accuracy)
    usual = accuracy[known].mean() if known.any() else NEWCOMER
    prior = start.array("prior", {"true_class": votes.classes})
    prior = np.where(np.isnan(prior), 1 / votes.n_classes, prior)
    return normalized(prior), np.where(known, accuracy, usual)
