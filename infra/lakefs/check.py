"""Looks whether everything that was acknowledged is still there and what it was."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path

from infra.lakefs import schema
from infra.lakefs.blobs import Blobs
from infra.lakefs.reachable import Walk


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that cannot be read any more.

    Attributes:
        what: "blob", "node" or "database".
        name: Digest, or the database's own words.
        why: What was found.
        used_by: Up to three objects, as repository/path, that need it.
    """

    what: str
    name: str
    why: str
    used_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """How much was looked at, and what is damaged."""

    blobs: int
    bytes: int
    nodes: int
    damaged: tuple[Damage, ...]


def check(root: Path) -> Report:
    """Read every blob and tree node of a folder; a server may be running on it.

    Raises:
        StoreError: The folder holds no store of this version.
    """
    db = schema.open_existing(root)
    db.execute("PRAGMA query_only = ON")
    db.execute("BEGIN")
    try:
        return _check(db, Blobs(root))
    except sqlite3.DatabaseError as error:
        return Report(0, 0, 0, (Damage("database", schema.FILE, str(error)),))
    finally:
        db.close()


def _check(db: sqlite3.Connection, blobs: Blobs) -> Report:
    (words,) = db.execute("PRAGMA quick_check(1)").fetchone()
    database = () if words == "ok" else (Damage("database", schema.FILE, words),)
    sizes: dict[str, int] = dict(db.execute("SELECT sha256, size FROM blob").fetchall())
    wrong = dict(_wrong_blobs(db, blobs))
    walk = Walk(db)
    users: dict[str, list[str]] = {sha256: [] for sha256 in wrong}
    for use in walk.uses():
        if use.sha256 not in sizes:
            wrong.setdefault(use.sha256, "missing from the database")
        if use.sha256 in wrong:
            found = users.setdefault(use.sha256, [])
            found.append(f"{use.repository}/{use.path.decode(errors='replace')}")
    lost = [Damage("blob", name, why, tuple(users[name][:3])) for name, why in wrong.items()]
    nodes = [Damage("node", digest.hex(), why, (name,)) for name, digest, why in walk.damaged]
    return Report(len(sizes), sum(sizes.values()), len(walk.seen), (*database, *nodes, *lost))


def _wrong_blobs(db: sqlite3.Connection, blobs: Blobs) -> Iterator[tuple[str, str]]:
    for digest, inline in db.execute("SELECT sha256, inline FROM blob ORDER BY sha256"):
        found = _digest(blobs.path(digest)) if inline is None else sha256(inline).hexdigest()
        if found is None:
            yield digest, "the file is missing or cannot be read"
        elif found != digest:
            yield digest, f"the bytes have the digest {found}"


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
