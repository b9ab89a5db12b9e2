"""A small convolutional network that learned letters, so that digits are new but not strange to it.

It learns the letters A to Z and a to z in the fonts that matplotlib brings, shifted, turned and
scaled, as 16 x 16 grey pixels; it never sees a digit.
"""

import json
from pathlib import Path
from string import ascii_letters
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIDE = 16
WIDTHS = (24, 48, 96)


def net() -> Any:
    """Three convolutional layers; the dataset file names this function as a backbone."""
    from torch import nn

    layers = []
    for before, after in zip((1, *WIDTHS), WIDTHS, strict=False):
        convolution = nn.Conv2d(before, after, 3, padding=1)
        layers.append(nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)))
    return nn.Sequential(*layers)


def letters(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures [n, 256] of 0 to 255, light on dark, and which letter each is."""
    import matplotlib as mpl

    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    paths = sorted(folder.glob("DejaVuS*.ttf"))
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, len(ascii_letters), count)
    pictures = np.empty((count, SIDE * SIDE), dtype=np.float32)
    for row, code in enumerate(codes):
        font = ImageFont.truetype(str(paths[rng.integers(len(paths))]), int(rng.integers(26, 38)))
        canvas = Image.new("L", (48, 48), 0)
        ImageDraw.Draw(canvas).text((24, 24), ascii_letters[code], 255, font, anchor="mm")
        shift = rng.integers(-4, 5, 2).tolist()
        turned = canvas.rotate(float(rng.normal(0, 10)), Image.Resampling.BILINEAR, translate=shift)
        pictures[row] = np.asarray(turned.resize((SIDE, SIDE), Image.Resampling.BILINEAR)).ravel()
    return pictures, codes


def learned(folder: Path, *, count: int = 20_000, epochs: int = 4) -> float:
    """Put the network's weights into a folder; how many of other letters it names right."""
    import torch
    from safetensors.torch import save_file
    from torch import nn

    torch.set_num_threads(1)
    torch.manual_seed(0)
    backbone = net()
    model = nn.Sequential(
        backbone, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(WIDTHS[-1], len(ascii_letters))
    )
    pictures, codes = letters(count, seed=0)
    rows = torch.from_numpy(pictures).view(-1, 1, SIDE, SIDE) / 255 * 2 - 1
    given = torch.from_numpy(codes)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(epochs):
        for batch in torch.randperm(count).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(rows[batch]), given[batch]).backward()
            optimizer.step()
    model.eval()
    other, truth = letters(1_000, seed=1)
    with torch.inference_mode():
        inputs = torch.from_numpy(other).view(-1, 1, SIDE, SIDE) / 255 * 2 - 1
        right = float((model(inputs).argmax(dim=1).numpy() == truth).mean())
    folder.mkdir(parents=True, exist_ok=True)
    save_file(backbone.state_dict(), folder / "model.safetensors")
    told = {"size": {"height": SIDE, "width": SIDE}, "image_mean": [0.5], "image_std": [0.5]}
    (folder / "preprocessor_config.json").write_text(json.dumps(told), encoding="utf-8")
    return right
