"""Near-duplicate texts: MinHash with LSH finds candidates, exact Jaccard decides."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quality.duplicates.candidates import (
    Keys,
    Rows,
    distinct_pairs,
    meeting_chance,
    pairs_skipped,
    rows_per_band,
    sharing_a_key,
)
from quality.duplicates.minhash import band_keys, signatures
from quality.duplicates.report import NearDuplicates, checked_ids, checked_threshold, grouped
from quality.duplicates.shingles import Shingles, jaccard, normalized, shingled

VALUES = 128
RECALL = 0.98
BLOCK = 65_536
LEAST_SIMILARITY = 0.5


def near_duplicates_text(
    item_ids: Sequence[str] | pl.Series,
    texts: Sequence[str | None] | pl.Series,
    *,
    threshold: float = 0.8,
    seed: int,
) -> pl.DataFrame:
    """Frame item_id, duplicate_of, similarity of `find_in_texts`."""
    return find_in_texts(item_ids, texts, threshold=threshold, seed=seed).frame


def find_in_texts(
    item_ids: Sequence[str] | pl.Series,
    texts: Sequence[str | None] | pl.Series,
    *,
    threshold: float = 0.8,
    seed: int,
) -> NearDuplicates:
    """Texts that share most of their five-character shingles, whatever their case and spacing.

    Args:
        item_ids: One per text, oldest first: the first of a group stands for it.
        texts: Null and empty ones are left out and counted.
        threshold: Jaccard similarity of shingle sets from which two texts are near-duplicates,
            0.5 at least.
        seed: Of the hash functions. Another seed may find other pairs just at the threshold.

    Raises:
        DuplicatesError: Ids that do not fit the texts, or a threshold outside 0.5 to 1.
    """
    checked_threshold(threshold, least=LEAST_SIMILARITY)
    given = pl.Series("text", texts, dtype=pl.String)
    ids = checked_ids(item_ids, len(given))
    distinct = _distinct(normalized(given))
    rows = rows_per_band(threshold, VALUES, RECALL)
    keys = _keys(distinct.texts, rows, seed)
    one, two = distinct_pairs(map(sharing_a_key, keys), len(distinct.texts))
    sets = _Sets(distinct.texts, np.union1d(one, two))
    alike = sets.similarity(one, two) >= threshold
    equal = np.flatnonzero(distinct.row_of >= 0)
    number = distinct.row_of
    frame = grouped(
        ids,
        np.concatenate([distinct.first[one[alike]], distinct.first[number[equal]]]),
        np.concatenate([distinct.first[two[alike]], equal]),
        lambda left, right: sets.similarity(number[left], number[right]),
    )
    return NearDuplicates(
        frame=frame,
        method="Jaccard of five-character shingles",
        threshold=threshold,
        n_items=len(ids),
        n_left_out=len(ids) - len(equal),
        n_candidates=len(one),
        n_skipped=sum(pairs_skipped(band) for band in keys),
        recall=meeting_chance(threshold, VALUES // rows, rows),
    )


@dataclass(frozen=True)
class _Distinct:
    """Texts that differ, the item each came first from, and which of them each item has (or -1)."""

    texts: pl.Series
    first: Rows
    row_of: Rows


def _distinct(texts: pl.Series) -> _Distinct:
    frame = texts.rename("text").to_frame().with_row_index("item")
    present = frame.filter(pl.col("text").str.len_bytes() > 0)
    kept = present.unique("text", keep="first", maintain_order=True).with_row_index("row")
    rows = present.join(kept.select("text", "row"), on="text", how="left", maintain_order="left")
    row_of = np.full(len(texts), -1, dtype=np.int64)
    row_of[present["item"].to_numpy()] = rows["row"].to_numpy()
    return _Distinct(kept["text"], kept["item"].to_numpy().astype(np.int64), row_of)


def _blocks(texts: pl.Series) -> Iterator[Shingles]:
    for start in range(0, len(texts), BLOCK):
        yield shingled(texts.slice(start, BLOCK))


def _keys(texts: pl.Series, rows: int, seed: int) -> Keys:
    """Keys (bands, texts); block by block, so that the signatures never are in memory at once."""
    keys = np.empty((VALUES // rows, len(texts)), dtype=np.uint64)
    for number, block in enumerate(_blocks(texts)):
        signed = signatures(block, values=VALUES, seed=seed)
        keys[:, number * BLOCK : number * BLOCK + len(signed)] = band_keys(signed, rows)
    return keys


class _Sets:
    """Shingle sets of those texts that some pair needs."""

    def __init__(self, texts: pl.Series, needed: Rows) -> None:
        self._needed = needed
        blocks = [block.as_sets() for block in _blocks(texts.gather(needed))]
        sizes = [np.diff(block.starts) for block in blocks]
        hashes = [block.hashes for block in blocks]
        starts = np.cumsum(np.concatenate([np.zeros(1, dtype=np.int64), *sizes]))
        self._sets = Shingles(np.concatenate([np.empty(0, dtype=np.uint64), *hashes]), starts)

    def similarity(self, one: Rows, two: Rows) -> NDArray[np.float64]:
        """Exact Jaccard similarity of pairs of texts; a text is wholly like itself."""
        result = np.ones(len(one))
        differ = one != two
        left, right = (np.searchsorted(self._needed, side[differ]) for side in (one, two))
        result[differ] = jaccard(self._sets, left, right)
        return result
