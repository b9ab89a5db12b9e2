"""Which way to use a pretrained encoder: probe, partial or full fine-tuning, or from scratch.

The rule is the field's rule of thumb, with figures: few labels, or an encoder that knows the task
already, leave it frozen; more labels let more of it learn; and where all items look alike to it
and there are many labels, its weights are no better start than chance (J. Yosinski et al. 2014, How
transferable are features in deep neural networks?, arXiv:1411.1792; A. Kumar et al. 2022,
Fine-tuning can distort pretrained features, arXiv:2202.10054).
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from quality.transfer.probe import Codes, cross_validated

Strategy = Literal["probe", "partial", "full", "scratch"]

FOLDS = 5


@dataclass(frozen=True)
class Thresholds:
    """Where one way ends and the next begins.

    Attributes:
        solved: From this skill of the probe on there is little left to gain.
        strange: From this embedding shift on the items all look alike to the encoder.
        some: Labels a class from which a part of the encoder may learn.
        many: Labels a class from which all of it may.
        enough: Labels a class from which it may start from nothing where the items are strange.
    """

    solved: float = 0.98
    strange: float = 0.95
    some: float = 10
    many: float = 50
    enough: float = 100


@dataclass(frozen=True)
class Evidence:
    """What is known before anything is fine-tuned.

    Attributes:
        n_labels: Labeled items.
        n_classes: Classes among them.
        accuracy: Cross-validated accuracy of the probe.
        chance: Share of the commonest class.
        shift: Embedding shift, 0 to 1; see `embedding_shift`.
    """

    n_labels: int
    n_classes: int
    accuracy: float
    chance: float
    shift: float

    @property
    def per_class(self) -> float:
        """Mean number of labels of a class."""
        return self.n_labels / self.n_classes

    @property
    def skill(self) -> float:
        """What the probe gets right of what chance gets wrong, 0 to 1."""
        return max(self.accuracy - self.chance, 0.0) / max(1 - self.chance, 1e-12)


@dataclass(frozen=True)
class Advice:
    """A strategy and why.

    Attributes:
        strategy: What to do.
        reason: Why, in a sentence.
        evidence: What it rests on.
    """

    strategy: Strategy
    reason: str
    evidence: Evidence

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "skill": self.evidence.skill, "per_class": self.evidence.per_class}


def embedding_shift(embeddings: NDArray[np.floating]) -> float:
    """How far the items as a whole lie from the centre of the encoder's space, 0 to 1.

    The length of the mean of the embeddings scaled to length 1. An encoder spreads what it knows
    over its space, and maps what is strange to it to one corner (T. Wang and P. Isola 2020,
    Understanding contrastive representation learning through alignment and uniformity,
    arXiv:2005.10242). What it learned from is not at hand, so that this, not a distance to it, is
    what can be measured.
    """
    rows = embeddings.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return float(np.linalg.norm((rows / np.maximum(lengths, 1e-12)).mean(axis=0)))


def measured(embeddings: NDArray[np.floating], codes: Codes, *, seed: int) -> Evidence:
    """The evidence that labeled embeddings [n, d], classes 0 to K - 1 [n], give."""
    folds = min(FOLDS, len(codes))
    found = cross_validated(embeddings, codes, folds=folds, seed=seed)
    counts = np.bincount(codes)
    return Evidence(
        n_labels=len(codes),
        n_classes=len(counts),
        accuracy=float((found.argmax(axis=1) == codes).mean()),
        chance=float(counts.max() / len(codes)),
        shift=embedding_shift(embeddings),
    )


def advise(evidence: Evidence, thresholds: Thresholds | None = None) -> Advice:
    """The strategy for labels and an encoder of which this is known."""
    limit = thresholds or Thresholds()
    amount = f"{evidence.per_class:.0f} labels a class"
    known = f"the probe's skill is {evidence.skill:.2f}"

    def advice(strategy: Strategy, reason: str) -> Advice:
        return Advice(strategy, f"{strategy}: {reason}", evidence)

    if evidence.skill >= limit.solved:
        return advice("probe", f"{known}, there is little left to gain")
    if evidence.shift >= limit.strange and evidence.per_class >= limit.enough:
        alike = f"all items look alike to the encoder, embedding shift {evidence.shift:.2f}"
        return advice("scratch", f"{alike}, and {amount} are enough to learn from nothing")
    if evidence.per_class < limit.some:
        return advice("probe", f"{amount} are too few to change what the encoder knows")
    if evidence.per_class < limit.many:
        return advice("partial", f"{amount} carry the last layers, not all; {known}")
    return advice("full", f"{amount} carry the whole encoder; {known}")
