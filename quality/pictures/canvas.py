"""The sheet every picture is drawn on: one look, colours that all eyes tell apart.

Figures are built without pyplot, so nothing is shared between threads or left open.
"""

import io
from typing import Any

# Okabe and Ito's palette, made for every kind of colour vision.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
INK, MUTED, GRID, PAPER = "#1F2933", "#6B7785", "#E4E8EC", "#FFFFFF"
_DPI = 144
_LONGEST_NAME = 28


def sheet(title: str, *, width: float = 7.0, height: float = 4.0, subtitle: str = "") -> Any:
    """A matplotlib Axes on a figure of its own, sizes in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    axes.tick_params(colors=INK, length=0, labelsize=9)
    axes.set_axisbelow(True)
    heading = f"{title}\n" if subtitle else title
    axes.set_title(heading, loc="left", color=INK, fontsize=12, fontweight="bold", pad=10)
    if subtitle:
        axes.annotate(
            subtitle,
            (0, 1),
            (0, 7),
            xycoords="axes fraction",
            textcoords="offset points",
            color=MUTED,
            fontsize=9,
        )
    return axes


def png(axes: Any) -> bytes:
    """The sheet as PNG, the same bytes for the same picture."""
    buffer = io.BytesIO()
    axes.figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def nothing(title: str, reason: str) -> bytes:
    """A sheet that says why there is nothing to draw."""
    axes = sheet(title, height=1.6)
    axes.set_axis_off()
    axes.text(0, 0.5, reason, transform=axes.transAxes, color=MUTED, fontsize=10, va="center")
    return png(axes)


def short(name: object) -> str:
    """A name that fits beside an axis."""
    text = str(name)
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}\u2026"


def heat_map(axes: Any, values: Any, *, low: float, high: float, colours: str) -> Any:
    """Cells of a matrix in colour, NaN left grey."""
    from matplotlib import colormaps

    scale = colormaps[colours].with_extremes(bad="#C9CFD6")
    axes.spines["bottom"].set_visible(False)
    return axes.imshow(values, cmap=scale, vmin=low, vmax=high, aspect="equal")


def ink_on(image: Any, value: float) -> str:
    """Black or white, whichever reads better on the cell's colour."""
    red, green, blue, _ = image.cmap(image.norm(value))
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55  # noqa: PLR2004 (half way, by eye)
    return "white" if dark else INK
