"""What was read once, kept on disk: objects by digest, listings by commit. Safe to delete."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from assets.ports import StoredObject


def digest_of(content: bytes | Path) -> str:
    """SHA-256 of bytes or of a file, in hex."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Cache:
    """Objects and listings below one folder, shared by processes; nothing in it ever changes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._verified: set[str] = set()

    def find(self, sha256: str) -> Path | None:
        """The file with this digest, verified once a process; a damaged one is thrown away."""
        path = self._object(sha256)
        if not sha256 or not path.exists():
            return None
        if sha256 not in self._verified:
            if digest_of(path) != sha256:
                path.unlink(missing_ok=True)
                return None
            self._verified.add(sha256)
        return path

    def keep(self, fill: Callable[[Path], str]) -> tuple[str, Path]:
        """The digest and place of what `fill` wrote to the path given; it returns the digest."""
        with self._temporary() as temporary:
            sha256 = fill(temporary)
            temporary.chmod(0o444)
            path = _moved(temporary, self._object(sha256))
        self._verified.add(sha256)
        return sha256, path

    def keep_bytes(self, content: bytes, sha256: str) -> None:
        """Remember content whose digest is known, if the disk lets us."""

        def fill(path: Path) -> str:
            path.write_bytes(content)
            return sha256

        with suppress(OSError):
            if self.find(sha256) is None:
                self.keep(fill)

    def listing(self, repository: str, commit: str, prefix: str) -> list[StoredObject] | None:
        """What was listed below a prefix at a commit, if it was."""
        for known in dict.fromkeys((prefix, "")):
            try:
                rows = json.loads(self._listing(repository, commit, known).read_bytes())
            except (FileNotFoundError, ValueError):
                continue
            return [StoredObject(*row) for row in rows if row[0].startswith(prefix)]
        return None

    def keep_listing(
        self, repository: str, commit: str, prefix: str, objects: Sequence[StoredObject]
    ) -> None:
        """Remember a listing if the disk lets us; a commit never changes, so neither does it."""
        rows = [(one.path, one.sha256, one.size) for one in objects]
        with suppress(OSError), self._temporary() as temporary:
            temporary.write_text(json.dumps(rows), encoding="utf-8")
            _moved(temporary, self._listing(repository, commit, prefix))

    def _object(self, sha256: str) -> Path:
        return self.root / "objects" / sha256[:2] / sha256[2:]

    def _listing(self, repository: str, commit: str, prefix: str) -> Path:
        name = hashlib.sha256(prefix.encode()).hexdigest()[:32]
        return self.root / "listings" / repository / commit / f"{name}.json"

    @contextmanager
    def _temporary(self) -> Iterator[Path]:
        path = self.root / "tmp" / uuid4().hex
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


def _moved(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return source.replace(target)
