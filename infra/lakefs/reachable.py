"""Which trees and blobs a store still refers to."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from infra.lakefs.entry import unpack
from infra.lakefs.tree import IDENTITY_BYTES, Node, verified


@dataclass(frozen=True, slots=True)
class Use:
    """A blob, and one object that needs it."""

    sha256: str
    repository: str
    path: bytes


class Walk:
    """Visits every node that a commit needs, each once however many commits share it.

    Attributes:
        seen: Digests of the nodes that are needed.
        damaged: Repository, digest and fault of those that cannot be read.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.seen: set[bytes] = set()
        self.damaged: list[tuple[str, bytes, str]] = []

    def uses(self) -> Iterator[Use]:
        """The blobs of all commits and of all that is staged; a blob may come more than once."""
        yield from self._committed()
        yield from self._staged()

    def _committed(self) -> Iterator[Use]:
        roots = self._db.execute(
            "SELECT DISTINCT repository.name, root FROM commits"
            " JOIN repository ON repository.id = repository"
        )
        for repository, root in roots:
            for node in self._nodes(repository, root):
                for key, value in zip(node.keys, node.values, strict=True):
                    yield from self._use(repository, key, value)

    def _nodes(self, repository: str, root: bytes) -> Iterator[Node]:
        """Leaves under a root that were not visited yet."""
        waiting = [root]
        while waiting:
            digest = waiting.pop()
            if digest in self.seen:
                continue
            self.seen.add(digest)
            node = self._load(digest)
            if node is None:
                self.damaged.append((repository, digest, "missing, or not what its name says"))
            elif node.level:
                waiting += node.values
            else:
                yield node

    def _load(self, digest: bytes) -> Node | None:
        """A node whose content is what its name says, or None."""
        query = "SELECT data FROM node WHERE digest = ?"
        row = self._db.execute(query, (digest,)).fetchone()
        return verified(digest, row[0]) if row else None

    def _staged(self) -> Iterator[Use]:
        rows = self._db.execute(
            "SELECT repository.name, key, value FROM staging"
            " JOIN branch ON branch.area = staging.area AND seq > floor"
            " JOIN repository ON repository.id = repository WHERE value IS NOT NULL"
        )
        for repository, key, value in rows:
            yield from self._use(repository, key, value)

    def _use(self, repository: str, key: bytes, value: bytes) -> Iterator[Use]:
        try:
            entry = unpack(value)
            sound = entry.pack()[:IDENTITY_BYTES] == value[:IDENTITY_BYTES]
        except (ValueError, TypeError, AttributeError):
            sound = False
        if not sound:
            name = key.decode(errors="replace")
            self.damaged.append((repository, value[:IDENTITY_BYTES], f"damaged record of {name}"))
        elif entry.sha256:
            yield Use(entry.sha256, repository, key)
