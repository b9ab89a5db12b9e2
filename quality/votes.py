"""Votes as integer codes, sorted by item: built once, shared by every figure that needs them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quality.coding import class_codes, in_order, names_and_codes, places
from quality.errors import ClassesError, VotesFrameError

Repeats = Literal["last", "all"]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class VoteCodes:
    """Votes of actors on items, without abstentions, ordered by item and then actor.

    Where items are coded by name the order of the frame's rows leaves no trace: every sum over
    votes is taken in the same order, bit for bit.

    Attributes:
        classes: the classes, in ontology order.
        items: [n_items] every item of the frame, also without a usable vote.
        actors: [n_actors] sorted: every actor of the frame.
        item: int32 [n_votes], never decreasing.
        actor: int32 [n_votes].
        label: int32 [n_votes].
        weight: float64 [n_votes], greater than 0; None where every vote counts 1.
        n_abstained: int64 [n_actors]: the abstentions of each actor.
        n_duplicates: earlier votes replaced by the same actor's last vote on the item.
        n_weightless: votes of weight 0, which count for nothing.
        flags: bool [n_votes] of each column that was carried along.
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
    flags: Mapping[str, Mask] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        votes: "pl.DataFrame | VoteCodes",
        classes: Sequence[str],
        *,
        repeats: Repeats = "last",
        flags: Sequence[str] = (),
        by_name: bool = True,
    ) -> "VoteCodes":
        """Code a frame of votes.

        Args:
            votes: item_id and actor (names or whole numbers), label String (null abstains) and,
                optionally, weight Float64. Codes made before pass through if their classes are
                the same.
            classes: the classes, in ontology order.
            repeats: what several votes of one actor on one item mean: "last" (the later row
                replaces the earlier, abstentions included) or "all" (independent readings).
            flags: Boolean columns of the votes to carry along; null is False.
            by_name: whether items are coded in the order of their names; if not, as they come,
                which is faster where sums do not depend on the order.

        Raises:
            ClassesError: a class twice, or codes for other classes.
            VotesFrameError: a missing column, a null item_id or actor, a flag that is no boolean,
                a weight that is null, negative or not finite.
            UnknownLabelError: labels outside the classes.
        """
        known = tuple(classes)
        if isinstance(votes, VoteCodes):
            if votes.classes != known:
                raise ClassesError(known, f"the votes were coded with {list(votes.classes)}")
            return votes
        if len(set(known)) < len(known):
            raise ClassesError(known, "a class is listed twice")
        return _code(votes, known, repeats, tuple(flags), by_name=by_name)

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
    def n_voters(self) -> int:
        """Number of actors with at least one vote that counts."""
        return int(np.count_nonzero(np.bincount(self.actor, minlength=1)))

    @property
    def weights(self) -> NDArray[np.float64]:
        """float64 [n_votes]: the weights, written out where every vote counts 1."""
        return np.ones(self.n_votes) if self.weight is None else self.weight

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """int64 [n_items + 1]: the votes on item i stand at starts[i]:starts[i + 1]."""
        starts = np.zeros(self.n_items + 1, dtype=np.int64)
        np.cumsum(np.bincount(self.item, minlength=self.n_items), out=starts[1:])
        return starts

    @cached_property
    def voted(self) -> NDArray[np.int64]:
        """int64 [n_voted]: the items that have a vote."""
        return np.flatnonzero(self.starts[1:] > self.starts[:-1])

    @cached_property
    def cells(self) -> NDArray[np.int32]:
        """int32 [n_votes]: actor * n_classes + label, the row of a vote in an actor's table."""
        cells: NDArray[np.int32] = self.actor * np.int32(self.n_classes) + self.label
        return cells

    def where(self, kept: Mask) -> Self:
        """The same items, actors and classes with only the votes that the mask keeps."""
        if kept.all():
            return self
        return replace(
            self,
            item=self.item[kept],
            actor=self.actor[kept],
            label=self.label[kept],
            weight=None if self.weight is None else self.weight[kept],
            flags={name: flag[kept] for name, flag in self.flags.items()},
        )

    def without(
        self, votes: pl.DataFrame | None = None, *, actors: Sequence[str] = ()
    ) -> "VoteCodes":
        """Leave out single votes (columns item_id, actor) and all votes of some actors.

        Items and actors stay listed; an item that loses its last vote is unlabeled. Votes that
        are not there are passed over.
        """
        dropped = self.actors.is_in(list(actors)).to_numpy()[self.actor]
        if votes is not None:
            keys = self.item.astype(np.int64) * self.n_actors + self.actor
            dropped |= np.isin(keys, self._keys_of(votes))
        return self.where(~dropped)

    def _keys_of(self, votes: pl.DataFrame) -> NDArray[np.int64]:
        require_columns(votes, ("item_id", "actor"))
        item = places(votes["item_id"].cast(self.items.dtype), self.items)
        actor = places(votes["actor"].cast(self.actors.dtype), self.actors)
        known = (item >= 0) & (actor >= 0)
        return item[known].astype(np.int64) * self.n_actors + actor[known]


