"""Labeling functions for handwritten digits: light ink on a dark ground, one digit a picture.

Each looks for the marks of one digit, votes where it sees them and abstains elsewhere. They were
tuned by eye on the first 900 of the 1,797 digits that come with scikit-learn. "Right" is the share
of a function's votes that are right, "covers" the share of all pictures that it votes on, both on
the other 897. The same people wrote both halves, so expect less of other people's digits.

    function              digit  right  covers
    one_large_hole            0   1.00    0.07
    one_upright_stroke        1   0.94    0.05
    thin_waist_on_a_base      2   0.93    0.06
    three_bars                3   0.95    0.04
    open_at_the_top           4   0.93    0.10
    heavy_upper_left          5   0.89    0.06
    hole_below                6   1.00    0.08
    roof_and_thin_foot        7   0.96    0.09
    two_holes                 8   0.97    0.04
    hole_above                9   0.91    0.06

Together they vote on two pictures of three; the rest is for the models and for people.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from assets.labelers import Item, labeling_function

SIDE = 8
INK = 0.4


def ink(item: Item) -> NDArray[np.float64]:
    """Ink on a grid of 8 x 8 cells, 0 to 1, whatever the picture's size, ground and contrast."""
    levels = item.image
    if levels.shape != (SIDE, SIDE):
        scaled = Image.fromarray(levels).resize((SIDE, SIDE), Image.Resampling.BOX)
        levels = np.asarray(scaled)
    lowest, highest = int(levels.min()), int(levels.max())
    return (levels - float(lowest)) / max(highest - lowest, 1)


def share(grid: NDArray[np.float64], rows: slice, columns: slice = slice(None)) -> float:
    """Share of all the ink that is in these rows and columns."""
    return float(grid[rows, columns].sum() / max(grid.sum(), 1e-9))


def holes(grid: NDArray[np.float64], level: float = INK) -> list[tuple[int, float]]:
    """Size in cells and mean row of each patch of ground that ink of this level closes in."""
    ground = np.pad(grid < level, 1, constant_values=True)
    found = []
    for start in zip(*np.nonzero(ground), strict=True):
        patch, waiting = [], [start]
        while waiting:
            row, column = waiting.pop()
            if 0 <= row < SIDE + 2 and 0 <= column < SIDE + 2 and ground[row, column]:
                ground[row, column] = False
                patch.append((row, column))
                waiting += [(row - 1, column), (row + 1, column)]
                waiting += [(row, column - 1), (row, column + 1)]
        if patch and (0, 0) not in patch:
            found.append((len(patch), float(np.mean([row for row, _ in patch])) - 1))
    return found


def strokes(line: NDArray[np.float64]) -> int:
    """How often a row or column goes from ground into ink."""
    return int((np.diff((line >= INK).astype(int), prepend=0) == 1).sum())


@labeling_function
def one_large_hole(item: Item) -> str | None:
    """A zero is a ring: a large hole, and no ink in the middle."""
    grid = ink(item)
    large = max((size for size, _ in holes(grid)), default=0) > 3
    return "0" if large and grid[3:5, 3:5].mean() < 0.2 else None


@labeling_function
def one_upright_stroke(item: Item) -> str | None:
    """A one: narrow, one stroke down the middle columns, as heavy half-way as elsewhere."""
    grid = ink(item)
    single = strokes(grid[:, 3]) == 1 and strokes(grid[:, 4]) == 1 and not holes(grid)
    narrow = (grid >= INK).any(axis=0).sum() <= 5
    even = share(grid, slice(3, 5)) > 0.245 and share(grid, slice(6, 8)) > 0.18
    return "1" if single and narrow and even else None


@labeling_function
def thin_waist_on_a_base(item: Item) -> str | None:
    """A two: little ink half-way and at the upper left, much below, none rising on the right."""
    grid = ink(item)
    thin = share(grid, slice(3, 5)) < 0.19 and share(grid, slice(0, 4), slice(0, 4)) < 0.3
    open_right = share(grid, slice(4, 7), slice(5, 8)) < 0.11
    return "2" if thin and open_right and share(grid, slice(6, 8)) > 0.28 else None


@labeling_function
def three_bars(item: Item) -> str | None:
    """A three: three strokes above each other, joined on the right and not on the left."""
    grid = ink(item)
    bars = max(strokes(grid[:, 3]), strokes(grid[:, 4])) == 3 and grid[3].sum() < grid.sum() / 8
    open_left = share(grid, slice(2, 5), slice(0, 3)) < 0.12
    closed_right = share(grid, slice(4, 7), slice(5, 8)) > 0.13
    below = share(grid, slice(4, 8), slice(0, 4)) < 0.21
    return "3" if bars and open_left and closed_right and below else None


@labeling_function
def open_at_the_top(item: Item) -> str | None:
    """A four: little ink in the first two rows and in the last one."""
    grid = ink(item)
    return "4" if share(grid, slice(0, 2)) < 0.19 and share(grid, slice(7, 8)) < 0.1 else None


@labeling_function
def heavy_upper_left(item: Item) -> str | None:
    """A five: a full first row, a third of the ink at the upper left, a gap at the right."""
    grid = ink(item)
    corner = share(grid, slice(0, 4), slice(0, 4)) > 0.34 and share(grid, slice(0, 2)) > 0.28
    gap = share(grid, slice(2, 4), slice(5, 8)) < 0.05 and not holes(grid)
    return "5" if corner and gap else None


@labeling_function
def hole_below(item: Item) -> str | None:
    """A six: a hole in the lower half, and most of the ink there."""
    grid = ink(item)
    low = [row for _, row in holes(grid) if row > 4.2]
    return "6" if low and share(grid, slice(0, 4)) < 0.41 else None


@labeling_function
def roof_and_thin_foot(item: Item) -> str | None:
    """A seven: much ink in the first two rows, little at the left below, little at the foot."""
    grid = ink(item)
    roof = share(grid, slice(0, 2)) > 0.28 and share(grid, slice(2, 4), slice(0, 3)) < 0.1
    return "7" if roof and share(grid, slice(6, 8)) < 0.16 else None


@labeling_function
def two_holes(item: Item) -> str | None:
    """An eight: a hole above another, and ink between them."""
    grid = ink(item)
    rows = [row for _, row in holes(grid)]
    stacked = len(rows) > 1 and max(rows) - min(rows) > 1.5
    return "8" if stacked and grid[3:5, 3:5].mean() > 0.6 else None


@labeling_function
def hole_above(item: Item) -> str | None:
    """A nine: a hole in the upper half that dark ink closes, and a thin sixth row."""
    grid = ink(item)
    rows = [row for _, row in holes(grid, 0.6)]
    above = bool(rows) and max(rows) < 3.6
    left = share(grid, slice(1, 4), slice(0, 3)) > 0.1
    return "9" if above and left and share(grid, slice(5, 6)) < 0.09 else None
