"""Precision against coverage: what is gained, and risked, by accepting more labels unseen."""

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

from quality.pictures.canvas import BLUE, GREEN, GRID, INK, MUTED, ORANGE, RED, nothing, png, sheet

_TAIL = 0.025


def precision_against_coverage(
    confidence: npt.ArrayLike,
    right: npt.ArrayLike,
    *,
    threshold: float,
    wanted: float | None = None,
    calibrated: bool = True,
    title: str = "Precision of labels that nobody looks at",
) -> bytes:
    """PNG of the share right among the surest labels, for every number of them.

    Args:
        confidence: (n,) of items judged blind.
        right: (n,) whether people say the same.
        threshold: The confidence from which labels are accepted.
        wanted: The precision asked for.
        calibrated: Whether the threshold was set by these items; else it stands in the file.
        title: Heading.
    """
    sure, correct = np.asarray(confidence, np.float64), np.asarray(right, np.float64)
    if not len(sure):
        return nothing(title, "No item was judged by people who saw no prediction.")
    order = np.argsort(-sure, kind="stable")
    sure, hits = sure[order], np.cumsum(correct[order])
    n = np.arange(1, len(sure) + 1)
    last = np.append(sure[1:] != sure[:-1], True)
    sure, hits, n = sure[last], hits[last], n[last]
    coverage = n / n[-1]
    subtitle = f"{n[-1]:,} items judged blind; band: exact 95 % interval at each point"
    axes = sheet(title, height=4.2, subtitle=subtitle)
    low = np.where(hits > 0, betaincinv(np.maximum(hits, 1), n - hits + 1, _TAIL), 0.0)
    high = np.where(hits < n, betaincinv(hits + 1, np.maximum(n - hits, 1), 1 - _TAIL), 1.0)
    axes.fill_between(coverage, low, high, color=BLUE, alpha=0.18, linewidth=0, step="pre")
    axes.plot(coverage, hits / n, color=BLUE, linewidth=1.6, drawstyle="steps-pre")
    if wanted is not None:
        axes.axhline(wanted, color=MUTED, linewidth=1, linestyle="--")
        axes.annotate(f"wanted {wanted:.0%}", (0, wanted), (4, 4), **_TEXT, color=MUTED)
    accepted = np.flatnonzero(sure >= threshold)
    if len(accepted):
        place = accepted[-1]
        colour = GREEN if calibrated else ORANGE
        axes.axvline(coverage[place], color=colour, linewidth=1.2)
        axes.plot(coverage[place], hits[place] / n[place], "o", color=colour, markersize=7)
    said = f"accepted from {threshold:.3g}, " + ("calibrated" if calibrated else "as the file says")
    axes.text(
        0.99, 0.03, said, transform=axes.transAxes, ha="right", fontsize=9,
        color=GREEN if calibrated else RED,
    )  # fmt: skip
    axes.set_xlim(0, 1)
    axes.set_ylim(max(0.0, min(float(low[n >= min(20, n[-1])].min()), wanted or 1.0) - 0.02), 1.005)
    axes.grid(color=GRID)
    axes.set_xlabel("share of items accepted, surest first", color=INK)
    axes.set_ylabel("share right", color=INK)
    return png(axes)


_TEXT = {"xycoords": "data", "textcoords": "offset points", "fontsize": 9}
