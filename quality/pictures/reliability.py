"""The reliability diagram: does a confidence of 80 % turn out right 80 times in 100?"""

import numpy as np
import numpy.typing as npt

from quality.pictures.canvas import BLUE, GRID, INK, MUTED, nothing, png, sheet

Floats = npt.NDArray[np.float64]


def reliability(
    confidence: npt.ArrayLike,
    correct: npt.ArrayLike,
    bins: int = 10,
    *,
    title: str = "Reliability",
) -> bytes:
    """PNG of the share correct at each level of confidence, with 95 % Wilson intervals.

    Args:
        confidence: (n,) from 0 to 1; rows with NaN are left out.
        correct: (n,) whether the label was right.
        bins: Levels of equal width.
        title: Heading; below it stands the expected calibration error.
    """
    sure, right = np.asarray(confidence, np.float64), np.asarray(correct, np.float64)
    known = np.isfinite(sure) & np.isfinite(right)
    sure, right = sure[known], right[known]
    if not len(sure):
        return nothing(title, "No label has both a confidence and a known truth.")
    level = np.clip((sure * bins).astype(np.int64), 0, bins - 1)
    n = np.bincount(level, minlength=bins).astype(np.float64)
    used = np.flatnonzero(n)
    n = n[used]
    mean = np.bincount(level, sure, bins)[used] / n
    share = np.bincount(level, right, bins)[used] / n
    return reliability_of_levels(mean, share, n, *_wilson(share, n), bins=bins, title=title)


def reliability_of_levels(
    mean: Floats,
    share: Floats,
    n: Floats,
    low: Floats,
    high: Floats,
    *,
    bins: int,
    title: str = "Reliability",
) -> bytes:
    """PNG of levels that were counted before, at least one.

    Args:
        mean: (n_levels,) mean confidence.
        share: (n_levels,) share correct.
        n: (n_levels,) labels, at least one each.
        low: (n_levels,) lower end of the share's interval.
        high: (n_levels,) upper end.
        bins: How many levels there could be, of equal width.
        title: Heading; below it stands the expected calibration error.
    """
    error = float((n / n.sum() * np.abs(mean - share)).sum())
    subtitle = f"expected calibration error {error:.3f} over {n.sum():,.0f} labels"
    axes = sheet(title, width=5.6, height=5.2, subtitle=subtitle)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--")
    axes.annotate(
        "well calibrated",
        (0.5, 0.5),
        (0, 6),
        textcoords="offset points",
        rotation=45,
        color=MUTED,
        fontsize=8,
        ha="center",
        rotation_mode="anchor",
    )
    axes.vlines(mean, low, high, color=BLUE, alpha=0.35, linewidth=6)
    axes.plot(mean, share, "o-", color=BLUE, markersize=6, linewidth=1.2)
    axes.bar(mean, n / n.max() * 0.12, 0.6 / bins, color=BLUE, alpha=0.18)
    axes.text(0.995, 0.125, "labels at each level", color=MUTED, fontsize=8, ha="right")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.grid(color=GRID)
    axes.set_xlabel("confidence", color=INK)
    axes.set_ylabel("share correct", color=INK)
    axes.set_aspect("equal")
    return png(axes)


def _wilson(share: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Ends of Wilson's 95 % interval of a share of n."""
    z = 1.96
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return middle - half, middle + half
