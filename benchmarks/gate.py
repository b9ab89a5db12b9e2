"""The gate beside the same claims written by hand in polars.

python -m benchmarks.gate
"""

from collections.abc import Callable

import numpy as np
import polars as pl

from benchmarks.measure import contest
from quality.gate.expectations import judge
from quality.gate.suites import built_in

CLASSES = ("a", "b", "c")


def table(rows: int) -> pl.DataFrame:
    """Labels joined with scores, 1 in 1,000 with a confidence above one."""
    random = np.random.default_rng(0)
    confidence = random.random(rows)
    confidence[::1000] = 1.5
    return pl.DataFrame(
        {
            "item_id": [f"{number:064x}" for number in range(rows)],
            "label": random.choice(CLASSES, rows),
            "state": random.choice(["auto", "human", "disputed"], rows),
            "split": random.choice(["train", "valid", "test"], rows),
            "confidence": confidence,
            "label_quality": random.random(rows),
            "n_votes": np.full(rows, 5, np.uint32),
            "n_human": random.integers(0, 5, rows).astype(np.uint32),
        }
    )


def by_suite(rows: int) -> Callable[[], int]:
    """The built-in suite; rows that fail."""
    frame, suite = table(rows), built_in(CLASSES)["labels"]
    return lambda: sum(result.failing or 0 for result in judge(frame, suite).results)


def by_hand(rows: int) -> Callable[[], int]:
    """The suite's claims as polars expressions; rows that fail."""
    frame = table(rows)
    label = pl.col("label")
    fits = (pl.col("state") == "unlabeled") == label.is_null()
    share = [~pl.col(name).is_between(0, 1) for name in ("confidence", "label_quality")]
    nan = [pl.col(name).is_nan() for name in ("confidence", "label_quality")]
    bad = [
        *(pl.col(name).is_null() for name in ("item_id", "state", "split")),
        pl.col("item_id").is_duplicated(),
        ~label.is_in(CLASSES),
        ~pl.col("state").is_in(["auto", "human", "disputed", "unlabeled"]),
        ~pl.col("split").is_in(["train", "valid", "test"]),
        ~(fits | (pl.col("state") == "disputed")),
        *share,
        *nan,
        pl.col("n_human") > pl.col("n_votes"),
    ]
    claims = [claim.sum().alias(str(number)) for number, claim in enumerate(bad)]
    return lambda: sum(frame.select(claims).row(0))


def main() -> None:
    """Print a line for each size."""
    for rows in (10_000, 100_000, 1_000_000):
        title = f"labels suite, {rows:,} rows of 8 columns"
        contest(title, "benchmarks.gate:by_suite", "benchmarks.gate:by_hand", repeats=3, rows=rows)


if __name__ == "__main__":
    main()
