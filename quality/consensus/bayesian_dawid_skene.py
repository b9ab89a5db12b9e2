"""Dawid and Skene's observers with priors, for actors with few votes."""

from collections.abc import Sequence

import numpy as np
from scipy.special import betaincinv

from quality.consensus.aggregator import Aggregator, Estimate
from quality.consensus.dirichlet import divergence, mean_log
from quality.consensus.expectation import Expected, Floats, climb, expected, majority_counts
from quality.consensus.params import Ties
from quality.consensus.start import Start, table
from quality.votes import VoteCodes


class BayesianDawidSkene(Aggregator):
    """Dawid-Skene by variational Bayes: tables with a prior, and how sure they are.

    Row k of each actor's table has a Dirichlet prior worth `prior_votes` votes, a share
    `prior_accuracy` of them right; the class prior has Dirichlet(1). Expectation uses
    exp(E[log pi]) where DawidSkene uses pi; what climbs is the evidence lower bound. An actor
    with few votes stays near the prior instead of at 0 or 1.

    E. Simpson, S. Roberts, I. Psorakis and A. Smith, Dynamic Bayesian combination of multiple
    imperfect classifiers (2013), https://arxiv.org/abs/1206.1831.
    """

    name = "bayesian_dawid_skene"

    def __init__(
        self,
        classes: Sequence[str],
        *,
        prior_accuracy: float = 0.7,
        prior_votes: float = 2.0,
        tol: float = 1e-6,
        max_iter: int = 100,
        ties: Ties = "abstain",
    ) -> None:
        """Set the method up.

        Args:
            classes: the classes, in ontology order.
            prior_accuracy: the share of right votes that is presumed of every actor.
            prior_votes: how many votes per true class the presumption is worth.
            tol: the gain in evidence per vote at which to stop.
            max_iter: the most passes over the votes.
            ties: what a tied item gets: "abstain" (no label) or "first" (in ontology order).
        """
        super().__init__(
            classes, prior_accuracy=prior_accuracy, prior_votes=prior_votes, tol=tol,
            max_iter=max_iter, ties=ties,
        )  # fmt: skip

    def _infer(self, votes: VoteCodes, start: Start | None) -> Estimate:
        def step(found: Expected) -> tuple[Expected, float]:
            classes, tables = self._posteriors(found)
            better = expected(votes, mean_log(classes), mean_log(tables))
            height = better.log_likelihood - divergence(classes, np.ones(votes.n_classes))
            return better, height - divergence(tables, self._prior)

        found, converged, n_iter = climb(
            step,
            majority_counts(votes) if start is None else _warm(votes, start),
            tol=float(self.params["tol"]) * votes.n_votes,
            max_iter=int(self.params["max_iter"]),
        )
        classes, tables = self._posteriors(found)
        posterior = np.zeros((votes.n_items, votes.n_classes))
        expected(votes, mean_log(classes), mean_log(tables), posterior=posterior)
        return Estimate(
            posterior=posterior,
            start=Start.of(
                self.name,
                items=table(found.class_counts, true_class=votes.classes),
                votes=table(
                    found.counts,
                    name=votes.actors,
                    true_class=votes.classes,
                    voted_class=votes.classes,
                ),
            ),
            converged=converged,
            n_iter=n_iter,
            confusions=tables / tables.sum(axis=2, keepdims=True),
            actor_columns=_accuracy(classes / classes.sum(), tables),
        )

    @property
    def _prior(self) -> Floats:
        """[n_classes, n_classes] the votes presumed of every actor."""
        n_classes, accuracy = len(self.classes), float(self.params["prior_accuracy"])
        wrong = (1 - accuracy) / (n_classes - 1)
        shares = np.where(np.eye(n_classes, dtype=np.bool_), accuracy, wrong)
        prior: Floats = float(self.params["prior_votes"]) * shares
        return prior

    def _posteriors(self, found: Expected) -> tuple[Floats, Floats]:
        return found.class_counts + 1.0, found.counts + self._prior


def _accuracy(class_shares: Floats, tables: Floats) -> dict[str, Floats]:
    """How often each actor is right over all classes, with a 95 % interval.

    The rows are independent Betas on the diagonal; their mixture over the classes is given the
    Beta of the same mean and variance.
    """
    right, total = np.einsum("akk->ak", tables), tables.sum(axis=2)
    mean = right / total
    variance = mean * (1 - mean) / (total + 1)
    overall = mean @ class_shares
    spread = variance @ class_shares**2
    votes = overall * (1 - overall) / spread - 1
    a, b = overall * votes, (1 - overall) * votes
    return {
        "accuracy": overall,
        "accuracy_low": betaincinv(a, b, 0.025),
        "accuracy_high": betaincinv(a, b, 0.975),
    }


def _warm(votes: VoteCodes, start: Start) -> Expected:
    """Counts from an earlier fit; of newcomers and new classes nothing is known but the prior."""
    counts = start.array(
        "votes",
        {"name": votes.actors, "true_class": votes.classes, "voted_class": votes.classes},
    )
    items = start.array("items", {"true_class": votes.classes})
    return Expected(np.nan_to_num(counts), np.nan_to_num(items), -np.inf)
