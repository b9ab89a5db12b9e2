"""Items that are not the same, but nearly: one text with another full stop, a picture rescaled."""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image

from assets.dataset_file.models import Dataset
from assets.features.pictures import brightness, of_pictures
from quality.duplicates.images import find_in_images
from quality.duplicates.report import NearDuplicates
from quality.duplicates.text import find_in_texts

TEXT_SIMILARITY = 0.8
IMAGE_SIMILARITY = 0.95
SIDE = 32


def near_duplicates(
    items: pl.DataFrame, dataset: Dataset, media: Callable[[str], bytes], *, seed: int
) -> NearDuplicates | None:
    """Near-duplicates among items; None for tables, where closeness has no one meaning.

    Of a group the item that was taken in first stands for the others. Images take 1 KiB each.

    Args:
        items: Rows of the items table: item_id, content, uri, ingested_at.
        dataset: The dataset file; `ingestion.near_duplicate_similarity` is the threshold.
        media: Bytes of an image, by uri.
        seed: Of the hash functions for texts.

    Raises:
        ItemUnreadable: an image cannot be decoded.
    """
    oldest_first = items.sort("ingested_at", "item_id")
    threshold = dataset.ingestion.near_duplicate_similarity
    ids = oldest_first["item_id"]
    if dataset.modality == "text":
        texts = oldest_first["content"]
        return find_in_texts(ids, texts, threshold=threshold or TEXT_SIMILARITY, seed=seed)
    if dataset.modality == "image":
        squares = list(of_pictures(oldest_first, media, _square))
        return find_in_images(ids, squares, threshold=threshold or IMAGE_SIMILARITY)
    return None


def _square(image: Image.Image) -> NDArray[np.uint8]:
    return np.round(brightness(image, SIDE, SIDE) * 255).astype(np.uint8)
