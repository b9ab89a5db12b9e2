"""Near-duplicates against datasketch, side by side; and alone at a million items.

Run with an interpreter that has the peer: pip install datasketch, then
PYTHONPATH=. python -m benchmarks.duplicates [items, by default 20000]
"""

import sys
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import Task, contest

VALUES, ROWS = 128, 7
HERE = "benchmarks.duplicates"


def texts(n: int) -> pl.Series:
    """Texts of 20 made-up words; one in twenty repeats an earlier one with a word changed."""
    rng = np.random.default_rng(0)
    words = np.array([f"w{number}" for number in rng.integers(0, 10**6, 20_000)])
    chosen = rng.integers(0, len(words), (n, 20))
    copies = n // 20
    if copies:
        chosen[-copies:] = chosen[:copies]
        chosen[-copies:, 3] = rng.integers(0, len(words), copies)
    return pl.Series([" ".join(row) for row in words[chosen]])


def shingle_lists(n: int) -> list[set[bytes]]:
    """The same five-character shingles as ours, made before the clock starts."""
    return [{t[i : i + 5].encode() for i in range(max(len(t) - 4, 1))} for t in texts(n)]


def our_signatures(items: int) -> Task:
    from quality.duplicates.minhash import signatures
    from quality.duplicates.shingles import shingled

    given = texts(items)
    return lambda: len(signatures(shingled(given), values=VALUES, seed=0))


def their_signatures(items: int) -> Task:
    from datasketch import MinHash

    given = shingle_lists(items)
    return lambda: len(MinHash.bulk(given, num_perm=VALUES))


def our_pairs(items: int) -> Task:
    from quality.duplicates.candidates import distinct_pairs, sharing_a_key
    from quality.duplicates.minhash import band_keys, signatures
    from quality.duplicates.shingles import shingled

    signed = signatures(shingled(texts(items)), values=VALUES, seed=0)

    def task() -> int:
        keys = band_keys(signed, ROWS)
        return len(distinct_pairs(map(sharing_a_key, keys), items)[0])

    return task


def their_pairs(items: int) -> Task:
    from datasketch import MinHash, MinHashLSH

    signed = MinHash.bulk(shingle_lists(items), num_perm=VALUES)

    def task() -> int:
        index = MinHashLSH(num_perm=VALUES, params=(VALUES // ROWS, ROWS))
        for number, one in enumerate(signed):
            index.insert(number, one)
        found = [set(index.query(one)) - {number} for number, one in enumerate(signed)]
        return sum(map(len, found)) // 2

    return task


def our_text_search(items: int) -> Task:
    from quality.duplicates.text import find_in_texts

    given = texts(items)
    names = [str(number) for number in range(items)]
    return lambda: find_in_texts(names, given, seed=0).n_duplicates


def our_hash_search(items: int) -> Task:
    from quality.duplicates.images import near_duplicates_hashes

    hashes = np.random.default_rng(0).integers(0, 2**64, items, dtype=np.uint64)
    hashes[-items // 20 :] = hashes[: items // 20] ^ np.uint64(0b10101)
    names = [str(number) for number in range(items)]
    return lambda: near_duplicates_hashes(names, hashes).height


def our_embedding_search(items: int) -> Task:
    from quality.duplicates.embeddings import find_in_embeddings

    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(items, 64)).astype(np.float32)
    vectors[-items // 20 :] = vectors[: items // 20] + 0.1 * vectors[-items // 20 :]
    names = [str(number) for number in range(items)]
    return lambda: find_in_embeddings(names, vectors, seed=0).n_duplicates


def main(items: int) -> None:
    def run(title: str, ours: str, peer: str | None = None, **more: Any) -> None:
        theirs = None if peer is None else f"{HERE}:{peer}"
        contest(f"{title}, {items:,}", f"{HERE}:{ours}", theirs, items=items, **more)

    if items <= 100_000:
        run("MinHash signatures, datasketch", "our_signatures", "their_signatures", repeats=3)
        run("LSH pairs, datasketch", "our_pairs", "their_pairs", repeats=3)
    run("near-duplicate texts, whole", "our_text_search", repeats=1)
    run("hashes within 6 bits, whole", "our_hash_search", repeats=1)
    run("near-duplicate embeddings of 64, whole", "our_embedding_search", repeats=1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
