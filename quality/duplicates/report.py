"""What was found, how it was looked for, and how sure one may be that nothing was missed."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quality.duplicates.candidates import Rows
from quality.duplicates.errors import DuplicatesError

SCHEMA = {"item_id": pl.String(), "duplicate_of": pl.String(), "similarity": pl.Float64()}
SHOWN = 10

Similarity = Callable[[Rows, Rows], NDArray[np.float64]]


@dataclass(frozen=True)
class NearDuplicates:
    """Near-duplicates of one batch of items.

    Attributes:
        frame: item_id, duplicate_of, similarity: one row per item that is a near-duplicate. A
            group is all that hangs together by similar pairs; the item given first stands for it.
            The similarity is to that one: along a chain it may lie below the threshold.
        method: How they were looked for.
        threshold: Similarity from which two items are near-duplicates.
        n_items: Items looked at.
        n_left_out: Items that could not be compared: null, empty, or without any feature.
        n_candidates: Pairs whose similarity was computed, exactly.
        n_skipped: Pairs of very large crowds that were not compared with one another directly.
        recall: Chance that a pair just at the threshold is compared; more alike, more surely.
            None where it is not known.
    """

    frame: pl.DataFrame
    method: str
    threshold: float
    n_items: int
    n_left_out: int
    n_candidates: int
    n_skipped: int
    recall: float | None

    @property
    def n_duplicates(self) -> int:
        """Items that another one stands for."""
        return self.frame.height

    @property
    def n_groups(self) -> int:
        """Groups of two or more."""
        return self.frame["duplicate_of"].n_unique()

    def to_json(self) -> str:
        """The figures and the largest groups as JSON; the pairs are in `frame`."""
        figures = {name: value for name, value in vars(self).items() if name != "frame"}
        figures |= {"n_duplicates": self.n_duplicates, "n_groups": self.n_groups}
        figures["largest_groups"] = self._largest().to_dicts()
        return json.dumps(figures, allow_nan=False, sort_keys=True)

    def to_markdown(self) -> str:
        """Figures in words and the groups that are largest."""
        found = f"**{self.n_duplicates:,} of {self.n_items:,} items** are near-duplicates"
        how = f"{self.method}, similarity from {self.threshold:g}"
        lines = [f"{found} ({how}). Groups: {self.n_groups:,}.", ""]
        lines.append(f"Pairs compared: {self.n_candidates:,}; skipped: {self.n_skipped:,}.")
        if self.recall is not None:
            lines.append(
                f"A pair just at the threshold is found with a chance of {self.recall:.1%}."
            )
        if self.n_left_out:
            lines.append(f"Items without anything to compare: {self.n_left_out:,}.")
        if self.n_duplicates:
            lines += ["", "| item | near-duplicates | least similar |", "|---|---:|---:|"]
            rows = self._largest().iter_rows()
            lines += [f"| {item} | {n:,} | {least:.3f} |" for item, n, least in rows]
        return "\n".join(lines) + "\n"

    def _largest(self) -> pl.DataFrame:
        groups = self.frame.group_by("duplicate_of").agg(
            n=pl.len(), least=pl.col("similarity").min()
        )
        return groups.sort(["n", "duplicate_of"], descending=[True, False]).head(SHOWN)


def checked_ids(item_ids: Sequence[str] | pl.Series, n: int) -> pl.Series:
    """Ids of the n items as a column.

    Raises:
        DuplicatesError: There are more or fewer ids than items, or an id is null or repeated.
    """
    ids = pl.Series("item_id", item_ids, dtype=pl.String)
    if len(ids) != n:
        raise DuplicatesError(f"{len(ids)} item ids for {n} items", ids=len(ids), items=n)
    repeated = len(ids) - ids.n_unique()
    if repeated or ids.null_count():
        raise DuplicatesError(
            f"{repeated} item ids are repeated and {ids.null_count()} are null; each item must "
            "come once, under its own id",
            repeated=repeated,
        )
    return ids


def checked_threshold(threshold: float, *, least: float = 0.0) -> None:
    """Raises DuplicatesError unless the threshold is a similarity above 0 and in least to 1."""
    if not (0 < threshold <= 1 and threshold >= least):
        raise DuplicatesError(
            f"threshold={threshold}: expected above 0, from {least:g} to 1; less alike than that, "
            "items are no near-duplicates, and nearly all pairs would have to be compared",
            threshold=threshold,
            least=least,
        )


def grouped(ids: pl.Series, one: Rows, two: Rows, similarity: Similarity) -> pl.DataFrame:
    """Frame of all items that hang together by the given pairs with an item given earlier.

    Args:
        ids: One per item.
        one: Row of the first item of each similar pair.
        two: Row of the second.
        similarity: Of rows with rows, computed for each item and the one that stands for it.
    """
    stands_for = _first_of_group(len(ids), one, two)
    rows = np.flatnonzero(stands_for != np.arange(len(ids)))
    firsts = stands_for[rows]
    columns = {
        "item_id": ids.gather(rows),
        "duplicate_of": ids.gather(firsts),
        "similarity": similarity(rows, firsts),
    }
    return pl.DataFrame(columns, schema=SCHEMA)


def spanning(n: int, one: Rows, two: Rows) -> tuple[Rows, Rows]:
    """Fewer pairs of n rows that hold the same groups together: each row with its group's first."""
    first = _first_of_group(n, one, two)
    rows = np.flatnonzero(first != np.arange(n))
    return first[rows], rows


def _first_of_group(n: int, one: Rows, two: Rows) -> Rows:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(one), dtype=np.int8), (one, two)), shape=(n, n))
    _, group = connected_components(links, directed=False)
    _, first, member = np.unique(group, return_index=True, return_inverse=True)
    return np.asarray(first[member])
