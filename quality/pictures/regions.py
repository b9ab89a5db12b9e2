"""Regions drawn where they are: boxes on a contact sheet, spans marked in their text."""

import io
from collections.abc import Sequence
from html import escape
from typing import Any

from quality.pictures.canvas import INK, nothing, png, short
from quality.regions.region import Region

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255")
_COLUMNS = 4


def contact_sheet(
    pictures: Sequence[tuple[str, bytes, Sequence[Region]]],
    classes: Sequence[str],
    *,
    title: str = "Consensus boxes",
) -> bytes:
    """PNG of pictures side by side, their boxes drawn on them.

    Args:
        pictures: Name, bytes of the image, boxes with their confidence as score.
        classes: All classes; each has its colour.
        title: Heading.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not pictures:
        return nothing(title, "There is no picture.")
    rows = -(-len(pictures) // _COLUMNS)
    figure = Figure(figsize=(7.0, 1.6 * rows + 0.5), dpi=144, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, x=0.01, ha="left", color=INK, fontsize=12, fontweight="bold")
    grid = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, (name, content, drawn) in zip(grid, pictures, strict=False):
        _draw(axes, content, drawn, classes)
        axes.set_title(short(name), color=INK, fontsize=7)
    return png(grid[0])


def _draw(axes: Any, content: bytes, drawn: Sequence[Region], classes: Sequence[str]) -> None:
    from matplotlib.patches import Rectangle
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        axes.imshow(image.convert("RGB"), extent=(0, image.width, image.height, 0))
    for region in drawn:
        x, y, width, height = region.geometry
        colour = _colour(region.label, classes)
        edge = Rectangle((x, y), width, height, fill=False, edgecolor=colour, linewidth=1.4)
        axes.add_patch(edge)
        sure = "" if region.score is None else f" {region.score:.2f}"
        axes.text(
            x, y, region.label + sure, fontsize=5, color="white", va="bottom",
            bbox={"facecolor": colour, "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip


def marked_text(text: str, drawn: Sequence[Region], *, most: int = 300) -> str:
    """Markdown of a text with its spans in bold, each followed by its class.

    Spans that overlap an earlier one are listed after the text, so that every span is seen.

    Args:
        text: The whole text.
        drawn: Its spans.
        most: Characters shown.
    """
    parts, place, apart = [], 0, []
    for region in sorted(drawn, key=lambda r: r.geometry):
        start, end = (int(side) for side in region.geometry)
        if start < place or end > most:
            apart.append(f"{_plain(text[start:end][:60])} ({_plain(region.label)})")
            continue
        parts += [_plain(text[place:start]), f"**{_plain(text[start:end])}**"]
        parts.append(f" ({_plain(region.label)})")
        place = end
    rest = text[place : max(most, place)] + ("..." if len(text) > max(most, place) else "")
    also = f" [also: {', '.join(apart)}]" if apart else ""
    return "".join(parts) + _plain(rest) + also


def _colour(label: str, classes: Sequence[str]) -> str:
    place = list(classes).index(label) if label in classes else len(classes)
    return _COLOURS[place % len(_COLOURS)]


def _plain(text: str) -> str:
    """The text as Markdown that means nothing but itself, on one line."""
    flat = " ".join(text.split("\n"))
    marks = str.maketrans({mark: f"\\{mark}" for mark in "\\*_`[]|#"})
    return escape(flat, quote=False).translate(marks)