def _code(
    votes: pl.DataFrame,
    classes: tuple[str, ...],
    repeats: Repeats,
    flags: tuple[str, ...],
    *,
    by_name: bool,
) -> VoteCodes:
    require_columns(votes, ("item_id", "actor", "label", *flags))
    items, item = names_and_codes(votes["item_id"], by_name=by_name)
    actors, actor = names_and_codes(votes["actor"])
    label, weight = class_codes(votes["label"], classes), _weights(votes)
    columns = {name: _flag(votes[name]) for name in flags}
    order, n_duplicates = _order(item, actor, label, len(actors), repeats)
    if order is not None:
        item, actor, label = item[order], actor[order], label[order]
        weight = None if weight is None else weight[order]
        columns = {name: flag[order] for name, flag in columns.items()}
    voted = label >= 0
    counted = voted if weight is None else voted & (weight > 0)
    made = VoteCodes(
        classes=classes,
        items=items,
        actors=actors,
        item=item,
        actor=actor,
        label=label,
        weight=weight,
        n_abstained=np.bincount(actor[~voted], minlength=len(actors)),
        n_duplicates=n_duplicates,
        n_weightless=int(voted.sum() - counted.sum()),
        flags=columns,
    )
    return made.where(counted)


def _order(
    item: NDArray[np.int32],
    actor: NDArray[np.int32],
    label: NDArray[np.int32],
    n_actors: int,
    repeats: Repeats,
) -> tuple[NDArray[np.int64] | None, int]:
    """Places of the votes by item and actor, None where they stand so; and the replaced ones."""
    key = item.astype(np.int64)
    key *= n_actors
    key += actor
    if (key[1:] > key[:-1]).all():
        return None, 0
    if repeats == "all":
        return np.lexsort((label, key)), 0
    ascending, order = in_order(key)
    again = ascending[1:] == ascending[:-1]
    if not again.any():
        return order, 0
    return order[np.append(~again, True)], int(again.sum())


def require_columns(votes: pl.DataFrame, columns: Sequence[str]) -> None:
    """See that a frame of votes has some columns.

    Raises:
        VotesFrameError: it lacks one.
    """
    for column in columns:
        if column not in votes.columns:
            raise VotesFrameError(
                f"The frame of votes has no column {column!r}, only {votes.columns}. It needs "
                "item_id, actor, label (null abstains) and, optionally, weight.",
                column=column,
            )


def _flag(column: pl.Series) -> Mask:
    if column.dtype not in (pl.Boolean, pl.Null):
        raise VotesFrameError(
            f"column {column.name} is {column.dtype}; expected true, false or null.",
            column=column.name,
            n_rows=len(column),
        )
    flag: Mask = column.cast(pl.Boolean).fill_null(value=False).to_numpy()
    return flag


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
