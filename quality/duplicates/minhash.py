"""MinHash signatures: the share of equal values estimates the Jaccard similarity of two sets.

One hash function per value. One-permutation hashing would be cheaper, and leaves bins of short
texts empty, whose filling makes thousands of texts look alike.

Reference:
    Broder 1997, On the resemblance and containment of documents.
"""

import numpy as np
from numpy.typing import NDArray

from quality.compiled import compiled
from quality.duplicates.candidates import Keys
from quality.duplicates.shingles import Hashes, Shingles, Starts

Signatures = NDArray[np.uint32]


def signatures(shingles: Shingles, *, values: int, seed: int) -> Signatures:
    """Signatures (texts, values) of the shingles of each text."""
    rng = np.random.default_rng(seed)
    factors = rng.integers(0, 2**31, values, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    offsets = rng.integers(0, 2**32, values, dtype=np.uint32)
    result = np.full((len(shingles.starts) - 1, values), 2**32 - 1, dtype=np.uint32)
    compiled(_sign)(shingles.hashes, shingles.starts, factors, offsets, result)
    return result


def band_keys(signed: Signatures, rows: int) -> Keys:
    """Keys (bands, texts): equal where all of a band's rows are equal, else almost surely not."""
    bands = signed.shape[1] // rows
    keys = np.zeros((bands, len(signed)), dtype=np.uint64)
    for row in range(rows):
        keys ^= signed[:, row : bands * rows : rows].T.astype(np.uint64)
        keys *= np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
    return keys


def _sign(
    hashes: Hashes, starts: Starts, factors: Signatures, offsets: Signatures, signed: Signatures
) -> None:
    for text in range(len(starts) - 1):
        row = signed[text]
        for position in range(starts[text], starts[text + 1]):
            value = np.uint32(hashes[position] >> np.uint64(32))
            for k in range(len(factors)):
                hashed = np.uint32(factors[k] * value + offsets[k])
                row[k] = min(row[k], hashed)
