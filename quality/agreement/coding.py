"""Votes as integer codes, sorted by item: what every figure here starts from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.agreement.errors import AgreementError, MissingColumnsError, UnknownLabelError

Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class CodedVotes:
    """Votes that count, one per actor and item, sorted by item and then by actor.

    Attributes:
        items: Distinct item ids; an item's code is its place here. Holds unvoted items too.
        actors: Distinct actors, coded alike.
        classes: The ontology's classes, coded alike.
        item: (n_votes,) item codes, ascending.
        actor: (n_votes,) actor codes.
        label: (n_votes,) class codes.
        n_abstained: Votes left out because they name no label.
        n_superseded: Votes left out because the same actor voted on the item again later.
        flags: (n_votes,) of each column that was carried along.
    """

    items: pl.Series
    actors: pl.Series
    classes: tuple[str, ...]
    item: Codes
    actor: Codes
    label: Codes
    n_abstained: int
    n_superseded: int
    flags: Mapping[str, Mask] = field(default_factory=dict)

    def where(self, mask: Mask) -> "CodedVotes":
        """The same items, actors and classes with only the votes that the mask keeps."""
        if mask.all():
            return self
        flags = {name: flag[mask] for name, flag in self.flags.items()}
        kept = (self.item[mask], self.actor[mask], self.label[mask])
        return replace(self, item=kept[0], actor=kept[1], label=kept[2], flags=flags)

    @property
    def starts(self) -> Codes:
        """(n_voted,) where the votes of each item that has any begin."""
        return starts(self.item)

    @property
    def n_actors(self) -> int:
        """How many actors have at least one vote that counts."""
        return int(np.count_nonzero(np.bincount(self.actor, minlength=1)))


def code_votes(
    votes: pl.DataFrame, classes: Sequence[str], *, flags: Sequence[str] = ()
) -> CodedVotes:
    """Codes votes as integers, without abstentions and superseded votes.

    Args:
        votes: Columns item_id, actor, label; a null label abstains. Where an actor voted on
            an item more than once the last row wins, and the others are counted.
        classes: The ontology's classes, in the order their codes take.
        flags: Boolean columns of the votes to carry along; null is False.

    Raises:
        AgreementError: A column is missing, an item or an actor is null, a flag is neither
            true nor false, a class is listed twice or a label is not among the classes.
    """
    wanted = ("item_id", "actor", "label", *flags)
    missing = [name for name in wanted if name not in votes.columns]
    if missing:
        raise MissingColumnsError(missing, votes.columns)
    for name in ("item_id", "actor"):
        if votes[name].null_count():
            raise AgreementError(
                f"{votes[name].null_count()} votes have no {name}; "
                "a vote must say what it is about and whose it is: set these aside first."
            )
    for name in flags:
        if votes[name].dtype not in (pl.Boolean, pl.Null):
            raise AgreementError(
                f"column {name} is {votes[name].dtype}; expected true, false or null."
            )
    item, items = factorize(votes["item_id"])
    actor, actors = factorize(votes["actor"])
    said = _label_codes(votes["label"], classes) + 1
    for name in flags:
        said <<= 1
        said |= votes[name].cast(pl.Boolean).fill_null(False).cast(pl.Int64).to_numpy()
    return _in_order(
        CodedVotes(items, actors, tuple(classes), item, actor, said, 0, 0), tuple(flags)
    )


def factorize(column: pl.Series) -> tuple[Codes, pl.Series]:
    """Codes of a column's values and the distinct values.

    Whole numbers that lie close together are their own codes. Of anything else the runs of
    equal values are found first, so that a column grouped by item is hashed once per item and
    not once per vote.
    """
    if column.dtype.is_integer() and not column.null_count() and len(column):
        low, high = int(column.min()), int(column.max())  # type: ignore[arg-type]
        if high - low <= 4 * len(column):
            return _places(column, low)
    run = column.rle_id().to_numpy().astype(np.int64)
    heads = column.gather(starts(run))
    if _all_differ(heads):
        return run, heads
    distinct = heads.unique(maintain_order=True)
    places = distinct.to_frame("value").with_row_index("code")
    joined = heads.to_frame("value").join(
        places, on="value", how="left", nulls_equal=True, maintain_order="left"
    )
    return joined["code"].to_numpy().astype(np.int64)[run], distinct


def starts(codes: Codes) -> Codes:
    """Where each run of equal codes begins."""
    first = np.ones(len(codes), np.bool_)
    np.not_equal(codes[1:], codes[:-1], out=first[1:])
    return np.flatnonzero(first)


def _places(column: pl.Series, low: int) -> tuple[Codes, pl.Series]:
    """Codes of whole numbers by their place among those that occur, from the lowest up."""
    code = column.to_numpy().astype(np.int64)
    code -= low
    occurs = np.bincount(code) > 0
    if not occurs.all():
        code = (np.cumsum(occurs) - 1)[code]
    return code, pl.Series(column.name, np.flatnonzero(occurs) + low).cast(column.dtype)


def _all_differ(values: pl.Series) -> bool:
    """Whether the values' hashes, and so the values, all differ; False may be wrong."""
    hashes = np.sort(values.hash().to_numpy())
    return bool((hashes[1:] != hashes[:-1]).all())


def _label_codes(labels: pl.Series, classes: Sequence[str]) -> Codes:
    """Class codes of the labels, -1 where the actor abstained."""
    if len(set(classes)) != len(classes):
        raise AgreementError(f"classes are listed twice in {list(classes)}; list each one once.")
    named = labels.cast(pl.String) if labels.dtype == pl.Null else labels
    coded = named.cast(pl.Enum(classes), strict=False)
    if coded.null_count() > labels.null_count():
        unknown = labels.filter(coded.is_null() & labels.is_not_null()).unique(maintain_order=True)
        raise UnknownLabelError(unknown.cast(pl.String).to_list(), classes)
    return coded.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()


def _in_order(raw: CodedVotes, flags: tuple[str, ...]) -> CodedVotes:
    """Sorted by item and actor, without abstentions and superseded votes.

    `raw.label` holds one more than the label and below it a bit per flag. An abstention after
    a vote takes the vote's place: the actor's last word is that it does not know.
    """
    actor_bits = len(raw.actors).bit_length()
    said_bits = len(raw.classes).bit_length() + len(flags)
    packed = raw.item << actor_bits
    packed |= raw.actor
    packed <<= said_bits
    packed |= raw.label
    if (packed[1:] < packed[:-1]).any():
        packed.sort()
    said = packed & ((1 << said_bits) - 1)
    packed >>= said_bits
    n_votes = len(packed)
    if (packed[1:] == packed[:-1]).any():
        packed, said = _last_words((raw.item << actor_bits) | raw.actor, raw.label)
    kept = said >= (1 << len(flags))
    n_superseded, n_abstained = n_votes - len(packed), int(np.count_nonzero(~kept))
    if n_abstained:
        packed, said = packed[kept], said[kept]
    bits = {name: (said >> place) & 1 == 1 for place, name in enumerate(reversed(flags))}
    actor = packed & ((1 << actor_bits) - 1)
    packed >>= actor_bits
    said >>= len(flags)
    said -= 1
    return CodedVotes(
        raw.items, raw.actors, raw.classes, packed, actor, said, n_abstained, n_superseded, bits
    )


def _last_words(pair: Codes, label: Codes) -> tuple[Codes, Codes]:
    """Each (item, actor) pair once, ascending, with the label given last."""
    order = np.argsort(pair, kind="stable")
    pair, label = pair[order], label[order]
    last = np.append(pair[1:] != pair[:-1], True)
    return pair[last], label[last]
