"""Why the distribution of labels changed between two releases, split without remainder.

Each cause can be switched on alone: the old release with the new items, the old votes with the new
aggregator, and so on. A cause's part is its effect averaged over all orders of switching the
causes on (its Shapley value); the parts add up to the whole change, exactly, in fractions.

Reference:
    Shapley 1953, A value for n-person games.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from math import factorial
from typing import Literal

import polars as pl

from quality.drift.errors import DriftError

Cause = Literal["new_items", "changed_votes", "actor_mix", "aggregator", "ontology"]
Shares = dict[str, Fraction]
Aggregate = Callable[[pl.DataFrame], pl.DataFrame]

CAUSES: tuple[Cause, ...] = (
    "new_items",
    "changed_votes",
    "actor_mix",
    "aggregator",
    "ontology",
)
UNLABELED = "(unlabeled)"
VOTE_COLUMNS = ["item_id", "actor", "label"]


@dataclass(frozen=True)
class LabelSource:
    """All that a release's labels are made of.

    Attributes:
        item_ids: Its items.
        votes: Frame item_id, actor, label: the votes that count; a null label abstains.
        aggregator: Name and parameters, equal for two releases just if they aggregate alike.
        aggregate: From such votes to a frame item_id, label.
        classes: What the ontology of the release calls a vote's label; others stay as they are.
    """

    item_ids: Sequence[str]
    votes: pl.DataFrame
    aggregator: str
    aggregate: Aggregate
    classes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LabelChange:
    """Shares of labels before and after, and what each cause adds to each share.

    Attributes:
        before: Share of each class among the items, those without a label included.
        after: The same of the later release.
        parts: Per cause and class, what it adds; over all causes exactly after less before.
        n_before: Items of the earlier release.
        n_after: Items of the later one.
    """

    before: Shares
    after: Shares
    parts: dict[Cause, Shares]
    n_before: int
    n_after: int

    def to_json(self) -> str:
        """Shares and parts as numbers."""
        return json.dumps(
            {
                "before": _numbers(self.before),
                "after": _numbers(self.after),
                "parts": {cause: _numbers(shares) for cause, shares in self.parts.items()},
                "n_before": self.n_before,
                "n_after": self.n_after,
            },
            sort_keys=True,
        )

    def to_markdown(self) -> str:
        """One row per class: share before and after, and points added by each cause."""
        titles = [cause.replace("_", " ") for cause in self.parts]
        sizes = f"{self.n_before:,} items before and {self.n_after:,} after"
        lines = [
            f"Share of each label over {sizes}, and the percentage points that each cause adds.",
            "",
            f"| label | before | after | {' | '.join(titles)} |",
            "|---|---:|---:|" + "---:|" * len(titles),
        ]
        return "\n".join(lines + [self._row(name) for name in self.before]) + "\n"

    def picture(self) -> bytes:
        """PNG of the percentage points that each cause adds to each label's share."""
        from quality.pictures.change import change_by_cause

        return change_by_cause(
            {
                cause: {name: 100 * float(share) for name, share in shares.items()}
                for cause, shares in self.parts.items()
            }
        )

    def _row(self, name: str) -> str:
        shares = [f"{float(side[name]):.1%}" for side in (self.before, self.after)]
        points = [f"{100 * float(part[name]):+.2f}" for part in self.parts.values()]
        return f"| {' | '.join([name.replace('|', chr(92) + '|'), *shares, *points])} |"


def label_change(before: LabelSource, after: LabelSource) -> LabelChange:
    """Splits the change of the label distribution between two releases among its causes.

    - new items: items that came or went, with the votes that the actors of both releases cast on
      them; changed votes: what those actors say now of items in both releases;
    - actor mix: all votes of actors who came or went; aggregator; ontology.

    Labels are computed anew for every combination of the causes that are at work, 32 at most.

    Raises:
        DriftError: Votes lack a column, or an item is listed twice.
    """
    worlds = _Worlds(before, after)
    active = worlds.active()
    known = {
        frozenset(chosen): worlds.shares(frozenset(chosen))
        for size in range(len(active) + 1)
        for chosen in combinations(active, size)
    }
    classes = sorted({name for shares in known.values() for name in shares})
    first, last = known[frozenset()], known[frozenset(active)]
    return LabelChange(
        before={name: first.get(name, Fraction()) for name in classes},
        after={name: last.get(name, Fraction()) for name in classes},
        parts={cause: _shapley(cause, active, known, classes) for cause in CAUSES},
        n_before=len(before.item_ids),
        n_after=len(after.item_ids),
    )


