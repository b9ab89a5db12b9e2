"""Pictures between bytes and arrays, for what is made of them."""

from io import BytesIO

import numpy as np
from PIL import Image, ImageOps

from assets.features.pictures import gray
from quality.synthetic.images import Pixels

GREY_BANDS = ("1", "L", "LA", "I", "I;16", "F")


def pixels_of(data: bytes, size: tuple[int, int] | None = None) -> Pixels:
    """A picture as values of 0 to 1: [height, width] in grey, [height, width, 3] in colour.

    It is turned as its EXIF data says, and laid on white where it is transparent.

    Args:
        data: A PNG or JPEG file.
        size: Width and height that it is scaled to; None leaves it as it is.
    """
    with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as image:
        shown = gray(image) if image.mode.startswith(GREY_BANDS) else _in_colour(image)
    scaled = shown if size is None else shown.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(scaled, dtype=np.float64) / 255


def png_of(pixels: Pixels) -> bytes:
    """Values of 0 to 1 as a PNG of 8 bits a band."""
    buffer = BytesIO()
    Image.fromarray(np.round(pixels * 255).astype(np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()


def _in_colour(image: Image.Image) -> Image.Image:
    upright = ImageOps.exif_transpose(image)
    if upright.has_transparency_data:
        whole = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole)
    return upright.convert("RGB")
