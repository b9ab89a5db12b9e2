"""The learning curve: what each release's labels are worth against what people gave for them."""

import numpy as np
import polars as pl

from quality.pictures.canvas import BLUE, GREEN, GRID, INK, MUTED, nothing, png, sheet

_MOST_NAMES = 12


def learning_curve(points: pl.DataFrame, *, title: str = "Quality against human labels") -> bytes:
    """PNG of precision and share of accepted labels at each release.

    Args:
        points: One row a release, oldest first: release; human_labels, items that people voted
            on; accepted, share of all items whose label is accepted; precision, share right among
            labels that nobody looked at, with low and high, its interval; null where not known.
        title: Heading.
    """
    if points.is_empty():
        return nothing(title, "There is no release yet.")
    releases = points["release"].to_list()
    asked, share, right, lower, upper = (
        points[name].cast(pl.Float64).to_numpy()
        for name in ("human_labels", "accepted", "precision", "low", "high")
    )
    axes = sheet(
        title,
        height=4.2,
        subtitle="precision with its exact 95 % interval, from blind answers of people",
    )
    axes.plot(asked, share, "s-", color=GREEN, markersize=5, label="share of items accepted")
    known = np.isfinite(right)
    axes.vlines(asked[known], lower[known], upper[known], color=BLUE, alpha=0.35, linewidth=6)
    axes.plot(
        asked[known], right[known], "o-", color=BLUE, markersize=6,
        label="precision of labels that nobody looked at",
    )  # fmt: skip
    for place in np.unique(np.linspace(0, len(releases) - 1, _MOST_NAMES).round().astype(int)):
        axes.annotate(
            releases[place], (asked[place], share[place]), (0, -14),
            textcoords="offset points", ha="center", fontsize=8, color=MUTED,
        )  # fmt: skip
    axes.set_ylim(0, 1.03)
    axes.set_xlim(left=0, right=max(float(asked.max()) * 1.06, 1.0))
    axes.grid(color=GRID)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    axes.set_xlabel("items that people voted on", color=INK)
    axes.set_ylabel("share", color=INK)
    return png(axes)
