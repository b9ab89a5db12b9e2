"""What is on a branch but in no commit yet, and versions as readers see them."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from infra.lakefs import history, refs, tree
from infra.lakefs.branches import Branch
from infra.lakefs.diff import Change, same
from infra.lakefs.entry import Entry, unpack
from infra.lakefs.errors import NotFoundError
from infra.lakefs.refs import Resolved
from infra.lakefs.repositories import Repository
from infra.lakefs.store import Store, drop_rows

Row = tuple[bytes, bytes | None]


def put(
    db: sqlite3.Connection, store: Store, branch: Branch, key: bytes, value: bytes | None
) -> None:
    """Stage a value, or None for a tombstone, in place of what was staged there."""
    db.execute(
        "INSERT INTO staging VALUES (?, ?, ?, ?) ON CONFLICT (area, key)"
        " DO UPDATE SET seq = excluded.seq, value = excluded.value",
        (branch.area, key, store.next_sequence(), value),
    )


def remove(db: sqlite3.Connection, store: Store, branch: Branch, root: bytes, key: bytes) -> None:
    """Stage that an object is gone; nothing is staged where there is none.

    What was staged only is not just dropped: a commit under way may have taken it along already.
    """
    if find(db, branch, key) or tree.get(store.load, root, key):
        put(db, store, branch, key, None)


def find(db: sqlite3.Connection, branch: Branch, key: bytes) -> Row | None:
    """What is staged for one key, if anything."""
    query = "SELECT key, value FROM staging WHERE area = ? AND key = ? AND seq > ?"
    row: Row | None = db.execute(query, (branch.area, key, branch.floor)).fetchone()
    return row


def rows(db: sqlite3.Connection, branch: Branch, start: bytes = b"") -> Iterator[Row]:
    """Staged keys from `start` on with their values (None: tombstone), in key order."""
    return db.execute(
        "SELECT key, value FROM staging WHERE area = ? AND key >= ? AND seq > ? ORDER BY key",
        (branch.area, start, branch.floor),
    )


def last_sequence(db: sqlite3.Connection, branch: Branch) -> int:
    """The place of the newest staged row; the branch's floor when there is none."""
    query = "SELECT max(seq) FROM staging WHERE area = ?"
    (last,) = db.execute(query, (branch.area,)).fetchone()
    return max(branch.floor, last or 0)


def uncommitted(
    db: sqlite3.Connection, store: Store, branch: Branch, root: bytes, start: bytes = b""
) -> Iterator[Change]:
    """Staged keys that differ from the branch's committed tree."""
    for key, value in rows(db, branch, start):
        committed = tree.get(store.load, root, key)
        if not same(committed, value):
            yield Change(key, committed, value)


def reset(db: sqlite3.Connection, branch: Branch, key: bytes, *, prefix: bool) -> None:
    """Drop what is staged for a key, or for all keys that begin with it."""
    found = (staged for staged, _ in rows(db, branch, key))
    keys: list[bytes] = []
    for staged in found:
        if not (staged.startswith(key) if prefix else staged == key):
            break
        keys.append(staged)
    drop_rows(db, branch.area, keys, last_sequence(db, branch))


@dataclass(frozen=True, slots=True)
class View:
    """A version as a reader sees it: a committed tree, with the staged rows of a branch or not."""

    db: sqlite3.Connection
    store: Store
    root: bytes
    branch: Branch | None

    def find(self, key: bytes) -> Entry | None:
        """The object under a key, or None."""
        staged = find(self.db, self.branch, key) if self.branch else None
        value = staged[1] if staged else tree.get(self.store.load, self.root, key)
        return unpack(value) if value else None

    def existing(self, key: bytes) -> Entry:
        """The object under a key.

        Raises:
            NotFoundError: There is none.
        """
        found = self.find(key)
        if found is None:
            raise NotFoundError("not found")
        return found

    def items(self, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Keys and packed entries from `start` on, in key order."""
        committed = tree.items(self.store.load, self.root, start)
        staged = rows(self.db, self.branch, start) if self.branch else iter(())
        return _overlay(committed, staged)


def view(db: sqlite3.Connection, store: Store, repository: Repository, expression: str) -> View:
    """The version that a reference expression names."""
    return view_of(db, store, repository, refs.resolve(db, repository, expression))


def view_of(
    db: sqlite3.Connection, store: Store, repository: Repository, resolved: Resolved
) -> View:
    """The version that a resolved reference stands for."""
    commit = history.existing(db, repository, resolved.commit_id)
    return View(db, store, commit.root, resolved.staged)


def _overlay(
    committed: Iterator[tuple[bytes, bytes]], staged: Iterator[Row]
) -> Iterator[tuple[bytes, bytes]]:
    row = next(staged, None)
    for item in committed:
        while row is not None and row[0] < item[0]:
            if row[1] is not None:
                yield row[0], row[1]
            row = next(staged, None)
        if row is None:
            yield item
            yield from committed
            return
        if row[0] != item[0]:
            yield item
    for key, value in chain([row] if row else [], staged):
        if value is not None:
            yield key, value
