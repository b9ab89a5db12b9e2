"""MACE: actors that either know the answer or spam."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from quality.consensus.aggregator import Aggregator, Estimate
from quality.consensus.dirichlet import divergence, mean_log
from quality.consensus.expectation import Floats, climb
from quality.consensus.hits import cast, expected_hits, majority_hits
from quality.consensus.majority import vote_shares
from quality.consensus.params import Ties
from quality.consensus.start import Start, table
from quality.votes import VoteCodes


@dataclass(frozen=True)
class Habits:
    """The expected votes behind each actor's habits, without the priors.

    Attributes:
        known: [n_actors] votes that the actor knew.
        spammed: [n_actors, n_classes] votes that it spammed, by voted class.
    """

    known: Floats
    spammed: Floats


class Mace(Aggregator):
    """An actor knows the true class with probability theta[a], else votes by its habit xi[a].

    P(voted l | true k) = theta[a] [l = k] + (1 - theta[a]) xi[a, l], classes equally likely,
    fitted by variational Bayes: theta[a] has a Beta(knows_prior, knows_prior) prior, xi[a] a
    symmetric Dirichlet(habit_prior). Starts from agreement with the vote shares, so that no
    random restarts are needed.

    D. Hovy, T. Berg-Kirkpatrick, A. Vaswani and E. Hovy, Learning whom to trust with MACE,
    NAACL-HLT 2013, https://aclanthology.org/N13-1132.
    """

    name = "mace"

    def __init__(
        self,
        classes: Sequence[str],
        *,
        knows_prior: float = 0.5,
        habit_prior: float = 10.0,
        tol: float = 1e-6,
        max_iter: int = 100,
        ties: Ties = "abstain",
    ) -> None:
        """Set the method up.

        Args:
            classes: the classes, in ontology order.
            knows_prior: votes known and votes spammed that are presumed of every actor.
            habit_prior: spammed votes per class that are presumed of every actor.
            tol: the gain in evidence per vote at which to stop.
            max_iter: the most passes over the votes.
            ties: what a tied item gets: "abstain" (no label) or "first" (in ontology order).
        """
        super().__init__(
            classes, knows_prior=knows_prior, habit_prior=habit_prior, tol=tol,
            max_iter=max_iter, ties=ties,
        )  # fmt: skip

    def _infer(self, votes: VoteCodes, start: Start | None) -> Estimate:
        prior = np.full(votes.n_classes, 1 / votes.n_classes)
        total = cast(votes)

        def step(habits: Habits) -> tuple[Habits, float]:
            log_known, log_spammed = self._mean_logs(habits)
            log_right = np.logaddexp(log_known, log_spammed)
            found = expected_hits(votes, prior, log_right, log_spammed)
            better = _split(found.right, total, np.exp(log_known - log_right))
            return better, found.log_likelihood - self._divergence(habits)

        habits, converged, n_iter = climb(
            step,
            _cold(votes, total) if start is None else _warm(votes, start),
            tol=float(self.params["tol"]) * votes.n_votes,
            max_iter=int(self.params["max_iter"]),
        )
        log_known, log_spammed = self._mean_logs(habits)
        posterior = np.zeros((votes.n_items, votes.n_classes))
        log_right = np.logaddexp(log_known, log_spammed)
        expected_hits(votes, prior, log_right, log_spammed, posterior=posterior)
        knows, habit = self._posteriors(habits)
        trust = knows[:, 0] / knows.sum(axis=1)
        habit /= habit.sum(axis=1, keepdims=True)
        return Estimate(
            posterior=posterior,
            start=Start.of(
                self.name,
                known=table(habits.known, name=votes.actors),
                spammed=table(habits.spammed, name=votes.actors, voted_class=votes.classes),
            ),
            converged=converged,
            n_iter=n_iter,
            confusions=trust[:, None, None] * np.eye(votes.n_classes)
            + (1 - trust)[:, None, None] * habit[:, None, :],
            actor_columns={"trust": trust},
        )

    def _posteriors(self, habits: Habits) -> tuple[Floats, Floats]:
        """Beta [n_actors, 2] of knowing and spamming, Dirichlet [n_actors, n_classes] of habit."""
        knows = np.stack([habits.known, habits.spammed.sum(axis=1)], axis=1)
        return (
            knows + float(self.params["knows_prior"]),
            habits.spammed + float(self.params["habit_prior"]),
        )

    def _mean_logs(self, habits: Habits) -> tuple[Floats, Floats]:
        """E[log theta] [n_actors, 1] and E[log (1 - theta) xi] [n_actors, n_classes]."""
        knows, habit = self._posteriors(habits)
        log_knows = mean_log(knows)
        return log_knows[:, :1], log_knows[:, 1:] + mean_log(habit)

    def _divergence(self, habits: Habits) -> float:
        knows, habit = self._posteriors(habits)
        presumed = np.array([float(self.params["knows_prior"])])
        habitual = np.array([float(self.params["habit_prior"])])
        return divergence(knows, presumed) + divergence(habit, habitual)


def _split(right: Floats, total: Floats, knew: Floats) -> Habits:
    """Right votes were known in the share `knew`; all other votes were spammed."""
    known = right * knew
    return Habits(known.sum(axis=1), total - known)


def _cold(votes: VoteCodes, total: Floats) -> Habits:
    """As if an actor had known what it has right beyond chance, by the vote shares."""
    right = majority_hits(votes, vote_shares(votes, votes.weight))
    accuracy = right.sum(axis=1, keepdims=True) / np.maximum(total.sum(axis=1, keepdims=True), 1)
    chance = 1 / votes.n_classes
    knew = np.clip((accuracy - chance) / (1 - chance), 0.05, 0.95)
    return _split(right, total, knew)


def _warm(votes: VoteCodes, start: Start) -> Habits:
    """Habits from an earlier fit; of a newcomer nothing is known but the priors."""
    axes = {"name": votes.actors}
    spammed = start.array("spammed", axes | {"voted_class": pl.Series(votes.classes)})
    return Habits(np.nan_to_num(start.array("known", axes)), np.nan_to_num(spammed))
