"""Removes what nothing refers to any more; for a folder that no server serves meanwhile."""

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from infra.lakefs import schema
from infra.lakefs.blobs import Blobs
from infra.lakefs.errors import StoreError
from infra.lakefs.lock import FolderLock
from infra.lakefs.reachable import Walk
from infra.lakefs.tree import EMPTY_ROOT

# Bytes that were uploaded to a link address may be linked this long.
_KEEP_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Collected:
    """What was removed, or would be."""

    nodes: int
    blobs: int
    bytes: int


def collect(root: Path, *, dry_run: bool = False) -> Collected:
    """Remove tree nodes, blobs and names that no commit, branch or recent upload needs.

    Raises:
        StoreError: A server has the folder, or it is no store of this version.
    """
    db = schema.open_existing(root)
    lock = FolderLock(root)
    try:
        return _collect(db, Blobs(root), dry_run=dry_run)
    finally:
        db.close()
        lock.release()


def _collect(db: sqlite3.Connection, blobs: Blobs, *, dry_run: bool) -> Collected:
    walk = Walk(db)
    needed = {use.sha256 for use in walk.uses()}
    if walk.damaged:
        raise StoreError(
            f"{len(walk.damaged)} tree nodes are damaged: what they refer to cannot be told from"
            " what nothing refers to. Nothing was removed; `check` names the damage."
        )
    recent = int(time.time()) - _KEEP_SECONDS
    needed |= {sha for (sha,) in db.execute("SELECT sha256 FROM blob WHERE created > ?", (recent,))}
    db.execute("BEGIN IMMEDIATE")
    nodes = _drop_nodes(db, walk.seen | {EMPTY_ROOT})
    dropped = _drop_blobs(db, needed)
    db.execute("DELETE FROM upload WHERE created <= ?", (recent,))
    db.execute("DELETE FROM namespace WHERE address NOT IN (SELECT namespace FROM repository)")
    db.execute("ROLLBACK" if dry_run else "COMMIT")
    lying = _unrecorded(db, blobs, recent, dropped)
    if not dry_run:
        # Files go last: a blob without its record is found by the next run, the reverse is a loss.
        for sha256 in [*dropped, *lying]:
            blobs.path(sha256).unlink(missing_ok=True)
    return Collected(nodes, len(dropped) + len(lying), sum(dropped.values()) + sum(lying.values()))


def _drop_nodes(db: sqlite3.Connection, needed: set[bytes]) -> int:
    every = (digest for (digest,) in db.execute("SELECT digest FROM node").fetchall())
    gone = [(digest,) for digest in every if digest not in needed]
    db.executemany("DELETE FROM node WHERE digest = ?", gone)
    return len(gone)


def _drop_blobs(db: sqlite3.Connection, needed: set[str]) -> dict[str, int]:
    """The sizes of the blobs whose records were removed, by digest."""
    every = db.execute("SELECT sha256, size FROM blob").fetchall()
    gone = {sha256: size for sha256, size in every if sha256 not in needed}
    db.executemany("DELETE FROM blob WHERE sha256 = ?", ((sha256,) for sha256 in gone))
    return gone


def _unrecorded(
    db: sqlite3.Connection, blobs: Blobs, recent: int, dropped: dict[str, int]
) -> dict[str, int]:
    """Sizes of older files that no record is about: uploads cut off before they were answered."""
    known = {sha256 for (sha256,) in db.execute("SELECT sha256 FROM blob WHERE inline IS NULL")}
    known |= dropped.keys()
    found = {name: blobs.path(name).stat() for name in blobs.names() if name not in known}
    return {name: stat.st_size for name, stat in found.items() if stat.st_mtime <= recent}
