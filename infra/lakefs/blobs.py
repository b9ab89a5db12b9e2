"""Object bytes on disk, named by their SHA-256 and synced before anything refers to them."""

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import file_digest, md5, sha256
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from infra.lakefs.errors import GoneError, StorageFailedError

if TYPE_CHECKING:
    from hashlib import _Hash

# Bytes up to this size are kept in the database: no file, one sync.
INLINE_BYTES = 16 * 1024
_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes that were received: `inline` holds them, or a file does."""

    sha256: str
    md5: str
    size: int
    inline: bytes | None


def content_of(data: bytes) -> Content:
    """Small bytes, to be kept in the database."""
    return Content(sha256(data).hexdigest(), _md5(data).hexdigest(), len(data), data)


class Blobs:
    """The folder of blob files."""

    def __init__(self, root: Path) -> None:
        self._root = root / "blobs"
        self._tmp = root / "tmp"
        self._seen: OrderedDict[str, tuple[int, int, int]] = OrderedDict()
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Make the folders, drop what an interrupted upload left."""
        self._tmp.mkdir(exist_ok=True)
        for left in self._tmp.iterdir():
            left.unlink()
        for first in range(256):
            (self._root / f"{first:02x}").mkdir(parents=True, exist_ok=True)
        _sync_folder(self._root)

    def path(self, digest: str) -> Path:
        """Where the file of a blob lies."""
        return self._root / digest[:2] / digest

    def names(self) -> list[str]:
        """The digests of all blob files."""
        return sorted(file.name for file in self._root.glob("??/*"))

    def incoming(self) -> "Incoming":
        """A file to receive bytes into."""
        return Incoming(self, self._tmp / token_hex(16))

    def verified(self, digest: str) -> Path:
        """The file of a blob, after its bytes were found to be what its name says.

        The whole file is hashed when it is first read, and again when its size or time changed.

        Raises:
            GoneError: It is missing or damaged.
        """
        path = self.path(digest)
        try:
            found = _fingerprint(path)
            if self._seen.get(digest) != found:
                with path.open("rb") as file:
                    if file_digest(file, "sha256").hexdigest() != digest:
                        raise GoneError("No data")
                self._remember(digest, found)
        except OSError as error:
            raise GoneError("No data") from error
        return path

    def keep(self, source: Path, digest: str) -> None:
        """Move a synced file to its place; a damaged one that is there already is replaced."""
        path = self.path(digest)
        source.rename(path)
        _sync_folder(path.parent)
        self._remember(digest, _fingerprint(path))

    def _remember(self, digest: str, found: tuple[int, int, int]) -> None:
        with self._lock:
            self._seen[digest] = found
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)


class Incoming:
    """One blob being received; nothing refers to it until `finish` returns."""

    def __init__(self, blobs: Blobs, path: Path) -> None:
        self._blobs = blobs
        self._path = path
        try:
            self._file = path.open("xb", buffering=0)
        except OSError as error:
            raise StorageFailedError(f"storage refused the write: {error.strerror}") from error
        self._sha256 = sha256()
        self._md5 = _md5()
        self._size = 0

    def write(self, data: bytes | bytearray) -> None:
        """Take the next bytes."""
        self._sha256.update(data)
        self._md5.update(data)
        self._size += len(data)
        view = memoryview(data)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            raise StorageFailedError(f"storage refused the write: {error.strerror}") from error

    def finish(self) -> Content:
        """Put the bytes on disk for good."""
        digest = self._sha256.hexdigest()
        try:
            os.fsync(self._file.fileno())
            self._file.close()
            self._blobs.keep(self._path, digest)
        except OSError as error:
            raise StorageFailedError(f"storage refused the write: {error.strerror}") from error
        return Content(digest, self._md5.hexdigest(), self._size, None)

    def discard(self) -> None:
        """Forget what was received, unless it was finished."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def _md5(data: bytes = b"") -> "_Hash":
    return md5(data, usedforsecurity=False)


def _fingerprint(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ino


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
