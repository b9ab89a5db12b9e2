"""Skills: how often each actor is right on items of each class, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quality.consensus.aggregator import TIE, Aggregator
from quality.consensus.dawid_skene import NEWCOMER
from quality.schema import Table
from quality.votes import VoteCodes

Floats = NDArray[np.float64]

STRENGTH = 4.0
"""How many votes an actor's prior weighs: what actors of its kind are like."""
PERSON = "human"

SKILLS = Table(
    name="skills",
    columns={
        "actor": pl.String(),
        "class": pl.String(),
        "quality": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "n_votes": pl.Float64(),
        "n_checked": pl.Float64(),
    },
    key=("actor", "class"),
)


def skills(fitted: Aggregator) -> pl.DataFrame:
    """The quality of each actor by class, with its 95 % interval.

    A vote is held against the class that most people name, where it is not a person's own and
    one class leads, else against the estimate's probabilities: for a method with confusion
    tables these are the expected counts behind them. A vote that nothing stands beside says
    nothing. Votes of actor a on items of class k are right q[a, k] of the time, with the Beta
    prior that is worth STRENGTH votes and has the mean of all actors of a's kind, the part of
    a name before its colon. Probabilities are taken as they are, so that an interval is too
    narrow where the estimate is too sure.

    Args:
        fitted: Any aggregator, fitted to votes.

    Returns:
        Of the SKILLS schema, by actor, classes in their order: `n_votes` on items of the class
        (a sum of probabilities), `n_checked` of them on items where (other) people voted. A row
        whose actor is a kind alone, `human`, is of somebody whose record is unknown.

    Raises:
        NotFittedError: the aggregator has seen no votes.
    """
    votes = fitted.votes_
    record = _record(votes, _posterior(fitted))
    kinds = votes.actors.str.split(":").list.first().to_list()
    names = sorted({*kinds, PERSON})
    kind = np.array([names.index(k) for k in kinds], dtype=np.int64)
    # Somebody new of a kind has no votes, and the prior of the kind.
    none = np.zeros((len(names), votes.n_classes))
    record_of_all = _Record(*(np.concatenate([part, none]) for part in vars(record).values()))
    mean = _priors(record, kind, len(names))[np.concatenate([kind, np.arange(len(names))])]
    return _frame([*votes.actors, *names], votes.classes, mean, record_of_all)


@dataclass(frozen=True)
class _Record:
    """[n_actors, n_classes] each: right votes, votes, and those held against people's."""

    right: Floats
    total: Floats
    checked: Floats


def _posterior(fitted: Aggregator) -> Floats:
    """[n_items, n_classes], zeros where there is no vote."""
    k = len(fitted.classes)
    found = fitted.predict_proba()["probabilities"].fill_null([0.0] * k)
    return np.asarray(found.list.to_array(k).to_numpy(), dtype=np.float64).reshape(-1, k)


def _record(votes: VoteCodes, posterior: Floats) -> "_Record":
    """What the votes of each actor are held against, and how they stand it."""
    person = votes.actors.str.starts_with(f"{PERSON}:").to_numpy()[votes.actor]
    people = _by_cell(votes.item[person], votes.label[person], votes.n_items, votes.n_classes)
    leads = people >= people.max(axis=1, keepdims=True, initial=0.0) - TIE
    said = (people.sum(axis=1) > 0) & (leads.sum(axis=1) == 1)
    alone = np.diff(votes.starts) < 2  # noqa: PLR2004 - nothing stands beside one vote
    estimate = np.where(alone[:, None], 0.0, posterior)
    truth = np.where(said[:, None], leads, estimate)
    # People check each other only through the estimate, which knows how good each of them is.
    by_people = np.where(person, people.sum(axis=1)[votes.item] > 1, said[votes.item])
    record = _Record(*(np.zeros((votes.n_actors, votes.n_classes)) for _ in range(3)))
    for k in range(votes.n_classes):
        held = np.where(person, estimate[votes.item, k], truth[votes.item, k])
        for sums, counted in (
            (record.right, held * (votes.label == k)),
            (record.total, held),
            (record.checked, held * by_people),
        ):
            sums[:, k] = np.bincount(votes.actor, counted, votes.n_actors)
    return record


def _by_cell(
    rows: NDArray[np.int32], columns: NDArray[np.int32], n_rows: int, n_columns: int
) -> Floats:
    cells = rows.astype(np.int64) * n_columns + columns
    counted = np.bincount(cells, minlength=n_rows * n_columns)
    return counted.reshape(n_rows, n_columns).astype(np.float64)


def _priors(record: _Record, kind: NDArray[np.int64], n_kinds: int) -> Floats:
    """[n_kinds, n_classes]: the mean quality of all actors of a kind."""
    right, total = np.zeros((2, n_kinds, record.total.shape[1]))
    np.add.at(right, kind, record.right)
    np.add.at(total, kind, record.total)
    return np.asarray((right + STRENGTH * NEWCOMER) / (total + STRENGTH))


def _frame(
    actors: Sequence[str], classes: Sequence[str], mean: Floats, record: _Record
) -> pl.DataFrame:
    from scipy.stats import beta

    hits = STRENGTH * mean + record.right
    misses = STRENGTH * (1 - mean) + record.total - record.right
    names = [(actor, name) for actor in actors for name in classes]
    figures = {
        "quality": hits / (hits + misses),
        "low": beta.ppf(0.025, hits, misses),
        "high": beta.ppf(0.975, hits, misses),
        "n_votes": record.total,
        "n_checked": record.checked,
    }
    named = pl.DataFrame(names, schema=["actor", "class"], orient="row")
    columns = [pl.Series(name, figure.ravel()) for name, figure in figures.items()]
    return SKILLS.check(named.with_columns(columns).sort("actor", maintain_order=True))
