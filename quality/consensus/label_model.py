"""The label model of weak supervision: labeling functions that mostly abstain."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import polars as pl
from scipy.special import logsumexp

from quality.consensus.aggregator import Aggregator, Estimate
from quality.consensus.dawid_skene import even_prior
from quality.consensus.dependencies import Forest, learned_forest
from quality.consensus.errors import ParameterError
from quality.consensus.expectation import (
    FLOOR,
    Expected,
    Floats,
    climb,
    counted_cells,
    expected_cells,
    normalized,
)
from quality.consensus.majority import MajorityVote, vote_shares
from quality.consensus.params import Prior, Ties
from quality.consensus.rates import Rates, cells
from quality.consensus.start import Start, table
from quality.votes import VoteCodes

Model = tuple[Floats, Rates]


class LabelModel(Aggregator):
    """Each function votes or abstains by rates of its own: P(vote v of j | true k) = r[j, v, k].

    Abstaining is a value with a rate like any other, so that a function that only ever names
    one class still says something: it names it more often where it is true. The posterior is
    proportional to p[k] times the rates of the votes; with abstentions="informative" also of
    the abstentions, which is the full generative model. By default it takes functions for
    independent witnesses, so that doubles count twice; with dependencies="learned" (which needs
    informative abstentions) a function's rates also depend on what one other function says,
    and doubles count once: see learned_forest.

    A. Ratner et al., Data programming, NIPS 2016, https://arxiv.org/abs/1605.07723, and
    Training complex models with multi-task weak supervision, AAAI 2019,
    https://arxiv.org/abs/1810.02840, estimate such models from moments; here it is done by
    expectation maximization, as in Dawid-Skene.
    """

    name = "label_model"

    def __init__(
        self,
        classes: Sequence[str],
        *,
        prior: Prior = "uniform",
        abstentions: Literal["ignored", "informative"] = "ignored",
        dependencies: Literal["none", "learned"] = "none",
        smoothing: float = 1.0,
        tol: float = 1e-6,
        max_iter: int = 200,
        ties: Ties = "abstain",
    ) -> None:
        """Set the method up.

        Args:
            classes: the classes, in ontology order.
            prior: "uniform" over the classes, or "learned" from the votes.
            abstentions: "ignored", or "informative": they speak for or against a class too.
            dependencies: "none", or "learned" between pairs of functions.
            smoothing: items presumed of every function and class at its overall rates.
            tol: the gain in log-likelihood per vote at which to stop.
            max_iter: the most passes over the votes.
            ties: what a tied item gets: "abstain" (no label) or "first" (in ontology order).

        Raises:
            ParameterError: a parameter that cannot be, or learned dependencies with ignored
                abstentions.
        """
        if dependencies == "learned" and abstentions == "ignored":
            expected = "'informative' where dependencies are learned"
            raise ParameterError("abstentions", abstentions, expected)
        super().__init__(
            classes, prior=prior, abstentions=abstentions, dependencies=dependencies,
            smoothing=smoothing, tol=tol, max_iter=max_iter, ties=ties,
        )  # fmt: skip
        self._forest = Forest.bare(0)

    @property
    def majority_(self) -> MajorityVote:
        """The majority vote on the same votes, to be shown beside."""
        ties: Ties = "first" if self.params["ties"] == "first" else "abstain"
        return MajorityVote(self.classes, ties=ties).fit(self.votes_)

    @property
    def dependencies_(self) -> pl.DataFrame:
        """Function, depends_on, information (mutual, given the true class, in nats)."""
        actors, parent = self.votes_.actors, self._forest.parent
        dependent = np.flatnonzero(parent >= 0)
        return pl.DataFrame(
            {
                "function": actors.gather(dependent),
                "depends_on": actors.gather(parent[dependent]),
                "information": self._forest.information[dependent],
            }
        )

    def _infer(self, votes: VoteCodes, start: Start | None) -> Estimate:
        shares = vote_shares(votes, votes.weight)
        forest = Forest.bare(votes.n_actors)
        if self.params["dependencies"] == "learned":
            forest = learned_forest(votes, shares)
        self._forest, spoken = forest, cells(votes, forest)
        n_silent = int((np.diff(votes.starts) == 0).sum()) if self._counts_silence else 0

        smoothing = float(self.params["smoothing"])
        uniform = even_prior(votes) if self.params["prior"] == "uniform" else None

        def maximized(found: Expected) -> Model:
            prior = normalized(found.class_counts) if uniform is None else uniform
            return prior, Rates.fitted(found, forest, smoothing)

        def step(model: Model) -> tuple[Model, float]:
            log_prior, rows = self._logs(model, forest)
            found = expected_cells(votes, spoken[0], log_prior, rows)
            found = _with_silent(found, n_silent, log_prior)
            return maximized(found), found.log_likelihood

        even = np.zeros(votes.n_classes)
        cold = _with_silent(counted_cells(votes, *spoken, shares), n_silent, even)
        (prior, rates), converged, n_iter = climb(
            step,
            maximized(cold) if start is None else _warm(votes, forest, start),
            tol=float(self.params["tol"]) * votes.n_votes,
            max_iter=int(self.params["max_iter"]),
        )
        posterior = np.zeros((votes.n_items, votes.n_classes))
        found = expected_cells(
            votes, spoken[0], *self._logs((prior, rates), forest), posterior=posterior
        )
        found = _with_silent(found, n_silent, self._logs((prior, rates), forest)[0])
        by_class = _by_class(found, votes)
        classes = votes.classes
        return Estimate(
            posterior=posterior,
            start=Start.of(
                self.name,
                prior=table(prior, true_class=classes),
                rate=table(by_class, name=votes.actors, true_class=classes, voted_class=classes),
            ),
            converged=converged,
            n_iter=n_iter,
            confusions=normalized(by_class),
        )

    @property
    def _counts_silence(self) -> bool:
        return self.params["abstentions"] == "informative"

    def _logs(self, model: Model, forest: Forest) -> tuple[Floats, Floats]:
        """The log-probability of each class where all abstain, and what each vote adds."""
        prior, rates = model
        if not self._counts_silence:
            return np.log(prior), rates.log_rows()
        silent, rows = rates.log_rows_with_abstentions(forest)
        return np.log(prior) + silent, rows


def _with_silent(found: Expected, n_silent: int, log_prior: Floats) -> Expected:
    """The counts with the items on which all abstain."""
    total = float(logsumexp(log_prior))
    return replace(
        found,
        class_counts=found.class_counts + n_silent * np.exp(log_prior - total),
        log_likelihood=found.log_likelihood + n_silent * total,
    )


def _by_class(found: Expected, votes: VoteCodes) -> Floats:
    """[n_actors, n_classes, n_classes]: P(vote | true class) whatever the parent says."""
    shape = (votes.n_actors, -1, votes.n_classes, votes.n_classes)
    counts = found.counts.reshape(shape) if votes.n_actors else np.zeros((0, 1, *shape[2:]))
    rates: Floats = counts.sum(axis=1) / np.maximum(found.class_counts, FLOOR)
    return rates.transpose(0, 2, 1)


def _warm(votes: VoteCodes, forest: Forest, start: Start) -> Model:
    """Rates from an earlier fit; a newcomer, and a new class, are voted on evenly."""
    classes = votes.classes
    known = start.array(
        "rate", {"name": votes.actors, "true_class": classes, "voted_class": classes}
    )
    rates = np.where(np.isnan(known), 1 / (2 * votes.n_classes), known).transpose(0, 2, 1)
    rates = rates / np.maximum(rates.sum(axis=1, keepdims=True), 1.0) * (1 - FLOOR)
    prior = start.array("prior", {"true_class": classes})
    prior = normalized(np.where(np.isnan(prior), 1 / votes.n_classes, prior))
    n_values = 1 if forest.is_bare else votes.n_classes + 1
    repeated = np.repeat(rates[:, None], n_values, axis=1)
    return prior, Rates(repeated, np.clip(1 - repeated.sum(axis=2), FLOOR, 1.0))
