"""Branches and tags."""

import sqlite3
from typing import Any

from infra.lakefs import branches, names, objects, refs, repositories
from infra.lakefs.api.call import Call, Reply, empty_reply, json_reply, page_reply
from infra.lakefs.branches import Branch, Tag
from infra.lakefs.changes import hard_reset
from infra.lakefs.errors import BadRequestError, NotFoundError
from infra.lakefs.repositories import Repository


def list_branches(call: Call) -> Reply:
    """Branches by name; hidden ones only when asked for."""
    amount = call.query.amount()
    with call.store.read() as db:
        found = branches.page(
            db,
            repositories.find(db, call.parts["repository"]),
            prefix=call.query.text("prefix"),
            after=call.query.text("after"),
            limit=amount + 1,
            hidden=call.query.flag("show_hidden"),
        )
    return _page(found, amount)


def create_branch(call: Call) -> Reply:
    """Make a branch at a reference; answers the commit id as plain text."""
    fields = call.fields()
    name, source = names.branch(fields.text("name")), fields.text("source")
    hidden, force = fields.flag("hidden"), fields.flag("force")

    def job(db: sqlite3.Connection) -> str:
        repository = repositories.writable(db, call.parts["repository"], force=force)
        head = _source(db, repository, source)
        area = call.store.next_sequence()
        branches.create(db, repository, name, head, area=area, hidden=hidden)
        return head

    head = call.store.write(job)
    return Reply(201, head.encode(), {"Content-Type": "text/plain; charset=utf-8"})


def get_branch(call: Call) -> Reply:
    """One branch."""
    with call.store.read() as db:
        repository = repositories.find(db, call.parts["repository"])
        return json_reply(_record(branches.existing(db, repository, call.parts["branch"])))


def delete_branch(call: Call) -> Reply:
    """Drop a branch with what is staged on it; commits stay."""
    target = call.target()

    def job(db: sqlite3.Connection) -> None:
        repository = repositories.writable(db, target.repository, force=target.force)
        names.refuse_protected(repository.protection, target.branch, "protected branch")
        gone = branches.delete(db, repository, target.branch)
        db.execute("DELETE FROM staging WHERE area = ?", (gone.area,))

    with call.store.branch_lock(target.repository, target.branch):
        call.store.write(job)
    return empty_reply()


def reset_branch(call: Call) -> Reply:
    """Drop what is staged: all, one object, or what is under a prefix."""
    fields = call.fields()
    kind, target = fields.text("type"), call.target(force=fields.flag("force"))
    if kind not in {"reset", "object", "common_prefix"}:
        raise BadRequestError(f"request body has an error: unknown reset type {kind!r}")
    path = None if kind == "reset" else fields.text("path").encode()
    if path == b"" and kind == "object":
        raise BadRequestError("argument path: validation error: missing required value")
    prefix = kind == "common_prefix"
    call.store.write(lambda db: objects.reset(db, target, path, prefix=prefix))
    return empty_reply()


def hard_reset_branch(call: Call) -> Reply:
    """Point a branch at another commit."""
    ref = call.query.text("ref")
    if not ref:
        raise BadRequestError("parameter ref: value is required but missing")
    hard_reset(call.store, call.target(), ref)
    return empty_reply()


def list_tags(call: Call) -> Reply:
    """Tags by name."""
    amount = call.query.amount()
    with call.store.read() as db:
        found = branches.tag_page(
            db,
            repositories.find(db, call.parts["repository"]),
            prefix=call.query.text("prefix"),
            after=call.query.text("after"),
            limit=amount + 1,
        )
    return _page(found, amount)


def create_tag(call: Call) -> Reply:
    """Make a tag at a reference; `force` is about read-only repositories, a tag never moves."""
    fields = call.fields()
    name, ref, force = names.tag(fields.text("id")), fields.text("ref"), fields.flag("force")

    def job(db: sqlite3.Connection) -> Tag:
        repository = repositories.writable(db, call.parts["repository"], force=force)
        head = refs.commit_of(db, repository, ref).id
        branches.create_tag(db, repository, name, head)
        return Tag(name, head)

    return json_reply(_record(call.store.write(job)), 201)


def get_tag(call: Call) -> Reply:
    """One tag."""
    with call.store.read() as db:
        repository = repositories.find(db, call.parts["repository"])
        return json_reply(_record(branches.existing_tag(db, repository, call.parts["tag"])))


def delete_tag(call: Call) -> Reply:
    """Drop a tag."""
    force = call.query.flag("force")

    def job(db: sqlite3.Connection) -> None:
        repository = repositories.writable(db, call.parts["repository"], force=force)
        branches.delete_tag(db, repository, call.parts["tag"])

    call.store.write(job)
    return empty_reply()


def _source(db: sqlite3.Connection, repository: Repository, source: str) -> str:
    try:
        return refs.commit_of(db, repository, source).id
    except NotFoundError as error:
        raise NotFoundError(f"source reference '{source}': not found") from error


def _page(found: list[Branch] | list[Tag], amount: int) -> Reply:
    shown = found[:amount]
    return page_reply(
        [_record(one) for one in shown], [one.name for one in shown], has_more=len(found) > amount
    )


def _record(ref: Branch | Tag) -> dict[str, Any]:
    return {"id": ref.name, "commit_id": ref.head}
