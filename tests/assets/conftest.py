"""What several tests of assets/ start from."""

import json
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


WORDS = ("good", "bad", "film", "fine", "poor", "great", "awful", "a", "the", "of", "plot", "dull")


@pytest.fixture(scope="session")
def text_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny sentence encoder of three layers that learned nothing; do not write."""
    pytest.importorskip("sentence_transformers", reason="the extra `text` is not installed")
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path_factory.mktemp("text_encoder")
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]))
    BertTokenizer(str(vocabulary)).save_pretrained(folder)
    config = BertConfig(
        vocab_size=5 + len(WORDS),
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
        initializer_range=0.1,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def image_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny vision transformer on 8 x 8 grey pixels that learned nothing."""
    pytest.importorskip("transformers", reason="the extra `text` is not installed")
    import torch
    from transformers import ViTConfig, ViTModel

    folder = tmp_path_factory.mktemp("image_encoder")
    config = ViTConfig(
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=8,
        patch_size=2,
        num_channels=1,
        initializer_range=0.1,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        ViTModel(config).save_pretrained(folder)
    told = {"size": {"height": 8, "width": 8}, "image_mean": [0.5], "image_std": [0.5]}
    (folder / "preprocessor_config.json").write_text(json.dumps(told))
    return folder
