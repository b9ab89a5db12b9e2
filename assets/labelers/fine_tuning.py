"""Fine-tuning: an encoder and a linear head learn a dataset's classes together.

The head starts as the linear probe of the encoder as it is, so that the first steps do not spoil
what the encoder knows (A. Kumar et al. 2022, arXiv:2202.10054).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import cross_entropy

from assets.encoders.networks import embedded, layers
from assets.labelers.interface import Progress
from assets.labelers.layers import one_thread
from assets.labelers.perceptron import Diverged
from quality.transfer.probe import Codes, Floats, Probe

WARM_UP = 0.1
LARGEST_GRADIENT = 1.0
LAST_LAYERS = 2


@dataclass(frozen=True)
class Schedule:
    """How it is trained; `fresh` from scratch, the other names are those of the dataset file."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    seed: int
    device: str
    fresh: bool


class TooManyFrozen(ValueError):
    """More layers should stay as they are than there are.

    Attributes:
        asked: Layers to be kept.
        there: Layers there are.
    """

    def __init__(self, asked: int, there: int) -> None:
        self.asked = asked
        self.there = there
        super().__init__(f"frozen_layers is {asked} of {there} layers; expected 1 to {there - 1}")


class Classifier(nn.Module):
    """An encoder under a linear head."""

    def __init__(self, encoder: nn.Module, width: int, n_classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(width, n_classes)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Scores [n, K] of inputs [n, columns]."""
        scores: torch.Tensor = self.head(self.encoder(inputs))
        return scores

    def start_from(self, probe: Probe) -> None:
        """Make the head the probe."""
        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(probe.weight))
            self.head.bias.copy_(torch.from_numpy(probe.bias))

    def predict_proba(self, inputs: NDArray[np.float32], device: str) -> Floats:
        """Probabilities [n, K]; a row's depend on that row alone."""
        scores = embedded(self, inputs, device).astype(np.float64)
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        found: Floats = odds / odds.sum(axis=1, keepdims=True)
        return found


def freeze(encoder: nn.Module, kept: int | None) -> int:
    """Keep the first layers, and whatever comes before them, as they are.

    Args:
        encoder: Its parameters stop learning, up to the layers that go on.
        kept: How many; None keeps all but the last two, and at least one.

    Returns:
        How many are kept.

    Raises:
        TooManyFrozen: none would be left to learn.
    """
    there = layers(encoder)
    count = max(len(there) - LAST_LAYERS, 1) if kept is None else kept
    if count >= len(there):
        raise TooManyFrozen(count, len(there))
    first = next(there[count].parameters())
    for parameter in encoder.parameters():
        if parameter is first:
            break
        parameter.requires_grad = False
    return count


def tune(
    classifier: Classifier,
    inputs: NDArray[np.float32],
    codes: Codes,
    weights: Floats | None,
    *,
    schedule: Schedule,
    progress: Progress,
) -> None:
    """Train a classifier in place: AdamW, a warm-up, then steps that shrink to nothing.

    Chance comes from torch's generator, which is the caller's to seed and to restore.

    Raises:
        Diverged: the loss is no number any more.
    """
    classifier.to(schedule.device)
    optimizer = _optimizer(classifier, schedule)
    steps = schedule.epochs * len(list(_batches(np.arange(len(codes)), schedule.batch_size)))
    pace = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _pace(step, steps))
    rows, given = torch.from_numpy(inputs), torch.from_numpy(codes)
    heavy = torch.ones(len(codes)) if weights is None else torch.from_numpy(weights).float()
    order = np.random.default_rng(schedule.seed)
    with one_thread():
        for epoch in range(1, schedule.epochs + 1):
            _learning(classifier, fresh=schedule.fresh)
            for batch in _batches(order.permutation(len(codes)), schedule.batch_size):
                optimizer.zero_grad()
                scores = classifier(rows[batch].to(schedule.device))
                losses = cross_entropy(scores, given[batch].to(schedule.device), reduction="none")
                loss = (losses * heavy[batch].to(schedule.device)).mean()
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(classifier.parameters(), LARGEST_GRADIENT)
                optimizer.step()
                pace.step()
                if not torch.isfinite(loss):
                    raise Diverged(epoch)
            progress(epoch, schedule.epochs)
    classifier.eval()


def _optimizer(classifier: Classifier, schedule: Schedule) -> torch.optim.Optimizer:
    learning = [p for p in classifier.parameters() if p.requires_grad]
    rate, decay = schedule.learning_rate, schedule.weight_decay
    return torch.optim.AdamW(learning, lr=rate, weight_decay=decay)


def _pace(step: int, steps: int) -> float:
    warm = max(steps * WARM_UP, 1)
    return min((step + 1) / warm, max((steps - step) / max(steps - warm, 1), 0.0))


def _learning(classifier: Classifier, *, fresh: bool) -> None:
    """Dropout on, but for parts that stay as they are.

    What an encoder knows of its inputs' spread (batch normalization) stays, too: a head that
    starts as a probe was made for it, and a few batches would put it out.
    """
    classifier.train()
    for part in classifier.encoder.modules():
        own = list(part.parameters())
        kept = own and not any(p.requires_grad for p in own)
        if kept or (not fresh and hasattr(part, "running_mean")):
            part.eval()


def _batches(rows: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    """Slices of the rows; a last one of a single row, which has no spread, is left out."""
    for start in range(0, len(rows), size):
        batch = rows[start : start + size]
        if len(batch) > 1 or len(rows) == 1:
            yield batch
