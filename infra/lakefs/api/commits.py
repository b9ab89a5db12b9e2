"""Commits, the log, and what makes new commits of old ones."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from infra.lakefs import changes, diff, history, refs, repositories
from infra.lakefs.api.call import Call, Fields, Reply, empty_reply, json_reply, page_reply
from infra.lakefs.errors import BadRequestError, NotFoundError
from infra.lakefs.history import Commit, Draft

# In nanoseconds it still fits 64 bits: the year 2255.
_MAX_DATE = 9_000_000_000


def commit(call: Call) -> Reply:
    """Commit what is staged on a branch."""
    fields = call.fields()
    date = fields.number("date")
    if date is not None and abs(date) > _MAX_DATE:
        raise BadRequestError(f"request body has an error: date must be within {_MAX_DATE} seconds")
    draft = Draft(call.context.auth.user, fields.text("message"), fields.mapping("metadata"), date)
    target = call.target(force=fields.flag("force"))
    allow_empty = fields.flag("allow_empty")
    return json_reply(
        record(changes.commit(call.store, target, draft, allow_empty=allow_empty)), 201
    )


def get_commit(call: Call) -> Reply:
    """The commit a reference stands for."""
    with call.store.read() as db:
        repository = repositories.find(db, call.parts["repository"])
        return json_reply(record(refs.commit_of(db, repository, call.parts["ref"])))


def log_commits(call: Call) -> Reply:
    """Ancestors of a reference, newest first; see lakeFS's logCommits for the filters."""
    query, amount = call.query, call.query.amount()
    with call.store.read() as db:
        repository = repositories.find(db, call.parts["repository"])
        head = refs.commit_of(db, repository, call.parts["ref"]).id
        found = history.log(db, repository, head, first_parent=query.flag("first_parent"))
        if query.text("after"):
            after = refs.commit_of(db, repository, query.text("after")).id
            found = _behind(found, after)
        if query.text("since"):
            found = _since(found, _seconds(query.text("since")))
        if query.text("stop_at"):
            found = _until(found, refs.commit_of(db, repository, query.text("stop_at")).id)
        touches = _touches(call, lambda commit_id: history.existing(db, repository, commit_id))
        shown = list(islice(filter(touches, found), amount + 1))
    has_more = len(shown) > amount and not query.flag("limit")
    shown = shown[:amount]
    return page_reply([record(one) for one in shown], [one.id for one in shown], has_more=has_more)


def merge(call: Call) -> Reply:
    """Merge a reference into a branch."""
    fields = call.fields(optional=True)
    source, strategy = call.parts["ref"], fields.text("strategy", "")
    if strategy and strategy not in changes.STRATEGIES:
        raise BadRequestError(
            f"invalid merge strategy {strategy!r}: wanted {' or '.join(changes.STRATEGIES)}"
        )
    target = call.target(force=fields.flag("force"))
    message = fields.text("message", "") or f"Merge '{source}' into '{target.branch}'"
    metadata = {**fields.mapping("metadata"), ".lakefs.merge.strategy": strategy or "default"}
    made = changes.merge(
        call.store,
        target,
        source,
        Draft(call.context.auth.user, message, metadata),
        strategy=strategy,
        allow_empty=fields.flag("allow_empty"),
        squash=fields.flag("squash_merge"),
    )
    return json_reply({"reference": made.id})


def find_merge_base(call: Call) -> Reply:
    """The best common ancestor of two references."""
    with call.store.read() as db:
        repository = repositories.find(db, call.parts["repository"])
        source = refs.commit_of(db, repository, call.parts["ref"])
        destination = refs.commit_of(db, repository, call.parts["branch"])
        base = history.merge_base(db, repository, source.id, destination.id)
    if base is None:
        raise NotFoundError("no common ancestor")
    return json_reply(
        {
            "source_commit_id": source.id,
            "destination_commit_id": destination.id,
            "base_commit_id": base.id,
        }
    )


def revert(call: Call) -> Reply:
    """Undo a commit on a branch."""
    fields = call.fields()
    ref, number = fields.text("ref"), fields.required_number("parent_number")
    if number < 0:
        raise BadRequestError("request body has an error: parent_number must be at least 0")
    words = Draft(call.context.auth.user, f"Revert {ref}")
    draft = _overridden(words, fields.nested("commit_overrides"))
    target = call.target(force=fields.flag("force"))
    allow_empty = fields.flag("allow_empty")
    changes.revert(call.store, target, ref, number, draft, allow_empty=allow_empty)
    return empty_reply()


def cherry_pick(call: Call) -> Reply:
    """Repeat a commit's change on a branch."""
    fields = call.fields()
    ref, number = fields.text("ref"), fields.number("parent_number")
    if number is not None and number < 1:
        raise BadRequestError("request body has an error: parent_number must be at least 1")

    def draft(picked: Commit) -> Draft:
        origin = {"cherry-pick-origin": picked.id, "cherry-pick-committer": picked.committer}
        words = Draft(call.context.auth.user, picked.message, {**picked.metadata, **origin})
        return _overridden(words, fields.nested("commit_overrides"))

    target = call.target(force=fields.flag("force"))
    return json_reply(record(changes.cherry_pick(call.store, target, ref, number, draft)), 201)


def record(commit: Commit) -> dict[str, Any]:
    """A commit as lakeFS shows it."""
    return {
        "id": commit.id,
        "parents": list(commit.parents),
        "committer": commit.committer,
        "message": commit.message,
        "creation_date": commit.date,
        "meta_range_id": commit.root.hex(),
        "metadata": dict(commit.metadata),
        "generation": commit.generation,
        "version": 1,
    }


def _overridden(draft: Draft, overrides: Fields) -> Draft:
    metadata = {**draft.metadata, **overrides.mapping("metadata")}
    return Draft(draft.committer, overrides.text("message", "") or draft.message, metadata)


def _behind(found: Iterator[Commit], commit_id: str) -> Iterator[Commit]:
    for commit in found:
        if commit.id == commit_id:
            return found
    return iter(())


def _since(found: Iterator[Commit], seconds: float) -> Iterator[Commit]:
    return (commit for commit in found if commit.date >= seconds)


def _until(found: Iterator[Commit], commit_id: str) -> Iterator[Commit]:
    for commit in found:
        yield commit
        if commit.id == commit_id:
            return


def _seconds(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise BadRequestError(f"parameter since: {text!r} is not a date-time") from error


def _touches(call: Call, parent: Callable[[str], Commit]) -> Callable[[Commit], bool]:
    """Whether a commit changed one of the objects or prefixes asked for; a merge never does."""
    keys = {path.encode() for path in call.query.many("objects")}
    prefixes = tuple(path.encode() for path in call.query.many("prefixes"))
    if not keys and not prefixes:
        return lambda _: True
    load = call.store.load

    def changed(before: bytes, after: bytes, start: bytes) -> bytes | None:
        return next((change.key for change in diff.diff(load, before, after, start)), None)

    def touches(commit: Commit) -> bool:
        if len(commit.parents) != 1:
            return False
        before = parent(commit.parents[0]).root
        return any(changed(before, commit.root, key) == key for key in keys) or any(
            (changed(before, commit.root, prefix) or b"").startswith(prefix) for prefix in prefixes
        )

    return touches
