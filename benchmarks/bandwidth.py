"""How far the main methods are from what this machine's memory can move.

PYTHONPATH=. python -m benchmarks.bandwidth [items, by default 1000000]

The model, stated with each line: what a method must at least read and write, each byte once a pass,
tables that stay in the cache left out. Share is that, by the time taken, of the bandwidth measured
here (a triad a = b + s c on all cores). A share far below 1 is no fault by itself: such a method
computes, sorts or looks names up, and the line says which.
"""

import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks import agreement, consensus, drift, label_issues, selection
from benchmarks.measure import Task
from quality.compiled import compiled

Floats = npt.NDArray[np.float64]
TURNS = 5
BLOCK = 20_000_000


def triad_bandwidth() -> float:
    """Bytes a second of a = b + s c, on arrays far larger than any cache, all cores at work."""
    a, b, c = np.zeros(BLOCK), np.ones(BLOCK), np.ones(BLOCK)
    kernel, cores = compiled(_triad), os.cpu_count() or 1
    edges = np.linspace(0, BLOCK, cores + 1).astype(int).tolist()

    def task() -> None:
        with ThreadPoolExecutor(cores) as pool:
            list(pool.map(lambda first, last: kernel(a, b, c, first, last), edges[:-1], edges[1:]))

    return 24 * BLOCK / least_seconds(task)


def _triad(a: Floats, b: Floats, c: Floats, first: int, last: int) -> None:
    for i in range(first, last):
        a[i] = b[i] + 3.0 * c[i]


def least_seconds(task: Task) -> float:
    """Seconds of the fastest of some turns, after one that does not count."""
    task()
    taken = []
    for _ in range(TURNS):
        start = time.perf_counter()
        task()
        taken.append(time.perf_counter() - start)
    return min(taken)


def coding(n_items: int) -> tuple[Task, int, str]:
    from quality.votes import VoteCodes

    votes = consensus.voted(n_items)
    size = int(votes.estimated_size()) + 12 * votes.height
    return lambda: VoteCodes.of(votes, consensus.CLASSES), size, "looks names up"


def dawid_skene_pass(n_items: int) -> tuple[Task, int, str]:
    from quality.consensus.dawid_skene import DawidSkene
    from quality.consensus.expectation import expected
    from quality.votes import VoteCodes

    votes = VoteCodes.of(consensus.voted(n_items), consensus.CLASSES)
    tables = DawidSkene(consensus.CLASSES, max_iter=2).fit(votes).start_
    names = {"name": votes.actors, "true_class": votes.classes, "voted_class": votes.classes}
    prior = np.log(tables.array("prior", {"true_class": votes.classes}))
    confusion = np.log(tables.array("confusion", names))
    size = votes.cells.nbytes + votes.starts.nbytes
    return lambda: expected(votes, prior, confusion), size, "multiplies: 20 a vote"


def one_coin_pass(n_items: int) -> tuple[Task, int, str]:
    from quality.consensus.hits import expected_hits
    from quality.votes import VoteCodes

    votes = VoteCodes.of(consensus.voted(n_items), consensus.CLASSES)
    shape, prior = (votes.n_actors, votes.n_classes), np.full(votes.n_classes, 0.1)
    right, wrong = np.full(shape, np.log(0.7)), np.full(shape, np.log(0.3 / 9))
    size = votes.cells.nbytes + votes.label.nbytes + votes.starts.nbytes
    return lambda: expected_hits(votes, prior, right, wrong), size, "computes"


def crowdlab(n_items: int) -> tuple[Task, int, str]:
    from quality.consensus.crowdlab import CrowdLab
    from quality.votes import VoteCodes

    votes = consensus.voted(n_items)
    codes = VoteCodes.of(votes, consensus.CLASSES)
    rows = pl.Series(consensus.predicted(n_items)).arr.to_list()
    items = votes["item_id"].unique(maintain_order=True)
    frame = pl.DataFrame({"item_id": items, "probabilities": rows})
    # Twice: predictions, shares and consensus in; posterior and consensus out; and the votes.
    size = 2 * (5 * 8 * n_items * len(consensus.CLASSES) + 12 * codes.n_votes)
    return lambda: CrowdLab(consensus.CLASSES).fit(codes, predictions=frame), size, "moves data"


def alpha(n_items: int) -> tuple[Task, int, str]:
    votes = agreement.voted(n_items, "numbers")
    size = int(votes.estimated_size()) + 8 * n_items
    return agreement.our_alpha_of_votes(n_items, "numbers"), size, "sorts votes and rows"


def ks(n_items: int) -> tuple[Task, int, str]:
    rows = n_items // 10
    return drift.our_ks(rows), 2 * 2 * 8 * rows * drift.COLUMNS, "sorts"


def report(n_items: int) -> tuple[Task, int, str]:
    rows = n_items // 10
    return drift.our_report(rows), 2 * 2 * 8 * rows * drift.COLUMNS, "sorts, merges"


def confident(n_items: int) -> tuple[Task, int, str]:
    task = label_issues.ours(n_items, 10, "noise_rate")
    return task, 3 * 8 * 10 * n_items, "partitions"


def k_center(n_items: int) -> tuple[Task, int, str]:
    rows = n_items // 10
    size = 8 * rows * selection.N_FEATURES * 2
    return selection.our_k_center(rows, 100), size, "multiplies matrices"


METHODS: dict[str, tuple[Callable[[int], tuple[Task, int, str]], str]] = {
    "coding votes": (coding, "the frame in, three codes out"),
    "Dawid-Skene, a pass": (dawid_skene_pass, "cells and starts in"),
    "one-coin, a pass": (one_coin_pass, "cells, labels and starts in"),
    "CROWDLAB, from codes": (crowdlab, "five tables of items by classes, votes; twice"),
    "alpha from a frame": (alpha, "the frame in, a key an item out"),
    "KS, 50 columns": (ks, "columns in, sorted columns out"),
    "drift report, 50 columns": (report, "columns in, sorted columns out"),
    "confident learning": (confident, "probabilities in, three times"),
    "k-center, 100 of a tenth": (k_center, "features in and once out, centred"),
}


def main() -> None:
    """Prints the bandwidth and one line per method."""
    n_items = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    bandwidth = triad_bandwidth()
    print(f"triad: {bandwidth / 1e9:.1f} GB/s on {os.cpu_count()} cores; {n_items:,} items\n")
    print("| method | MB it must move | s | GB/s | share | the rest of the time it | model |")
    print("|---|---:|---:|---:|---:|---|---|")
    for name, (prepare, model) in METHODS.items():
        task, size, rest = prepare(n_items)
        seconds = least_seconds(task)
        rate: Any = size / seconds
        cells = f"{size / 1e6:.0f} | {seconds:.3f} | {rate / 1e9:.2f} | {rate / bandwidth:.0%}"
        print(f"| {name} | {cells} | {rest} | {model} |", flush=True)


if __name__ == "__main__":
    main()
