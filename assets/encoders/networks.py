"""Encoders as torch modules: rows of inputs in, one embedding a row out."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

POSITIONS_IN_PICTURE = 4
POSITIONS_IN_SEQUENCE = 3


class TextNetwork(nn.Module):
    """A sentence encoder on token ids; what is below 0 is no token."""

    def __init__(self, sentences: nn.Module) -> None:
        super().__init__()
        self.sentences = sentences

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Embeddings [n, d] of token ids [n, t]."""
        mask = inputs >= 0
        longest = max(int(mask.sum(dim=1).max()), 1)
        ids = inputs[:, :longest].clamp(min=0).long()
        found = self.sentences({"input_ids": ids, "attention_mask": mask[:, :longest].long()})
        embedding: torch.Tensor = found["sentence_embedding"]
        return embedding


class PictureNetwork(nn.Module):
    """A backbone on the pixels of square pictures, 0 to 255, channel by channel.

    What the backbone says of positions is averaged over them.
    """

    def __init__(
        self, backbone: nn.Module, *, side: int, mean: list[float], std: list[float]
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self._shape = (len(mean), side, side)
        self._mean, self._std = torch.tensor(mean).view(-1, 1, 1), torch.tensor(std).view(-1, 1, 1)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Embeddings [n, d] of pixels [n, channels x side x side]."""
        pixels = inputs.view(-1, *self._shape) / 255
        found = self.backbone((pixels - self._mean.to(pixels)) / self._std.to(pixels))
        found = getattr(found, "last_hidden_state", found)
        if found.dim() == POSITIONS_IN_PICTURE:
            found = found.mean(dim=(2, 3))
        elif found.dim() == POSITIONS_IN_SEQUENCE:
            found = found.mean(dim=1)
        embedding: torch.Tensor = found
        return embedding


def embedded(network: nn.Module, inputs: NDArray[np.float32], device: str) -> NDArray[np.float32]:
    """Embeddings of rows, each computed alone, so that it depends on nothing but itself."""
    from assets.labelers.layers import one_thread

    rows: list[Any] = []
    network.to(device).eval()
    with torch.inference_mode(), one_thread():
        for row in inputs:
            given = torch.from_numpy(np.ascontiguousarray(row)[None]).to(device)
            rows.append(network(given)[0].float().cpu().numpy())
    return np.stack(rows).astype(np.float32, copy=False)


def layers(network: nn.Module) -> list[nn.Module]:
    """The layers of a network in their order: of its longest list of modules, or its parts."""
    lists = [list(part) for part in network.modules() if isinstance(part, nn.ModuleList)]
    longest = max(lists, key=len, default=[])
    if len(longest) > 1:
        return longest
    parts = [*network.children()]
    while len(parts) == 1:
        parts = [*parts[0].children()]
    return [part for part in parts if any(True for _ in part.parameters())]
