"""What moves a branch's head: commit, merge, revert, cherry-pick, hard reset, import.

Each computes the new tree outside the writer, under the branch's lock, and then moves the branch in
one short job. Uploads go on meanwhile: rows staged after the snapshot stay staged.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from infra.lakefs import branches, history, names, refs, repositories, staging, tree
from infra.lakefs import merge as three_way
from infra.lakefs.branches import Branch
from infra.lakefs.errors import BadRequestError, BusyError, ConflictError, MergeConflictError
from infra.lakefs.history import Commit, Draft
from infra.lakefs.repositories import Repository
from infra.lakefs.store import Store, drop_rows, insert_nodes

STRATEGIES = (three_way.SOURCE_WINS, three_way.DEST_WINS)
_ROWS_WITH_COMMIT = 2000


@dataclass(frozen=True, slots=True)
class Target:
    """The branch that a request wants changed; `force` overrules a read-only repository."""

    repository: str
    branch: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    """The target as it was before the change."""

    repository: Repository
    branch: Branch
    head: Commit


@dataclass(frozen=True, slots=True)
class _Tree:
    """A new tree: its root, and its nodes that are new."""

    root: bytes
    nodes: Mapping[bytes, bytes]


def commit(store: Store, target: Target, draft: Draft, *, allow_empty: bool) -> Commit:
    """Commit everything that is staged on a branch."""
    with store.branch_lock(target.repository, target.branch):
        with store.read() as db:
            found = _find(db, target)
            _refuse_protected(found, "cannot commit to protected branch")
            edits = dict(staging.rows(db, found.branch))
            floor = staging.last_sequence(db, found.branch)
        made = _Tree(*tree.apply(store.load, found.head.root, edits))
        if made.root == found.head.root and not allow_empty:
            raise BadRequestError("commit: no changes")
        new = history.make(draft, made.root, [found.head])
        keys = list(edits)

        def leave_staging(db: sqlite3.Connection) -> int:
            drop_rows(db, found.branch.area, keys[:_ROWS_WITH_COMMIT], floor)
            return floor

        _land(store, found, new, made, leave_staging)
        store.sweep(found.branch.area, keys[_ROWS_WITH_COMMIT:], floor)
        return new


def merge(
    store: Store,
    target: Target,
    source: str,
    draft: Draft,
    *,
    strategy: str = "",
    allow_empty: bool = False,
    squash: bool = False,
) -> Commit:
    """Merge a reference into a branch; always makes a commit.

    Raises:
        MergeConflictError: Both sides changed an object and no strategy settles it.
    """
    with store.branch_lock(target.repository, target.branch):
        with store.read() as db:
            found = _find_clean(db, store, target)
            theirs = refs.commit_of(db, found.repository, source)
            base = history.merge_base(db, found.repository, found.head.id, theirs.id)
        base_root = base.root if base else tree.EMPTY_ROOT
        if theirs.root == base_root and not (allow_empty or target.force):
            raise BadRequestError(f"update branch {target.branch}: no changes")
        made = _Tree(
            *three_way.merge(store.load, base_root, found.head.root, theirs.root, strategy)
        )
        parents = [found.head] if squash else [found.head, theirs]
        new = history.make(draft, made.root, parents)
        _land(store, found, new, made, _still_clean(store, found))
        return new


def revert(
    store: Store, target: Target, ref: str, number: int, draft: Draft, *, allow_empty: bool
) -> Commit:
    """Undo one commit with a new one; `number` says against which parent (0: the only one)."""
    with store.branch_lock(target.repository, target.branch):
        with store.read() as db:
            found = _find_clean(db, store, target)
            undone = refs.commit_of(db, found.repository, ref)
            if len(undone.parents) > 1 and not number:
                raise ConflictError("cannot revert a merge commit without a parent number")
            parent = _parent(db, found, undone, max(1, number))
        made = _replayed(store, undone.root, found.head.root, parent.root)
        if made.root == found.head.root and not allow_empty:
            raise BadRequestError(f"update branch {target.branch}: no changes")
        new = history.make(draft, made.root, [found.head])
        _land(store, found, new, made, _still_clean(store, found))
        return new


def cherry_pick(
    store: Store, target: Target, ref: str, number: int | None, draft: Callable[[Commit], Draft]
) -> Commit:
    """Repeat one commit's change on a branch; `draft` makes the new commit's words from its own."""
    with store.branch_lock(target.repository, target.branch):
        with store.read() as db:
            found = _find_clean(db, store, target)
            picked = refs.commit_of(db, found.repository, ref)
            if len(picked.parents) > 1 and number is None:
                raise BadRequestError("cannot cherry-pick a merge commit without a parent number")
            parent = _parent(db, found, picked, number or 1)
        made = _replayed(store, parent.root, found.head.root, picked.root)
        new = history.make(draft(picked), made.root, [found.head])
        _land(store, found, new, made, _still_clean(store, found))
        return new


def hard_reset(store: Store, target: Target, ref: str) -> None:
    """Point a branch at another commit; what is staged stays staged."""
    with store.branch_lock(target.repository, target.branch):

        def job(db: sqlite3.Connection) -> None:
            found = _find(db, target)
            _refuse_protected(found, "protected branch")
            to = refs.commit_of(db, found.repository, ref)
            branches.move(db, found.repository, found.branch, to.id, found.branch.floor)

        store.write(job)


def replace_prefixes(
    store: Store, target: Target, edits: Mapping[bytes, bytes], prefixes: list[bytes], draft: Draft
) -> Commit:
    """Commit objects that came from outside, in place of all that was under these prefixes."""
    with store.branch_lock(target.repository, target.branch):
        with store.read() as db:
            found = _find_clean(db, store, target)
            _refuse_protected(found, "cannot commit to protected branch")
        old = {key: None for prefix in prefixes for key in _under(store, found.head.root, prefix)}
        made = _Tree(*tree.apply(store.load, found.head.root, {**old, **edits}))
        new = history.make(draft, made.root, [found.head])
        _land(store, found, new, made, _still_clean(store, found))
        return new


def _find(db: sqlite3.Connection, target: Target) -> _Found:
    repository = repositories.writable(db, target.repository, force=target.force)
    branch = branches.existing(db, repository, names.branch(target.branch))
    return _Found(repository, branch, history.existing(db, repository, branch.head))


def _find_clean(db: sqlite3.Connection, store: Store, target: Target) -> _Found:
    found = _find(db, target)
    _refuse_dirty(db, store, found.branch, found.head.root)
    return found


def _refuse_dirty(db: sqlite3.Connection, store: Store, branch: Branch, root: bytes) -> None:
    if next(staging.uncommitted(db, store, branch, root), None) is not None:
        raise BadRequestError(f"branch {branch.name}: uncommitted changes (dirty branch)")


def _refuse_protected(found: _Found, message: str) -> None:
    names.refuse_protected(found.repository.protection, found.branch.name, message)


def _still_clean(store: Store, found: _Found) -> Callable[[sqlite3.Connection], int]:
    """Checks again as the branch moves, and drops rows that change nothing: later they might."""

    def leave_staging(db: sqlite3.Connection) -> int:
        _refuse_dirty(db, store, found.branch, found.head.root)
        floor = staging.last_sequence(db, found.branch)
        db.execute("DELETE FROM staging WHERE area = ? AND seq <= ?", (found.branch.area, floor))
        return floor

    return leave_staging


def _land(
    store: Store,
    found: _Found,
    new: Commit,
    made: _Tree,
    leave_staging: Callable[[sqlite3.Connection], int],
) -> None:
    """Move the branch to its new commit, if it still is where it was found."""
    rest = store.save_nodes(made.nodes)

    def job(db: sqlite3.Connection) -> None:
        now = branches.existing(db, found.repository, found.branch.name)
        if (now.head, now.area) != (found.branch.head, found.branch.area):
            raise BusyError(f"branch {now.name} moved meanwhile, try again")
        insert_nodes(db, rest)
        history.insert(db, found.repository, new)
        branches.move(db, found.repository, now, new.id, leave_staging(db))

    store.write(job)


def _replayed(store: Store, base: bytes, ours: bytes, theirs: bytes) -> _Tree:
    try:
        return _Tree(*three_way.merge(store.load, base, ours, theirs))
    except MergeConflictError as error:
        raise ConflictError("update branch: conflict found") from error


def _parent(db: sqlite3.Connection, found: _Found, of: Commit, number: int) -> Commit:
    if number > len(of.parents):
        raise BadRequestError(
            f"given commit does not have the given parent number: parent {number}"
        )
    return history.existing(db, found.repository, of.parents[number - 1])


def _under(store: Store, root: bytes, prefix: bytes) -> Iterator[bytes]:
    for key, _ in tree.items(store.load, root, prefix):
        if not key.startswith(prefix):
            return
        yield key
