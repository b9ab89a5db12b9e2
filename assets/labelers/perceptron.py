"""A multilayer perceptron: standardized inputs, ReLU, dropout, AdamW on weighted cross-entropy.

All its randomness comes from generators of its own, so that no other code can shift it; on the
CPU it runs on one thread, because sums of several differ in their last bits.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy, linear, relu

from assets.labelers.interface import Progress

PREDICT_ROWS = 4096
LARGEST_INPUT = 10.0
"""Standardized inputs are cut off here: a rare feature's first occurrence must not decide."""


@dataclass(frozen=True)
class Settings:
    """How a perceptron is trained; the names are those of the dataset file."""

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


class Perceptron:
    """Layers and the standardization of their inputs.

    Attributes:
        arrays: All that it is: mean [d], scale [d], then weight [out, in] and bias [out] by layer.
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
                rows = _dense(matrix[start : start + PREDICT_ROWS])
                inputs = _standard(rows.to(self._device), self._mean, self._scale)
                scores = _scores(inputs, self._layers)
                parts.append(scores.double().softmax(dim=1).cpu().numpy())
        return np.concatenate(parts)


def train(
    matrix: Any,
    codes: NDArray[np.int64],
    weights: NDArray[np.float64] | None,
    settings: Settings,
    progress: Progress,
) -> tuple[Perceptron, int]:
    """The trained perceptron, and how many epochs it took.

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
        mean, scale = _moments(matrix)
        self._mean, self._scale = self._tensor(mean), self._tensor(scale)
        self._layers = self._start(matrix.shape[1], int(codes.max()) + 1)

    def run(self, progress: Progress) -> tuple[Perceptron, int]:
        settings = self._settings
        optimizer = torch.optim.AdamW(
            self._layers, lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        kept, learned = self._kept_and_learned()
        best, best_loss, best_epoch = self._perceptron(), np.inf, 0
        for epoch in range(1, settings.epochs + 1):
            with one_thread():
                self._pass(learned, optimizer, epoch)
                loss = self._loss_on(kept)
            progress(epoch, settings.epochs)
            if settings.patience is None:
                continue
            if loss < best_loss:
                best, best_loss, best_epoch = self._perceptron(), loss, epoch
            elif epoch - best_epoch >= settings.patience:
                return best, epoch
        return self._perceptron() if settings.patience is None else best, settings.epochs

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
        rows = _dense(self._matrix[batch.numpy()]).to(self._settings.device)
        inputs = _standard(rows, self._mean, self._scale)
        scores = _scores(inputs, self._layers, dropout=dropout, noise=self._noise)
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

    def _start(self, n_features: int, n_classes: int) -> list[torch.Tensor]:
        """Weights uniform within 1 / sqrt(inputs), which is torch's own rule for linear layers."""
        layers = []
        widths = (n_features, *self._settings.hidden, n_classes)
        for inputs, outputs in pairwise(widths):
            bound = inputs**-0.5
            for shape in ((outputs, inputs), (outputs,)):
                uniform = torch.rand(shape, generator=self._order) * 2 - 1
                layers.append((uniform * bound).to(self._settings.device).requires_grad_())
        return layers

    def _perceptron(self) -> Perceptron:
        tensors = [self._mean, self._scale, *self._layers]
        return Perceptron([t.detach().cpu().numpy().copy() for t in tensors], self._settings.device)

    def _tensor(self, values: NDArray[Any]) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.float32, device=self._settings.device)


def _batches(rows: torch.Tensor, size: int) -> Iterator[torch.Tensor]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _moments(matrix: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What is subtracted from each feature, and what it is divided by.

    A dense feature by its mean and its standard deviation, 1 where it is constant. A sparse one
    stays sparse in meaning: nothing is subtracted, and all are divided by one number, so that a
    rare word does not become the loudest.
    """
    if not isinstance(matrix, np.ndarray):
        level = np.sqrt(matrix.multiply(matrix).mean(dtype=np.float64)) or 1.0
        return np.zeros(matrix.shape[1]), np.full(matrix.shape[1], level)
    mean = matrix.mean(axis=0, dtype=np.float64)
    square = np.square(matrix, dtype=np.float64).mean(axis=0)
    variance = square - mean**2
    return mean, np.where(variance > 1e-6 * square, np.sqrt(np.maximum(variance, 0)), 1.0)


def _dense(rows: Any) -> torch.Tensor:
    values = rows if isinstance(rows, np.ndarray) else rows.toarray()
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


def _standard(rows: torch.Tensor, mean: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    return ((rows - mean) / scale).clamp(-LARGEST_INPUT, LARGEST_INPUT)


def _scores(
    inputs: torch.Tensor,
    layers: Sequence[torch.Tensor],
    *,
    dropout: float = 0.0,
    noise: torch.Generator | None = None,
) -> torch.Tensor:
    *hidden, (last, bias) = zip(layers[::2], layers[1::2], strict=True)
    for weight, offset in hidden:
        inputs = relu(linear(inputs, weight, offset))
        if dropout:
            chance = torch.rand(inputs.shape, generator=noise, device=inputs.device)
            inputs = inputs * (chance >= dropout) / (1 - dropout)
    return linear(inputs, last, bias)


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums of several threads differ in their last bits; afterwards there are as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
