"""A trace: one label, every vote behind it, and every change it went through."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from quality.ledger import effective_votes, retracted_ids
from quality.synthetic.origin import parents_of


@dataclass(frozen=True)
class TracedVote:
    """One vote on the item.

    Attributes:
        counts: Whether it stands behind the label: neither taken back nor superseded.
        fate: `counts`, `retracted`, `superseded` or `is a retraction`.
    """

    vote_id: str
    kind: str
    actor: str
    actor_version: str
    label: str | None
    score: float | None
    trained_on: str | None
    shown_prediction: str | None
    cast_at: datetime | None
    imported_at: datetime
    origin: dict[str, str] | None
    retracts: str | None
    run_id: str
    counts: bool
    fate: str


@dataclass(frozen=True)
class TracedChange:
    """One change of the label: in which release, from what to what, and why."""

    release: str
    from_label: str | None
    to_label: str | None
    cause: str
    caused_by: tuple[str, ...]


@dataclass(frozen=True)
class Trace:
    """All that is known of one item's label at one commit.

    Attributes:
        parents: Ids of the items that a synthetic item was made of.
    """

    item_id: str
    label: str | None
    state: str | None
    since: str | None
    split: str | None
    confidence: float | None
    source_uri: str | None
    parents: tuple[str, ...]
    votes: tuple[TracedVote, ...]
    changes: tuple[TracedChange, ...]


def trace(
    item_id: str,
    *,
    item: dict[str, Any] | None,
    label: dict[str, Any] | None,
    score: dict[str, Any] | None,
    votes: pl.DataFrame,
    history: pl.DataFrame,
) -> Trace:
    """The trace of one item.

    Args:
        item_id: The item.
        item: Its row of items, None where it has none.
        label: Its row of labels, None before its first release.
        score: Its row of scores, likewise.
        votes: All votes on it, taken back or not.
        history: All rows of its history.
    """
    label, score, item = label or {}, score or {}, item or {}
    return Trace(
        item_id=item_id,
        label=label.get("label"),
        state=label.get("state"),
        since=label.get("since"),
        split=label.get("split"),
        confidence=score.get("confidence"),
        source_uri=item.get("source_uri"),
        parents=parents_of(item.get("source_uri")),
        votes=_traced_votes(votes),
        changes=tuple(
            TracedChange(**{**row, "caused_by": tuple(row["caused_by"])})
            for row in history.sort("release").drop("item_id").iter_rows(named=True)
        ),
    )


def _traced_votes(votes: pl.DataFrame) -> tuple[TracedVote, ...]:
    counting = set(effective_votes(votes)["vote_id"])
    taken_back = set(retracted_ids(votes))
    names = [name for name in TracedVote.__dataclass_fields__ if name not in {"counts", "fate"}]
    ordered = votes.sort(pl.coalesce("cast_at", "imported_at"), "imported_at", "vote_id")
    return tuple(
        TracedVote(**row, counts=row["vote_id"] in counting, fate=_fate(row, counting, taken_back))
        for row in ordered.select(names).iter_rows(named=True)
    )


def _fate(row: dict[str, Any], counting: set[str], taken_back: set[str]) -> str:
    if row["vote_id"] in taken_back:
        return "retracted"
    if row["kind"] == "retract":
        return "is a retraction"
    return "counts" if row["vote_id"] in counting else "superseded"
