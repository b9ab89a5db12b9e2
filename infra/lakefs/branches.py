"""Branches and tags: names that point at commits."""

import sqlite3
from dataclasses import dataclass

from infra.lakefs.errors import ConflictError, ForbiddenError, NotFoundError
from infra.lakefs.repositories import Repository


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch: its head, and the staging area whose rows count when they are above `floor`."""

    name: str
    head: str
    area: int
    floor: int
    hidden: bool


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag: a name for a commit."""

    name: str
    head: str


def find(db: sqlite3.Connection, repository: Repository, name: str) -> Branch | None:
    """The branch of that name, or None."""
    query = "SELECT name, head, area, floor, hidden FROM branch WHERE repository = ? AND name = ?"
    row = db.execute(query, (repository.id, name)).fetchone()
    return Branch(*row) if row else None


def existing(db: sqlite3.Connection, repository: Repository, name: str) -> Branch:
    """The branch of that name.

    Raises:
        NotFoundError: There is none.
    """
    found = find(db, repository, name)
    if found is None:
        raise NotFoundError("branch not found")
    return found


def page(
    db: sqlite3.Connection,
    repository: Repository,
    *,
    prefix: str,
    after: str,
    limit: int,
    hidden: bool,
) -> list[Branch]:
    """Up to `limit` branches after a name."""
    rows = db.execute(
        "SELECT name, head, area, floor, hidden FROM branch WHERE repository = ? AND name > ?"
        " AND substr(name, 1, ?) = ? AND hidden <= ? ORDER BY name LIMIT ?",
        (repository.id, after, len(prefix), prefix, hidden, limit),
    )
    return [Branch(*row) for row in rows]


def create(
    db: sqlite3.Connection,
    repository: Repository,
    name: str,
    head: str,
    *,
    area: int,
    hidden: bool = False,
) -> None:
    """Make a branch with an empty staging area; no branch, tag or commit may have its name."""
    if find(db, repository, name):
        raise ConflictError("branch already exists: not unique")
    if find_tag(db, repository, name) or _is_commit(db, repository, name):
        raise ConflictError(f"branch name {name}: conflict found")
    db.execute(
        "INSERT INTO branch VALUES (?, ?, ?, ?, ?, ?)",
        (repository.id, name, head, area, area, hidden),
    )


def delete(db: sqlite3.Connection, repository: Repository, name: str) -> Branch:
    """Drop a branch; its staged rows are dead from then on."""
    found = existing(db, repository, name)
    if name == repository.default_branch:
        raise ForbiddenError("cannot delete repository default branch")
    db.execute("DELETE FROM branch WHERE repository = ? AND name = ?", (repository.id, name))
    return found


def move(
    db: sqlite3.Connection, repository: Repository, branch: Branch, head: str, floor: int
) -> None:
    """Point a branch at a commit, and leave staged rows up to `floor` behind."""
    db.execute(
        "UPDATE branch SET head = ?, floor = max(floor, ?) WHERE repository = ? AND name = ?",
        (head, floor, repository.id, branch.name),
    )


def find_tag(db: sqlite3.Connection, repository: Repository, name: str) -> Tag | None:
    """The tag of that name, or None."""
    query = "SELECT name, head FROM tag WHERE repository = ? AND name = ?"
    row = db.execute(query, (repository.id, name)).fetchone()
    return Tag(*row) if row else None


def existing_tag(db: sqlite3.Connection, repository: Repository, name: str) -> Tag:
    """The tag of that name.

    Raises:
        NotFoundError: There is none.
    """
    found = find_tag(db, repository, name)
    if found is None:
        raise NotFoundError("tag not found")
    return found


def tag_page(
    db: sqlite3.Connection, repository: Repository, *, prefix: str, after: str, limit: int
) -> list[Tag]:
    """Up to `limit` tags after a name."""
    rows = db.execute(
        "SELECT name, head FROM tag WHERE repository = ? AND name > ? AND substr(name, 1, ?) = ?"
        " ORDER BY name LIMIT ?",
        (repository.id, after, len(prefix), prefix, limit),
    )
    return [Tag(*row) for row in rows]


def create_tag(db: sqlite3.Connection, repository: Repository, name: str, head: str) -> None:
    """Make a tag; the name must be free among tags, branches and commits."""
    if find_tag(db, repository, name):
        raise ConflictError("tag already exists: not unique")
    if find(db, repository, name) or _is_commit(db, repository, name):
        raise ConflictError(f"tag name {name}: conflict found")
    db.execute("INSERT INTO tag VALUES (?, ?, ?)", (repository.id, name, head))


def delete_tag(db: sqlite3.Connection, repository: Repository, name: str) -> None:
    """Drop a tag; the commit stays."""
    existing_tag(db, repository, name)
    db.execute("DELETE FROM tag WHERE repository = ? AND name = ?", (repository.id, name))


def _is_commit(db: sqlite3.Connection, repository: Repository, name: str) -> bool:
    query = "SELECT 1 FROM commits WHERE repository = ? AND id = ?"
    return db.execute(query, (repository.id, name)).fetchone() is not None
