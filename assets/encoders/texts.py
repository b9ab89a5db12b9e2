"""Encoders of texts, through sentence-transformers."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.encoders.errors import EncoderMissing, EncoderUnusable
from assets.encoders.source import EXTRA, EncoderFiles

UNUSED = ("pooler.", "cls.", "lm_head.")
"""Weights that a sentence's embedding does not need."""


def sentence_encoder(files: EncoderFiles, *, fresh: bool = False) -> Any:
    """The encoder as a SentenceTransformer.

    Args:
        files: Its files.
        fresh: Without what it learned: its weights are drawn anew from torch's generator.

    Raises:
        EncoderMissing: sentence-transformers is not installed.
        EncoderUnusable: the weights do not fit the configuration, or it asks for code of its own.
    """
    source = files.spec.source
    try:
        from sentence_transformers import SentenceTransformer
        from transformers import AutoModel
        from transformers.utils.logging import disable_progress_bar
    except ImportError as error:
        raise EncoderMissing(source, f"sentence-transformers is not installed; {EXTRA}") from error
    disable_progress_bar()
    options = {"use_safetensors": files.are_safe}
    place = files.folder / _transformer(files)
    try:
        _, told = AutoModel.from_pretrained(
            str(place), local_files_only=True, output_loading_info=True, **options
        )
        made = SentenceTransformer(
            str(files.folder), device="cpu", local_files_only=True, model_kwargs=options
        )
    # What a damaged file raises depends on where it is damaged, and on the library's version.
    except Exception as error:
        raise EncoderUnusable(source, in_a_line(error)) from error
    missing = [key for key in told["missing_keys"] if not key.startswith(UNUSED)]
    if missing:
        some = ", ".join(sorted(missing)[:3])
        raise EncoderUnusable(source, f"weights do not fit: {len(missing)} are missing ({some})")
    if fresh:
        made[0].model = AutoModel.from_config(made[0].auto_model.config)
    return made


def token_ids(sentences: Any, texts: Sequence[str], most: int) -> NDArray[np.float32]:
    """Token ids of texts [n, tokens], -1 behind the last of each."""
    limit = min(most, sentences.max_seq_length or most)
    inputs = np.full((len(texts), limit), -1, dtype=np.float32)
    if texts:
        found = sentences.tokenizer([*texts], truncation=True, max_length=limit)["input_ids"]
        for row, ids in zip(inputs, found, strict=True):
            row[: len(ids)] = ids
    return inputs


def _transformer(files: EncoderFiles) -> str:
    """Folder of the transformer within the encoder's; refuses parts that are not the library's."""
    listing = files.folder / "modules.json"
    if not listing.is_file():
        return ""
    parts = json.loads(listing.read_bytes())
    strange = [p["type"] for p in parts if not p["type"].startswith("sentence_transformers.")]
    if strange:
        reason = f"modules.json asks for code of its own ({strange[0]}), which is not run"
        raise EncoderUnusable(files.spec.source, reason)
    return str(parts[0]["path"])


def in_a_line(error: Exception) -> str:
    """Why an encoder cannot be loaded, in a line."""
    text = str(error)
    if "ignore_mismatched_sizes" in text or "size mismatch" in text:
        return "weights do not fit: their shapes are not those that config.json describes"
    return f"cannot be loaded: {type(error).__name__}: {' '.join(text.split())[:300]}"
