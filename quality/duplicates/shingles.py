"""Texts as sets of shingles: every run of five characters, hashed to 64 bits."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quality.compiled import compiled

Hashes = NDArray[np.uint64]
Starts = NDArray[np.int64]

SHINGLE = 5


@dataclass(frozen=True)
class Shingles:
    """Shingles of many texts in a row: text i has hashes[starts[i]:starts[i + 1]]."""

    hashes: Hashes
    starts: Starts

    def as_sets(self) -> "Shingles":
        """The same, each text's shingles ascending and once each."""
        hashes, starts = self.hashes.copy(), np.zeros_like(self.starts)
        kept = compiled(_sort_each)(hashes, self.starts, starts)
        return Shingles(hashes[:kept], starts)


def normalized(texts: pl.Series) -> pl.Series:
    """Texts without what no reader sees or minds: case, forms of characters, marks, spaces."""
    composed = texts.str.normalize("NFKC").str.to_lowercase()
    visible = composed.str.replace_all(r"\p{Cf}", "")
    return visible.str.replace_all(r"\s+", " ").str.strip_chars()


def shingled(texts: pl.Series) -> Shingles:
    """Shingles of normalized texts without nulls; a text shorter than five characters is one."""
    lengths = texts.str.len_bytes().to_numpy().astype(np.int64)
    ends = np.cumsum(lengths)
    content = np.frombuffer(texts.str.join("").item().encode(), dtype=np.uint8)
    hashes = np.empty(len(content) + len(lengths), dtype=np.uint64)
    starts = np.zeros(len(lengths) + 1, dtype=np.int64)
    used = compiled(_shingle)(content, ends, SHINGLE, hashes, starts)
    return Shingles(hashes[:used], starts)


def _shingle(
    content: NDArray[np.uint8], ends: Starts, size: int, hashes: Hashes, starts: Starts
) -> int:
    """Fills hashes and starts; characters are UTF-8, so that one may take several bytes."""
    used, begin = 0, 0
    for text in range(len(ends)):
        end = ends[text]
        last, characters = begin, 0
        while last < end and characters < size:
            last += 1
            while last < end and (content[last] & 0xC0) == 0x80:  # noqa: PLR2004
                last += 1
            characters += 1
        first = begin
        while first < end:
            value = np.uint64(0xCBF29CE484222325)
            for byte in range(first, last):
                value = (value ^ np.uint64(content[byte])) * np.uint64(0x100000001B3)
            value = (value ^ (value >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
            value = (value ^ (value >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
            hashes[used] = value ^ (value >> np.uint64(33))
            used += 1
            if last == end:
                break
            for side in range(2):
                edge = (first if side == 0 else last) + 1
                while edge < end and (content[edge] & 0xC0) == 0x80:  # noqa: PLR2004
                    edge += 1
                if side == 0:
                    first = edge
                else:
                    last = edge
        starts[text + 1] = used
        begin = end
    return used


def _sort_each(hashes: Hashes, starts: Starts, kept_starts: Starts) -> int:
    """Sorts each text's hashes in place and moves the distinct ones to the front."""
    kept = 0
    for text in range(len(starts) - 1):
        ascending = np.sort(hashes[starts[text] : starts[text + 1]])
        for position in range(len(ascending)):
            if position == 0 or ascending[position] != ascending[position - 1]:
                hashes[kept] = ascending[position]
                kept += 1
        kept_starts[text + 1] = kept
    return kept


def jaccard(sets: Shingles, one: NDArray[np.int64], two: NDArray[np.int64]) -> NDArray[np.float64]:
    """Exact Jaccard similarity of pairs of sets, (pairs,); `sets` come from `as_sets`."""
    similarity = np.empty(len(one))
    compiled(_overlap)(sets.hashes, sets.starts, one, two, similarity)
    return similarity


def _overlap(
    hashes: Hashes,
    starts: Starts,
    one: NDArray[np.int64],
    two: NDArray[np.int64],
    similarity: NDArray[np.float64],
) -> None:
    for pair in range(len(one)):
        i, end_i = starts[one[pair]], starts[one[pair] + 1]
        j, end_j = starts[two[pair]], starts[two[pair] + 1]
        total, common = end_i - i + end_j - j, 0
        while i < end_i and j < end_j:
            left, right = hashes[i], hashes[j]
            common += left == right
            i += left <= right
            j += right <= left
        similarity[pair] = common / (total - common)
