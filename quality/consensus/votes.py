"""Votes as integer codes, sorted by item: built once, shared between aggregators."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quality.consensus.errors import ParameterError, UnknownLabelError, VotesFrameError

Repeats = Literal["last", "all"]


@dataclass(frozen=True)
class VoteCodes:
    """Votes of actors on items, without abstentions, ordered by item and then actor.

    The order of the frame's rows leaves no trace: items and actors are coded in the order of
    their names, so that every sum over votes is taken in the same order, bit for bit.

    Attributes:
        classes: the classes, in ontology order.
        items: String [n_items], sorted: every item of the frame, also without a usable vote.
        actors: String [n_actors], sorted: every actor of the frame.
        item: int32 [n_votes], never decreasing.
        actor: int32 [n_votes].
        label: int32 [n_votes].
        weight: float64 [n_votes], greater than 0; None where every vote counts 1.
        n_abstained: int64 [n_actors]: the abstentions of each actor.
        n_duplicates: earlier votes replaced by the same actor's last vote on the item.
        n_weightless: votes of weight 0, which count for nothing.
    """

    classes: tuple[str, ...]
    items: pl.Series
    actors: pl.Series
    item: NDArray[np.int32]
    actor: NDArray[np.int32]
    label: NDArray[np.int32]
    weight: NDArray[np.float64] | None
    n_abstained: NDArray[np.int64]
    n_duplicates: int
    n_weightless: int

    @classmethod
    def of(
        cls,
        votes: "pl.DataFrame | VoteCodes",
        classes: Sequence[str],
        *,
        repeats: Repeats = "last",
    ) -> "VoteCodes":
        """Code a frame of votes.

        Args:
            votes: item_id String, actor String, label String (null abstains) and, optionally,
                weight Float64. Categorical and Enum columns are read as strings. Codes made
                before pass through if their classes are the same.
            classes: the classes, in ontology order; at least two.
            repeats: what several votes of one actor on one item mean: "last" (the later row
                replaces the earlier, abstentions included) or "all" (independent readings).

        Raises:
            ParameterError: fewer than two classes, a class twice, or codes for other classes.
            VotesFrameError: a missing column, a null item_id or actor, a weight that is null,
                negative or not finite.
            UnknownLabelError: labels outside the classes.
        """
        known = checked_classes(classes)
        if isinstance(votes, VoteCodes):
            if votes.classes != known:
                expected = f"the classes that the votes were coded with: {list(votes.classes)}"
                raise ParameterError("classes", list(known), expected)
            return votes
        return _code(votes, known, repeats)

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.items)

    @property
    def n_actors(self) -> int:
        """Number of actors."""
        return len(self.actors)

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @property
    def n_votes(self) -> int:
        """Number of votes that count."""
        return len(self.item)

    @property
    def weights(self) -> NDArray[np.float64]:
        """float64 [n_votes]: the weights, written out where every vote counts 1."""
        return np.ones(self.n_votes) if self.weight is None else self.weight

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """int64 [n_items + 1]: the votes on item i stand at starts[i]:starts[i + 1]."""
        counts = np.bincount(self.item, minlength=self.n_items)
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    @cached_property
    def cells(self) -> NDArray[np.int32]:
        """int32 [n_votes]: actor * n_classes + label, the row of a vote in an actor's table."""
        cells: NDArray[np.int32] = self.actor * np.int32(self.n_classes) + self.label
        return cells

    def without(
        self, votes: pl.DataFrame | None = None, *, actors: Sequence[str] = ()
    ) -> "VoteCodes":
        """Leave out single votes (columns item_id, actor) and all votes of some actors.

        Items and actors stay listed; an item that loses its last vote is unlabeled. Votes that
        are not there are passed over.
        """
        dropped = self.actors.is_in(list(actors)).to_numpy()[self.actor]
        if votes is not None:
            dropped |= np.isin(self._keys(), self._keys_of(votes))
        return self._only(~dropped)

    def _keys(self) -> NDArray[np.int64]:
        return self.item.astype(np.int64) * self.n_actors + self.actor

    def _keys_of(self, votes: pl.DataFrame) -> NDArray[np.int64]:
        _require_columns(votes, ("item_id", "actor"))
        item = places(votes["item_id"].cast(pl.String), self.items)
        actor = places(votes["actor"].cast(pl.String), self.actors)
        known = (item >= 0) & (actor >= 0)
        return item[known].astype(np.int64) * self.n_actors + actor[known]

    def _only(self, kept: NDArray[np.bool_]) -> Self:
        return replace(
            self,
            item=self.item[kept],
            actor=self.actor[kept],
            label=self.label[kept],
            weight=None if self.weight is None else self.weight[kept],
        )


