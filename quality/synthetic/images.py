"""Pictures changed so little that they still show the same thing."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float64]
SMOOTH = 1 / 8


@dataclass(frozen=True)
class Strengths:
    """How far a picture is changed at most.

    Attributes:
        shift: Way in each direction, as a share of the side.
        rotate_degrees: Turn about the centre, either way.
        elastic: Root mean square of the local displacements, as a share of the longer side.
        noise: Standard deviation of what is added to each value, of a range of 1.
    """

    shift: float
    rotate_degrees: float
    elastic: float
    noise: float


def augmented(image: Pixels, strengths: Strengths, rng: np.random.Generator) -> Pixels:
    """A picture shifted, rotated, bent and made noisy by chance.

    Bending is the elastic deformation of Simard, Steinkraus and Platt (2003),
    doi:10.1109/ICDAR.2003.1227801: a random field of displacements, smoothed by a Gaussian. The
    picture is sampled once, linearly; beyond its edge it goes on as it ends.

    Args:
        image: [height, width] or [height, width, bands], 0 to 1.
        strengths: How far.
        rng: Where all chance comes from.

    Returns:
        The same shape, 0 to 1.
    """
    from scipy.ndimage import map_coordinates

    places = _places(image.shape[:2], strengths, rng)
    bands = image[..., None] if image.ndim == 2 else image  # noqa: PLR2004 - a picture in grey
    moved = np.stack(
        [
            map_coordinates(bands[..., band], places, order=1, mode="nearest")
            for band in range(bands.shape[-1])
        ],
        axis=-1,
    )
    noisy = moved + rng.normal(0, 1, moved.shape) * strengths.noise
    clipped: Pixels = np.clip(noisy, 0, 1).reshape(image.shape)
    return clipped


def blended(first: Pixels, second: Pixels, share: float) -> Pixels:
    """(1 - share) of the first picture and share of the second, of one shape."""
    return (1 - share) * first + share * second


def _places(size: tuple[int, ...], strengths: Strengths, rng: np.random.Generator) -> Pixels:
    """Where each pixel is taken from [2, height, width]."""
    height, width = size
    way = rng.uniform(-1, 1, 2) * strengths.shift * (height, width)
    turn = np.radians(rng.uniform(-1, 1) * strengths.rotate_degrees)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    up, right = y - (height - 1) / 2, x - (width - 1) / 2
    rows = np.cos(turn) * up - np.sin(turn) * right + (height - 1) / 2 + way[0]
    columns = np.sin(turn) * up + np.cos(turn) * right + (width - 1) / 2 + way[1]
    places: Pixels = np.stack([rows, columns]) + _bent(size, strengths.elastic, rng)
    return places


def _bent(size: tuple[int, ...], elastic: float, rng: np.random.Generator) -> Any:
    from scipy.ndimage import gaussian_filter

    longer = max(size)
    field = rng.uniform(-1, 1, (2, *size))
    smooth = np.stack([gaussian_filter(part, longer * SMOOTH, mode="wrap") for part in field])
    strength = np.sqrt((smooth**2).mean())
    return smooth * (elastic * longer / strength) if strength > 0 else smooth
