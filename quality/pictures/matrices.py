"""Heat maps: the confusion of two labelings, the agreement of each two actors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from quality.pictures.canvas import INK, heat_map, ink_on, nothing, png, sheet, short

_MOST_WITH_NUMBERS = 16
_MOST_WITH_NAMES = 45
_UPRIGHT = 4


def confusion(
    matrix: npt.ArrayLike,
    classes: Sequence[str],
    title: str = "Confusion",
    *,
    rows: str = "true label",
    columns: str = "given label",
) -> bytes:
    """PNG of a confusion matrix, coloured by the share of each row.

    Args:
        matrix: (n_classes, n_classes) counts, a row for each true class.
        classes: Names of the classes.
        title: Heading.
        rows: What the rows are.
        columns: What the columns are.
    """
    counts = np.asarray(matrix, np.float64)
    if not counts.size or not counts.sum():
        return nothing(title, "There are no pairs of labels to compare.")
    total = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, total, out=np.full_like(counts, np.nan), where=total > 0)
    right = np.trace(counts) / counts.sum()
    axes = _square(f"{right:.1%} of {counts.sum():,.0f} on the diagonal", title, len(classes))
    image = heat_map(axes, share, low=0.0, high=1.0, colours="Blues")
    _names(axes, classes)
    axes.set_xlabel(columns, color=INK)
    axes.set_ylabel(rows, color=INK)
    texts = np.char.mod("%d", counts.astype(np.int64))
    _numbers(axes, image, np.where(counts > 0, share, np.nan), texts)
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.7, format=_percent)
    bar.outline.set_visible(False)
    bar.set_label("share of the row", color=INK)
    return png(axes)


def agreement_matrix(
    kappa: npt.ArrayLike,
    actors: Sequence[str],
    title: str = "Agreement of each two actors",
    *,
    measure: str = "Cohen's kappa",
) -> bytes:
    """PNG of an agreement matrix; cells without a figure stay grey.

    Args:
        kappa: (n_actors, n_actors) chance-corrected agreement from -1 to 1, NaN where there
            is none; the diagonal is not drawn.
        actors: Names of the actors.
        title: Heading.
        measure: What the cells hold.
    """
    values = np.array(kappa, np.float64)
    if values.size:
        np.fill_diagonal(values, np.nan)
    if not np.isfinite(values).any():
        return nothing(title, "No two actors share enough items to compare them.")
    axes = _square(
        f"{measure}: 0 is chance, 1 is perfect; grey could not be computed", title, len(actors)
    )
    image = heat_map(axes, values, low=-1.0, high=1.0, colours="RdBu")
    _names(axes, actors)
    _numbers(axes, image, values, np.char.mod("%.2f", values))
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.7)
    bar.outline.set_visible(False)
    bar.set_label(measure, color=INK)
    return png(axes)


def disagreement_matrix(
    differ: npt.ArrayLike, actors: Sequence[str], title: str = "How often two models differ"
) -> bytes:
    """PNG of the share of common items on which each two actors name different classes.

    Args:
        differ: (n_actors, n_actors) from 0 to 1, NaN where two share no item.
        actors: Names of the actors.
        title: Heading.
    """
    values = np.array(differ, np.float64)
    if not np.isfinite(values).any():
        return nothing(title, "There are no two models that voted on the same items.")
    axes = _square("share of common items with another class; grey: none", title, len(actors))
    top = max(float(np.nanmax(values)), 0.1)
    image = heat_map(axes, values, low=0.0, high=top, colours="Blues")
    _names(axes, actors)
    _numbers(axes, image, values, np.char.mod("%.3f", values))
    return png(axes)


def _square(subtitle: str, title: str, n_rows: int) -> Any:
    """A sheet for a square matrix of that many rows."""
    side = float(np.clip(2.6 + 0.42 * n_rows, 4.2, 12.0))
    return sheet(title, width=side + 1.6, height=side, subtitle=subtitle)


def _names(axes: Any, names: Sequence[str]) -> None:
    """Names along both axes, left out where they could not be read."""
    if len(names) > _MOST_WITH_NAMES:
        axes.set_xticks([])
        axes.set_yticks([])
        return
    labels = [short(name) for name in names]
    slanted = max(map(len, labels), default=0) > _UPRIGHT
    axes.set_xticks(
        range(len(names)),
        labels,
        rotation=40 if slanted else 0,
        ha="right" if slanted else "center",
    )
    axes.set_yticks(range(len(names)), labels)


def _numbers(
    axes: Any, image: Any, values: npt.NDArray[np.float64], texts: npt.NDArray[np.str_]
) -> None:
    """The number in each cell that has one, where the cells are large enough."""
    if len(values) > _MOST_WITH_NUMBERS:
        return
    for row, column in np.argwhere(np.isfinite(values)):
        colour = ink_on(image, float(values[row, column]))
        axes.text(
            column, row, texts[row, column], ha="center", va="center", color=colour, fontsize=8
        )


def _percent(share: float, _: int) -> str:
    """A share as a whole percentage."""
    return f"{share:.0%}"
