"""What several tests of assets/ start from."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assets.dataset_file.models import Dataset


@pytest.fixture
def png() -> Callable[..., bytes]:
    """Makes the bytes of a small picture, a different one for each seed."""

    def make(seed: int = 0, side: int = 8, image_format: str = "PNG") -> bytes:
        from PIL import Image

        pixels = np.random.default_rng(seed).integers(0, 256, (side, side), dtype=np.uint8)
        buffer = BytesIO()
        Image.fromarray(pixels).save(buffer, image_format)
        return buffer.getvalue()

    return make


@pytest.fixture
def write_digits() -> Callable[[Path, range], Path]:
    """Writes handwritten digits of scikit-learn as 8 x 8 PNG files, named by their index."""

    def write(folder: Path, indices: range) -> Path:
        from PIL import Image
        from sklearn.datasets import load_digits

        folder.mkdir(parents=True, exist_ok=True)
        pictures = load_digits().images
        for index in indices:
            gray = np.round(pictures[index] * 255 / 16).astype(np.uint8)
            Image.fromarray(gray).save(folder / f"digit-{index:04}.png")
        return folder

    return write


@pytest.fixture
def dataset_of() -> Callable[..., Dataset]:
    """Makes a dataset file's model of a modality, sections given as keywords."""

    def make(modality: str, **sections: Any) -> Dataset:
        facts = {"name": "things", "modality": modality, "ontology": {"classes": ["a", "b"]}}
        return Dataset.model_validate({**facts, **sections})

    return make
