"""A few columns of each item that a person can read: what the drift monitor watches."""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image

from assets.dataset_file.models import Dataset
from assets.features.columns import columns, table
from assets.features.pictures import brightness, of_pictures

LOOK_SIDE = 128
INK = 0.25
PICTURE = {
    "width": pl.Float64,
    "height": pl.Float64,
    "brightness": pl.Float64,
    "contrast": pl.Float64,
    "edges": pl.Float64,
    "ink_share": pl.Float64,
}


def describe(items: pl.DataFrame, dataset: Dataset, media: Callable[[str], bytes]) -> pl.DataFrame:
    """item_id and a few columns of each item, in the items' order.

    Texts: characters, words, and the shares of upper-case letters, digits, punctuation and
    characters beyond ASCII. Images: width and height in pixels, and of the picture scaled to at
    most 128 pixels a side mean brightness (0 to 1), contrast (its standard deviation), edges (mean
    step between neighbours), ink_share (pixels more than 0.25 from the median). Tables: the
    feature columns.

    Args:
        items: Rows of the items table: item_id, content, uri.
        dataset: The dataset file.
        media: Bytes of an image, by uri.

    Raises:
        ItemUnreadable: an image cannot be decoded.
    """
    if dataset.modality == "image":
        rows = list(of_pictures(items, media, _of_picture))
        described = pl.DataFrame(rows, schema=PICTURE, orient="row")
    elif dataset.modality == "text":
        described = items.select(*_of_text(pl.col("content")))
    else:
        features = table(items["content"], columns(items["content"], dataset))
        described = features.rename({"item_id": "item_id (feature)"}, strict=False)
    return pl.concat([items.select("item_id"), described], how="horizontal")


def _of_text(text: pl.Expr) -> list[pl.Expr]:
    length = text.str.len_chars()

    def share(pattern: str) -> pl.Expr:
        return (text.str.count_matches(pattern) / length).fill_nan(0)

    return [
        length.cast(pl.Float64).alias("characters"),
        text.str.count_matches(r"\S+").cast(pl.Float64).alias("words"),
        share(r"\p{Lu}").alias("upper_case_share"),
        share(r"\p{Nd}").alias("digit_share"),
        share(r"\p{P}").alias("punctuation_share"),
        share(r"[^\x00-\x7F]").alias("non_ascii_share"),
    ]


def _of_picture(image: Image.Image) -> tuple[float, ...]:
    scale = min(1.0, LOOK_SIDE / max(image.size))
    width, height = (max(1, round(side * scale)) for side in image.size)
    gray = brightness(image, width, height)
    ink = np.abs(gray - np.median(gray)) > INK
    seen = (*image.size, gray.mean(), gray.std(), _edges(gray), ink.mean())
    return tuple(float(value) for value in seen)


def _edges(gray: NDArray[np.float32]) -> float:
    steps = np.concatenate([np.abs(np.diff(gray, axis=axis)).ravel() for axis in (0, 1)])
    return float(steps.mean()) if steps.size else 0.0
