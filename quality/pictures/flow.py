"""Where labels went between two releases."""

from typing import Any

import numpy as np
import polars as pl

from quality.pictures.canvas import INK, MUTED, PAPER, nothing, png, sheet, short

# Tol's muted palette: nine colours that all eyes tell apart, then it starts again.
_COLOURS = (
    "#332288",
    "#88CCEE",
    "#44AA99",
    "#117733",
    "#999933",
    "#DDCC77",
    "#CC6677",
    "#882255",
    "#AA4499",
)
_GAP = 0.015
_NO_LABEL = "(none)"
_MOST = 12


def label_flow(
    flows: pl.DataFrame,
    *,
    left: str = "before",
    right: str = "after",
    title: str = "Labels between releases",
    what: str = "items",
) -> bytes:
    """PNG of labels moving from one release to the next, unchanged ones faint.

    Args:
        flows: from_label, to_label (null means no label, so a new item or a dropped one),
            n_items.
        left: Name of the earlier release.
        right: Name of the later one.
        title: Heading.
        what: What n_items counts.
    """
    moves = flows.select(
        pl.col("from_label", "to_label").cast(pl.String).fill_null(_NO_LABEL),
        pl.col("n_items").cast(pl.Float64),
    ).filter(pl.col("n_items") > 0)
    if not moves.height:
        return nothing(title, f"None of the {what} has a label.")
    moves, names = _largest(moves)
    total = float(moves["n_items"].sum())
    changed = float(moves.filter(pl.col("from_label") != pl.col("to_label"))["n_items"].sum())
    subtitle = f"{changed:,.0f} of {total:,.0f} {what} changed their label"
    axes = sheet(title, height=2.2 + 0.42 * len(names), subtitle=subtitle)
    axes.set_axis_off()
    axes.set_xlim(-0.32, 1.32)
    axes.set_ylim(1 + _GAP * (len(names) + 1), -0.09)
    colour = {name: _COLOURS[place % len(_COLOURS)] for place, name in enumerate(names)}
    begin = [_stack(axes, moves, colour, side=side, total=total) for side in (0, 1)]
    for x, name in ((0, left), (1, right)):
        align = "right" if x == 0 else "left"
        axes.text(x, -0.04, name, ha=align, color=INK, fontsize=10, fontweight="bold")
    order = {name: place for place, name in enumerate(names)}
    rows = sorted(moves.iter_rows(), key=lambda row: (order[row[0]], order[row[1]]))
    for source, target, n_items in rows:
        height = n_items / total
        _ribbon(
            axes,
            begin[0][source],
            begin[1][target],
            height,
            colour=colour[source],
            changed=source != target,
        )
        begin[0][source] += height
        begin[1][target] += height
    return png(axes)


def _largest(moves: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """The moves with rare classes put together, and the classes by size."""
    ends = pl.concat(
        [
            moves.select(pl.col(side).alias("label"), "n_items")
            for side in ("from_label", "to_label")
        ]
    )
    sizes = ends.group_by("label").agg(pl.col("n_items").sum())
    names = sizes.sort("n_items", "label", descending=[True, False])["label"].to_list()
    if len(names) <= _MOST:
        return moves, names
    kept, rest = names[: _MOST - 1], f"({len(names) - _MOST + 1} others)"
    renamed = moves.with_columns(
        pl.when(pl.col(side).is_in(kept)).then(side).otherwise(pl.lit(rest)).alias(side)
        for side in ("from_label", "to_label")
    )
    merged = renamed.group_by("from_label", "to_label").agg(pl.col("n_items").sum())
    return merged, [*kept, rest]


def _stack(
    axes: Any, moves: pl.DataFrame, colour: dict[str, str], *, side: int, total: float
) -> dict[str, float]:
    """Draws one release's classes as blocks; where each block begins."""
    sizes = dict(moves.group_by(moves.columns[side]).agg(pl.col("n_items").sum()).iter_rows())
    top, begin = _GAP, {}
    for name, shade in colour.items():
        height = sizes.get(name, 0.0) / total
        begin[name] = top
        if height:
            left = -0.025 if side == 0 else 1.0
            axes.barh(top + height / 2, 0.025, height, left=left, color=shade)
            text = f"{short(name)}  {sizes[name]:,.0f}"
            x, align = (-0.04, "right") if side == 0 else (1.04, "left")
            axes.text(x, top + height / 2, text, ha=align, va="center", color=INK, fontsize=9)
        top += height + _GAP
    return begin


def _ribbon(
    axes: Any, source: float, target: float, height: float, *, colour: str, changed: bool
) -> None:
    """One band from the left to the right."""
    x = np.linspace(0, 1, 60)
    rise = source + (target - source) * (3 * x**2 - 2 * x**3)
    axes.fill_between(
        x,
        rise,
        rise + height,
        color=colour if changed else MUTED,
        alpha=0.75 if changed else 0.16,
        linewidth=0.3,
        edgecolor=PAPER,
    )
