"""One folder of the embedded server: the database, the blobs, and who may touch which."""

import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeVar

from infra.lakefs import schema
from infra.lakefs.blobs import Blobs
from infra.lakefs.errors import DamagedError
from infra.lakefs.tree import Node, verified
from infra.lakefs.writer import Job, Writer

_NODES_CACHED = 8192
_NODES_PER_WRITE = 512
_ROWS_PER_SWEEP = 2000

T = TypeVar("T")


class Store:
    """Reads go through a connection per thread, writes through the one writer.

    Attributes:
        blobs: The blob files.
        load: The tree's nodes by digest.
    """

    def __init__(self, root: Path) -> None:
        """Open a folder that the caller holds the lock of (see `lock.py`)."""
        self._root = root
        self._local = threading.local()
        self.blobs = Blobs(root)
        self.blobs.prepare()
        schema.prepare(self._db, root)
        self.load: Callable[[bytes], Node] = lru_cache(_NODES_CACHED)(self._load)
        self._branch_locks: dict[tuple[str, str], threading.Lock] = {}
        self._sequence = itertools.count(self._last_sequence() + 1)
        self._writer = Writer(self._open)
        self._sweeper = ThreadPoolExecutor(1, "lakefs-sweeper")
        self.write(_sweep_leftovers)

    def close(self) -> None:
        """Finish what is queued and let go of the database."""
        self._sweeper.shutdown(cancel_futures=True)
        self._writer.close()
        self._db.close()

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A snapshot of the database."""
        db = self._db
        db.execute("BEGIN")
        try:
            yield db
        finally:
            db.execute("ROLLBACK")

    def submit(self, job: Job[T]) -> Future[T]:
        """Run a job in the writer; see `Writer.submit`."""
        return self._writer.submit(job)

    def write(self, job: Job[T]) -> T:
        """Run a job in the writer and wait until the disk has it."""
        return self._writer.submit(job).result()

    def branch_lock(self, repository: str, branch: str) -> threading.Lock:
        """Held by whoever moves a branch's head; uploads do not take it."""
        return self._branch_locks.setdefault((repository, branch), threading.Lock())

    def next_sequence(self) -> int:
        """The place of the next staged row; called in the writer only."""
        return next(self._sequence)

    def save_nodes(self, nodes: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        """Save most of many nodes ahead, in steps that let uploads pass; the rest comes back."""
        rest = iter(nodes.items())
        while len(part := dict(itertools.islice(rest, _NODES_PER_WRITE))) == _NODES_PER_WRITE:
            self.write(partial(insert_nodes, nodes=part))
        return part

    def sweep(self, area: int, keys: list[bytes], floor: int) -> None:
        """Remove dead rows of a staging area in the background, in steps that let uploads pass."""
        for at in range(0, len(keys), _ROWS_PER_SWEEP):
            part = keys[at : at + _ROWS_PER_SWEEP]
            job = partial(drop_rows, area=area, keys=part, floor=floor)
            self._sweeper.submit(self.write, job)

    def _load(self, digest: bytes) -> Node:
        row = self._db.execute("SELECT data FROM node WHERE digest = ?", (digest,)).fetchone()
        node = verified(digest, row[0]) if row else None
        if node is None:
            raise DamagedError(f"tree node {digest.hex()} is missing or damaged")
        return node

    @property
    def _db(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        return self._open() if db is None else db

    def _open(self) -> sqlite3.Connection:
        """A new connection, which is this thread's from then on."""
        db: sqlite3.Connection = schema.connect(self._root)
        self._local.db = db
        return db

    def _last_sequence(self) -> int:
        query = (
            "SELECT max((SELECT ifnull(max(seq), 0) FROM staging),"
            " ifnull(max(floor), 0), ifnull(max(area), 0)) FROM branch"
        )
        (last,) = self._db.execute(query).fetchone()
        return int(last)


def insert_nodes(db: sqlite3.Connection, nodes: Mapping[bytes, bytes]) -> None:
    """Keep nodes; one that is there already stays as it is."""
    db.executemany("INSERT OR IGNORE INTO node VALUES (?, ?)", nodes.items())


def drop_rows(db: sqlite3.Connection, area: int, keys: list[bytes], floor: int) -> None:
    """Remove those of these rows that a commit or reset has left behind."""
    query = "DELETE FROM staging WHERE area = ? AND key = ? AND seq <= ?"
    db.executemany(query, ((area, key, floor) for key in keys))


def _sweep_leftovers(db: sqlite3.Connection) -> None:
    db.execute(
        "DELETE FROM staging WHERE NOT EXISTS"
        " (SELECT 1 FROM branch WHERE branch.area = staging.area AND floor < seq)"
    )
