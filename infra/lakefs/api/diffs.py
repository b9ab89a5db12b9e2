"""What differs: between two references, and between a branch and its head."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from infra.lakefs import branches, history, names, refs, repositories, staging, tree
from infra.lakefs.api.call import Call, Reply, page_reply
from infra.lakefs.api.stats import text_of
from infra.lakefs.diff import diff
from infra.lakefs.entry import unpack
from infra.lakefs.errors import BadRequestError
from infra.lakefs.merge import incoming
from infra.lakefs.paging import Page, page
from infra.lakefs.repositories import Repository
from infra.lakefs.tree import Load

_TWO_DOT, _THREE_DOT = "two_dot", "three_dot"


class _Difference(NamedTuple):
    kind: str
    left: bytes | None
    right: bytes | None


_Seek = Callable[[bytes], Iterator[tuple[bytes, _Difference]]]


def diff_branch(call: Call) -> Reply:
    """What is staged on a branch and differs from its head."""
    with call.store.read() as db:
        repository = repositories.find(db, call.parts["repository"])
        branch = branches.existing(db, repository, names.branch(call.parts["branch"]))
        root = history.existing(db, repository, branch.head).root

        def seek(start: bytes) -> Iterator[tuple[bytes, _Difference]]:
            for key, left, right in staging.uncommitted(db, call.store, branch, root, start):
                yield key, _Difference(_kind(left, right), left, right)

        return _reply(call, page(call.query.page(), seek))


def diff_refs(call: Call) -> Reply:
    """What differs between two references, or (three_dot) what a merge of right would bring."""
    kind = call.query.text("type") or _THREE_DOT
    if kind not in {_TWO_DOT, _THREE_DOT}:
        raise BadRequestError(f"parameter type: {kind!r} is not {_TWO_DOT} or {_THREE_DOT}")
    with call.store.read() as db:
        repository = repositories.find(db, call.parts["repository"])
        left = refs.commit_of(db, repository, call.parts["left"])
        right = call.parts["right"]
        if kind == _TWO_DOT:
            load, root = _tree_of(call, db, repository, right)
            seek: _Seek = partial(_two_dot, load, left.root, root)
        else:
            theirs = refs.commit_of(db, repository, right)
            base = history.merge_base(db, repository, left.id, theirs.id)
            base_root = base.root if base else tree.EMPTY_ROOT
            seek = partial(_three_dot, call.store.load, base_root, left.root, theirs.root)
        return _reply(call, page(call.query.page(), seek))


def _tree_of(call: Call, db: Any, repository: Repository, expression: str) -> tuple[Load, bytes]:
    """The tree of a reference; that of `branch$` is made in memory with what is staged."""
    found = refs.resolve(db, repository, expression)
    root = history.existing(db, repository, found.commit_id).root
    if found.staged is None or not expression.endswith("$"):
        return call.store.load, root
    root, made = tree.apply(call.store.load, root, dict(staging.rows(db, found.staged)))

    def load(digest: bytes) -> tree.Node:
        data = made.get(digest)
        return call.store.load(digest) if data is None else tree.decode(data)

    return load, root


def _two_dot(
    load: Load, left: bytes, right: bytes, start: bytes
) -> Iterator[tuple[bytes, _Difference]]:
    for key, old, new in diff(load, left, right, start):
        yield key, _Difference(_kind(old, new), old, new)


def _three_dot(
    load: Load, base: bytes, left: bytes, right: bytes, start: bytes
) -> Iterator[tuple[bytes, _Difference]]:
    for change in incoming(load, base, left, right, start):
        kind = "conflict" if change.conflict else _kind(change.ours, change.theirs)
        yield change.key, _Difference(kind, change.ours, change.theirs)


def _kind(left: bytes | None, right: bytes | None) -> str:
    if left is None:
        return "added"
    return "removed" if right is None else "changed"


def _reply(call: Call, found: Page[_Difference]) -> Reply:
    with_right = call.query.flag("include_right_stats")
    results = [_record(key, value, with_right=with_right) for key, value in found.results]
    return page_reply(results, [one["path"] for one in results], has_more=found.has_more)


def _record(key: bytes, found: _Difference | None, *, with_right: bool) -> dict[str, Any]:
    path = text_of(key)
    if found is None:
        return {"type": "prefix_changed", "path": path, "path_type": "common_prefix"}
    shown = found.right or found.left
    size = unpack(shown).size if shown else 0
    result = {"type": found.kind, "path": path, "path_type": "object", "size_bytes": size}
    if with_right and found.right:
        entry = unpack(found.right)
        result["right"] = {
            "checksum": entry.checksum,
            "mtime": entry.mtime,
            "content_type": entry.content_type,
            "metadata": entry.metadata,
        }
    return result
