"""Bars and points: classes, actors, features."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from quality.pictures.canvas import (
    BLUE,
    GREEN,
    GRID,
    INK,
    MUTED,
    ORANGE,
    RED,
    nothing,
    png,
    sheet,
    short,
)

_MOST_ROWS = 40


def label_distribution(
    counts: Mapping[str, int],
    *,
    before: Mapping[str, int] | None = None,
    title: str = "Labels by class",
    what: str = "items",
) -> bytes:
    """PNG of how many items have each class, beside the earlier shares where given.

    Args:
        counts: Items per class, drawn in this order.
        before: The same of an earlier release; both are then drawn as shares.
        title: Heading.
        what: What is counted.
    """
    names = list(dict.fromkeys([*counts, *(before or {})]))
    if not names or not (sum(counts.values()) or sum((before or {}).values())):
        return nothing(title, "No item has a label.")
    now = np.array([counts.get(name, 0) for name in names], np.float64)
    hidden = len(names) - _MOST_ROWS
    if hidden > 0:
        kept = np.sort(np.argsort(-now, kind="stable")[:_MOST_ROWS])
        names, now = [names[place] for place in kept], now[kept]
    n_items, then = sum(counts.values()), None
    if before is not None:
        then = np.array([before.get(name, 0) for name in names]) / max(sum(before.values()), 1)
        now = now / max(n_items, 1)
    subtitle = f"{n_items:,} {what}" + (f"; {hidden} smaller classes not drawn" * (hidden > 0))
    axes = sheet(title, height=1.5 + 0.34 * len(names), subtitle=subtitle)
    place = np.arange(len(names))
    thick = 0.72 if then is None else 0.38
    axes.barh(place - (0 if then is None else 0.2), now, thick, color=BLUE, label="now")
    if then is not None:
        axes.barh(place + 0.2, then, thick, color=ORANGE, label="before")
        axes.legend(frameon=False, fontsize=9, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    top = float(max(now.max(), 0 if then is None else then.max()))
    for row, value in enumerate(now):
        text = f"{value:,.0f}" if then is None else f"{value:.1%}"
        axes.text(
            value + top * 0.01,
            row - (0 if then is None else 0.2),
            text,
            va="center",
            fontsize=8,
            color=INK,
        )
    axes.set_yticks(place, [short(name) for name in names])
    axes.set_xticks([])
    axes.set_xlim(0, top * 1.12)
    axes.invert_yaxis()
    return png(axes)


def actor_scorecards(
    actor: Sequence[str],
    quality: npt.ArrayLike,
    low: npt.ArrayLike,
    high: npt.ArrayLike,
    n: npt.ArrayLike,
    *,
    title: str = "Actors",
    measure: str = "quality",
) -> bytes:
    """PNG of each actor's quality with its interval, best first.

    Args:
        actor: Names.
        quality: (n_actors,) from 0 to 1; NaN where there is none, which is then not drawn.
        low: (n_actors,) lower end of the interval, NaN where there is none.
        high: (n_actors,) upper end.
        n: (n_actors,) votes behind it.
        title: Heading.
        measure: What the quality is.
    """
    value, lower, upper = (np.array(each, np.float64) for each in (quality, low, high))
    votes = np.asarray(n)
    known = np.flatnonzero(np.isfinite(value))
    if not len(known):
        return nothing(title, "No actor has a quality that could be estimated.")
    order = known[np.argsort(-value[known], kind="stable")]
    hidden = len(order) - _MOST_ROWS
    if hidden > 0:
        order = np.concatenate([order[: _MOST_ROWS // 2], order[-_MOST_ROWS // 2 :]])
    subtitle = f"{measure}, 95 % interval; number of votes on the right"
    subtitle += f"; {hidden} actors in the middle not drawn" * (hidden > 0)
    axes = sheet(title, height=1.6 + 0.3 * len(order), subtitle=subtitle)
    rows = np.arange(len(order))
    axes.hlines(rows, lower[order], upper[order], color=BLUE, alpha=0.35, linewidth=6)
    axes.plot(value[order], rows, "o", color=BLUE, markersize=6)
    axes.set_yticks(rows, [short(actor[place]) for place in order])
    floor = float(np.nanmin([*lower[order], *value[order]]))
    axes.set_xlim(max(0.0, np.floor(floor * 10) / 10 - 0.05), 1.0)
    axes.grid(axis="x", color=GRID)
    axes.set_xlabel(measure, color=INK)
    for row, place in enumerate(order):
        axes.text(
            1.01,
            row,
            f"{int(votes[place]):,}",
            va="center",
            fontsize=8,
            color=MUTED,
            transform=axes.get_yaxis_transform(),
        )
    axes.invert_yaxis()
    return png(axes)


def drift_by_feature(
    names: Sequence[str],
    effect: npt.ArrayLike,
    threshold: float | npt.ArrayLike,
    *,
    drifted: Sequence[bool] | None = None,
    title: str = "Drift by feature",
    measure: str = "effect",
) -> bytes:
    """PNG of how far each feature moved and where its threshold lies, largest first.

    Args:
        names: Features.
        effect: (n_features,) size of the change; NaN where it could not be judged.
        threshold: One for all, or (n_features,).
        drifted: The verdict on each feature; by default whether the effect is above the
            threshold. The verdict also stands in the marker, not in the colour alone.
        title: Heading.
        measure: What the effect is.
    """
    size = np.array(effect, np.float64)
    known = np.flatnonzero(np.isfinite(size))
    if not len(known):
        return nothing(title, "No feature could be judged.")
    limit = np.broadcast_to(np.asarray(threshold, np.float64), size.shape)
    verdict = np.array(size > limit if drifted is None else drifted, bool)
    order = known[np.argsort(-size[known], kind="stable")][:_MOST_ROWS]
    hidden = len(size) - len(order)
    subtitle = f"{int(verdict.sum())} of {len(size)} drifted; the bar marks the threshold"
    subtitle += f"; {hidden} features not drawn" * (hidden > 0)
    axes = sheet(title, height=1.6 + 0.3 * len(order), subtitle=subtitle)
    rows = np.arange(len(order))
    colours = np.where(verdict[order], RED, GREEN)
    axes.hlines(rows, 0, size[order], color=colours, alpha=0.45, linewidth=2)
    for shape, said, colour, text in (("D", True, RED, "drifted"), ("o", False, GREEN, "steady")):
        chosen = verdict[order] == said
        axes.plot(size[order][chosen], rows[chosen], shape, color=colour, markersize=7, label=text)
    axes.vlines(limit[order], rows - 0.38, rows + 0.38, color=INK, linewidth=1.5)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    axes.set_yticks(rows, [short(names[place]) for place in order])
    axes.set_xlim(left=0)
    axes.grid(axis="x", color=GRID)
    axes.set_xlabel(measure, color=INK)
    axes.invert_yaxis()
    return png(axes)
