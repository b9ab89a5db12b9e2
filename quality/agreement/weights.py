"""How near two classes are: agreement weights for ordered classes (Gwet 2014, chapter 3)."""

from typing import Literal

import numpy as np

from quality.agreement.counts import Floats
from quality.agreement.errors import AgreementError

Weights = Literal["identity", "linear", "quadratic", "ordinal"]


def agreement_weights(kind: Weights, n_classes: int) -> Floats | None:
    """(n_classes, n_classes) weights, 1 for the same class and 0 for the farthest.

    Identity counts exact matches only, and has no table: None. Linear and quadratic fall with
    the distance between the classes' places; ordinal falls with the number of pairs of classes
    in between.
    """
    if kind == "identity":
        return None
    if n_classes <= 1:
        return np.ones((n_classes, n_classes))
    apart = np.abs(np.subtract.outer(np.arange(n_classes), np.arange(n_classes))).astype(float)
    if kind == "linear":
        return 1 - apart / (n_classes - 1)
    if kind == "quadratic":
        return 1 - (apart / (n_classes - 1)) ** 2
    if kind == "ordinal":
        pairs = apart * (apart + 1) / 2
        return np.asarray(1 - pairs / pairs.max())
    raise AgreementError(
        f"no weights are called {kind!r}; expected identity, linear, quadratic or ordinal."
    )


def weighted(shares: Floats, near: Floats | None) -> Floats:
    """(..., n_classes) shares times the weights; themselves without weights."""
    return shares if near is None else np.asarray(shares @ near)
