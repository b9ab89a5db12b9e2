"""Items as a pretrained encoder sees them: its inputs, its embeddings, or both."""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.encoders.cache import EmbeddingCache
from assets.encoders.opening import OpenEncoder
from assets.features.workspace import Workspace

KEPT_AT_ONCE = 512


def encoded(
    items: pl.DataFrame,
    kind: str,
    encoder: OpenEncoder,
    media: Callable[[str], bytes],
    workspace: Workspace,
) -> tuple[NDArray[np.float32], list[str]]:
    """Embeddings, inputs, or both side by side, and a name for each column.

    Raises:
        EncoderError: the encoder cannot be used.
        ItemUnreadable: an image cannot be decoded.
    """
    blocks, names = [], []
    if kind != "encoder_inputs":
        blocks.append(embeddings(items, encoder, media, workspace))
        names += [f"embedding{index}" for index in range(blocks[-1].shape[1])]
    if kind != "embeddings":
        blocks.append(encoder.inputs(items, media))
        names += [f"input{index}" for index in range(blocks[-1].shape[1])]
    return np.hstack(blocks), names


def embeddings(
    items: pl.DataFrame,
    encoder: OpenEncoder,
    media: Callable[[str], bytes],
    workspace: Workspace,
) -> NDArray[np.float32]:
    """Embedding of each item [n, d]: out of the cache, or made and put there."""
    cache = workspace.cache and EmbeddingCache(workspace.cache, encoder.version)
    found = cache.known(items["item_id"].to_list()) if cache else {}
    kept = len(found)
    missing = items.filter(~pl.col("item_id").is_in(list(found))).unique(
        "item_id", maintain_order=True
    )
    for part in missing.iter_slices(KEPT_AT_ONCE):
        ids, rows = part["item_id"].to_list(), encoder.embeddings(part, media)
        found.update(zip(ids, rows, strict=True))
        if cache:
            cache.add(ids, rows)
    source = encoder.files.spec.source
    workspace.tell(f"embeddings of {source}: {kept} from the cache, {missing.height} made")
    if not found:
        return np.zeros((0, encoder.width), dtype=np.float32)
    return np.stack([found[item_id] for item_id in items["item_id"]])
