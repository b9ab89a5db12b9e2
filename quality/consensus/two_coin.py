"""Actors that are right more often on some classes than on others."""

from collections.abc import Sequence

import numpy as np

from quality.consensus.dawid_skene import DawidSkene
from quality.consensus.expectation import FLOOR, Expected, Floats
from quality.consensus.params import Prior, Ties


class TwoCoin(DawidSkene):
    """One accuracy per actor and true class: P(voted l | true k) = c[a, k] if l = k.

    What is left, 1 - c[a, k], falls evenly on the other classes. With two classes these are the
    sensitivity and specificity of V. C. Raykar et al., Learning from crowds, JMLR 11 (2010),
    https://www.jmlr.org/papers/v11/raykar10a.html; with more it needs far fewer votes than full
    confusion tables. An actor's accuracy on a class is drawn to its overall accuracy. The class
    prior is uniform by default: a learned one can run away with a skewed crowd.
    """

    name = "two_coin"

    def __init__(
        self,
        classes: Sequence[str],
        *,
        prior: Prior = "uniform",
        smoothing: float = 1.0,
        tol: float = 1e-6,
        max_iter: int = 100,
        ties: Ties = "abstain",
    ) -> None:
        """Set the method up.

        Args:
            classes: the classes, in ontology order.
            prior: "uniform" over the classes, or "learned" from the votes.
            smoothing: votes presumed of every actor on every class at its overall accuracy;
                without any, a class of few votes can take all items that actors disagree on.
            tol: the gain in log-likelihood per vote at which to stop.
            max_iter: the most passes over the votes.
            ties: what a tied item gets: "abstain" (no label) or "first" (in ontology order).
        """
        super().__init__(
            classes, prior=prior, smoothing=smoothing, tol=tol, max_iter=max_iter, ties=ties
        )

    def _confusions(self, found: Expected) -> Floats:
        presumed = max(float(self.params["smoothing"]), FLOOR)
        right, total = np.einsum("akk->ak", found.counts), found.counts.sum(axis=2)
        overall = right.sum(axis=1) / np.maximum(total.sum(axis=1), FLOOR)
        return spread((right + presumed * overall[:, None]) / (total + presumed))


def spread(accuracy: Floats) -> Floats:
    """Tables [..., n_classes, n_classes] from accuracies [..., n_classes], errors spread evenly."""
    n_classes = accuracy.shape[-1]
    within = np.clip(accuracy, FLOOR, 1 - FLOOR)[..., None]
    right = np.eye(n_classes, dtype=np.bool_)
    tables: Floats = np.where(right, within, (1 - within) / (n_classes - 1))
    return tables
