"""What differs between two of something: scores with intervals, shares by cause."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from quality.pictures.canvas import (
    BLUE,
    GREEN,
    GRID,
    INK,
    MUTED,
    RED,
    heat_map,
    ink_on,
    nothing,
    png,
    sheet,
    short,
)

_MOST_ROWS = 40


def score_differences(
    names: Sequence[str],
    low: npt.ArrayLike,
    high: npt.ArrayLike,
    *,
    title: str,
    subtitle: str = "",
    measure: str = "difference",
) -> bytes:
    """PNG of intervals of differences around 0: right of it is better, left of it worse.

    Args:
        names: Scores.
        low: (n_scores,) lower end of the interval; NaN where there is none, which is not drawn.
        high: (n_scores,) upper end.
        title: Heading.
        subtitle: Below it.
        measure: What the axis is.
    """
    lower, upper = np.array(low, np.float64), np.array(high, np.float64)
    known = np.flatnonzero(np.isfinite(lower) & np.isfinite(upper)).tolist()
    if not len(known):
        return nothing(title, "No score could be compared.")
    lower, upper = lower[known], upper[known]
    axes = sheet(title, height=1.7 + 0.4 * len(known), subtitle=subtitle)
    rows = np.arange(len(known))
    colours = np.where(lower > 0, GREEN, np.where(upper < 0, RED, BLUE))
    axes.axvline(0, color=INK, linewidth=1)
    axes.hlines(rows, lower, upper, color=colours, linewidth=6, alpha=0.6)
    for row, (left, right) in enumerate(zip(lower, upper, strict=True)):
        said = "better" if left > 0 else "worse" if right < 0 else "may be chance"
        text = f"{left:+.4f} to {right:+.4f}: {said}"
        axes.annotate(text, ((left + right) / 2, row), (0, 8), textcoords="offset points",
                      ha="center", color=MUTED, fontsize=8)  # fmt: skip
    axes.set_yticks(rows, [short(names[place]) for place in known])
    reach = 1.25 * float(np.abs([lower, upper]).max()) or 1.0
    axes.set_xlim(-reach, reach)
    axes.set_ylim(len(known) - 0.4, -0.8)
    axes.grid(axis="x", color=GRID)
    axes.set_xlabel(measure, color=INK)
    return png(axes)


def change_by_cause(
    parts: Mapping[str, Mapping[str, float]],
    *,
    title: str = "Why the labels changed",
    subtitle: str = "percentage points that each cause adds to a label's share",
) -> bytes:
    """PNG of what each cause adds to each label's share, the labels that moved most first.

    Args:
        parts: Cause, then label, to percentage points.
        title: Heading.
        subtitle: Below it.
    """
    causes = list(parts)
    labels = list(dict.fromkeys(label for shares in parts.values() for label in shares))
    points = np.array([[parts[cause].get(label, 0.0) for cause in causes] for label in labels])
    if not points.any():
        return nothing(title, "No label's share changed.")
    points = np.column_stack([points, points.sum(axis=1)])
    order = np.argsort(-np.abs(points).max(axis=1), kind="stable")[:_MOST_ROWS]
    hidden = len(labels) - len(order)
    subtitle += f"; {hidden} labels that moved less not drawn" * (hidden > 0)
    axes = sheet(title, height=1.6 + 0.36 * len(order), subtitle=subtitle)
    reach = float(np.abs(points).max())
    image = heat_map(axes, points[order], low=-reach, high=reach, colours="RdBu")
    axes.set_aspect("auto")
    for row, column in np.ndindex(len(order), points.shape[1]):
        value = float(points[order[row], column])
        if value:
            colour = ink_on(image, value)
            axes.text(column, row, f"{value:+.2f}", ha="center", va="center",
                      fontsize=8, color=colour)  # fmt: skip
    axes.set_yticks(range(len(order)), [short(labels[place]) for place in order])
    names = [*(cause.replace("_", " ") for cause in causes), "together"]
    axes.set_xticks(range(len(names)), names)
    return png(axes)