def checked_classes(classes: Sequence[str]) -> tuple[str, ...]:
    """The classes as a tuple: at least two, all different, none empty.

    Raises:
        ParameterError: they are not.
    """
    known = tuple(classes)
    if isinstance(classes, str) or not all(isinstance(name, str) and name for name in known):
        raise ParameterError("classes", classes, "a sequence of names, none of them empty")
    if len(known) < 2 or len(set(known)) < len(known):  # noqa: PLR2004
        raise ParameterError("classes", list(known), "at least two classes, all different")
    return known


def _code(votes: pl.DataFrame, classes: tuple[str, ...], repeats: Repeats) -> VoteCodes:
    if repeats not in ("last", "all"):
        raise ParameterError("repeats", repeats, "'last' or 'all'")
    _require_columns(votes, ("item_id", "actor", "label"))
    items, item = _names_and_codes(votes, "item_id")
    actors, actor = _names_and_codes(votes, "actor")
    label = _label_codes(votes["label"], classes)
    weight = _weights(votes)
    order = np.argsort(item.astype(np.int64) * len(actors) + actor, kind="stable")
    order, n_duplicates = _last_of_each(order, item, actor) if repeats == "last" else (order, 0)
    voted = label[order] >= 0
    n_abstained = np.bincount(actor[order[~voted]], minlength=len(actors))
    counted = voted if weight is None else voted & (weight[order] > 0)
    order = order[counted]
    if repeats == "all":
        order = order[np.lexsort((label[order], actor[order], item[order]))]
    return VoteCodes(
        classes=classes,
        items=items,
        actors=actors,
        item=item[order],
        actor=actor[order],
        label=label[order],
        weight=None if weight is None else weight[order],
        n_abstained=n_abstained,
        n_duplicates=n_duplicates,
        n_weightless=int(voted.sum() - counted.sum()),
    )


def _require_columns(votes: pl.DataFrame, columns: Sequence[str]) -> None:
    for column in columns:
        if column not in votes.columns:
            raise VotesFrameError(
                f"The frame of votes has no column {column!r}, only {votes.columns}. It needs "
                "item_id, actor, label (null abstains) and, optionally, weight.",
                column=column,
            )


def _strings(column: pl.Series) -> pl.Series:
    if column.dtype == pl.String:
        return column
    if column.dtype == pl.Null or isinstance(column.dtype, pl.Categorical | pl.Enum):
        return column.cast(pl.String)
    raise VotesFrameError(
        f"Column {column.name!r} of the votes is {column.dtype}; expected String.",
        column=column.name,
        n_rows=len(column),
    )


def _names_and_codes(votes: pl.DataFrame, column: str) -> tuple[pl.Series, NDArray[np.int32]]:
    values = _strings(votes[column])
    if values.null_count():
        raise VotesFrameError(
            f"{values.null_count()} votes have no {column}. Every vote names its item and its "
            "actor (an unknown person is 'human:unknown').",
            column=column,
            n_rows=values.null_count(),
        )
    if values.is_sorted():
        codes = values.rle_id().to_numpy().astype(np.int32)
        return values.unique(maintain_order=True), codes
    names = values.unique().sort()
    return names, places(values, names)


def places(values: pl.Series, names: pl.Series) -> NDArray[np.int32]:
    """int32: the place of each value among the names; -1 where it is not among them."""
    known = pl.DataFrame({"name": names, "place": pl.int_range(len(names), eager=True)})
    joined = values.to_frame("name").join(known, on="name", how="left", maintain_order="left")
    return joined["place"].fill_null(-1).to_numpy().astype(np.int32)


def _label_codes(column: pl.Series, classes: tuple[str, ...]) -> NDArray[np.int32]:
    values = _strings(column)
    codes = places(values, pl.Series(classes, dtype=pl.String))
    unknown = values.filter(pl.Series(codes < 0) & values.is_not_null())
    if len(unknown):
        counts = (
            unknown.rename("label").value_counts().sort("count", "label", descending=[True, False])
        )
        raise UnknownLabelError(dict(counts.iter_rows()), classes)
    return codes


def _weights(votes: pl.DataFrame) -> NDArray[np.float64] | None:
    if "weight" not in votes.columns:
        return None
    weight = votes["weight"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    wrong = int((~np.isfinite(weight) | (weight < 0)).sum())
    if wrong:
        raise VotesFrameError(
            f"{wrong} votes have a weight that is null, negative or not finite. A weight is a "
            "number from 0 (the vote does not count) upwards; leave the column out to count "
            "every vote once.",
            column="weight",
            n_rows=wrong,
        )
    return weight


def _last_of_each(
    order: NDArray[np.int64], item: NDArray[np.int32], actor: NDArray[np.int32]
) -> tuple[NDArray[np.int64], int]:
    last = np.ones(len(order), dtype=np.bool_)
    if len(order) > 1:
        here, after = order[:-1], order[1:]
        last[:-1] = (item[here] != item[after]) | (actor[here] != actor[after])
    return order[last], int((~last).sum())
