"""Repositories and their settings."""

import json
import sqlite3
import time
from dataclasses import dataclass

from infra.lakefs import names
from infra.lakefs.errors import BadRequestError, ConflictError, ForbiddenError, NotFoundError

_COLUMNS = "id, name, namespace, default_branch, created, read_only, protection"


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository; `protection` holds the patterns of its protected branches."""

    id: int
    name: str
    namespace: str
    default_branch: str
    created: int
    read_only: bool
    protection: tuple[str, ...]


def find(db: sqlite3.Connection, name: str) -> Repository:
    """The repository of that name.

    Raises:
        BadRequestError: No repository can have that name.
        NotFoundError: None has it.
    """
    names.repository(name)
    row = db.execute(f"SELECT {_COLUMNS} FROM repository WHERE name = ?", (name,)).fetchone()  # noqa: S608
    if row is None:
        raise NotFoundError("repository not found")
    return _of(row)


def writable(db: sqlite3.Connection, name: str, *, force: bool) -> Repository:
    """The repository of that name, unless it is read-only and that is not overruled."""
    found = find(db, name)
    if found.read_only and not force:
        raise ForbiddenError("read-only repository")
    return found


def page(
    db: sqlite3.Connection, *, prefix: str, search: str, after: str, limit: int
) -> list[Repository]:
    """Up to `limit` repositories after a name."""
    query = (
        f"SELECT {_COLUMNS} FROM repository WHERE name > ? AND substr(name, 1, ?) = ?"  # noqa: S608
        " AND instr(name, ?) ORDER BY name LIMIT ?"
    )
    rows = db.execute(query, (after, len(prefix), prefix, search, limit))
    return [_of(row) for row in rows]


def create(
    db: sqlite3.Connection, name: str, namespace: str, default_branch: str, *, read_only: bool
) -> Repository:
    """Record a repository; its first branch and commit are the caller's."""
    if db.execute("SELECT 1 FROM repository WHERE name = ?", (name,)).fetchone():
        raise ConflictError("error creating repository: not unique")
    if db.execute("SELECT 1 FROM namespace WHERE address = ?", (namespace,)).fetchone():
        raise BadRequestError(
            f"failed to create repository: found lakeFS objects in the storage namespace"
            f" ({namespace}): storage namespace already in use"
        )
    db.execute("INSERT INTO namespace VALUES (?)", (namespace,))
    db.execute(
        "INSERT INTO repository (name, namespace, default_branch, created, read_only)"
        " VALUES (?, ?, ?, ?, ?)",
        (name, namespace, default_branch, int(time.time()), read_only),
    )
    return find(db, name)


def delete(db: sqlite3.Connection, repository: Repository) -> None:
    """Remove a repository with its refs and commits; its trees and blobs are left to gc."""
    db.execute(
        "DELETE FROM staging WHERE area IN (SELECT area FROM branch WHERE repository = ?)",
        (repository.id,),
    )
    for table in ("branch", "tag", "commits"):
        db.execute(f"DELETE FROM {table} WHERE repository = ?", (repository.id,))  # noqa: S608
    db.execute("DELETE FROM repository WHERE id = ?", (repository.id,))


def protect(db: sqlite3.Connection, repository: Repository, patterns: list[str]) -> None:
    """Replace the patterns of protected branches."""
    db.execute(
        "UPDATE repository SET protection = ? WHERE id = ?", (json.dumps(patterns), repository.id)
    )


def _of(row: tuple[int, str, str, str, int, int, str]) -> Repository:
    found, name, namespace, default_branch, created, read_only, protection = row
    patterns = tuple(json.loads(protection))
    return Repository(found, name, namespace, default_branch, created, bool(read_only), patterns)
