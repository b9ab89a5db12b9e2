"""A kernel over all items, in chunks on several threads, with one result on any machine."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

VOTES_PER_CHUNK = 200_000
MOST_CHUNKS = 16
MOST_FLOATS = 16_000_000

R = TypeVar("R")


def over_chunks(
    run: Callable[[int, int], R], *, n_items: int, n_votes: int, n_floats: int
) -> list[R]:
    """The results of run(first item, item after the last) for each chunk, in order.

    The chunks follow from the votes alone, never from the machine's number of cores: sums over
    chunks, taken in order, are the same bit for bit everywhere.

    Args:
        run: works on a range of items; must not hold the interpreter lock for long.
        n_items: number of items.
        n_votes: number of votes.
        n_floats: how many float64 each chunk's result holds.
    """
    most = min(MOST_CHUNKS, max(1, MOST_FLOATS // max(1, n_floats)), max(1, n_items))
    n_chunks = min(most, max(1, n_votes // VOTES_PER_CHUNK))
    edges = np.linspace(0, n_items, n_chunks + 1).astype(int).tolist()
    if n_chunks == 1:
        return [run(0, n_items)]
    with ThreadPoolExecutor(min(n_chunks, os.cpu_count() or 1)) as pool:
        return list(pool.map(run, edges[:-1], edges[1:]))
