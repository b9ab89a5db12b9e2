"""Perceptual hashes: 64 bits per image that stay nearly the same when it is scaled or re-encoded.

Images are averaged over areas, so that any size will do, and only relations between pixels count,
so that brightness and contrast do not.

References:
    Krawetz 2013, Kind of like that (dHash).
    Zauner 2010, Implementation and benchmarking of perceptual image hash functions (pHash).
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quality.duplicates.errors import DuplicatesError

Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]

LUMA = (0.299, 0.587, 0.114)
GREY, WITH_CHANNELS = 2, 3
SIDE = 32


def dhash(image: Any) -> np.uint64:
    """64 bits of an image: is each of 8 x 8 areas darker than its right neighbour?"""
    areas = _averaged(grey(image), 8, 9)
    return _packed(areas[:, 1:] > areas[:, :-1])


def phash(image: Any) -> np.uint64:
    """64 bits of an image: the signs of its lowest 8 x 8 frequencies about their median."""
    from scipy.fft import dctn

    frequencies = dctn(_averaged(grey(image), SIDE, SIDE))[:8, :8]
    return _packed(frequencies > np.median(frequencies))


def thumbnail(image: Any, side: int = 16) -> NDArray[np.float32] | None:
    """Side x side grey values as one vector of mean 0 and length 1; None for a flat image."""
    values = _averaged(grey(image), side, side).ravel()
    centered = values - values.mean()
    length = float(np.linalg.norm(centered))
    if length <= 1e-6 * max(float(np.abs(values).max()), 1e-12) * side:
        return None
    return np.asarray(centered / length, dtype=np.float32)


def grey(image: Any) -> Floats:
    """Grey values (height, width) of an image (height, width) or (height, width, channels).

    Raises:
        DuplicatesError: No such shape, no pixel, or values that are not finite.
    """
    pixels = np.asarray(image)
    if pixels.ndim not in (GREY, WITH_CHANNELS) or pixels.size == 0:
        raise DuplicatesError(
            f"an image must be (height, width) or (height, width, channels), got {pixels.shape}",
            shape=pixels.shape,
        )
    values = pixels.astype(np.float64)
    if not np.isfinite(values).all():
        raise DuplicatesError("an image holds NaN or infinities; decode it anew or leave it out")
    if values.ndim == GREY:
        return values
    return values[..., :3] @ np.array(LUMA) if values.shape[2] >= len(LUMA) else values[..., 0]


def _averaged(values: Floats, height: int, width: int) -> Floats:
    down, across = _areas(values.shape[0], height), _areas(values.shape[1], width)
    return np.asarray(down @ values @ across.T)


@lru_cache(maxsize=256)
def _areas(size: int, parts: int) -> Floats:
    """Matrix (parts, size) that averages `size` pixels over `parts` equal stretches."""
    ends = np.arange(1, parts + 1)[:, None] * size / parts
    starts = ends - size / parts
    pixel = np.arange(size)[None, :]
    overlap = np.minimum(ends, pixel + 1) - np.maximum(starts, pixel)
    return np.asarray(np.clip(overlap, 0, None) * parts / size)


def _packed(bits: NDArray[np.bool_]) -> np.uint64:
    return np.uint64(int.from_bytes(np.packbits(bits.ravel()).tobytes(), "big"))
