"""The one SQLite file: its tables, its version, and how it is opened."""

import sqlite3
from pathlib import Path

from infra.lakefs.errors import StoreError
from infra.lakefs.tree import EMPTY, EMPTY_ROOT

VERSION = 1
FILE = "lakefs.sqlite"
# What the write-ahead log may keep of the disk after a large commit.
_LOG_BYTES = 64 << 20

_TABLES = """
CREATE TABLE repository (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, namespace TEXT NOT NULL,
    default_branch TEXT NOT NULL, created INTEGER NOT NULL, read_only INTEGER NOT NULL,
    protection TEXT NOT NULL DEFAULT '[]'
);
-- Names of storage are taken for good, as on a real server; gc frees those of deleted repositories.
CREATE TABLE namespace (address TEXT PRIMARY KEY) WITHOUT ROWID;
-- Staged rows up to `floor` are dead: a commit or reset moved past them, and they wait for removal.
CREATE TABLE branch (
    repository INTEGER NOT NULL, name TEXT NOT NULL, head TEXT NOT NULL, area INTEGER NOT NULL,
    floor INTEGER NOT NULL, hidden INTEGER NOT NULL, PRIMARY KEY (repository, name)
) WITHOUT ROWID;
CREATE TABLE tag (
    repository INTEGER NOT NULL, name TEXT NOT NULL, head TEXT NOT NULL,
    PRIMARY KEY (repository, name)
) WITHOUT ROWID;
CREATE TABLE commits (
    repository INTEGER NOT NULL, id TEXT NOT NULL, parents TEXT NOT NULL, root BLOB NOT NULL,
    generation INTEGER NOT NULL, committer TEXT NOT NULL, message TEXT NOT NULL,
    metadata TEXT NOT NULL, created_ns INTEGER NOT NULL, PRIMARY KEY (repository, id)
);
-- value NULL is a tombstone.
CREATE TABLE staging (
    area INTEGER NOT NULL, key BLOB NOT NULL, seq INTEGER NOT NULL, value BLOB,
    PRIMARY KEY (area, key)
) WITHOUT ROWID;
CREATE TABLE node (digest BLOB PRIMARY KEY, data BLOB NOT NULL);
-- inline NULL: the bytes are in a file.
CREATE TABLE blob (
    sha256 TEXT PRIMARY KEY, size INTEGER NOT NULL, inline BLOB, created INTEGER NOT NULL
);
CREATE TABLE upload (
    address TEXT PRIMARY KEY, sha256 TEXT NOT NULL, size INTEGER NOT NULL, created INTEGER NOT NULL
) WITHOUT ROWID;
"""


def connect(root: Path) -> sqlite3.Connection:
    """A connection to the store of a folder, transactions under the caller's control.

    Raises:
        StoreError: The file is no database.
    """
    db = sqlite3.connect(root / FILE, isolation_level=None, check_same_thread=False, timeout=30)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA cache_size = -16000")
        db.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"{root / FILE} cannot be opened: {error}. Restore the folder from a copy."
        ) from error
    return db


def open_existing(root: Path) -> sqlite3.Connection:
    """A connection to a store that must be there.

    Raises:
        StoreError: It is not, or a newer version made it.
    """
    if not (root / FILE).is_file():
        raise StoreError(f"{root} holds no lakeFS store: {FILE} is missing")
    db = connect(root)
    prepare(db, root)
    return db


def prepare(db: sqlite3.Connection, root: Path) -> None:
    """Make the tables of a new store; refuse one that a newer version made."""
    (found,) = db.execute("PRAGMA user_version").fetchone()
    if found > VERSION:
        raise StoreError(
            f"{root} holds a store of schema version {found}; this program knows versions up to"
            f" {VERSION}. Use the newer program that made it."
        )
    if found == VERSION:
        return
    db.executescript(f"BEGIN IMMEDIATE; {_TABLES}")
    db.execute("INSERT INTO node VALUES (?, ?)", (EMPTY_ROOT, EMPTY.encode()))
    db.execute(f"PRAGMA user_version = {VERSION}")
    db.execute("COMMIT")
