"""Votes taken back: who decided it, when, why, and which votes it names.

A retraction file is JSON, or JSON Lines, of records such as

    {"retract": {"actor": "human:careless", "since": "2026-01-05T00:00:00Z", "by": "human:lead",
                 "decided_at": "2026-02-01T09:00:00Z", "reason": "answered at random"}}

`actor` names whose votes, `items`, `since` and `until` narrow it; or `votes` names vote ids.
"""

from datetime import UTC
from difflib import get_close_matches
from typing import Any

import polars as pl
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from assets.review.balance import REJECTS, Balance, ReviewImport, Source
from assets.review.records import Broken, decoded, records
from quality.ledger import retractions
from quality.schema import ACTOR_KINDS, VOTES
from quality.schema import UTC as UTC_TYPE

_KINDS = "|".join(ACTOR_KINDS)
ACTOR = rf"^({_KINDS}):\S+$"


class Retraction(BaseModel):
    """One decision to take votes back; it covers what was cast until it was decided."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: str = Field(pattern=ACTOR)
    decided_at: AwareDatetime
    reason: str = Field(min_length=1)
    actor: str | None = Field(None, pattern=ACTOR)
    items: tuple[str, ...] | None = None
    votes: tuple[str, ...] | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None

    @model_validator(mode="after")
    def _names_votes(self) -> "Retraction":
        if self.actor is None and self.votes is None:
            raise ValueError("names neither an actor nor votes; give one of them")
        return self

    def to_json(self) -> bytes:
        """The decision as one line of a retraction file."""
        stated = self.model_dump_json(exclude_none=True)
        return f'{{"retract": {stated}}}\n'.encode()

    def targets(self, ledger: pl.DataFrame) -> pl.DataFrame:
        """The votes of the ledger that this decision takes back."""
        cast = pl.coalesce("cast_at", "imported_at")
        until = min(self.decided_at, self.until or self.decided_at)
        named = [cast <= until]
        if self.actor is not None:
            named += [pl.col("actor") == self.actor, pl.col("kind") != "retract"]
        if self.items is not None:
            named.append(pl.col("item_id").is_in(list(self.items)))
        if self.votes is not None:
            named.append(pl.col("vote_id").is_in(list(self.votes)))
        if self.since is not None:
            named.append(cast >= self.since)
        return ledger.filter(*named)


def is_retraction_file(content: bytes) -> bool:
    """Whether the file's first readable record is a retraction."""
    if b'"retract"' not in content[:65536]:
        return False
    first = next((r for r in records(decoded(content)) if not isinstance(r, Broken)), None)
    return isinstance(first, dict) and "retract" in first


def import_retractions(content: bytes, source: Source, votes: pl.DataFrame) -> ReviewImport:
    """The retraction votes that a file of decisions comes to.

    Each vote that a decision names is one judgment of the balance; a decision that names none
    on record, or that cannot be read, is one rejected.
    """
    taken = [VOTES.empty()]
    rejects: list[dict[str, Any]] = []
    duplicates = 0
    known = votes.filter(pl.col("kind") == "retract")["vote_id"]
    for number, record in enumerate(records(decoded(content)), start=1):
        decision = _read(record)
        faults = [decision] if isinstance(decision, str) else _not_on_record(decision, votes)
        actor = None if isinstance(decision, str) else decision.actor
        rejects += [_reject(source, number, actor, fault) for fault in faults]
        if isinstance(decision, Retraction):
            rows = _retract(decision, votes, source)
            fresh = rows.filter(~pl.col("vote_id").is_in(known.implode()))
            known = pl.concat([known, fresh["vote_id"]])
            duplicates += rows.height - fresh.height
            taken.append(fresh)
    accepted = pl.concat(taken)
    total = accepted.height + duplicates + len(rejects)
    return ReviewImport(
        file=source.file,
        file_sha256=source.file_sha256,
        votes=VOTES.check(accepted),
        rejects=pl.DataFrame(rejects, schema=REJECTS, orient="row"),
        balance=Balance(total, accepted.height, duplicates, 0, len(rejects)),
    )


def _read(record: Any) -> Retraction | str:
    if isinstance(record, Broken):
        return record.reason
    if not isinstance(record, dict) or set(record) != {"retract"}:
        return 'not a retraction; expected {"retract": {...}} alone'
    try:
        return Retraction.model_validate(record["retract"])
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, f['loc'])) or 'retract'}: {f['msg']}" for f in error.errors()
        ]
        return "not a retraction: " + "; ".join(faults)


def _not_on_record(decision: Retraction, votes: pl.DataFrame) -> list[str]:
    """What the decision names and the ledger does not have."""
    found = decision.targets(votes)
    if decision.votes is not None:
        missing = set(decision.votes) - set(found["vote_id"])
        return [f"no vote '{vote}' on record fits it" for vote in sorted(missing)]
    if found.height:
        return []
    actors = votes["actor"].unique().sort().to_list()
    if decision.actor in actors:
        return [f"no vote of {decision.actor} fits its items and times"]
    close = get_close_matches(str(decision.actor), actors, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    return [f"no vote of '{decision.actor}' is on record{hint}"]


def _retract(decision: Retraction, votes: pl.DataFrame, source: Source) -> pl.DataFrame:
    targets = decision.targets(votes)
    rows = retractions(
        targets,
        targets["vote_id"],
        by=decision.by,
        reason=decision.reason,
        at=pl.lit(decision.decided_at.astimezone(UTC)).cast(UTC_TYPE),
        run_id=source.run_id,
        code_version=source.code_version,
    )
    return rows.with_columns(
        pl.col("origin").struct.with_fields(pl.lit(source.file_sha256).alias("file_sha256")),
        pl.lit(source.imported_at.astimezone(UTC)).cast(UTC_TYPE).alias("imported_at"),
    )


def _reject(source: Source, number: int, actor: str | None, reason: str) -> dict[str, Any]:
    return {
        "file": source.file,
        "file_sha256": source.file_sha256,
        "task": "retraction",
        "annotation": str(number),
        "item_id": None,
        "actor": actor,
        "label": None,
        "outcome": "rejected",
        "reason": reason,
    }
