"""FixMatch: what the network is sure of on a weakly changed item, it learns on a strongly changed.

K. Sohn et al., FixMatch: Simplifying semi-supervised learning with consistency and confidence,
NeurIPS 2020, https://arxiv.org/abs/2001.07685; with AdamW in place of SGD.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from assets.labelers.augmentation import Augmentation
from assets.labelers.interface import Progress
from assets.labelers.layers import (
    dense,
    moments,
    one_thread,
    scores_of,
    standardized,
    started,
)
from assets.labelers.perceptron import Diverged, Network
from assets.labelers.training_data import TrainingData, stacked

MakeAugmentation = Callable[[torch.Tensor, torch.Tensor], Augmentation]


@dataclass(frozen=True)
class Settings:
    """How FixMatch trains; the names are those of the dataset file."""

    channels: tuple[int, ...]
    hidden: tuple[int, ...]
    steps: int
    batch_size: int
    unlabeled_per_labeled: int
    threshold: float
    unlabeled_weight: float
    learning_rate: float
    weight_decay: float
    dropout: float
    averaging: float
    seed: int
    device: str


@dataclass(frozen=True)
class Trained:
    """The network, and what came of the unlabeled items in the last tenth of the steps.

    Attributes:
        network: Its weights are the running mean over the last steps.
        share_used: Share of unlabeled rows that the network was sure enough of to learn.
    """

    network: Network
    share_used: float


def train(
    data: TrainingData,
    unlabeled: Any | None,
    settings: Settings,
    augmentation: MakeAugmentation,
    progress: Progress,
) -> Trained:
    """The trained network.

    Args:
        data: The labeled items.
        unlabeled: Features of unlabeled items [m, d]; None trains on the changed labeled alone.
        settings: How to train.
        augmentation: Makes the changes from mean and spread of the features.
        progress: Told in steps.

    Raises:
        Diverged: the loss is no number any more.
    """
    training = _Training(data, unlabeled, settings, augmentation)
    with one_thread():
        return training.run(progress)


class _Training:
    """Data and state of one training."""

    def __init__(
        self,
        data: TrainingData,
        unlabeled: Any | None,
        settings: Settings,
        augmentation: MakeAugmentation,
    ) -> None:
        self._settings = settings
        self._labeled, self._unlabeled = data.matrix, unlabeled
        self._codes = torch.tensor(data.codes, device=settings.device)
        even = np.ones(len(data.codes))
        self._weights = self._tensor(even if data.weights is None else data.weights)
        mean, scale = moments(stacked(data.matrix, unlabeled), of_pictures=bool(settings.channels))
        self._mean, self._scale = self._tensor(mean), self._tensor(scale)
        self._augmentation = augmentation(self._mean, self._scale)
        self._order = torch.Generator().manual_seed(settings.seed)
        self._chance = torch.Generator(settings.device).manual_seed(settings.seed)
        self._layers = started(
            data.matrix.shape[1],
            len(data.present),
            channels=settings.channels,
            hidden=settings.hidden,
            chance=self._order,
            device=settings.device,
        )
        self._averaged = [layer.detach().clone() for layer in self._layers]

    def run(self, progress: Progress) -> Trained:
        settings = self._settings
        optimizer = torch.optim.AdamW(
            self._layers, lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        # The paper's schedule: the rate falls along a cosine to a fifth, not to 0.
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: math.cos(7 * math.pi * step / (16 * settings.steps))
        )
        used = []
        for step in range(1, settings.steps + 1):
            optimizer.zero_grad()
            loss, share = self._loss()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            if not torch.isfinite(loss):
                raise Diverged(step)
            self._average(step)
            used.append(share)
            progress(step, settings.steps)
        last = used[-max(settings.steps // 10, 1) :]
        return Trained(self._network(), float(np.mean(last)))

    def _loss(self) -> tuple[torch.Tensor, float]:
        """The loss of one step, and the share of its unlabeled rows that were learned."""
        settings, change = self._settings, self._augmentation
        batch = self._drawn(self._labeled, settings.batch_size)
        rows = self._rows(self._labeled, batch)
        batch = batch.to(settings.device)
        losses = cross_entropy(
            self._scores(change.weak(rows, self._chance)), self._codes[batch], reduction="none"
        )
        supervised = (losses * self._weights[batch]).mean()
        if self._unlabeled is None:
            return supervised, 0.0
        drawn = self._drawn(self._unlabeled, settings.batch_size * settings.unlabeled_per_labeled)
        rows = self._rows(self._unlabeled, drawn)
        with torch.no_grad():
            believed = self._scores(change.weak(rows, self._chance), dropout=0.0).softmax(dim=1)
            sureness, guess = believed.max(dim=1)
            sure = (sureness >= settings.threshold).float()
        losses = cross_entropy(
            self._scores(change.strong(rows, self._chance)), guess, reduction="none"
        )
        return supervised + settings.unlabeled_weight * (losses * sure).mean(), sure.mean().item()

    def _scores(self, rows: torch.Tensor, dropout: float | None = None) -> torch.Tensor:
        inputs = standardized(rows, self._mean, self._scale)
        dropout = self._settings.dropout if dropout is None else dropout
        return scores_of(inputs, self._layers, dropout=dropout, noise=self._chance)

    def _drawn(self, matrix: Any, size: int) -> torch.Tensor:
        return torch.randint(matrix.shape[0], (size,), generator=self._order)

    def _rows(self, matrix: Any, rows: torch.Tensor) -> torch.Tensor:
        return dense(matrix[rows.numpy()]).to(self._settings.device)

    def _average(self, step: int) -> None:
        # At first the mean is over fewer steps, or the start would stay in it for long.
        kept = min(self._settings.averaging, step / (step + 10))
        for averaged, layer in zip(self._averaged, self._layers, strict=True):
            averaged.lerp_(layer.detach(), 1 - kept)

    def _network(self) -> Network:
        tensors: Sequence[torch.Tensor] = [self._mean, self._scale, *self._averaged]
        return Network([t.cpu().numpy().copy() for t in tensors], self._settings.device)

    def _tensor(self, values: NDArray[Any]) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.float32, device=self._settings.device)
