"""How evenly labels are spread over the classes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Balance:
    """The balance of labels over classes.

    Attributes:
        counts: Labels of each class, 0 included.
        imbalance: Labels of the commonest class over those of the rarest that occurs; 1 is even.
        rarest_share: Share of the rarest class among all labels, 0 where one does not occur.
        effective_classes: How many even classes would be as uncertain: exp of the entropy (Hill's
            number of order 1; M. Hill 1973, https://doi.org/10.2307/1934352).
        missing: Classes without a label.
    """

    counts: dict[str, int]
    imbalance: float
    rarest_share: float
    effective_classes: float
    missing: tuple[str, ...]


def balance(counts: Mapping[str, int]) -> Balance | None:
    """The balance of labels by class; None without a label."""
    total = sum(counts.values())
    if not total:
        return None
    found = np.array([n for n in counts.values() if n])
    shares = found / total
    return Balance(
        counts=dict(counts),
        imbalance=float(found.max() / found.min()),
        rarest_share=min(counts.values()) / total,
        effective_classes=float(np.exp(-(shares * np.log(shares)).sum())),
        missing=tuple(name for name, n in counts.items() if not n),
    )
