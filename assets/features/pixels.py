"""Images as the pixels of one small square."""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.features.pictures import brightness, of_pictures


def pixels(items: pl.DataFrame, media: Callable[[str], bytes], *, side: int) -> NDArray[np.float32]:
    """Brightness of side x side pixels of each item's image, row by row from the top left.

    Returns:
        float32 [items, side * side], from 0 (black) to 1 (white).

    Raises:
        ItemUnreadable: an image cannot be decoded.
    """
    matrix = np.empty((items.height, side * side), dtype=np.float32)
    squares = of_pictures(items, media, lambda image: brightness(image, side, side))
    for row, square in enumerate(squares):
        matrix[row] = square.ravel()
    return matrix
