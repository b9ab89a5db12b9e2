"""A small network: standardized inputs, ReLU, dropout, AdamW on weighted cross-entropy.

All its randomness comes from generators of its own, so that no other code can shift it; on the
CPU it runs on one thread, because sums of several differ in their last bits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from assets.labelers.interface import Progress
from assets.labelers.layers import (
    dense,
    moments,
    one_thread,
    scores_of,
    standardized,
    started,
)

PREDICT_ROWS = 4096


@dataclass(frozen=True)
class Settings:
    """How a network is trained; the names are those of the dataset file."""

    channels: tuple[int, ...]
    hidden: tuple[int, ...]
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    dropout: float
    patience: int | None
    seed: int
    device: str


class Diverged(ArithmeticError):
    """The loss is no number any more.

    Attributes:
        epoch: In which epoch, counted from 1.
    """

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        super().__init__(f"the loss is not finite in epoch {epoch}")


class Network:
    """Layers and the standardization of their inputs.

    Attributes:
        arrays: All that it is: mean [d], scale [d], then weight and bias by layer, as in layers.py.
    """

    def __init__(self, arrays: Sequence[NDArray[np.float32]], device: str) -> None:
        self.arrays = tuple(arrays)
        self._device = device
        self._mean, self._scale, *self._layers = (torch.tensor(a, device=device) for a in arrays)

    def predict_proba(self, matrix: Any) -> NDArray[np.float64]:
        """Probabilities [n, K] of dense or CSR rows."""
        parts = [np.zeros((0, self.arrays[-1].shape[0]))]
        with torch.inference_mode(), one_thread():
            for start in range(0, matrix.shape[0], PREDICT_ROWS):
                rows = dense(matrix[start : start + PREDICT_ROWS])
                inputs = standardized(rows.to(self._device), self._mean, self._scale)
                scores = scores_of(inputs, self._layers)
                parts.append(scores.double().softmax(dim=1).cpu().numpy())
        return np.concatenate(parts)


def train(
    matrix: Any,
    codes: NDArray[np.int64],
    weights: NDArray[np.float64] | None,
    settings: Settings,
    progress: Progress,
) -> tuple[Network, int]:
    """The trained network, and how many epochs it took.

    Args:
        matrix: Features [n, d], dense or CSR.
        codes: Classes [n], 0 to K - 1, each at least once.
        weights: Weight of each row [n], None for all alike.
        settings: How to train.
        progress: Told in epochs.

    Raises:
        Diverged: the loss is no number any more.
    """
    return _Training(matrix, codes, weights, settings).run(progress)


class _Training:
    """Data and state of one training."""

    def __init__(
        self,
        matrix: Any,
        codes: NDArray[np.int64],
        weights: NDArray[np.float64] | None,
        settings: Settings,
    ) -> None:
        self._settings = settings
        self._matrix = matrix
        self._order = torch.Generator().manual_seed(settings.seed)
        self._noise = torch.Generator(settings.device).manual_seed(settings.seed)
        self._codes = torch.tensor(codes, device=settings.device)
        self._weights = self._tensor(np.ones(len(codes)) if weights is None else weights)
        mean, scale = moments(matrix, of_pictures=bool(settings.channels))
        self._mean, self._scale = self._tensor(mean), self._tensor(scale)
        self._layers = started(
            matrix.shape[1],
            int(codes.max()) + 1,
            channels=settings.channels,
            hidden=settings.hidden,
            chance=self._order,
            device=settings.device,
        )

    def run(self, progress: Progress) -> tuple[Network, int]:
        settings = self._settings
        optimizer = torch.optim.AdamW(
            self._layers, lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        kept, learned = self._kept_and_learned()
        best, best_loss, best_epoch = self._network(), np.inf, 0
        for epoch in range(1, settings.epochs + 1):
            with one_thread():
                self._pass(learned, optimizer, epoch)
                loss = self._loss_on(kept)
            progress(epoch, settings.epochs)
            if settings.patience is None:
                continue
            if loss < best_loss:
                best, best_loss, best_epoch = self._network(), loss, epoch
            elif epoch - best_epoch >= settings.patience:
                return best, epoch
        return self._network() if settings.patience is None else best, settings.epochs

    def _pass(self, rows: torch.Tensor, optimizer: torch.optim.Optimizer, epoch: int) -> None:
        shuffled = rows[torch.randperm(len(rows), generator=self._order)]
        for batch in _batches(shuffled, self._settings.batch_size):
            optimizer.zero_grad()
            loss = self._loss(batch, self._settings.dropout)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if not torch.isfinite(loss):
                raise Diverged(epoch)

    def _loss(self, batch: torch.Tensor, dropout: float) -> torch.Tensor:
        rows = dense(self._matrix[batch.numpy()]).to(self._settings.device)
        inputs = standardized(rows, self._mean, self._scale)
        scores = scores_of(inputs, self._layers, dropout=dropout, noise=self._noise)
        batch = batch.to(self._settings.device)
        losses = cross_entropy(scores, self._codes[batch], reduction="none")
        return (losses * self._weights[batch]).mean()

    def _loss_on(self, rows: torch.Tensor) -> float:
        with torch.inference_mode():
            batches = _batches(rows, PREDICT_ROWS)
            return sum(self._loss(b, 0.0).item() * len(b) for b in batches) / max(len(rows), 1)

    def _kept_and_learned(self) -> tuple[torch.Tensor, torch.Tensor]:
        order = torch.randperm(len(self._codes), generator=self._order)
        kept = 0 if self._settings.patience is None else max(len(order) // 10, 1)
        return order[:kept], order[kept:]

    def _network(self) -> Network:
        tensors = [self._mean, self._scale, *self._layers]
        return Network([t.detach().cpu().numpy().copy() for t in tensors], self._settings.device)

    def _tensor(self, values: NDArray[Any]) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.float32, device=self._settings.device)


def _batches(rows: torch.Tensor, size: int) -> Iterator[torch.Tensor]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
