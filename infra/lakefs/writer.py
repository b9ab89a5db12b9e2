"""The one writer of the store: jobs that arrive together share one durable transaction."""

import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

from infra.lakefs.errors import StorageFailedError

_BATCH_SECONDS = 0.02

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]


class _Queued(NamedTuple):
    job: Job[Any]
    future: Future[Any]


class _Outcome(NamedTuple):
    future: Future[Any]
    result: Any
    error: Exception | None


class Writer:
    """Runs jobs one by one in its own thread; each is whole, and on disk once answered."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._queue: SimpleQueue[_Queued | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="lakefs-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Job[T]) -> Future[T]:
        """Queue a job; its future ends once the disk has it, or with why it was refused."""
        future: Future[T] = Future()
        self._queue.put(_Queued(job, future))
        return future

    def close(self) -> None:
        """Finish what is queued, then stop."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        db = self._connect()
        while (first := self._queue.get()) is not None:
            outcomes = _batch(db, first, self._next)
            if db.in_transaction:
                # Not even the rollback went through; a new connection recovers from the log.
                db.close()
                db = self._connect()
            for future, result, error in outcomes:
                if error is None:
                    future.set_result(result)
                else:
                    future.set_exception(error)
        db.close()

    def _next(self) -> _Queued | None:
        try:
            queued = self._queue.get_nowait()
        except Empty:
            return None
        if queued is None:
            self._queue.put(None)
        return queued


def _batch(
    db: sqlite3.Connection, first: _Queued, following: Callable[[], _Queued | None]
) -> list[_Outcome]:
    """Run jobs in one transaction until none waits or it has lasted long enough."""
    outcomes: list[_Outcome] = []
    queued: _Queued | None = first
    deadline = time.monotonic() + _BATCH_SECONDS
    try:
        db.execute("BEGIN IMMEDIATE")
        while queued is not None:
            if queued.future.set_running_or_notify_cancel():
                outcomes.append(_Outcome(queued.future, None, None))
                outcomes[-1] = _one(db, queued)
            queued = following() if time.monotonic() < deadline else None
        db.execute("COMMIT")
    except sqlite3.Error as error:
        with suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        failure = StorageFailedError(f"storage refused the write, nothing was kept: {error}")
        return [_Outcome(future, None, failure) for future, _, _ in outcomes]
    return outcomes


def _one(db: sqlite3.Connection, queued: _Queued) -> _Outcome:
    """Run one job; what it refuses is undone without touching the jobs beside it."""
    db.execute("SAVEPOINT job")
    try:
        result = queued.job(db)
    except sqlite3.OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a job raises belongs to its own caller
        db.execute("ROLLBACK TO job")
        db.execute("RELEASE job")
        return _Outcome(queued.future, None, error)
    db.execute("RELEASE job")
    return _Outcome(queued.future, result, None)
