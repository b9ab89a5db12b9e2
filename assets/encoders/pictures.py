"""Encoders of images: through transformers, or any torch backbone by its import path."""

import json
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from assets.encoders.errors import EncoderMissing, EncoderUnusable
from assets.encoders.networks import PictureNetwork
from assets.encoders.source import EXTRA, SAFE, EncoderFiles
from assets.encoders.texts import UNUSED, in_a_line

HEADS = ("fc", "classifier", "head", "heads")
"""What torchvision and timm call the last layer, which knows other classes."""
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
USUAL_SIDE = 224


@dataclass(frozen=True)
class Preparation:
    """How a picture becomes inputs: scaled to a square of `side` pixels, then standardized."""

    side: int
    mean: list[float]
    std: list[float]

    def pixels(self, image: Image.Image) -> NDArray[np.float32]:
        """Pixels 0 to 255, channel by channel, [channels x side x side]."""
        upright = ImageOps.exif_transpose(image)
        if upright.has_transparency_data:
            clear = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
        mode = "L" if len(self.mean) == 1 else "RGB"
        scaled = upright.convert(mode).resize((self.side, self.side), Image.Resampling.BILINEAR)
        square = np.asarray(scaled, dtype=np.float32).reshape(self.side, self.side, -1)
        return square.transpose(2, 0, 1).ravel()


def preparation(files: EncoderFiles) -> Preparation:
    """What preprocessor_config.json says; by default 224 pixels, standardized as for ImageNet."""
    path = files.folder / "preprocessor_config.json"
    told = json.loads(path.read_bytes()) if path.is_file() else {}
    size = told.get("size", USUAL_SIDE)
    if isinstance(size, dict):
        size = size.get("height") or size.get("shortest_edge") or USUAL_SIDE
    mean, std = told.get("image_mean") or IMAGENET[0], told.get("image_std") or IMAGENET[1]
    if told.get("do_normalize") is False:
        mean, std = [0.0] * len(mean), [1.0] * len(std)
    return Preparation(files.spec.image_side or int(size), mean, std)


def picture_network(files: EncoderFiles, *, fresh: bool = False) -> PictureNetwork:
    """The encoder as a network on pixels.

    Args:
        files: Its files.
        fresh: Without what it learned: its weights are drawn anew from torch's generator.

    Raises:
        EncoderMissing: a package that it needs is not installed.
        EncoderUnusable: the weights do not fit the network.
    """
    asked = preparation(files)
    backbone = _by_import_path(files, fresh) if files.spec.backbone else _of_config(files, fresh)
    return PictureNetwork(backbone, side=asked.side, mean=asked.mean, std=asked.std)


def _of_config(files: EncoderFiles, fresh: bool) -> Any:
    source = files.spec.source
    try:
        from transformers import AutoModel
        from transformers.utils.logging import disable_progress_bar
    except ImportError as error:
        raise EncoderMissing(source, f"transformers is not installed; {EXTRA}") from error
    disable_progress_bar()
    try:
        made, told = AutoModel.from_pretrained(
            str(files.folder),
            local_files_only=True,
            output_loading_info=True,
            use_safetensors=files.are_safe,
        )
    # What a damaged file raises depends on where it is damaged, and on the library's version.
    except Exception as error:
        raise EncoderUnusable(source, in_a_line(error)) from error
    _complete(source, [key for key in told["missing_keys"] if not key.startswith(UNUSED)])
    return AutoModel.from_config(made.config) if fresh else made


def _by_import_path(files: EncoderFiles, fresh: bool) -> Any:
    spec = files.spec
    module, _, name = str(spec.backbone).rpartition(".")
    try:
        made = getattr(import_module(module), name)(**spec.arguments)
    except (ImportError, AttributeError, ValueError) as error:
        package = module.partition(".")[0]
        reason = f"backbone {spec.backbone} cannot be imported ({error}); pip install {package}?"
        raise EncoderMissing(spec.source, reason) from error
    except TypeError as error:
        raise EncoderUnusable(spec.source, f"backbone {spec.backbone}: {error}") from error
    if not fresh:
        try:
            missing, unexpected = made.load_state_dict(_state(files), strict=False)
        except RuntimeError as error:
            raise EncoderUnusable(spec.source, in_a_line(error)) from error
        _complete(spec.source, [k for k in (*missing, *unexpected) if not _of_head(k)])
    for head in HEADS:
        _take_off(made, head)
    return made


def _state(files: EncoderFiles) -> dict[str, Any]:
    import torch
    from safetensors.torch import load_file

    state: dict[str, Any] = {}
    for path in files.weights:
        try:
            # Of an allowed pickle, too, only tensors are taken.
            safe = path.suffix == SAFE
            state |= load_file(path) if safe else torch.load(path, "cpu", weights_only=True)
        # Damaged files raise the errors of two libraries' formats.
        except Exception as error:
            raise EncoderUnusable(files.spec.source, in_a_line(error)) from error
    return state


def _take_off(network: Any, head: str) -> None:
    from torch.nn import Identity, Module

    if isinstance(getattr(network, head, None), Module):
        setattr(network, head, Identity())


def _of_head(key: str) -> bool:
    return key.partition(".")[0] in HEADS


def _complete(source: str, wrong: list[str]) -> None:
    if wrong:
        some = ", ".join(sorted(wrong)[:3])
        reason = f"weights do not fit: {len(wrong)} are missing or unknown ({some})"
        raise EncoderUnusable(source, reason)
