"""Routing: which person is asked about which item, by what each is good at."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.consensus.skills import PERSON
from quality.selection.errors import SelectionError

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

ROUTED = {"item_id": pl.String(), "actor": pl.String(), "expected": pl.Float64()}


@dataclass(frozen=True)
class Reviewer:
    """A person and how many tasks they take."""

    actor: str
    capacity: int


def routed(
    tasks: pl.DataFrame,
    skills: pl.DataFrame,
    reviewers: Sequence[Reviewer],
    voted: pl.DataFrame,
    classes: Sequence[str],
) -> pl.DataFrame:
    """Assign tasks to reviewers so that as many answers as possible are right.

    The answer of reviewer r on item i is expected to be right with probability
    sum over k of p[i, k] * q[r, k]. Tasks are taken by urgency, as many at a time as the
    capacities have room for; of all ways to give these to somebody who did not vote on the
    item yet, each to as many different people as it wants votes, one is taken that fills the
    most and, among those, has the greatest sum. That is a transport problem, whose linear
    program has whole numbers at its corners (A. J. Hoffman and J. B. Kruskal, 1956).

    Args:
        tasks: item_id, probabilities (null where unknown: even), wanted (votes), the most
            urgent first.
        skills: Of the SKILLS schema; a reviewer who is not in it is like the row `human`.
        reviewers: Who is there.
        voted: item_id, actor: who had a say on an item already.
        classes: In the order of the probabilities.

    Returns:
        Columns of ROUTED, one row a task and reviewer, in the order of the tasks and then of
        the reviewers; a task that nobody has room for is missing.

    Raises:
        SelectionError: a reviewer stands twice or takes fewer than no tasks, or the skills do
            not cover the classes.
    """
    _check(reviewers)
    actors = [r.actor for r in reviewers]
    expected = _chances(tasks["probabilities"], len(classes)) @ _table(skills, actors, classes).T
    free = _free(tasks["item_id"], actors, voted)
    wanted = tasks["wanted"].to_numpy().astype(np.int64)
    left = np.array([r.capacity for r in reviewers], dtype=np.int64)
    given = np.zeros(expected.shape, dtype=np.bool_)
    at = 0
    while at < len(wanted) and left.sum():
        enough = int(np.searchsorted(np.cumsum(wanted[at:]), left.sum(), side="right"))
        enough = max(enough, 1)
        rows = slice(at, at + enough)
        given[rows] = _transport(expected[rows], free[rows], wanted[rows], left)
        left -= given[rows].sum(axis=0)
        at += enough
    item, person = np.nonzero(given)
    return pl.DataFrame(
        {
            "item_id": tasks["item_id"].gather(item),
            "actor": pl.Series(actors, dtype=pl.String).gather(person),
            "expected": expected[item, person],
        },
        schema=ROUTED,
    )


def _check(reviewers: Sequence[Reviewer]) -> None:
    actors = [r.actor for r in reviewers]
    repeated = sorted({a for a in actors if actors.count(a) > 1})
    if repeated:
        raise SelectionError(f"reviewers stand more than once: {repeated}; name each once.")
    wrong = [r for r in reviewers if r.capacity < 0]
    if wrong:
        raise SelectionError(f"capacities are {wrong}; expected none or more tasks each.")


def _chances(probabilities: pl.Series, k: int) -> Floats:
    """[n_tasks, k], even where nothing is known."""
    even = probabilities.fill_null([1 / k] * k)
    return np.asarray(even.list.to_array(k).to_numpy(), dtype=np.float64).reshape(-1, k)


def _table(skills: pl.DataFrame, actors: Sequence[str], classes: Sequence[str]) -> Floats:
    """[n_actors, k] qualities, those of a new person where an actor has no record."""
    known = {(a, c): q for a, c, q in skills.select("actor", "class", "quality").iter_rows()}
    missing = [c for c in classes if (PERSON, c) not in known]
    if missing:
        raise SelectionError(f"skills lack the classes {missing} of the actor '{PERSON}'.")
    rows = [[known.get((a, c), known[PERSON, c]) for c in classes] for a in actors]
    return np.array(rows, dtype=np.float64).reshape(len(actors), len(classes))


def _free(items: pl.Series, actors: Sequence[str], voted: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """[n_tasks, n_actors]: who did not vote on what."""
    place = items.to_frame("item_id").with_row_index("row")
    column = pl.DataFrame({"actor": actors}, schema={"actor": pl.String}).with_row_index("column")
    had = voted.join(place, on="item_id").join(column, on="actor")
    free = np.ones((len(items), len(actors)), dtype=np.bool_)
    free[had["row"], had["column"]] = False
    return free


def _transport(
    expected: Floats, free: npt.NDArray[np.bool_], wanted: Counts, capacity: Counts
) -> npt.NDArray[np.bool_]:
    """Who gets what: at most `wanted` people an item, at most `capacity` items a person."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    item, person = np.nonzero(free)
    given = np.zeros(free.shape, dtype=np.bool_)
    if not len(item):
        return given
    pairs = np.arange(len(item))
    rows = np.concatenate([item, len(wanted) + person])
    shape = (len(wanted) + len(capacity), len(item))
    limits = csr_array((np.ones(2 * len(item)), (rows, np.tile(pairs, 2))), shape=shape)
    # One more task given is worth more than any better way to give the others.
    one_more = 1.0 + min(wanted.sum(), capacity.sum())
    solved = linprog(
        -(one_more + expected[item, person]),
        A_ub=limits,
        b_ub=np.concatenate([wanted, capacity]),
        bounds=(0, 1),
        method="highs-ds",
    )
    taken = np.round(solved.x).astype(np.bool_)
    given[item[taken], person[taken]] = True
    return given
