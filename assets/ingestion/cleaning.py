"""Cleaning while items are taken in: what was mended, item by item, and what is out of bounds."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import polars as pl
from PIL import Image, ImageOps

from assets.dataset_file.cleaning import Cleaning
from assets.features.pictures import gray, on_white
from assets.ingestion.rejects import EXCERPT, Fault, Reason
from quality.cleaning.text import TextRules, cleaned
from quality.schema import Table

GREY, COLOUR = "L", "RGB"
ORIENTATION = 0x0112

FIXES = Table(
    name="cleaned",
    columns={
        "source": pl.String(),
        "row": pl.Int64(),
        "item_id": pl.String(),
        "fixes": pl.List(pl.String),
        "before": pl.String(),
        "after": pl.String(),
    },
    key=("source", "row"),
    nullable=frozenset({"row"}),
)


@dataclass(frozen=True, slots=True)
class Fix:
    """One item that was mended.

    Attributes:
        row: Line of a text file or row of a Parquet file, from 1; None for an image.
        fixes: What was mended, in order.
        before: The beginning of the text as it came, or what the image was.
        after: The same of the item.
    """

    source: str
    row: int | None
    item_id: str
    fixes: tuple[str, ...]
    before: str
    after: str


def fixes_frame(fixes: Sequence[Fix]) -> pl.DataFrame:
    """Fixes as rows of the table."""
    rows = [(f.source, f.row, f.item_id, [*f.fixes], f.before, f.after) for f in fixes]
    return pl.DataFrame(rows, schema=dict(FIXES.columns), orient="row")


@dataclass(frozen=True)
class TextCleaner:
    """Mends texts by the dataset file's rules."""

    rules: TextRules
    shortest: int
    longest: int | None

    @staticmethod
    def of(spec: Cleaning) -> "TextCleaner":
        """The cleaner that a section asks for."""
        names = TextRules.__dataclass_fields__
        rules = TextRules(**{name: getattr(spec, name) for name in names})
        return TextCleaner(rules, spec.min_characters, spec.max_characters)

    def clean(self, text: str) -> tuple[str, tuple[str, ...]]:
        """The text and what was mended.

        Raises:
            Fault: nothing is left of it, or it is too short or too long.
        """
        mended, fixes = cleaned(text, self.rules)
        if not mended or mended.isspace():
            raise Fault(Reason.EMPTY_ITEM, "no text is left once it is cleaned")
        if len(mended) < self.shortest:
            detail = f"{len(mended)} characters, at least {self.shortest}"
            raise Fault(Reason.TOO_SMALL, detail)
        if self.longest is not None and len(mended) > self.longest:
            raise Fault(Reason.OVERSIZED_ITEM, f"{len(mended)} characters, at most {self.longest}")
        return mended, fixes


def excerpt(text: str) -> str:
    """The beginning of a text, what cannot be seen in it written as escapes."""
    shown = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:EXCERPT])
    return "".join(shown)


def clean_image(data: bytes, spec: Cleaning) -> tuple[bytes, tuple[str, ...], str, str]:
    """An image's bytes, mended; what was mended; what it was and is.

    What needs no mending keeps its bytes; all else becomes a PNG.

    Raises:
        Fault: it is smaller than the dataset file allows.
    """
    with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as image:
        before, fixes = _told(image), list[str]()
        shown: Image.Image = image
        if spec.upright and image.getexif().get(ORIENTATION, 1) != 1:
            shown = ImageOps.exif_transpose(shown)
            fixes.append("upright")
        _check_side(shown.size, spec.min_side)
        wanted = {"grey": GREY, "colour": COLOUR, None: shown.mode}[spec.mode]
        if shown.mode != wanted:
            shown = gray(shown) if wanted == GREY else on_white(shown)
            shown = shown.convert(wanted)
            fixes.append("mode")
        if spec.max_side is not None and max(shown.size) > spec.max_side:
            shown = _scaled(shown, spec.max_side)
            fixes.append("scaled")
        if not fixes:
            return data, (), before, before
        buffer = BytesIO()
        shown.save(buffer, format="PNG")
        return buffer.getvalue(), tuple(fixes), before, _told(shown)


def _check_side(size: tuple[int, int], smallest: int) -> None:
    if min(size) < smallest:
        raise Fault(Reason.TOO_SMALL, f"{size[0]} x {size[1]} pixels, at least {smallest} a side")


def _scaled(image: Image.Image, longest: int) -> Image.Image:
    scale = longest / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    plain = image.convert("RGBA") if image.mode in ("P", "PA") else image
    return plain.resize(size, Image.Resampling.LANCZOS)


def _told(image: Image.Image) -> str:
    turned = image.getexif().get(ORIENTATION, 1)
    said = f"{image.width} x {image.height} {image.mode}"
    return said if turned == 1 else f"{said}, orientation {turned}"
