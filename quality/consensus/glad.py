"""GLAD: actors differ in ability and items in difficulty."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from quality.compiled import compiled
from quality.consensus.aggregator import Aggregator, Estimate
from quality.consensus.expectation import EMPTY, NO_POSTERIOR, Floats, climb
from quality.consensus.kernels import glad_pass
from quality.consensus.params import Ties
from quality.consensus.passes import over_chunks
from quality.consensus.start import Start, table
from quality.votes import VoteCodes

Model = tuple[Floats, Floats]
"""Ability [n_actors] and ease [n_items], the log of the inverse difficulty."""


class Glad(Aggregator):
    """P(vote right) = 1 / (1 + exp(-alpha[a] * beta[i])): ability of the actor, ease of the item.

    Errors fall evenly on the other classes, classes are equally likely, alpha and log beta have
    normal priors of mean 1 and variance 1, which also settle their common scale. Each pass takes
    the posterior of an item, one Fisher-scoring step for its log beta, then one for every alpha:
    a generalized EM, whose fixed points are those of the full one. Starts from the priors' means.

    J. Whitehill, P. Ruvolo, T. Wu, J. Bergsma and J. Movellan, Whose vote should count more,
    NIPS 2009, https://papers.nips.cc/paper/2009/hash/f899139df5e1059396431415e770c6dd-Abstract.html.
    """

    name = "glad"

    def __init__(
        self,
        classes: Sequence[str],
        *,
        tol: float = 1e-6,
        max_iter: int = 200,
        ties: Ties = "abstain",
    ) -> None:
        """Set the method up.

        Args:
            classes: the classes, in ontology order.
            tol: the gain in log-posterior per vote at which to stop.
            max_iter: the most passes over the votes.
            ties: what a tied item gets: "abstain" (no label) or "first" (in ontology order).
        """
        super().__init__(classes, tol=tol, max_iter=max_iter, ties=ties)
        self._difficulty = np.empty(0)

    def _infer(self, votes: VoteCodes, start: Start | None) -> Estimate:
        (ability, ease), converged, n_iter = climb(
            lambda model: _pass(votes, *model),
            _cold(votes) if start is None else _warm(votes, start),
            tol=float(self.params["tol"]) * votes.n_votes,
            max_iter=int(self.params["max_iter"]),
        )
        posterior = np.zeros((votes.n_items, votes.n_classes))
        _pass(votes, ability, ease, posterior)
        self._difficulty = np.exp(-ease)
        return Estimate(
            posterior=posterior,
            start=Start.of(
                self.name,
                ability=table(ability, name=votes.actors),
                ease=table(ease, name=votes.items),
            ),
            converged=converged,
            n_iter=n_iter,
            actor_columns={"ability": ability},
        )

    @property
    def difficulty_(self) -> pl.DataFrame:
        """item_id, difficulty (1 / beta, greater than 0; null without votes)."""
        items, unvoted = self.votes_.items, pl.Series(self._n_votes == 0)
        difficulty = pl.Series(self._difficulty).set(unvoted, None)
        return pl.DataFrame({"item_id": items, "difficulty": difficulty})


def _pass(
    votes: VoteCodes, ability: Floats, ease: Floats, posterior: Floats = NO_POSTERIOR
) -> tuple[Model, float]:
    """A better model, and the log-posterior of the given one.

    Args:
        votes: the votes.
        ability: [n_actors].
        ease: [n_items].
        posterior: [n_items, n_classes]: where given, it is filled and the model left as it is.
    """
    eased = ease.copy()
    weight = EMPTY if votes.weight is None else votes.weight
    kernel = compiled(glad_pass)

    def run(first: int, last: int) -> tuple[Floats, Floats, float]:
        gradient, curvature = np.zeros_like(ability), np.zeros_like(ability)
        height = kernel(
            votes.starts, votes.label, votes.actor, weight, votes.n_classes, ability, eased,
            posterior, first, last, gradient, curvature,
        )  # fmt: skip
        return gradient, curvature, height

    parts = over_chunks(
        run, n_items=votes.n_items, n_votes=votes.n_votes, n_floats=2 * len(ability)
    )
    gradient = sum((part[0] for part in parts), 1 - ability)
    curvature = sum((part[1] for part in parts), np.ones_like(ability))
    height = sum(part[2] for part in parts) - 0.5 * float(((ability - 1) ** 2).sum())
    return (ability + np.clip(gradient / curvature, -1, 1), eased), height


def _cold(votes: VoteCodes) -> Model:
    return np.ones(votes.n_actors), np.ones(votes.n_items)


def _warm(votes: VoteCodes, start: Start) -> Model:
    """The model of an earlier fit; newcomers at the priors' means."""
    ability = start.array("ability", {"name": votes.actors})
    ease = start.array("ease", {"name": votes.items})
    return np.nan_to_num(ability, nan=1.0), np.nan_to_num(ease, nan=1.0)
