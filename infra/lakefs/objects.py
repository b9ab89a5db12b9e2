"""Objects on branches: staged, copied, deleted. Each function is one job of the writer."""

import sqlite3
import time
from dataclasses import dataclass, replace

from infra.lakefs import branches, history, names, repositories, staging
from infra.lakefs.blobs import Content
from infra.lakefs.branches import Branch
from infra.lakefs.changes import Target
from infra.lakefs.entry import Entry
from infra.lakefs.errors import NotFoundError, PreconditionFailedError
from infra.lakefs.repositories import Repository
from infra.lakefs.staging import View
from infra.lakefs.store import Store


@dataclass(frozen=True, slots=True)
class Staged:
    """An object as it was staged, and the repository it is in."""

    repository: Repository
    entry: Entry


def stage(
    db: sqlite3.Connection,
    store: Store,
    target: Target,
    key: bytes,
    entry: Entry,
    *,
    content: Content | None = None,
    if_absent: bool = False,
) -> Staged:
    """Stage an object, with the bytes that were received for it.

    Raises:
        PreconditionFailedError: `if_absent`, and the path has an object.
    """
    repository, branch = open_branch(db, target)
    if if_absent and _view(db, store, repository, branch).find(key):
        raise PreconditionFailedError("path already exists")
    if content:
        record(db, content)
    staging.put(db, store, branch, key, entry.pack())
    return Staged(repository, entry)


def copy(
    db: sqlite3.Connection,
    store: Store,
    target: Target,
    key: bytes,
    *,
    source: str,
    source_key: bytes,
) -> Staged:
    """Stage what another reference has under a key; the bytes are shared, the time is new."""
    repository, branch = open_branch(db, target)
    found = staging.view(db, store, repository, source).existing(source_key)
    entry = replace(found, mtime=int(time.time()))
    staging.put(db, store, branch, key, entry.pack())
    return Staged(repository, entry)


def set_metadata(
    db: sqlite3.Connection, store: Store, target: Target, key: bytes, metadata: dict[str, str]
) -> None:
    """Stage an object again with other user metadata."""
    repository, branch = open_branch(db, target)
    found = _view(db, store, repository, branch).existing(key)
    staging.put(db, store, branch, key, replace(found, metadata=metadata).pack())


def delete(db: sqlite3.Connection, store: Store, target: Target, keys: list[bytes]) -> None:
    """Stage that objects are gone; keys that are not there are passed over."""
    repository, branch = open_branch(db, target)
    root = history.existing(db, repository, branch.head).root
    for key in keys:
        staging.remove(db, store, branch, root, key)


def reset(db: sqlite3.Connection, target: Target, key: bytes | None, *, prefix: bool) -> None:
    """Drop what is staged: under one key, under a prefix, or (None) all of it."""
    repository = repositories.writable(db, target.repository, force=target.force)
    branch = branches.existing(db, repository, names.branch(target.branch))
    names.refuse_protected(repository.protection, branch.name, "protected branch")
    if key is None:
        db.execute("DELETE FROM staging WHERE area = ?", (branch.area,))
    else:
        staging.reset(db, branch, key, prefix=prefix)


def record(db: sqlite3.Connection, content: Content) -> None:
    """Record received bytes; the same bytes again heal a damaged copy."""
    db.execute(
        "INSERT INTO blob VALUES (?, ?, ?, ?) ON CONFLICT (sha256)"
        " DO UPDATE SET inline = excluded.inline, created = excluded.created",
        (content.sha256, content.size, content.inline, int(time.time())),
    )


def open_branch(db: sqlite3.Connection, target: Target) -> tuple[Repository, Branch]:
    """The branch, if objects may be written to it."""
    repository = repositories.writable(db, target.repository, force=target.force)
    branch = branches.find(db, repository, names.branch(target.branch))
    if branch is None:
        raise NotFoundError(f"branch '{target.branch}' not found")
    names.refuse_protected(repository.protection, branch.name, "cannot write to protected branch")
    return repository, branch


def _view(db: sqlite3.Connection, store: Store, repository: Repository, branch: Branch) -> View:
    return View(db, store, history.existing(db, repository, branch.head).root, branch)
