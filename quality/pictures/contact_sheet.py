"""A contact sheet: many small pictures, each with a line below it."""

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw

from quality.pictures.canvas import INK, MUTED, PAPER, nothing

TILE = 84
LINE = 14
GAP = 10
ACROSS = 8
LONGEST = 14


def contact_sheet(images: Sequence[bytes], captions: Sequence[str], *, title: str) -> bytes:
    """PNG of pictures in rows of eight, in the order given.

    Args:
        images: PNG or JPEG files.
        captions: A line for each; what is too long is cut.
        title: Heading.
    """
    if not images:
        return nothing(title, "There is no picture.")
    rows = -(-len(images) // ACROSS)
    step = (TILE + GAP, TILE + LINE + GAP)
    size = (GAP + min(len(images), ACROSS) * step[0], 2 * GAP + LINE + rows * step[1])
    sheet = Image.new("RGB", (max(size[0], len(title) * 7 + 2 * GAP), size[1]), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((GAP, GAP), title, fill=INK)
    for number, (data, caption) in enumerate(zip(images, captions, strict=True)):
        left = GAP + number % ACROSS * step[0]
        top = 2 * GAP + LINE + number // ACROSS * step[1]
        with Image.open(io.BytesIO(data)) as image:
            sheet.paste(_tile(image), (left, top))
        pen.text((left, top + TILE + 1), _cut(caption), fill=MUTED)
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG")
    return buffer.getvalue()


def _tile(image: Image.Image) -> Image.Image:
    """A picture in a square, pixels of small ones kept sharp."""
    scale = TILE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    how = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BILINEAR
    shown = image.convert("RGB").resize(size, how)
    square = Image.new("RGB", (TILE, TILE), PAPER)
    square.paste(shown, ((TILE - size[0]) // 2, (TILE - size[1]) // 2))
    return square


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
