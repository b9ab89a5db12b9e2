"""Batches that differ, against scikit-activeml and small-text.

Run with an interpreter that has the peers: pip install scikit-activeml small-text, then
PYTHONPATH=. python -m benchmarks.selection
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.measure import Task, contest

N_FEATURES, N_LABELED, N_CLASSES = 64, 100, 10


def features(n_items: int) -> npt.NDArray[np.float64]:
    """Items in 50 clusters."""
    rng = np.random.default_rng(0)
    centers = rng.normal(0, 3, (50, N_FEATURES))
    return centers[rng.integers(0, 50, n_items)] + rng.normal(0, 1, (n_items, N_FEATURES))


def our_k_center(n_items: int, batch: int) -> Task:
    from quality.selection.diversity import k_center

    table = features(n_items)
    return lambda: k_center(table, batch, seed=1, labeled=range(N_LABELED))


def k_center_of_activeml(n_items: int, batch: int) -> Task:
    from skactiveml.pool import k_greedy_center

    table = features(n_items)
    known = np.full(n_items, np.nan)
    known[:N_LABELED] = 0
    return lambda: k_greedy_center(table, known, batch_size=batch, random_state=1)[0]


def k_center_of_small_text(n_items: int, batch: int) -> Task:
    from small_text.query_strategies.coresets import greedy_coreset

    table = features(n_items)
    known, unknown = np.arange(N_LABELED), np.arange(N_LABELED, n_items)
    return lambda: unknown[greedy_coreset(table, unknown, known, batch, "euclidean", 10_000)]


def our_badge(n_items: int, batch: int) -> Task:
    from quality.selection.diversity import badge

    odds = np.random.default_rng(1).exponential(1, (n_items, N_CLASSES))
    table = features(n_items)
    return lambda: badge(table, odds / odds.sum(axis=1, keepdims=True), batch, seed=1)


def our_queue(n_items: int, batch: int) -> Task:
    from quality.selection.queue import review_queue

    rng = np.random.default_rng(1)
    odds = rng.exponential(1, (n_items, N_CLASSES))
    table = odds / odds.sum(axis=1, keepdims=True)
    scores = pl.DataFrame(
        {
            "item_id": [f"{place * 2654435761 % 2**32:08x}" * 8 for place in range(n_items)],
            "probabilities": pl.Series(table).arr.to_list(),
            "n_votes": rng.integers(0, 5, n_items),
            "disagreement": rng.random(n_items),
        }
    )

    def task() -> object:
        queue = review_queue(scores, budget=batch, seed=1)
        return queue["priority"].to_numpy()

    return task


def main() -> None:
    """Prints one line per comparison."""
    here = "benchmarks.selection"
    size = {"n_items": 100_000, "batch": 100, "repeats": 3}
    title = "k-center of 100,000 items, 100 labeled,"
    ours = f"{here}:our_k_center"
    contest(f"{title} 100 (activeml)", ours, f"{here}:k_center_of_activeml", **size)
    few = size | {"batch": 40, "repeats": 1}
    contest(f"{title} 40 (small-text)", ours, f"{here}:k_center_of_small_text", **few)
    contest("BADGE, 100 of 100,000 items", f"{here}:our_badge", None, **size)
    size = {"n_items": 1_000_000, "batch": 1_000, "repeats": 3}
    contest("review queue, 1,000 of 1,000,000 items", f"{here}:our_queue", None, **size)


if __name__ == "__main__":
    main()
