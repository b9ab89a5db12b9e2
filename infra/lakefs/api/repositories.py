"""Repositories and their settings."""

import sqlite3
from hashlib import md5
from typing import Any

from infra.lakefs import branches, history, names, repositories, tree
from infra.lakefs.api.call import (
    Call,
    Fields,
    Reply,
    empty_reply,
    json_reply,
    page_reply,
    parse_json,
)
from infra.lakefs.errors import BadRequestError, PreconditionFailedError
from infra.lakefs.history import Draft
from infra.lakefs.repositories import Repository


def list_repositories(call: Call) -> Reply:
    """Repositories by name; `search` is a substring."""
    amount = call.query.amount()
    with call.store.read() as db:
        found = repositories.page(
            db,
            prefix=call.query.text("prefix"),
            search=call.query.text("search"),
            after=call.query.text("after"),
            limit=amount + 1,
        )
    shown = found[:amount]
    return page_reply(
        [_record(one) for one in shown],
        [one.name for one in shown],
        has_more=len(found) > amount,
    )


def create_repository(call: Call) -> Reply:
    """Make a repository with its default branch and root commit."""
    fields = call.fields()
    name = names.repository(fields.text("name"))
    namespace = names.namespace(fields.text("storage_namespace"))
    default_branch = fields.text("default_branch", "main") or "main"
    read_only = fields.flag("read_only")

    def job(db: sqlite3.Connection) -> Repository:
        made = repositories.create(db, name, namespace, default_branch, read_only=read_only)
        root = history.make(Draft("", "Repository created"), tree.EMPTY_ROOT, [])
        history.insert(db, made, root)
        area = call.store.next_sequence()
        branches.create(db, made, default_branch, root.id, area=area)
        return made

    return json_reply(_record(call.store.write(job)), 201)


def get_repository(call: Call) -> Reply:
    """One repository."""
    return json_reply(_record(_find(call)))


def delete_repository(call: Call) -> Reply:
    """Remove a repository; a read-only one only by force."""
    force = call.query.flag("force")

    def job(db: sqlite3.Connection) -> None:
        found = repositories.writable(db, call.parts["repository"], force=force)
        repositories.delete(db, found)

    call.store.write(job)
    return empty_reply()


def get_metadata(call: Call) -> Reply:
    """A repository's metadata: always empty here."""
    _find(call)
    return json_reply({})


def get_branch_protection(call: Call) -> Reply:
    """The patterns of protected branches, with their digest as ETag."""
    found = _find(call)
    reply = json_reply([{"pattern": pattern} for pattern in found.protection])
    return Reply(reply.status, reply.body, {**reply.headers, "ETag": _etag(found)})


def set_branch_protection(call: Call) -> Reply:
    """Replace the patterns of protected branches; If-Match guards against a lost update."""
    patterns = _patterns(call)
    wanted = call.headers.get("if-match")

    def job(db: sqlite3.Connection) -> None:
        found = repositories.find(db, call.parts["repository"])
        if wanted is not None and wanted.strip('"') != _etag(found).strip('"'):
            raise PreconditionFailedError("branch protection settings changed meanwhile")
        repositories.protect(db, found, patterns)

    call.store.write(job)
    return empty_reply()


def _find(call: Call) -> Repository:
    with call.store.read() as db:
        return repositories.find(db, call.parts["repository"])


def _patterns(call: Call) -> list[str]:
    rules = parse_json(call.body)
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise BadRequestError("request body has an error: wanted a list of objects")
    patterns = [Fields(rule).text("pattern") for rule in rules]
    if not all(patterns):
        raise BadRequestError("request body has an error: pattern must not be empty")
    return patterns


def _etag(repository: Repository) -> str:
    digest = md5("\n".join(repository.protection).encode(), usedforsecurity=False)
    return f'"{digest.hexdigest()}"'


def _record(repository: Repository) -> dict[str, Any]:
    return {
        "id": repository.name,
        "creation_date": repository.created,
        "default_branch": repository.default_branch,
        "storage_id": "",
        "storage_namespace": repository.namespace,
        "read_only": repository.read_only,
    }
