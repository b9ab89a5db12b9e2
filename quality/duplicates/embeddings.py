"""Near-duplicate embeddings: cosine similarity, exact up to 20,000 items, by random planes beyond.

Reference:
    Charikar 2002, Similarity estimation techniques from rounding algorithms.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quality.compiled import compiled
from quality.duplicates.candidates import (
    Keys,
    Rows,
    meeting_chance,
    pairs_skipped,
    sharing_a_key,
)
from quality.duplicates.errors import DuplicatesError
from quality.duplicates.images import dots
from quality.duplicates.report import (
    NearDuplicates,
    checked_ids,
    checked_threshold,
    grouped,
    spanning,
)

Vectors = NDArray[np.float32]

ALL_PAIRS_UP_TO = 20_000
BLOCK = 512
SAMPLE = 10_000
RECALL = 0.98
MOST_BANDS = 100
LEAST_BITS = 8


def near_duplicates_embeddings(
    item_ids: Sequence[str] | pl.Series, embeddings: Any, *, threshold: float = 0.95, seed: int
) -> pl.DataFrame:
    """Frame item_id, duplicate_of, similarity of `find_in_embeddings`."""
    return find_in_embeddings(item_ids, embeddings, threshold=threshold, seed=seed).frame


def find_in_embeddings(
    item_ids: Sequence[str] | pl.Series, embeddings: Any, *, threshold: float = 0.95, seed: int
) -> NearDuplicates:
    """Items whose embeddings point the same way.

    Args:
        item_ids: One per row, oldest first: the first of a group stands for it.
        embeddings: (n, dimensions); rows of zeros, NaN or infinities are left out and counted.
        threshold: Cosine similarity from which two items are near-duplicates.
        seed: Of the random planes.

    Raises:
        DuplicatesError: No matrix, ids that do not fit, a threshold outside 0 to 1, or one too low
            for so many embeddings.
    """
    checked_threshold(threshold)
    given = np.asarray(embeddings)
    if given.ndim != 2:  # noqa: PLR2004
        raise DuplicatesError(f"embeddings must be (n, dimensions), got shape {given.shape}")
    ids = checked_ids(item_ids, len(given))
    rows, vectors = _directions(given)
    search = _among_all if len(rows) <= ALL_PAIRS_UP_TO else _by_planes
    found = search(vectors, threshold, np.random.default_rng(seed))
    place = np.zeros(len(ids), dtype=np.int64)
    place[rows] = np.arange(len(rows))
    return NearDuplicates(
        frame=grouped(
            ids,
            rows[found.one],
            rows[found.two],
            lambda left, right: dots(vectors, place[left], place[right]),
        ),
        method="cosine of embeddings",
        threshold=threshold,
        n_items=len(ids),
        n_left_out=len(ids) - len(rows),
        n_candidates=found.n_compared,
        n_skipped=found.n_skipped,
        recall=found.recall,
    )


@dataclass(frozen=True)
class _Found:
    """Similar pairs, thinned to what holds their groups together, and how they were found."""

    one: Rows
    two: Rows
    n_compared: int
    n_skipped: int
    recall: float


def _directions(given: NDArray[Any]) -> tuple[Rows, Vectors]:
    """Rows that have a direction, and these as vectors of length 1."""
    vectors = given.astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1)
    rows = np.flatnonzero(np.isfinite(lengths) & (lengths > 0))
    return rows, vectors[rows] / lengths[rows, None]


def _among_all(vectors: Vectors, threshold: float, _: np.random.Generator) -> _Found:
    n = len(vectors)
    one = two = np.empty(0, dtype=np.int64)
    for start in range(0, n, BLOCK):
        block = vectors[start : start + BLOCK] @ vectors[start:].T
        left, right = np.nonzero(np.triu(block >= threshold, k=1))
        one, two = spanning(
            n, np.concatenate([one, left + start]), np.concatenate([two, right + start])
        )
    return _Found(one, two, n * (n - 1) // 2, 0, 1.0)


def _by_planes(vectors: Vectors, threshold: float, rng: np.random.Generator) -> _Found:
    n = len(vectors)
    agreement = _agreement(vectors, threshold)
    bits, bands = _bits_and_bands(agreement, n)
    one = two = np.empty(0, dtype=np.int64)
    compared = skipped = 0
    for _ in range(bands):
        keys = _sides(vectors, bits, rng)
        for left, right in sharing_a_key(keys):
            alike = dots(vectors, left, right) >= threshold
            one = np.concatenate([one, left[alike]])
            two = np.concatenate([two, right[alike]])
            compared += len(left)
        one, two = spanning(n, one, two)
        skipped += pairs_skipped(keys)
    return _Found(one, two, compared, skipped, meeting_chance(agreement, bands, bits))


def _agreement(vectors: Vectors, threshold: float) -> float:
    """Chance that a random plane through the middle leaves a pair at the threshold on one side.

    Embeddings crowd into a cone: seen from its middle, a pair lies at a wider angle.
    """
    middle = vectors.mean(axis=0, dtype=np.float64)
    spread = max(1 - float(middle @ middle), 1 - threshold)
    cosine = 1 - (1 - threshold) / spread
    return 1 - math.acos(max(cosine, -1.0)) / math.pi


def _bits_and_bands(agreement: float, n: int) -> tuple[int, int]:
    """As many bits as leave about one row to a key, fewer where that takes too many bands."""
    for bits in range(max(int(math.log2(n)), LEAST_BITS), LEAST_BITS - 1, -1):
        meets = min(agreement, 1 - 1e-6) ** bits
        bands = math.ceil(math.log(1 - RECALL) / math.log1p(-meets))
        if bands <= MOST_BANDS:
            return bits, bands
    raise DuplicatesError(
        f"among {n} embeddings that lie this close together, planes cannot tell pairs at the "
        "threshold from all others: raise it, or centre the embeddings first",
        n=n,
        agreement=agreement,
    )


def _sides(vectors: Vectors, bits: int, rng: np.random.Generator) -> Keys:
    """Keys (n,): a bit for the side of each random plane a row is on; each halves the items."""
    normals = rng.standard_normal((vectors.shape[1], bits)).astype(np.float32)
    heights = vectors @ normals
    halves = np.median(heights[rng.integers(0, len(vectors), SAMPLE)], axis=0)
    keys = np.zeros(len(vectors), dtype=np.uint64)
    compiled(_set_bits)(heights, halves, keys)
    return keys


def _set_bits(heights: Vectors, halves: Vectors, keys: Keys) -> None:
    for row in range(len(heights)):
        key = 0
        for bit in range(len(halves)):
            key |= int(heights[row, bit] > halves[bit]) << bit
        keys[row] = key
