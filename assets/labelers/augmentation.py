"""Changes that leave an item's class as it is, a weak and a strong one, on batches in torch."""

import math
from typing import Protocol

import torch
from torch.nn.functional import affine_grid, grid_sample

WEAK_SHIFT = 1 / 8
STRONG_SHIFT = 1 / 8
STRONG_DEGREES = 25.0
STRONG_SCALE = 0.2
STRONG_SHEAR = 0.3
STRONG_CONTRAST = 0.3
STRONG_NOISE = 0.15
CUTOUT = 1 / 3
WEAK_NOISE, WEAK_DROPOUT = 0.1, 0.0
VECTOR_NOISE, VECTOR_DROPOUT = 0.4, 0.25
SPARSE_WEAK_DROPOUT = 0.05


class Augmentation(Protocol):
    """Changes rows [n, d], each row by chance of its own."""

    def weak(self, rows: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
        """Rows that anybody would say are the same."""

    def strong(self, rows: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
        """Rows that a person would still give the same class."""


class Pictures:
    """Grey pictures [n, side * side], levels 0 to 1; never mirrored: a mirrored 3 is no 3.

    Strong is what RandAugment (E. Cubuk et al. 2020, https://arxiv.org/abs/1909.13719) draws
    from, all at once and gently: shift, rotation, scale, shear, contrast, noise; then Cutout
    (T. DeVries, G. Taylor 2017, https://arxiv.org/abs/1708.04552).

    Args:
        side: Height and width.
        ground: The level that a cut-out square and what comes in from outside gets.
    """

    def __init__(self, side: int, ground: float) -> None:
        self._side = side
        self._ground = ground

    def weak(self, rows: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
        """Shifted by up to an eighth of the side."""
        return self._moved(rows, _around(rows, 2, chance) * WEAK_SHIFT, None)

    def strong(self, rows: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
        """Shifted, turned, scaled, sheared, of other contrast, noisy, and with a square cut out."""
        shift = _around(rows, 2, chance) * STRONG_SHIFT
        moved = self._moved(rows, shift, _linear_maps(rows, chance))
        contrast = 1 + _around(rows, 1, chance) * STRONG_CONTRAST
        noise = torch.randn(rows.shape, generator=chance, device=rows.device) * STRONG_NOISE
        return self._cut((moved - self._ground) * contrast + self._ground + noise, chance)

    def _moved(
        self, rows: torch.Tensor, shift: torch.Tensor, linear: torch.Tensor | None
    ) -> torch.Tensor:
        n = len(rows)
        if linear is None:
            linear = torch.eye(2, device=rows.device).expand(n, 2, 2)
        # In torch's coordinates a picture is 2 wide.
        maps = torch.cat([linear, 2 * shift[:, :, None]], dim=2)
        pictures = rows.reshape(n, 1, self._side, self._side) - self._ground
        grid = affine_grid(maps, list(pictures.shape), align_corners=False)
        return grid_sample(pictures, grid, align_corners=False).reshape(n, -1) + self._ground

    def _cut(self, rows: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
        place = torch.arange(self._side, device=rows.device) + 0.5
        middle = (_around(rows, 2, chance) + 1) / 2 * self._side
        inside = (place[None, None, :] - middle[:, :, None]).abs() < CUTOUT * self._side / 2
        square = (inside[:, 0, :, None] & inside[:, 1, None, :]).reshape(len(rows), -1)
        return torch.where(square, self._ground, rows)


class Vectors:
    """Rows of features: noise in units of each feature's spread, and features left out.

    Args:
        mean: What a feature that is left out is set to [d].
        scale: Each feature's spread [d].
        sparse: Whether most features are 0: then there is no noise, which would fill them all.
    """

    def __init__(self, mean: torch.Tensor, scale: torch.Tensor, *, sparse: bool) -> None:
        self._mean, self._scale = mean, scale
        self._sparse = sparse

    def weak(self, rows: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
        """A little noise; of sparse features, one in twenty left out."""
        if self._sparse:
            return self._changed(rows, 0.0, SPARSE_WEAK_DROPOUT, chance)
        return self._changed(rows, WEAK_NOISE, WEAK_DROPOUT, chance)

    def strong(self, rows: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
        """More noise, and one feature in four left out."""
        noise = 0.0 if self._sparse else VECTOR_NOISE
        return self._changed(rows, noise, VECTOR_DROPOUT, chance)

    def _changed(
        self, rows: torch.Tensor, noise: float, dropout: float, chance: torch.Generator
    ) -> torch.Tensor:
        if noise:
            drawn = torch.randn(rows.shape, generator=chance, device=rows.device)
            rows = rows + drawn * noise * self._scale
        left_out = torch.rand(rows.shape, generator=chance, device=rows.device) < dropout
        return torch.where(left_out, self._mean, rows)


def _around(rows: torch.Tensor, columns: int, chance: torch.Generator) -> torch.Tensor:
    """Uniform between -1 and 1 [n, columns]."""
    return torch.rand((len(rows), columns), generator=chance, device=rows.device) * 2 - 1


def _linear_maps(rows: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    """Rotation, scale and shear of each row [n, 2, 2]."""
    turn, size, shear = _around(rows, 3, chance).T
    angle = turn * math.radians(STRONG_DEGREES)
    cos, sin = torch.cos(angle), torch.sin(angle)
    scale, slant = 1 + size * STRONG_SCALE, shear * STRONG_SHEAR
    first = torch.stack([cos * scale, (cos * slant - sin) * scale], dim=1)
    second = torch.stack([sin * scale, (sin * slant + cos) * scale], dim=1)
    return torch.stack([first, second], dim=1)
