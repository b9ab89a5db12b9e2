"""Reference expressions: `main`, `main@`, `main$`, `v1~2`, `3fa9c^2~1` and what they stand for."""

import re
import sqlite3
from dataclasses import dataclass

from infra.lakefs import branches, history
from infra.lakefs.branches import Branch
from infra.lakefs.errors import BadRequestError, NotFoundError
from infra.lakefs.repositories import Repository

_EXPRESSION = re.compile(r"([^~^@$]+)((?:[~^][0-9]*)*|[@$])", re.DOTALL)
_STEP = re.compile(r"([~^])([0-9]*)")
_COMMIT_ID = re.compile(r"[0-9a-f]{64}")
_COMMIT_PREFIX = re.compile(r"[0-9a-f]{1,64}")


@dataclass(frozen=True, slots=True)
class Resolved:
    """The commit a reference stands for, and the branch whose staged rows belong to it, if any."""

    commit_id: str
    staged: Branch | None = None


def resolve(db: sqlite3.Connection, repository: Repository, expression: str) -> Resolved:
    """What a reference stands for; a plain branch name or `branch$` includes what is staged.

    Raises:
        BadRequestError: It is not a reference expression, or asks for a parent that is not there.
        NotFoundError: Nothing has that name.
    """
    match = _EXPRESSION.fullmatch(expression)
    if match is None:
        raise BadRequestError(f"invalid ref {expression!r}: invalid reference expression")
    base, modifiers = match.groups()
    found = _base(db, repository, base)
    if modifiers in {"@", "$"}:
        if found.staged is None:
            raise BadRequestError(f"invalid ref {expression!r}: only a branch takes {modifiers}")
        return found if modifiers == "$" else Resolved(found.commit_id)
    if not modifiers:
        return found
    commit_id = found.commit_id
    for kind, number in _STEP.findall(modifiers):
        commit_id = _step(db, repository, commit_id, kind, int(number or "1"))
    return Resolved(commit_id)


def commit_of(db: sqlite3.Connection, repository: Repository, expression: str) -> history.Commit:
    """The commit a reference stands for, without what is staged.

    Raises:
        BadRequestError: It is no expression, or stands for a staging area (`branch$`).
        NotFoundError: Nothing has that name.
    """
    found = resolve(db, repository, expression)
    if expression.endswith("$"):
        raise BadRequestError(f"invalid ref {expression!r}: a staging area is not a commit")
    return history.existing(db, repository, found.commit_id)


def _base(db: sqlite3.Connection, repository: Repository, name: str) -> Resolved:
    if _COMMIT_ID.fullmatch(name) and history.find(db, repository, name):
        return Resolved(name)
    branch = branches.find(db, repository, name)
    if branch:
        return Resolved(branch.head, branch)
    tag = branches.find_tag(db, repository, name)
    if tag:
        return Resolved(tag.head)
    by_prefix = history.by_prefix(db, repository, name) if _COMMIT_PREFIX.fullmatch(name) else None
    if by_prefix is None:
        raise NotFoundError("ref: not found")
    return Resolved(by_prefix)


def _step(
    db: sqlite3.Connection, repository: Repository, commit_id: str, kind: str, number: int
) -> str:
    if kind == "^":
        if not number:
            return commit_id
        parents = history.existing(db, repository, commit_id).parents
        if number > len(parents):
            raise BadRequestError(
                f"given commit does not have the given parent number: parent {number}"
            )
        return parents[number - 1]
    for _ in range(number):
        parents = history.existing(db, repository, commit_id).parents
        if not parents:
            raise NotFoundError("ref: not found")
        commit_id = parents[0]
    return commit_id
