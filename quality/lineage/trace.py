"""A trace: one label, every vote behind it, and every change it went through."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from quality.ledger import effective_votes, retracted_ids
from quality.ontology.mapping import ClassMapping
from quality.synthetic.origin import parents_of

COUNTS = "counts"


@dataclass(frozen=True)
class TracedVote:
    """One vote on the item.

    Attributes:
        counts: Whether it stands behind the label: neither taken back nor superseded nor set
            aside because its class is none any more.
        fate: `counts`, `counts as CLASS` (where it was cast in an older ontology), `set aside`
            with the reason, `retracted`, `superseded` or `is a retraction`.
    """

    vote_id: str
    kind: str
    actor: str
    actor_version: str
    label: str | None
    region: str | None
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
    regions: tuple[dict[str, Any], ...]
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
    mapping: ClassMapping | None = None,
    regions: pl.DataFrame | None = None,
) -> Trace:
    """The trace of one item.

    Args:
        item_id: The item.
        item: Its row of items, None where it has none.
        label: Its row of labels, None before its first release.
        score: Its row of scores, likewise.
        votes: All votes on it, taken back or not.
        history: All rows of its history.
        mapping: What votes of older ontologies say; None before the first release.
        regions: Its rows of regions, where its label is a set of them.
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
        regions=() if regions is None else tuple(regions.drop("item_id").to_dicts()),
        votes=_traced_votes(votes, mapping),
        changes=tuple(
            TracedChange(**{**row, "caused_by": tuple(row["caused_by"])})
            for row in history.sort("release").drop("item_id").iter_rows(named=True)
        ),
    )


def _traced_votes(votes: pl.DataFrame, mapping: ClassMapping | None) -> tuple[TracedVote, ...]:
    fates = _fates(effective_votes(votes), mapping)
    taken_back = set(retracted_ids(votes))
    names = [name for name in TracedVote.__dataclass_fields__ if name not in {"counts", "fate"}]
    ordered = votes.sort(pl.coalesce("cast_at", "imported_at"), "imported_at", "vote_id")
    traced = []
    for row in ordered.select(names).iter_rows(named=True):
        fate = _fate(row, fates, taken_back)
        traced.append(TracedVote(**row, counts=fate.startswith(COUNTS), fate=fate))
    return tuple(traced)


def _fates(effective: pl.DataFrame, mapping: ClassMapping | None) -> dict[str, str]:
    """What becomes of each vote that is an actor's last word, by its id."""
    if mapping is None:
        return dict.fromkeys(effective["vote_id"], COUNTS)
    columns = ("vote_id", "given_label", "label", "reason")
    return {
        vote: f"set aside: {reason}"
        if reason
        else (COUNTS if given == label else f"{COUNTS} as {label}")
        for vote, given, label, reason in mapping.carried(effective).select(columns).rows()
    }


def _fate(row: dict[str, Any], fates: dict[str, str], taken_back: set[str]) -> str:
    if row["vote_id"] in taken_back:
        return "retracted"
    if row["kind"] == "retract":
        return "is a retraction"
    return fates.get(row["vote_id"], "superseded")