def _shapley(
    cause: Cause,
    active: Sequence[Cause],
    known: Mapping[frozenset[Cause], Shares],
    classes: list[str],
) -> Shares:
    part = dict.fromkeys(classes, Fraction())
    if cause not in active:
        return part
    count = len(active)
    for chosen, without in known.items():
        if cause in chosen:
            continue
        orders = factorial(len(chosen)) * factorial(count - len(chosen) - 1)
        weight = Fraction(orders, factorial(count))
        on = known[chosen | {cause}]
        for name in classes:
            part[name] += weight * (on.get(name, Fraction()) - without.get(name, Fraction()))
    return part


class _Worlds:
    """Releases that never were: the earlier one with some of the causes switched on."""

    def __init__(self, before: LabelSource, after: LabelSource) -> None:
        self._sides = (before, after)
        self._items = tuple(_items(side) for side in self._sides)
        votes = tuple(map(_votes, self._sides, self._items))
        stayed = self._items[0].join(self._items[1], on="item_id", how="semi")
        common = votes[0].select("actor").unique().join(votes[1], on="actor", how="semi")
        ours = [side.join(common, on="actor", how="semi") for side in votes]
        self._of_stayers = tuple(v.join(stayed, on="item_id", how="semi") for v in ours)
        # Votes on items of one release only come and go with their item.
        self._of_movers = pl.concat([v.join(stayed, on="item_id", how="anti") for v in ours])
        self._of_others = tuple(v.join(common, on="actor", how="anti") for v in votes)

    def active(self) -> list[Cause]:
        """The causes that are at work at all; the others add nothing."""
        before, after = self._sides
        differs = {
            "new_items": not self._items[0].equals(self._items[1]),
            "changed_votes": not self._of_stayers[0].equals(self._of_stayers[1]),
            "actor_mix": any(votes.height for votes in self._of_others),
            "aggregator": before.aggregator != after.aggregator,
            "ontology": dict(before.classes) != dict(after.classes),
        }
        return [cause for cause in CAUSES if differs[cause]]

    def shares(self, on: frozenset[Cause]) -> Shares:
        """Share of each label, with the given causes switched on."""
        items = self._items["new_items" in on]
        votes = pl.concat(
            [
                self._of_stayers["changed_votes" in on],
                self._of_movers,
                self._of_others["actor_mix" in on],
            ]
        ).join(items, on="item_id", how="semi")
        classes = self._sides["ontology" in on].classes
        called = votes.with_columns(pl.col("label").replace(classes)).sort(VOTE_COLUMNS)
        labels = self._sides["aggregator" in on].aggregate(called)
        label = pl.col("label").cast(pl.String).fill_null(UNLABELED)
        labeled = items.join(labels.select("item_id", "label"), on="item_id", how="left")
        counts = labeled.select(label).group_by("label").len()
        return {name: Fraction(count, items.height) for name, count in counts.iter_rows()}


def _items(side: LabelSource) -> pl.DataFrame:
    items = pl.DataFrame({"item_id": pl.Series(side.item_ids, dtype=pl.String)}).sort("item_id")
    repeated = items.height - items["item_id"].n_unique()
    if repeated:
        raise DriftError(f"{repeated} items of a release are listed twice", repeated=repeated)
    return items


def _votes(side: LabelSource, items: pl.DataFrame) -> pl.DataFrame:
    missing = [name for name in VOTE_COLUMNS if name not in side.votes.columns]
    if missing:
        raise DriftError(f"the votes of a release lack the columns {missing}", missing=missing)
    votes = side.votes.select(pl.col(VOTE_COLUMNS).cast(pl.String))
    return votes.join(items, on="item_id", how="semi").sort(VOTE_COLUMNS)


def _numbers(shares: Shares) -> dict[str, float]:
    return {name: float(share) for name, share in shares.items()}
