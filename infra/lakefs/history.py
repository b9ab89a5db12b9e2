"""Commits: their records, their order, and what two have in common."""

import heapq
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from infra.lakefs.errors import NotFoundError
from infra.lakefs.repositories import Repository

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit; `root` is its tree's digest, `generation` one more than its parents' highest."""

    id: str
    parents: tuple[str, ...]
    root: bytes
    generation: int
    committer: str
    message: str
    metadata: Mapping[str, str]
    created_ns: int

    @property
    def date(self) -> int:
        """When it was made, in Unix seconds."""
        return self.created_ns // _NS


@dataclass(frozen=True, slots=True)
class Draft:
    """What a client says about a commit to be made; `date` in Unix seconds, None is now."""

    committer: str
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    date: int | None = None


def make(draft: Draft, root: bytes, parents: list[Commit]) -> Commit:
    """A commit named by its content, the date in seconds: same content, same commit."""
    created_ns = time.time_ns() if draft.date is None else draft.date * _NS
    ids = tuple(parent.id for parent in parents)
    content = [
        draft.committer,
        draft.message,
        root.hex(),
        created_ns // _NS,
        sorted(draft.metadata.items()),
        ids,
    ]
    return Commit(
        id=sha256(json.dumps(content).encode()).hexdigest(),
        parents=ids,
        root=root,
        generation=1 + max((parent.generation for parent in parents), default=0),
        committer=draft.committer,
        message=draft.message,
        metadata=dict(draft.metadata),
        created_ns=created_ns,
    )


def insert(db: sqlite3.Connection, repository: Repository, commit: Commit) -> None:
    """Keep a commit; the same one again changes nothing."""
    db.execute(
        "INSERT OR IGNORE INTO commits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            repository.id,
            commit.id,
            " ".join(commit.parents),
            commit.root,
            commit.generation,
            commit.committer,
            commit.message,
            json.dumps(commit.metadata),
            commit.created_ns,
        ),
    )


def find(db: sqlite3.Connection, repository: Repository, commit_id: str) -> Commit | None:
    """The commit of that full id, or None."""
    query = "SELECT * FROM commits WHERE repository = ? AND id = ?"
    row = db.execute(query, (repository.id, commit_id)).fetchone()
    if row is None:
        return None
    _, found, parents, root, generation, committer, message, metadata, created_ns = row
    return Commit(
        found,
        tuple(parents.split()),
        root,
        generation,
        committer,
        message,
        json.loads(metadata),
        created_ns,
    )


def existing(db: sqlite3.Connection, repository: Repository, commit_id: str) -> Commit:
    """The commit of that full id.

    Raises:
        NotFoundError: There is none.
    """
    found = find(db, repository, commit_id)
    if found is None:
        raise NotFoundError("commit not found")
    return found


def by_prefix(db: sqlite3.Connection, repository: Repository, prefix: str) -> str | None:
    """The one commit whose id begins so; None when there is none or more than one."""
    query = "SELECT id FROM commits WHERE repository = ? AND id >= ? AND id < ? LIMIT 2"
    rows = db.execute(query, (repository.id, prefix, prefix + "g")).fetchall()
    return rows[0][0] if len(rows) == 1 else None


def log(
    db: sqlite3.Connection, repository: Repository, head: str, *, first_parent: bool
) -> Iterator[Commit]:
    """Ancestors, newest first, each once; a commit always comes before its parents."""
    start = existing(db, repository, head)
    queue = [(_newest_first(start), start)]
    seen = {head}
    while queue:
        _, commit = heapq.heappop(queue)
        yield commit
        for parent_id in commit.parents[:1] if first_parent else commit.parents:
            if parent_id not in seen:
                seen.add(parent_id)
                parent = existing(db, repository, parent_id)
                heapq.heappush(queue, (_newest_first(parent), parent))


def merge_base(
    db: sqlite3.Connection, repository: Repository, left: str, right: str
) -> Commit | None:
    """The common ancestor of the highest generation, or None."""
    sides = {left: 1}
    sides[right] = sides.get(right, 0) | 2
    queue = [(-existing(db, repository, one).generation, one) for one in sides]
    heapq.heapify(queue)
    while queue:
        _, commit_id = heapq.heappop(queue)
        commit = existing(db, repository, commit_id)
        if sides[commit_id] == 3:  # noqa: PLR2004 - seen from both sides
            return commit
        for parent_id in commit.parents:
            if parent_id not in sides:
                sides[parent_id] = 0
                parent = existing(db, repository, parent_id)
                heapq.heappush(queue, (-parent.generation, parent_id))
            sides[parent_id] |= sides[commit_id]
    return None


def _newest_first(commit: Commit) -> tuple[int, int, str]:
    return -commit.created_ns, -commit.generation, commit.id
