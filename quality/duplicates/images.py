"""Near-duplicate images: hashes a few bits apart are candidates, thumbnails decide."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, pairwise
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quality.compiled import compiled
from quality.duplicates.candidates import (
    Keys,
    Rows,
    distinct_pairs,
    pairs_skipped,
    sharing_a_key,
)
from quality.duplicates.errors import DuplicatesError
from quality.duplicates.hashes import dhash, phash, thumbnail
from quality.duplicates.report import NearDuplicates, checked_ids, checked_threshold, grouped

HashName = Literal["dhash", "phash"]
HASHES: dict[HashName, Callable[[Any], np.uint64]] = {"dhash": dhash, "phash": phash}

BITS = 64
FARTHEST = 8
BLOCK = 65_536


def near_duplicates_images(
    item_ids: Sequence[str] | pl.Series,
    images: Sequence[Any],
    *,
    threshold: float = 0.95,
    max_distance: int = 6,
    hash_name: HashName = "phash",
) -> pl.DataFrame:
    """Frame item_id, duplicate_of, similarity of `find_in_images`."""
    return find_in_images(
        item_ids, images, threshold=threshold, max_distance=max_distance, hash_name=hash_name
    ).frame


def find_in_images(
    item_ids: Sequence[str] | pl.Series,
    images: Sequence[Any],
    *,
    threshold: float = 0.95,
    max_distance: int = 6,
    hash_name: HashName = "phash",
) -> NearDuplicates:
    """Images that look alike in spite of scale, encoding, brightness and contrast.

    Args:
        item_ids: One per image, oldest first: the first of a group stands for it.
        images: Arrays (height, width) or (height, width, channels), sizes may differ. An image of
            one shade has nothing to compare and is left out.
        threshold: Correlation of 16 x 16 thumbnails from which two images are near-duplicates.
        max_distance: Bits that hashes of candidates may differ by, 8 at most; all such pairs are
            found. A near-duplicate whose hash differs by more is missed.
        hash_name: `phash` for photographs, `dhash` for drawings and scans.

    Raises:
        DuplicatesError: Ids that do not fit, arrays that are no images, or a threshold outside
            its range.
    """
    checked_threshold(threshold)
    ids = checked_ids(item_ids, len(images))
    thumbnails = [thumbnail(image) for image in images]
    rows = np.array([i for i, seen in enumerate(thumbnails) if seen is not None], dtype=np.int64)
    vectors = np.array([seen for seen in thumbnails if seen is not None], dtype=np.float32)
    hashes = np.array([HASHES[hash_name](images[i]) for i in rows], dtype=np.uint64)
    one, two, skipped = pairs_within(hashes, max_distance)
    alike = dots(vectors, one, two) >= threshold
    place = np.zeros(len(ids), dtype=np.int64)
    place[rows] = np.arange(len(rows))
    return NearDuplicates(
        frame=grouped(
            ids,
            rows[one[alike]],
            rows[two[alike]],
            lambda left, right: dots(vectors, place[left], place[right]),
        ),
        method=f"correlation of thumbnails, {hash_name} within {max_distance} bits",
        threshold=threshold,
        n_items=len(ids),
        n_left_out=len(ids) - len(rows),
        n_candidates=len(one),
        n_skipped=skipped,
        recall=None,
    )


def near_duplicates_hashes(
    item_ids: Sequence[str] | pl.Series, hashes: Any, *, max_distance: int = 6
) -> pl.DataFrame:
    """Frame item_id, duplicate_of, similarity (share of equal bits) of 64-bit hashes (n,).

    For images that are no longer at hand: nothing but the hashes says that they are alike.

    Raises:
        DuplicatesError: Ids that do not fit, or a distance above 8 bits.
    """
    given = np.asarray(hashes, dtype=np.uint64)
    ids = checked_ids(item_ids, len(given))
    one, two, _ = pairs_within(given, max_distance)
    return grouped(
        ids, one, two, lambda left, right: 1 - np.bitwise_count(given[left] ^ given[right]) / BITS
    )


def pairs_within(hashes: Keys, max_distance: int) -> tuple[Rows, Rows, int]:
    """All row pairs of hashes (n,) that differ by `max_distance` bits at most, and pairs skipped.

    Cut into max_distance + 2 pieces, two such hashes agree in at least two of them: looking for
    equal pairs of pieces finds every one, and few others. Rows of one and the same hash are paired
    with its first and with the one before, and it is the first that is paired with other hashes.

    Raises:
        DuplicatesError: The distance is not between 0 and 8 bits.
    """
    if not 0 <= max_distance <= FARTHEST:
        raise DuplicatesError(
            f"max_distance={max_distance}: expected 0 to {FARTHEST} bits; farther apart most "
            "images are within reach of one another",
            max_distance=max_distance,
        )
    distinct, first, number = np.unique(hashes, return_index=True, return_inverse=True)
    keys = list(_piece_keys(distinct, max_distance))
    near = (_within(band, distinct, max_distance) for band in keys)
    one, two = distinct_pairs(near, len(distinct))
    same_one, same_two = _same_hash(first, number)
    return (
        np.concatenate([first[one], same_one]),
        np.concatenate([first[two], same_two]),
        sum(pairs_skipped(band) for band in keys),
    )


def dots(vectors: NDArray[np.float32], one: Rows, two: Rows) -> NDArray[np.float64]:
    """Dot products of row pairs of vectors (n, d), (pairs,), on all cores."""
    starts = range(0, len(one), BLOCK)
    if len(starts) <= 1:
        return _dots_of(vectors, one, two)
    blocks = [slice(start, start + BLOCK) for start in starts]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = pool.map(lambda block: _dots_of(vectors, one[block], two[block]), blocks)
        return np.concatenate(list(parts))


def _dots_of(vectors: NDArray[np.float32], one: Rows, two: Rows) -> NDArray[np.float64]:
    result = np.empty(len(one))
    if len(one):
        compiled(_dots)(vectors, one, two, result)
    return np.minimum(result, 1.0)


def _dots(vectors: NDArray[np.float32], one: Rows, two: Rows, result: NDArray[np.float64]) -> None:
    for pair in range(len(one)):
        i, j = one[pair], two[pair]
        total = 0.0
        for k in range(vectors.shape[1]):
            total += vectors[i, k] * vectors[j, k]
        result[pair] = total


def _piece_keys(hashes: Keys, max_distance: int) -> Iterator[Keys]:
    edges = np.linspace(0, BITS, max_distance + 3).astype(np.int64)
    masks = [((1 << int(b - a)) - 1) << int(a) for a, b in pairwise(edges)]
    for one, two in combinations(masks, 2):
        yield hashes & np.uint64(one | two)


def _within(keys: Keys, hashes: Keys, max_distance: int) -> Iterator[tuple[Rows, Rows]]:
    for one, two in sharing_a_key(keys):
        close = np.bitwise_count(hashes[one] ^ hashes[two]) <= max_distance
        yield one[close], two[close]


def _same_hash(first: Rows, number: Rows) -> tuple[Rows, Rows]:
    """Each row with the first of its hash, and with the one before it of its hash."""
    rows = np.arange(len(number))
    again = rows[first[number] != rows]
    order = np.argsort(number, kind="stable")
    follows = np.flatnonzero(np.diff(number[order]) == 0)
    return (
        np.concatenate([first[number[again]], order[follows]]),
        np.concatenate([again, order[follows + 1]]),
    )
