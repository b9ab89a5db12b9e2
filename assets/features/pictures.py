"""Images as arrays of brightness."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image, ImageOps

from assets.features.errors import ItemUnreadable

AT_ONCE = 256
SIXTEEN_BITS = 65535.0
Made = TypeVar("Made")


def of_pictures(
    items: pl.DataFrame, media: Callable[[str], bytes], make: Callable[[Image.Image], Made]
) -> Iterator[Made]:
    """What is made of each item's image, in order; a few images are decoded at a time.

    Raises:
        ItemUnreadable: an image cannot be decoded.
    """

    def one(item: tuple[str, str | None]) -> Made:
        item_id, uri = item
        if uri is None:
            raise ItemUnreadable(item_id, uri, "it is no image")
        data = media(uri)
        try:
            with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as image:
                return make(image)
        # Decoders of damaged files raise nearly anything: SyntaxError, struct.error, zlib.error.
        except Exception as error:
            raise ItemUnreadable(item_id, uri, str(error)) from error

    pairs = list(items.select("item_id", "uri").iter_rows())
    with ThreadPoolExecutor(min(4, max(2, os.cpu_count() or 2))) as pool:
        for start in range(0, len(pairs), AT_ONCE):
            yield from pool.map(one, pairs[start : start + AT_ONCE])


def brightness(image: Image.Image, width: int, height: int) -> NDArray[np.float32]:
    """An image scaled to a size, as float32 [height, width] from 0 (black) to 1 (white)."""
    scaled = gray(image).resize((width, height), Image.Resampling.BILINEAR)
    return np.clip(np.asarray(scaled, dtype=np.float32) / 255, 0, 1)


def gray(image: Image.Image) -> Image.Image:
    """An image in grey, 0 (black) to 255 (white).

    It is turned as its EXIF data says, and laid on white where it is transparent.
    """
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith(("I", "F")):
        return Image.fromarray(np.asarray(upright, dtype=np.float32) * (255 / SIXTEEN_BITS))
    return on_white(upright).convert("L")


def on_white(image: Image.Image) -> Image.Image:
    """An image laid on white where it is transparent."""
    if not image.has_transparency_data:
        return image
    picture = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
