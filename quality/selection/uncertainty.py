"""How unsure a prediction is, from 0 (certain) to 1 (nothing is known).

Entropy, margin and least confidence: Settles, Active Learning Literature Survey, 2009, section 3.1.
Vote entropy: Dagan and Engelson 1995. BALD: Houlsby et al. 2011.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import xlogy

from quality.agreement.counts import count_votes
from quality.probabilities import Floats
from quality.selection.errors import SelectionError
from quality.votes import VoteCodes

_SAMPLED = 3


def entropy(probabilities: Floats) -> Floats:
    """(n,) entropy of probabilities (n, n_classes), divided by that of knowing nothing."""
    n_classes = probabilities.shape[1]
    if n_classes <= 1:
        return np.zeros(len(probabilities))
    raw = -xlogy(probabilities, probabilities).sum(axis=1) / np.log(n_classes)
    return np.asarray(np.clip(raw, 0.0, 1.0))


def margin(probabilities: Floats) -> Floats:
    """(n,) one minus the lead of the most probable class over the next."""
    n_classes = probabilities.shape[1]
    if n_classes <= 1:
        return np.zeros(len(probabilities))
    top = np.partition(probabilities, n_classes - 2, axis=1)[:, -2:]
    return np.asarray(1 - (top[:, 1] - top[:, 0]))


def least_confidence(probabilities: Floats) -> Floats:
    """(n,) what the most probable class lacks to certainty, divided by the most it can lack."""
    n_classes = probabilities.shape[1]
    if n_classes <= 1:
        return np.zeros(len(probabilities))
    lacking = (1 - probabilities.max(axis=1)) / (1 - 1 / n_classes)
    return np.asarray(np.clip(lacking, 0.0, 1.0))


def bald(samples: npt.ArrayLike) -> Floats:
    """(n,) how much the models disagree beyond their own doubt, in nats over log(n_classes).

    Entropy of the mean prediction minus the mean entropy: high where each model is sure of
    something else, low where all are unsure alike.

    Args:
        samples: (n_models, n, n_classes) probabilities of several models, or of several draws
            of one model with dropout.

    Raises:
        SelectionError: There are not three axes, or no model.
    """
    table = np.asarray(samples, np.float64)
    if table.ndim != _SAMPLED or not len(table):
        raise SelectionError(
            f"samples have the shape {table.shape}; expected (models, items, classes)."
        )
    own = np.mean([entropy(each) for each in table], axis=0)
    return np.asarray(np.maximum(entropy(table.mean(axis=0)) - own, 0.0))


def vote_entropy(counts: npt.ArrayLike) -> Floats:
    """(n,) entropy of the votes (n, n_classes) on an item, 0 where there is at most one."""
    table = np.asarray(counts, np.float64)
    total = table.sum(axis=1, keepdims=True)
    shares = np.divide(table, total, out=np.zeros_like(table), where=total > 0)
    return entropy(shares)


def vote_disagreement(votes: pl.DataFrame, classes: Sequence[str]) -> pl.DataFrame:
    """Each item of the votes with how many there are and how much they disagree.

    Args:
        votes: item_id, actor, label (null abstains).
        classes: The ontology's classes.

    Returns:
        item_id, n_votes, disagreement (vote entropy, 0 to 1).
    """
    coded = VoteCodes.of(votes, classes, by_name=False)
    rows = count_votes(coded)
    row = rows.row_of_item()
    voted = coded.voted
    n_votes, disagreement = np.zeros(coded.n_items, np.int64), np.zeros(coded.n_items)
    n_votes[voted] = rows.sizes[row]
    shares = rows.counts.multiply((1 / rows.sizes)[:, None]).tocsr()
    shares.data = -xlogy(shares.data, shares.data)
    most = np.log(max(len(classes), 2))
    disagreement[voted] = np.clip(np.asarray(shares.sum(axis=1)) / most, 0.0, 1.0)[row]
    return pl.DataFrame({"item_id": coded.items, "n_votes": n_votes, "disagreement": disagreement})
