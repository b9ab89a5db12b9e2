"""Imports that run in the background, one after the other."""

import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from infra.lakefs import changes, ingest, names
from infra.lakefs.changes import Target
from infra.lakefs.errors import BadRequestError, LakeFSError, NotFoundError
from infra.lakefs.history import Commit, Draft
from infra.lakefs.store import Store

PREFIX, OBJECT = "common_prefix", "object"
_REMEMBERED = 1000


@dataclass(slots=True)
class Import:
    """One import: how far it is, and how it ended."""

    target: Target
    ingested: int = 0
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))
    commit: Commit | None = None
    error: str | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Source:
    """Files to import: one (OBJECT), or all of a folder (PREFIX)."""

    kind: str
    address: str
    destination: str


class Imports:
    """The imports of this process, from folders that the server was allowed."""

    def __init__(self, store: Store, roots: tuple[Path, ...]) -> None:
        self.roots = roots
        self._store = store
        self._known: OrderedDict[str, Import] = OrderedDict()
        self._runner = ThreadPoolExecutor(1, "lakefs-import")
        self._last: Future[None] | None = None

    def start(self, target: Target, sources: list[Source], draft: Draft) -> str:
        """Begin an import; the answer is its id."""
        started, name = Import(target), token_hex(10)
        self._known[name] = started
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        self._last = self._runner.submit(self._run, started, sources, draft)
        return name

    def find(self, name: str, target: Target) -> Import:
        """An import of that branch.

        Raises:
            NotFoundError: There is none of that id.
        """
        found = self._known.get(name)
        if found is None or replace(found.target, force=False) != replace(target, force=False):
            raise NotFoundError("import not found")
        return found

    def any_running(self) -> bool:
        """Whether an import waits or is under way; one thread takes them in their order."""
        return self._last is not None and not self._last.done()

    def close(self) -> None:
        """Stop imports before they commit."""
        for one in self._known.values():
            one.cancelled.set()
        self._runner.shutdown(cancel_futures=True)

    def _run(self, running: Import, sources: list[Source], draft: Draft) -> None:
        try:
            edits: dict[bytes, bytes] = {}
            for source in sources:
                self._collect(running, source, edits)
            prefixes = [one.destination.encode() for one in sources if one.kind == PREFIX]
            running.commit = changes.replace_prefixes(
                self._store, running.target, edits, prefixes, draft
            )
        except LakeFSError as error:
            running.error = error.message
        running.updated = datetime.now(UTC)

    def _collect(self, running: Import, source: Source, edits: dict[bytes, bytes]) -> None:
        path = ingest.allowed(source.address, self.roots)
        found = ingest.files(path) if source.kind == PREFIX else [path]
        for file in found:
            if running.cancelled.is_set():
                raise BadRequestError("import was cancelled")
            relative = file.relative_to(path).as_posix() if source.kind == PREFIX else ""
            key = names.key(source.destination + relative)
            edits[key] = ingest.take(self._store, file).pack()
            running.ingested += 1
            running.updated = datetime.now(UTC)
