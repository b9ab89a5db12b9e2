"""Handwritten digits as PNG files, in batches; what they really show is known to the demo alone."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 8
BRIGHTEST = 16.0
SEED = 7

Images = NDArray[np.float64]


@dataclass(frozen=True)
class DemoBatch:
    """One batch of the demo.

    Attributes:
        name: Folder in the inbox.
        size: Number of digits.
        scanner: Whether it comes from another scanner: a grey ground, less contrast.
    """

    name: str
    size: int
    scanner: bool = False


BATCHES = (
    DemoBatch("monday", 600),
    DemoBatch("new-scanner", 250, scanner=True),
    DemoBatch("tuesday", 500),
    DemoBatch("wednesday", 447),
)


def write_batch(batch: DemoBatch, inbox: Path) -> dict[str, str]:
    """Write one batch into the inbox; the true class of each item by its id."""
    folder = inbox / batch.name
    folder.mkdir(parents=True, exist_ok=True)
    truth = {}
    for number, (pixels, digit) in enumerate(_digits(batch)):
        content = _png(pixels)
        (folder / f"{batch.name}-{number:04d}.png").write_bytes(content)
        truth[hashlib.sha256(content).hexdigest()] = str(digit)
    return truth


def _digits(batch: DemoBatch) -> Iterator[tuple[Images, int]]:
    from sklearn.datasets import load_digits

    bundle: Any = load_digits()
    order = np.random.default_rng(SEED).permutation(len(bundle.target))
    start = sum(b.size for b in BATCHES[: BATCHES.index(batch)])
    for index in order[start : start + batch.size]:
        light = bundle.images[index] / BRIGHTEST
        yield (0.35 + 0.5 * light if batch.scanner else light), int(bundle.target[index])


def _png(light: Images) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    pixels = np.round(light * 255).astype(np.uint8)
    Image.fromarray(pixels, mode="L").save(buffer, format="PNG")
    return buffer.getvalue()
