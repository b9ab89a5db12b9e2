"""The layers of small networks: convolutions for pictures, then linear ones, ReLU between.

A network is its arrays: weight [out, in, 3, 3] and bias [out] of each convolution, then weight
[out, in] and bias [out] of each linear layer.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import conv2d, linear, max_pool2d, relu

LARGEST_INPUT = 10.0
"""Standardized inputs are cut off here: a rare feature's first occurrence must not decide."""
KERNEL = 3
IS_CONVOLUTION = 4
"""Dimensions of the weight of one."""


def started(
    n_features: int,
    n_classes: int,
    *,
    channels: Sequence[int],
    hidden: Sequence[int],
    chance: torch.Generator,
    device: str,
) -> list[torch.Tensor]:
    """Layers with weights uniform within 1 / sqrt(inputs), torch's own rule."""
    shapes: list[tuple[int, ...]] = []
    side = math.isqrt(n_features)
    for inputs, outputs in pairwise((1, *channels)):
        shapes.append((outputs, inputs, KERNEL, KERNEL))
        side = _pooled(side)
    first = channels[-1] * side**2 if channels else n_features
    shapes += [(outputs, inputs) for inputs, outputs in pairwise((first, *hidden, n_classes))]
    layers = []
    for shape in shapes:
        bound = math.prod(shape[1:]) ** -0.5
        for part in (shape, shape[:1]):
            uniform = torch.rand(part, generator=chance) * 2 - 1
            layers.append((uniform * bound).to(device).requires_grad_())
    return layers


def scores_of(
    inputs: torch.Tensor,
    layers: Sequence[torch.Tensor],
    *,
    dropout: float = 0.0,
    noise: torch.Generator | None = None,
) -> torch.Tensor:
    """Scores [n, K] of standardized rows: what softmax makes probabilities of."""
    *hidden, (last, bias) = zip(layers[::2], layers[1::2], strict=True)
    if layers[0].ndim == IS_CONVOLUTION:
        side = math.isqrt(inputs.shape[1])
        inputs = inputs.reshape(-1, 1, side, side)
    for weight, offset in hidden:
        if weight.ndim == IS_CONVOLUTION:
            found = relu(conv2d(inputs, weight, offset, padding=KERNEL // 2))
            inputs = max_pool2d(found, 2) if _pooled(found.shape[2]) < found.shape[2] else found
            continue
        inputs = relu(linear(inputs.flatten(1), weight, offset))
        if dropout:
            chance = torch.rand(inputs.shape, generator=noise, device=inputs.device)
            inputs = inputs * (chance >= dropout) / (1 - dropout)
    return linear(inputs.flatten(1), last, bias)


def _pooled(side: int) -> int:
    """Side of a picture after a convolution: halved, until it is too small to be."""
    return side // 2 if side > 1 else side


def moments(matrix: Any, *, of_pictures: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What is subtracted from each feature, and what it is divided by.

    A dense feature by its mean and its standard deviation, 1 where it is constant. A sparse one
    stays sparse in meaning: nothing is subtracted, and all are divided by one number, so that a
    rare word does not become the loudest. Pictures that are convolved stay pictures: one mean and
    one deviation for all pixels.
    """
    if not isinstance(matrix, np.ndarray):
        level = np.sqrt(matrix.multiply(matrix).mean(dtype=np.float64)) or 1.0
        return np.zeros(matrix.shape[1]), np.full(matrix.shape[1], level)
    if of_pictures:
        mean, scale = matrix.mean(dtype=np.float64), matrix.std(dtype=np.float64) or 1.0
        return np.full(matrix.shape[1], mean), np.full(matrix.shape[1], scale)
    mean = matrix.mean(axis=0, dtype=np.float64)
    square = np.square(matrix, dtype=np.float64).mean(axis=0)
    variance = square - mean**2
    return mean, np.where(variance > 1e-6 * square, np.sqrt(np.maximum(variance, 0)), 1.0)


def dense(rows: Any) -> torch.Tensor:
    """Rows of a dense or CSR matrix as float32."""
    values = rows if isinstance(rows, np.ndarray) else rows.toarray()
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


def standardized(rows: torch.Tensor, mean: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """What the first layer is given."""
    return ((rows - mean) / scale).clamp(-LARGEST_INPUT, LARGEST_INPUT)


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums of several threads differ in their last bits from run to run."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
